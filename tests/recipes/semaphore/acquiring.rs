//! Who gets permits, and how many.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use zk_client::{Acl, ErrorCode};
use zk_recipes::{Parents, RecipeError, Released, Semaphore};
use zk_test_kit::TestServer;

use super::{PATH, acquiring, nodes, semaphore, until_nodes, waits};

zk_test_kit::cases![
    so_many_are_held_and_the_next_one_times_out,
    permits_are_never_exceeded_and_all_of_them_are_used,
    all_that_are_asked_for_are_taken_at_once_or_none,
    two_who_want_all_permits_do_not_wait_for_each_other,
    who_wants_many_is_not_overtaken,
    trying_never_waits_and_leaves_nothing,
    what_can_never_be_had_is_refused,
    permits_are_counted_and_so_are_those_that_are_left,
    leases_are_named_as_curator_names_them_and_counted_as_it_does,
    leases_carry_data_and_acl,
    parents_can_be_required,
];

async fn so_many_are_held_and_the_next_one_times_out(server: &TestServer) {
    let client = server.client().await;
    let semaphore = semaphore(&client, 4);
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(semaphore.acquire(1).await.unwrap());
    }
    let limit = Duration::from_millis(300);
    let refused = semaphore.acquire_timeout(1, limit).await;
    assert_eq!(refused.unwrap_err(), RecipeError::Timeout);
    until_nodes(&client, 4, 0).await;
    assert_eq!(held.remove(2).release().await.unwrap(), Released::Now);
    let again = semaphore.acquire_timeout(1, Duration::from_secs(10)).await.unwrap();
    assert_eq!(again.count(), 1);
    assert!(held.iter().all(|other| other.token() < again.token()));
}

/// Released one by one and many at a time.
async fn permits_are_never_exceeded_and_all_of_them_are_used(server: &TestServer) {
    const PERMITS: usize = 5;
    let inside = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let mut contenders = JoinSet::new();
    for number in 0..10_u32 {
        let client = server.client().await;
        let (inside, most) = (Arc::clone(&inside), Arc::clone(&most));
        contenders.spawn(async move {
            let semaphore = semaphore(&client, 5);
            for round in 0..4 {
                let count = (number + round) % 3 + 1;
                let permits = semaphore.acquire(count).await.unwrap();
                let count = usize::try_from(count).unwrap();
                let now = inside.fetch_add(count, Ordering::SeqCst) + count;
                assert!(now <= PERMITS, "{now} permits");
                most.fetch_max(now, Ordering::SeqCst);
                sleep(Duration::from_millis(20)).await;
                inside.fetch_sub(count, Ordering::SeqCst);
                if round % 2 == 0 {
                    permits.release().await.unwrap();
                }
            }
        });
    }
    contenders.join_all().await;
    assert_eq!(most.load(Ordering::SeqCst), PERMITS);
    until_nodes(&server.client().await, 0, 0).await;
}

async fn all_that_are_asked_for_are_taken_at_once_or_none(server: &TestServer) {
    let (one, two) = (server.client().await, server.client().await);
    let (first, second) = (semaphore(&one, 5), semaphore(&two, 5));
    let held = first.acquire(3).await.unwrap();
    let mut waiter = acquiring(&second, 3);
    until_nodes(&one, 3, 1).await;
    waits(&mut waiter).await;
    assert_eq!(nodes(&one).await, (3, 1));
    let tokens = first.participants().await.unwrap();
    assert!(tokens.iter().all(|lease| lease.token == held.token()), "of one transaction");
    held.release().await.unwrap();
    let taken = waiter.await.unwrap().unwrap();
    assert_eq!((taken.count(), taken.paths().len()), (3, 3));
    assert_eq!(nodes(&one).await, (3, 0));
    taken.release().await.unwrap();
    assert_eq!(nodes(&one).await, (0, 0));
}

async fn two_who_want_all_permits_do_not_wait_for_each_other(server: &TestServer) {
    let (one, two) = (server.client().await, server.client().await);
    for _ in 0..10 {
        let (one, two) = (semaphore(&one, 3), semaphore(&two, 3));
        let take = async |semaphore: Semaphore| {
            let permits = semaphore.acquire_timeout(3, Duration::from_secs(10)).await.unwrap();
            permits.release().await.unwrap();
        };
        tokio::join!(take(one), take(two));
    }
}

async fn who_wants_many_is_not_overtaken(server: &TestServer) {
    let (one, two, three) = (server.client().await, server.client().await, server.client().await);
    let held = semaphore(&one, 3).acquire(1).await.unwrap();
    let mut many = acquiring(&semaphore(&two, 3), 3);
    until_nodes(&one, 1, 1).await;
    let mut few = acquiring(&semaphore(&three, 3), 1);
    until_nodes(&one, 1, 2).await;
    waits(&mut few).await;
    waits(&mut many).await;
    held.release().await.unwrap();
    let all = many.await.unwrap().unwrap();
    waits(&mut few).await;
    all.release().await.unwrap();
    few.await.unwrap().unwrap().release().await.unwrap();
}

