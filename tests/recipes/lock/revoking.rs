//! Holders that are asked for the lock, and those it is taken from.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use zk_client::Version;
use zk_recipes::{Janitor, Lock, LostReason, RecipeError, Released};
use zk_test_kit::TestServer;
use zk_test_kit::network::Moment;

use super::{acquiring, lock, until_nodes};

zk_test_kit::cases![
    a_holder_that_is_asked_gives_way,
    a_request_from_before_the_holder_listens_is_heard,
    other_data_is_no_request,
    a_request_is_what_curator_writes,
    a_wait_for_a_request_ends_with_the_lock,
    a_contender_that_has_gone_cannot_be_asked,
    a_contender_of_another_lock_is_refused,
    a_holder_that_does_not_give_way_loses_the_lock,
    force_does_not_hit_the_next_holder,
    a_holder_that_gives_way_in_time_has_nothing_taken_away,
    a_waiter_can_be_revoked,
    a_request_whose_connection_breaks_is_made_all_the_same;
    on embedded: [listening_for_requests_leaves_no_watch];
];

async fn a_holder_that_is_asked_gives_way(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let guard = lock(&client).acquire().await.unwrap();
    let asked = tokio::spawn(guard.revoke_requested());
    let waiter = acquiring(&other);
    until_nodes(&other, 2).await;
    assert!(!asked.is_finished());
    let holder = lock(&other).holder().await.unwrap().unwrap();
    assert!(lock(&other).request_revoke(&holder).await.unwrap());
    asked.await.unwrap().unwrap();
    // It is still the holder's, until it lets go.
    guard.verify().await.unwrap();
    assert!(!waiter.is_finished());
    assert_eq!(guard.release().await.unwrap(), Released::Now);
    waiter.await.unwrap().unwrap().release().await.unwrap();
}

async fn a_request_from_before_the_holder_listens_is_heard(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let guard = lock(&client).data("ada").acquire().await.unwrap();
    let holder = lock(&other).holder().await.unwrap().unwrap();
    assert!(lock(&other).request_revoke(&holder).await.unwrap());
    for _ in 0..2 {
        timeout(Duration::from_secs(10), guard.revoke_requested()).await.unwrap().unwrap();
    }
    guard.release().await.unwrap();
}

async fn other_data_is_no_request(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let guard = lock(&client).acquire().await.unwrap();
    let mut asked = tokio::spawn(guard.revoke_requested());
    for data in ["", "__REVOKE", "__REVOKE__ "] {
        other.set(&guard.path(), data).await.unwrap();
        assert!(timeout(Duration::from_millis(100), &mut asked).await.is_err(), "{data:?}");
    }
    guard.verify().await.unwrap();
    other.set(&guard.path(), "__REVOKE__").await.unwrap();
    asked.await.unwrap().unwrap();
    guard.release().await.unwrap();
}

async fn a_request_is_what_curator_writes(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let guard = lock(&client).acquire().await.unwrap();
    let holder = lock(&other).holder().await.unwrap().unwrap();
    lock(&other).request_revoke(&holder).await.unwrap();
    assert_eq!(other.get(&guard.path()).await.unwrap().0, "__REVOKE__");
    guard.release().await.unwrap();
}

async fn a_wait_for_a_request_ends_with_the_lock(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let guard = lock(&client).acquire().await.unwrap();
    let asked = tokio::spawn(guard.revoke_requested());
    other.delete(&guard.path()).await.unwrap();
    let lost = RecipeError::Lost(LostReason::NodeDeleted);
    assert_eq!(asked.await.unwrap().unwrap_err(), lost);
    assert_eq!(guard.revoke_requested().await.unwrap_err(), lost);
    drop(guard);
    let guard = lock(&client).acquire().await.unwrap();
    let asked = tokio::spawn(guard.revoke_requested());
    sleep(Duration::from_millis(50)).await;
    guard.release().await.unwrap();
    let released = asked.await.unwrap().unwrap_err();
    assert_eq!(released, RecipeError::Lost(LostReason::Released));
}

async fn a_contender_that_has_gone_cannot_be_asked(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let guard = lock(&client).acquire().await.unwrap();
    let holder = lock(&other).holder().await.unwrap().unwrap();
    guard.release().await.unwrap();
    assert!(!lock(&other).request_revoke(&holder).await.unwrap());
    let begun = Instant::now();
    assert!(!lock(&other).force_revoke(&holder, Duration::from_secs(30)).await.unwrap());
    assert!(begun.elapsed() < Duration::from_secs(20));
}

async fn a_contender_of_another_lock_is_refused(server: &TestServer) {
    let client = server.client().await;
    let guard = lock(&client).acquire().await.unwrap();
    let holder = lock(&client).holder().await.unwrap().unwrap();
    let elsewhere = Lock::new(&client, "/locks").unwrap();
    for refused in [
        elsewhere.request_revoke(&holder).await,
        elsewhere.force_revoke(&holder, Duration::ZERO).await,
    ] {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, RecipeError::BadArguments { .. }), "{refused:?}");
    }
    assert_eq!(client.get(&guard.path()).await.unwrap().0, "");
    guard.release().await.unwrap();
}

