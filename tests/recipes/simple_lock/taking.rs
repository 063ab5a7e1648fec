//! Who gets the lock, and what it costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use zk_client::{CreateMode, ErrorCode, Version};
use zk_recipes::{Parents, RecipeError, Released, SimpleLock};
use zk_test_kit::TestServer;

use super::{PATH, acquiring, lock, nodes};

zk_test_kit::cases![
    a_free_simple_lock_is_taken_by_one_request,
    one_of_many_holds_and_all_get_in,
    a_release_wakes_all_who_wait,
    a_waiter_pauses_before_it_tries_again,
    trying_a_held_simple_lock_is_refused_and_leaves_nothing,
    whoever_creates_the_node_by_hand_excludes_us_and_is_excluded,
    the_holder_is_told,
    a_path_that_cannot_be_a_lock_is_refused,
    a_parent_that_is_required_is_not_made,
];

async fn a_free_simple_lock_is_taken_by_one_request(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    lock(&client).acquire().await.unwrap().release().await.unwrap();
    let before = network.counts().requests;
    network.hold_incoming(true);
    let acquire = acquiring(&client);
    while network.counts().requests < before + 1 {
        sleep(Duration::from_millis(5)).await;
    }
    network.hold_outgoing(true);
    network.hold_incoming(false);
    if server.version().await >= (3, 8, 2) {
        let guard = acquire.await.unwrap().unwrap();
        assert_eq!(network.counts().requests, before + 1);
        network.hold_outgoing(false);
        assert_eq!(guard.release().await.unwrap(), Released::Now);
    } else {
        network.hold_outgoing(false);
        drop(acquire.await.unwrap().unwrap());
    }
}

async fn one_of_many_holds_and_all_get_in(server: &TestServer) {
    let inside = Arc::new(AtomicUsize::new(0));
    let mut contenders = JoinSet::new();
    for _ in 0..8 {
        let client = server.client().await;
        let inside = Arc::clone(&inside);
        contenders.spawn(async move {
            let guard = lock(&client).acquire().await.unwrap();
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
            sleep(Duration::from_millis(5)).await;
            assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
            let token = guard.token();
            guard.release().await.unwrap();
            token
        });
    }
    let mut tokens = contenders.join_all().await;
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 8, "a token that is not new");
    assert_eq!(nodes(&server.client().await).await, 0);
}

async fn a_release_wakes_all_who_wait(server: &TestServer) {
    let holder = server.client().await;
    let held = lock(&holder).acquire().await.unwrap();
    let mut waiters = Vec::new();
    for _ in 0..5 {
        let network = server.network();
        let client = server.client_on(&network).await;
        let before = network.counts().requests;
        waiters.push((network, before, acquiring(&client)));
    }
    for (network, before, _) in &waiters {
        // It is refused, and watches.
        while network.counts().requests < before + 2 {
            sleep(Duration::from_millis(5)).await;
        }
    }
    sleep(Duration::from_millis(50)).await;
    held.release().await.unwrap();
    sleep(Duration::from_millis(50)).await;
    // Once more the two, or the one that succeeds and the watches on its own nodes; older servers have
    // to be asked what they have created.
    let most = if server.version().await >= (3, 8, 2) { 5 } else { 8 };
    for (network, before, waiter) in waiters {
        assert_eq!(network.counts().events, 1);
        assert!(network.counts().requests <= before + most, "{:?}", network.counts());
        waiter.abort();
    }
}

async fn a_waiter_pauses_before_it_tries_again(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let pause = Duration::from_millis(400);
    let waiting = lock(&other).backoff(pause);
    let mut paused = Duration::ZERO;
    for _ in 0..5 {
        let held = lock(&holder).acquire().await.unwrap();
        let waiting = waiting.clone();
        let waiter = tokio::spawn(async move { waiting.acquire().await.unwrap() });
        sleep(Duration::from_millis(50)).await;
        held.release().await.unwrap();
        let begun = Instant::now();
        let guard = waiter.await.unwrap();
        paused += begun.elapsed();
        guard.release().await.unwrap();
    }
    assert!(paused > Duration::from_millis(20), "{paused:?} in five times is no pause");
}

async fn trying_a_held_simple_lock_is_refused_and_leaves_nothing(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let guard = lock(&holder).try_acquire().await.unwrap();
    for _ in 0..3 {
        assert_eq!(lock(&other).try_acquire().await.unwrap_err(), RecipeError::Contended);
    }
    assert_eq!(nodes(&holder).await, 2);
    assert_eq!(guard.release().await.unwrap(), Released::Now);
    lock(&other).try_acquire().await.unwrap().release().await.unwrap();
    assert_eq!(nodes(&holder).await, 0);
}

async fn whoever_creates_the_node_by_hand_excludes_us_and_is_excluded(server: &TestServer) {
    let (ours, foreign) = (server.client().await, server.client().await);
    let guard = lock(&ours).acquire().await.unwrap();
    let by_hand = || foreign.create(PATH, "me").mode(CreateMode::Ephemeral);
    assert_eq!(by_hand().await.unwrap_err().code(), Some(ErrorCode::NodeExists));
    guard.release().await.unwrap();
    by_hand().await.unwrap();
    assert_eq!(lock(&ours).try_acquire().await.unwrap_err(), RecipeError::Contended);
    let waiter = acquiring(&ours);
    sleep(Duration::from_millis(50)).await;
    assert!(!waiter.is_finished());
    foreign.delete(PATH).await.unwrap();
    waiter.await.unwrap().unwrap().release().await.unwrap();
}

async fn the_holder_is_told(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    assert_eq!(lock(&other).holder().await.unwrap(), None);
    let guard = lock(&client).data("ada").acquire().await.unwrap();
    let holder = lock(&other).holder().await.unwrap().unwrap();
    assert_eq!(holder.data, "ada");
    assert_eq!(holder.session, client.session_id());
    assert_eq!(holder.token, guard.token());
    guard.release().await.unwrap();
    assert_eq!(lock(&other).holder().await.unwrap(), None);
}

async fn a_path_that_cannot_be_a_lock_is_refused(server: &TestServer) {
    let client = server.client().await;
    let root = SimpleLock::new(&client, "/").unwrap_err();
    assert!(matches!(root, RecipeError::BadArguments { .. }), "{root:?}");
    let bad = SimpleLock::new(&client, "/a/../b").unwrap_err();
    assert!(matches!(bad, RecipeError::Client(zk_client::Error::BadPath { .. })), "{bad:?}");
    // One right below the root is one.
    let top = SimpleLock::new(&client, "/top").unwrap();
    let guard = top.acquire().await.unwrap();
    assert!(guard.path().starts_with("/_w_top/"), "{}", guard.path());
    guard.multi().set("/top", "x", Version::ANY).commit().await.unwrap();
    guard.release().await.unwrap();
}

async fn a_parent_that_is_required_is_not_made(server: &TestServer) {
    let client = server.client().await;
    let strict = lock(&client).parents(Parents::Required);
    let refused = strict.acquire().await.unwrap_err();
    let RecipeError::Client(refused) = refused else { panic!("{refused:?}") };
    assert_eq!(refused.code(), Some(ErrorCode::NoNode));
    assert_eq!(client.exists("/simple").await.unwrap(), None);
    client.create("/simple", "").await.unwrap();
    strict.acquire().await.unwrap().release().await.unwrap();
}
