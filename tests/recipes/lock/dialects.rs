//! Names of other libraries, and who counts as a contender.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use zk_client::{Client, CreateMode, ErrorCode};
use zk_recipes::{Dialect, Lock, Parents, RecipeError};
use zk_test_kit::TestServer;

use super::{PATH, lock};

zk_test_kit::cases![
    kazoos_names_and_order_are_kept,
    contenders_of_another_dialect_are_not_counted_unless_they_are_respected,
    a_respected_contender_is_waited_for,
    contenders_tell_who_they_are_in_their_order,
    the_holder_is_the_first_contender,
    a_lock_below_a_chroot_is_the_one_at_the_whole_path,
    a_deep_path_is_made_up_to_what_is_there,
    containers_go_with_their_last_user_and_kazoos_parents_stay,
    parents_that_are_required_are_asked_for;
];

fn kazoos(client: &Client) -> Lock {
    lock(client).dialect(Dialect::Kazoo)
}

async fn kazoos_names_and_order_are_kept(server: &TestServer) {
    let client = server.client().await;
    let mut waiting = Vec::new();
    for number in 0..4 {
        let place = kazoos(&client).data(format!("id-{number}")).enqueue().await.unwrap();
        let (_, name) =
            place.path().rsplit_once('/').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let (hex, sequence) = name.split_once("__lock__").unwrap();
        assert!(hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
        assert_eq!(hex, hex.to_lowercase());
        assert_eq!(sequence, format!("{number:010}"));
        waiting.push(place);
    }
    let contenders = kazoos(&client).contenders().await.unwrap();
    let ids: Vec<_> = contenders.iter().map(|contender| contender.data.clone()).collect();
    assert_eq!(ids, ["id-0", "id-1", "id-2", "id-3"]);
    for (place, contender) in waiting.into_iter().zip(contenders) {
        let guard = place.acquire().await.unwrap();
        assert_eq!(guard.path(), contender.path);
        guard.release().await.unwrap();
    }
}

async fn contenders_of_another_dialect_are_not_counted_unless_they_are_respected(
    server: &TestServer,
) {
    let client = server.client().await;
    let curators = lock(&client).acquire().await.unwrap();
    assert_eq!(kazoos(&client).contenders().await.unwrap(), []);
    let limit = Duration::from_secs(10);
    let guard = kazoos(&client).acquire_timeout(limit).await.unwrap();
    guard.release().await.unwrap();
    let respectful = kazoos(&client).respect("-lock-");
    assert_eq!(respectful.contenders().await.unwrap().len(), 1);
    assert_eq!(respectful.try_acquire().await.unwrap_err(), RecipeError::Contended);
    curators.release().await.unwrap();
    respectful.try_acquire().await.unwrap().release().await.unwrap();
}

async fn a_respected_contender_is_waited_for(server: &TestServer) {
    let (foreign, client) = (server.client().await, server.client().await);
    foreign.create(PATH, "").with_parents().await.unwrap();
    // As go-zookeeper names it.
    let node = format!("{PATH}/_c_0123456789abcdef0123456789abcdef-lock-");
    let node = foreign.create(&node, "").mode(CreateMode::EphemeralSequential).await.unwrap();
    let respectful = kazoos(&client).respect("-lock-");
    let mut waiter = tokio::spawn(async move { respectful.acquire().await });
    assert!(timeout(Duration::from_millis(100), &mut waiter).await.is_err());
    foreign.delete(&node.path).await.unwrap();
    waiter.await.unwrap().unwrap().release().await.unwrap();
    // With Curator's names it is one of us anyway.
    let node = format!("{PATH}/_c_fedcba9876543210fedcba9876543210-lock-");
    let node = foreign.create(&node, "").mode(CreateMode::EphemeralSequential).await.unwrap();
    assert_eq!(lock(&client).try_acquire().await.unwrap_err(), RecipeError::Contended);
    foreign.delete(&node.path).await.unwrap();
}

async fn contenders_tell_who_they_are_in_their_order(server: &TestServer) {
    let (ada, bob, eve) = (server.client().await, server.client().await, server.client().await);
    assert_eq!(lock(&eve).contenders().await.unwrap(), []);
    let held = lock(&ada).data("ada").acquire().await.unwrap();
    let waiting = lock(&bob).data("bob").enqueue().await.unwrap();
    assert_eq!(waiting.position().await.unwrap(), 1);
    let contenders = lock(&eve).contenders().await.unwrap();
    let told: Vec<_> = contenders
        .iter()
        .map(|one| (one.path.clone(), one.data.clone(), one.session, one.token, one.sequence))
        .collect();
    let expected = [
        (held.path(), "ada".into(), ada.session_id(), held.token(), 0),
        (waiting.path(), "bob".into(), bob.session_id(), waiting.token(), 1),
    ];
    assert_eq!(told, expected);
    assert!(!format!("{contenders:?}").contains("ada"), "data is shown");
    held.release().await.unwrap();
    assert_eq!(lock(&eve).contenders().await.unwrap(), contenders[1..]);
    waiting.acquire().await.unwrap().release().await.unwrap();
}

async fn the_holder_is_the_first_contender(server: &TestServer) {
    let (ada, eve) = (server.client().await, server.client().await);
    let held = lock(&ada).acquire().await.unwrap();
    let waiting = lock(&eve).enqueue().await.unwrap();
    let holder = async || lock(&eve).holder().await.unwrap().map(|holder| holder.path);
    assert_eq!(holder().await, Some(held.path()));
    held.release().await.unwrap();
    assert_eq!(holder().await, Some(waiting.path()));
    waiting.acquire().await.unwrap().release().await.unwrap();
    assert_eq!(holder().await, None);
}

async fn a_lock_below_a_chroot_is_the_one_at_the_whole_path(server: &TestServer) {
    let (whole, other) = (server.client().await, server.client().await);
    let below = other.chroot("/app/jobs").unwrap();
    let inside = Lock::new(&below, "/locks/a").unwrap();
    let guard = inside.acquire().await.unwrap();
    assert!(guard.path().starts_with("/locks/a/"), "{}", guard.path());
    let outside = Lock::new(&whole, "/app/jobs/locks/a").unwrap();
    assert_eq!(outside.try_acquire().await.unwrap_err(), RecipeError::Contended);
    let waiter = {
        let outside = outside.clone();
        tokio::spawn(async move { outside.acquire().await })
    };
    while inside.contenders().await.unwrap().len() != 2 {
        sleep(Duration::from_millis(10)).await;
    }
    drop(guard);
    waiter.await.unwrap().unwrap().release().await.unwrap();
    assert_eq!(outside.contenders().await.unwrap(), []);
}

async fn a_deep_path_is_made_up_to_what_is_there(server: &TestServer) {
    let client = server.client().await;
    client.create("/deep", "mine").await.unwrap();
    let lock = Lock::new(&client, "/deep/a/b/c/d/e/f").unwrap();
    let guard = lock.acquire().await.unwrap();
    assert_eq!(lock.contenders().await.unwrap().len(), 1);
    guard.release().await.unwrap();
    assert_eq!(client.get("/deep").await.unwrap().0, "mine");
    let root = Lock::new(&client, "/").unwrap();
    root.acquire().await.unwrap().release().await.unwrap();
}

async fn containers_go_with_their_last_user_and_kazoos_parents_stay(server: &TestServer) {
    let client = server.client().await;
    let (gone, stays) = ("/users/gone/a", "/users/stays/a");
    let curators = Lock::new(&client, gone).unwrap();
    let kazoos = Lock::new(&client, stays).unwrap().dialect(Dialect::Kazoo);
    for _ in 0..10 {
        curators.acquire().await.unwrap().release().await.unwrap();
        kazoos.acquire().await.unwrap().release().await.unwrap();
    }
    client.wait_until_absent(gone).await.unwrap();
    client.wait_until_absent("/users/gone").await.unwrap();
    assert!(client.exists(stays).await.unwrap().is_some());
    // It is made anew when it is used again.
    curators.acquire().await.unwrap().release().await.unwrap();
}

async fn parents_that_are_required_are_asked_for(server: &TestServer) {
    let client = server.client().await;
    for dialect in [Dialect::Curator, Dialect::Kazoo] {
        let strict = lock(&client).dialect(dialect).parents(Parents::Required);
        for refused in [strict.acquire().await, strict.try_acquire().await] {
            let RecipeError::Client(refused) = refused.unwrap_err() else { panic!("no refusal") };
            assert_eq!(refused.code(), Some(ErrorCode::NoNode));
        }
    }
    assert_eq!(client.exists("/locks").await.unwrap(), None);
    client.create(PATH, "").with_parents().await.unwrap();
    let strict = lock(&client).parents(Parents::Required);
    strict.acquire().await.unwrap().release().await.unwrap();
}