async fn a_holder_that_does_not_give_way_loses_the_lock(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    other.create("/store", "old").await.unwrap();
    let guard = lock(&client).acquire().await.unwrap();
    let waiter = acquiring(&other);
    until_nodes(&other, 2).await;
    let holder = lock(&other).holder().await.unwrap().unwrap();
    let after = Duration::from_millis(300);
    let begun = Instant::now();
    assert!(lock(&other).force_revoke(&holder, after).await.unwrap());
    assert!(begun.elapsed() >= after, "it had no time");
    assert_eq!(guard.lost().await, LostReason::NodeDeleted);
    let late = guard.multi().set("/store", "late", Version::ANY).commit().await;
    assert_eq!(late.unwrap_err(), RecipeError::Lost(LostReason::NodeDeleted));
    waiter.await.unwrap().unwrap().release().await.unwrap();
    assert_eq!(guard.release().await.unwrap(), Released::AlreadyLost);
}

async fn force_does_not_hit_the_next_holder(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let guard = lock(&client).acquire().await.unwrap();
    let holder = lock(&other).holder().await.unwrap().unwrap();
    guard.release().await.unwrap();
    let next = lock(&client).acquire().await.unwrap();
    assert!(!lock(&other).force_revoke(&holder, Duration::ZERO).await.unwrap());
    // Nor a node of the same name that is another one.
    let mut imposter = lock(&other).holder().await.unwrap().unwrap();
    imposter.token = holder.token;
    assert!(!lock(&other).force_revoke(&imposter, Duration::ZERO).await.unwrap());
    next.verify().await.unwrap();
    next.release().await.unwrap();
}

async fn a_holder_that_gives_way_in_time_has_nothing_taken_away(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let guard = lock(&client).acquire().await.unwrap();
    let holder = lock(&other).holder().await.unwrap().unwrap();
    let gives_way = async {
        guard.revoke_requested().await.unwrap();
        sleep(Duration::from_millis(50)).await;
        guard.release().await.unwrap()
    };
    let others = lock(&other);
    let begun = Instant::now();
    let (released, forced) =
        tokio::join!(gives_way, others.force_revoke(&holder, Duration::from_secs(30)));
    assert_eq!((released, forced), (Released::Now, Ok(false)));
    assert!(begun.elapsed() < Duration::from_secs(20), "it waits on");
}

async fn a_waiter_can_be_revoked(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let guard = lock(&client).acquire().await.unwrap();
    let waiter = acquiring(&other);
    until_nodes(&client, 2).await;
    sleep(Duration::from_millis(50)).await;
    let second = lock(&client).contenders().await.unwrap().remove(1);
    assert!(lock(&client).force_revoke(&second, Duration::from_millis(50)).await.unwrap());
    let error = waiter.await.unwrap().unwrap_err();
    assert_eq!(error, RecipeError::Lost(LostReason::NodeDeleted));
    guard.verify().await.unwrap();
    guard.release().await.unwrap();
}

async fn a_request_whose_connection_breaks_is_made_all_the_same(server: &TestServer) {
    let client = server.client().await;
    for moment in [Moment::BeforeSending, Moment::BeforeReply] {
        for skip in 0..3 {
            let network = server.network();
            let other = server.client_on(&network).await;
            let guard = lock(&client).acquire().await.unwrap();
            let holder = lock(&client).holder().await.unwrap().unwrap();
            network.cut_at_request(skip, moment);
            let after = Duration::from_millis(20);
            let forced = lock(&other).force_revoke(&holder, after).await.unwrap();
            // After a lost reply it is not known who has deleted it.
            assert!(forced || moment == Moment::BeforeReply);
            assert_eq!(guard.lost().await, LostReason::NodeDeleted);
            drop(guard);
            Janitor::of(&client).drain().await;
        }
    }
}

async fn listening_for_requests_leaves_no_watch(server: &TestServer) {
    let embedded = server.embedded().unwrap();
    let client = server.client().await;
    lock(&client).acquire().await.unwrap().release().await.unwrap();
    let before = embedded.watch_count();
    let guard = lock(&client).acquire().await.unwrap();
    for _ in 0..20 {
        let short = Duration::from_millis(20);
        assert!(timeout(short, guard.revoke_requested()).await.is_err());
    }
    client.sync("/").await.unwrap();
    sleep(Duration::from_millis(100)).await;
    assert!(embedded.watch_count() <= before + 1, "{}", embedded.watch_count());
    guard.release().await.unwrap();
    sleep(Duration::from_millis(100)).await;
    assert_eq!(embedded.watch_count(), before);
}
