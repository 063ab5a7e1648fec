//! Who gets the lock, and what it costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use zk_recipes::{Lock, RecipeError, Released};
use zk_test_kit::TestServer;

use super::{PATH, acquiring, lock, nodes};

zk_test_kit::cases![
    a_free_lock_is_acquired_in_one_round_trip,
    contenders_get_the_lock_in_order_and_never_two_at_once,
    a_hand_over_wakes_exactly_one_waiter,
    tokens_grow_with_every_holder,
    trying_a_held_lock_is_refused_and_leaves_nothing,
    foreign_children_do_not_disturb,
    missing_parents_are_created,
    whoever_holds_is_not_let_in_again_and_holds_on,
];

async fn a_free_lock_is_acquired_in_one_round_trip(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    lock(&client).acquire().await.unwrap().release().await.unwrap();
    let before = network.counts().requests;
    network.hold_incoming(true);
    let acquire = acquiring(&client);
    // Both requests leave before any reply is there, and nothing that leaves later is needed.
    while network.counts().requests < before + 2 {
        sleep(Duration::from_millis(5)).await;
    }
    network.hold_outgoing(true);
    network.hold_incoming(false);
    let guard = acquire.await.unwrap().unwrap();
    assert_eq!(network.counts().requests, before + 2);
    network.hold_outgoing(false);
    guard.release().await.unwrap();
}

async fn contenders_get_the_lock_in_order_and_never_two_at_once(server: &TestServer) {
    let inside = Arc::new(AtomicUsize::new(0));
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut contenders = JoinSet::new();
    let first = server.client().await;
    let held = lock(&first).acquire().await.unwrap();
    for number in 0..8 {
        let client = server.client().await;
        let waiting = lock(&client).enqueue().await.unwrap();
        assert!(waiting.ahead().is_some());
        let (inside, order) = (Arc::clone(&inside), Arc::clone(&order));
        contenders.spawn(async move {
            let guard = waiting.acquire().await.unwrap();
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
            sleep(Duration::from_millis(5)).await;
            order.lock().unwrap().push(number);
            assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
            guard.release().await.unwrap();
        });
    }
    held.release().await.unwrap();
    contenders.join_all().await;
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(nodes(&first).await, 0);
}

async fn a_hand_over_wakes_exactly_one_waiter(server: &TestServer) {
    let holder = server.client().await;
    let held = lock(&holder).acquire().await.unwrap();
    let mut waiters = Vec::new();
    for _ in 0..5 {
        let network = server.network();
        let client = server.client_on(&network).await;
        let waiting = lock(&client).enqueue().await.unwrap();
        waiters.push((network, tokio::spawn(waiting.acquire())));
    }
    // Each has its place, and asked for its watch: create, list, watch, and the missing parent.
    for (network, _) in &waiters {
        while network.counts().requests < 3 {
            sleep(Duration::from_millis(5)).await;
        }
    }
    sleep(Duration::from_millis(50)).await;
    held.release().await.unwrap();
    let (first, others) = waiters.split_first_mut().unwrap();
    let guard = (&mut first.1).await.unwrap().unwrap();
    sleep(Duration::from_millis(50)).await;
    assert_eq!(first.0.counts().events, 1);
    for (network, waiter) in others {
        assert_eq!(network.counts().events, 0);
        assert!(!waiter.is_finished());
        waiter.abort();
    }
    guard.release().await.unwrap();
}

async fn tokens_grow_with_every_holder(server: &TestServer) {
    let client = server.client().await;
    let mut last = None;
    for round in 0..5 {
        let guard = lock(&client).acquire().await.unwrap();
        assert!(Some(guard.token()) > last);
        last = Some(guard.token());
        guard.release().await.unwrap();
        if round == 2 {
            // The sequence starts anew with the parent; the token does not.
            client.delete(PATH).await.unwrap();
        }
    }
}

async fn trying_a_held_lock_is_refused_and_leaves_nothing(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let guard = lock(&holder).try_acquire().await.unwrap();
    for _ in 0..3 {
        assert_eq!(lock(&other).try_acquire().await.unwrap_err(), RecipeError::Contended);
    }
    assert_eq!(nodes(&holder).await, 1);
    assert_eq!(guard.release().await.unwrap(), Released::Now);
    let guard = lock(&other).try_acquire().await.unwrap();
    guard.release().await.unwrap();
}

async fn foreign_children_do_not_disturb(server: &TestServer) {
    let client = server.client().await;
    lock(&client).acquire().await.unwrap().release().await.unwrap();
    let latch = "_c_0c2e3d7a-0000-4000-8000-000000000000-latch-0000000000";
    for name in ["notes", "lock-", "0000000000", "x__lock__0000000000", latch] {
        client.create(&format!("{PATH}/{name}"), "").await.unwrap();
    }
    let limit = Duration::from_secs(10);
    lock(&client).acquire_timeout(limit).await.unwrap().release().await.unwrap();
}

async fn missing_parents_are_created(server: &TestServer) {
    let client = server.client().await;
    let lock = Lock::new(&client, "/a/b/c/d").unwrap();
    let guard = lock.acquire().await.unwrap();
    assert!(guard.path().starts_with("/a/b/c/d/_c_"));
    guard.release().await.unwrap();
}

async fn whoever_holds_is_not_let_in_again_and_holds_on(server: &TestServer) {
    let client = server.client().await;
    let lock = lock(&client);
    let guard = lock.acquire().await.unwrap();
    let short = Duration::from_millis(100);
    for same in [&lock, &lock.clone(), &super::lock(&client)] {
        assert_eq!(same.acquire_timeout(short).await.unwrap_err(), RecipeError::Timeout);
        assert_eq!(same.try_acquire().await.unwrap_err(), RecipeError::Contended);
        guard.verify().await.unwrap();
    }
    // Each attempt has had a node of its own.
    let second = lock.enqueue().await.unwrap();
    assert_ne!(second.path(), guard.path());
    assert_eq!(guard.release().await.unwrap(), Released::Now);
    second.acquire().await.unwrap().release().await.unwrap();
}
