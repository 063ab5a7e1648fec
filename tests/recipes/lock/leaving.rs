//! Waiters that give up, futures and guards that are dropped.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use zk_recipes::{Janitor, LostReason, RecipeError};
use zk_test_kit::{TestServer, drop_after_polls};

use super::{acquiring, lock, nodes, until_nodes};

zk_test_kit::cases![
    a_timed_out_waiter_leaves_no_node,
    a_cancelled_waiter_leaves_no_node_and_the_next_one_moves_up,
    an_acquire_cancelled_at_any_moment_leaves_no_node,
    a_dropped_guard_releases_the_lock,
];

async fn a_timed_out_waiter_leaves_no_node(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let guard = lock(&holder).acquire().await.unwrap();
    let begun = Instant::now();
    let refused = lock(&other).acquire_timeout(Duration::from_millis(300)).await;
    assert_eq!(refused.unwrap_err(), RecipeError::Timeout);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    Janitor::of(&other).drain().await;
    assert_eq!(nodes(&holder).await, 1);
    guard.release().await.unwrap();
}

async fn a_cancelled_waiter_leaves_no_node_and_the_next_one_moves_up(server: &TestServer) {
    let (holder, middle, last) =
        (server.client().await, server.client().await, server.client().await);
    let held = lock(&holder).acquire().await.unwrap();
    let leaves = acquiring(&middle);
    until_nodes(&holder, 2).await;
    let mut stays = acquiring(&last);
    until_nodes(&holder, 3).await;
    leaves.abort();
    until_nodes(&holder, 2).await;
    // Its predecessor has gone, but the holder has not.
    assert!(timeout(Duration::from_millis(100), &mut stays).await.is_err());
    held.release().await.unwrap();
    stays.await.unwrap().unwrap().release().await.unwrap();
    assert_eq!(nodes(&holder).await, 0);
}

async fn an_acquire_cancelled_at_any_moment_leaves_no_node(server: &TestServer) {
    let (holder, client) = (server.client().await, server.client().await);
    for held in [false, true] {
        let guard = if held { Some(lock(&holder).acquire().await.unwrap()) } else { None };
        for polls in 1.. {
            let finished = drop_after_polls(lock(&client).acquire(), polls).await.is_some();
            Janitor::of(&client).drain().await;
            assert_eq!(nodes(&holder).await, usize::from(held), "after {polls} polls");
            if finished || (held && polls > 12) {
                break;
            }
        }
        drop(guard);
        Janitor::of(&holder).drain().await;
    }
}

async fn a_dropped_guard_releases_the_lock(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let guard = lock(&holder).acquire().await.unwrap();
    let lost = guard.lost();
    drop(guard);
    assert_eq!(lost.await, LostReason::Released);
    lock(&other).acquire().await.unwrap().release().await.unwrap();
    Janitor::of(&holder).drain().await;
    assert_eq!(Janitor::of(&holder).pending(), 0);
}