async fn trying_never_waits_and_leaves_nothing(server: &TestServer) {
    let (one, two) = (server.client().await, server.client().await);
    let held = semaphore(&one, 3).try_acquire(2).await.unwrap();
    for _ in 0..3 {
        let refused = semaphore(&two, 3).try_acquire(2).await;
        assert_eq!(refused.unwrap_err(), RecipeError::Contended);
    }
    assert_eq!(nodes(&one).await, (2, 0));
    let last = semaphore(&two, 3).try_acquire(1).await.unwrap();
    last.release().await.unwrap();
    // One is free, but somebody waits for two.
    let waiter = acquiring(&semaphore(&one, 3), 2);
    until_nodes(&one, 2, 1).await;
    let refused = semaphore(&two, 3).try_acquire(1).await;
    assert_eq!(refused.unwrap_err(), RecipeError::Contended);
    held.release().await.unwrap();
    drop(waiter.await.unwrap().unwrap());
}

async fn what_can_never_be_had_is_refused(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let before = network.counts().requests;
    for count in [0, 4] {
        let refused = [
            semaphore(&client, 3).acquire(count).await.unwrap_err(),
            semaphore(&client, 3).try_acquire(count).await.unwrap_err(),
            semaphore(&client, 3).set_permits(count).await.unwrap_err(),
        ];
        for error in refused {
            assert!(matches!(error, RecipeError::BadArguments { .. }), "{error:?}");
        }
    }
    assert_eq!(network.counts().requests, before);
    assert!(Semaphore::new(&client, "no-slash").is_err());
}

async fn permits_are_counted_and_so_are_those_that_are_left(server: &TestServer) {
    let client = server.client().await;
    let semaphore = semaphore(&client, 10);
    assert_eq!(semaphore.available().await.unwrap(), 10);
    assert_eq!(semaphore.participants().await.unwrap(), []);
    let mut held = Vec::new();
    for count in [1, 2, 4] {
        held.push(semaphore.acquire(count).await.unwrap());
    }
    assert_eq!(semaphore.available().await.unwrap(), 3);
    let leases: Vec<_> =
        semaphore.participants().await.unwrap().into_iter().map(|lease| lease.path).collect();
    assert_eq!(leases, held.iter().flat_map(|permits| permits.paths()).collect::<Vec<_>>());
    assert_eq!(semaphore.clone().permits(5).available().await.unwrap(), 0);
}

async fn leases_are_named_as_curator_names_them_and_counted_as_it_does(server: &TestServer) {
    let client = server.client().await;
    let semaphore = semaphore(&client, 3);
    let permits = semaphore.acquire(2).await.unwrap();
    let leases = format!("{PATH}/leases");
    for (number, path) in permits.paths().iter().enumerate() {
        let name = path.strip_prefix(&format!("{leases}/_c_")).unwrap();
        assert_eq!(name.split_at(36).1, format!("-lease-{number:010}"));
        let stat = client.exists(path).await.unwrap().unwrap();
        assert_eq!(stat.ephemeral_owner, client.session_id());
        assert_eq!(stat.czxid.0.cast_unsigned(), permits.token().get());
    }
    // Curator counts the children, whatever they are called.
    client.create(&format!("{leases}/_c_1-lease-7"), "").await.unwrap();
    assert_eq!(semaphore.available().await.unwrap(), 0);
    assert_eq!(semaphore.try_acquire(1).await.unwrap_err(), RecipeError::Contended);
    assert_eq!(semaphore.participants().await.unwrap().len(), 2);
}

async fn leases_carry_data_and_acl(server: &TestServer) {
    let (one, two, other) = (server.client().await, server.client().await, server.client().await);
    for client in [&one, &two] {
        client.add_auth("digest", "us:secret").await.unwrap();
    }
    let ours = |client| semaphore(client, 1).acl(Acl::creator_all()).data("me");
    let held = ours(&one).acquire(1).await.unwrap();
    assert_eq!(ours(&two).participants().await.unwrap()[0].data, "me");
    let refused = other.get(&held.paths()[0]).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::NoAuth));
    let mut waiter = acquiring(&ours(&two), 1);
    waits(&mut waiter).await;
    held.verify().await.unwrap();
    held.release().await.unwrap();
    waiter.await.unwrap().unwrap().release().await.unwrap();
}

async fn parents_can_be_required(server: &TestServer) {
    let client = server.client().await;
    let semaphore = semaphore(&client, 1).parents(Parents::Required);
    let is_missing = async || {
        let refused = semaphore.acquire(1).await.unwrap_err();
        let RecipeError::Client(error) = refused else { panic!("{refused:?}") };
        assert_eq!(error.code(), Some(ErrorCode::NoNode));
    };
    is_missing().await;
    client.create(&format!("{PATH}/locks"), "").with_parents().await.unwrap();
    is_missing().await;
    until_nodes(&client, 0, 0).await;
    client.create(&format!("{PATH}/leases"), "").await.unwrap();
    semaphore.acquire(1).await.unwrap().release().await.unwrap();
}
