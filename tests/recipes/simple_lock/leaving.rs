//! Waiters that give up, futures and guards that are dropped.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use zk_recipes::{Janitor, LostReason, RecipeError};
use zk_test_kit::{TestServer, drop_after_polls};

use super::{lock, nodes};

zk_test_kit::cases![
    a_timed_out_waiter_leaves_nothing,
    an_acquire_dropped_at_any_moment_leaves_nothing,
    a_dropped_guard_releases_the_simple_lock;
    on embedded: [a_cycle_leaves_no_watch];
];

async fn a_timed_out_waiter_leaves_nothing(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let guard = lock(&holder).acquire().await.unwrap();
    let begun = Instant::now();
    let refused = lock(&other).acquire_timeout(Duration::from_millis(300)).await;
    assert_eq!(refused.unwrap_err(), RecipeError::Timeout);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    Janitor::of(&other).drain().await;
    assert_eq!(nodes(&holder).await, 2);
    guard.release().await.unwrap();
}

async fn an_acquire_dropped_at_any_moment_leaves_nothing(server: &TestServer) {
    let (holder, client) = (server.client().await, server.client().await);
    for held in [false, true] {
        let guard = if held { Some(lock(&holder).acquire().await.unwrap()) } else { None };
        for polls in 1.. {
            let finished = drop_after_polls(lock(&client).acquire(), polls).await.is_some();
            Janitor::of(&client).drain().await;
            assert_eq!(nodes(&holder).await, usize::from(held) * 2, "after {polls} polls");
            if finished || (held && polls > 8) {
                break;
            }
        }
        drop(guard);
        Janitor::of(&holder).drain().await;
    }
}

async fn a_dropped_guard_releases_the_simple_lock(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let guard = lock(&holder).acquire().await.unwrap();
    let lost = guard.lost();
    drop(guard);
    assert_eq!(lost.await, LostReason::Released);
    lock(&other).acquire().await.unwrap().release().await.unwrap();
    Janitor::of(&holder).drain().await;
    assert_eq!(Janitor::of(&holder).pending(), 0);
    assert_eq!(nodes(&other).await, 0);
}

async fn a_cycle_leaves_no_watch(server: &TestServer) {
    let embedded = server.embedded().unwrap();
    let (holder, other) = (server.client().await, server.client().await);
    lock(&holder).acquire().await.unwrap().release().await.unwrap();
    let before = embedded.watch_count();
    for _ in 0..20 {
        let guard = lock(&holder).acquire().await.unwrap();
        let short = Duration::from_millis(20);
        assert_eq!(lock(&other).acquire_timeout(short).await.unwrap_err(), RecipeError::Timeout);
        guard.release().await.unwrap();
    }
    sleep(Duration::from_millis(100)).await;
    other.sync("/").await.unwrap();
    assert_eq!(embedded.watch_count(), before);
}
