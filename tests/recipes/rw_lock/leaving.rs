//! Waiters that give up, futures and guards that are dropped.

use std::time::Duration;

use zk_recipes::{Janitor, LostReason, RecipeError};
use zk_test_kit::{TestServer, drop_after_polls};

use super::{lock, nodes, reading, until_nodes, waits, writing};

zk_test_kit::cases![
    a_timed_out_waiter_leaves_no_node,
    a_cancelled_writer_lets_the_readers_behind_it_in,
    calls_cancelled_at_any_moment_leave_no_node,
    dropped_guards_release_the_lock,
];

async fn a_timed_out_waiter_leaves_no_node(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let held = lock(&holder).write().await.unwrap();
    let limit = Duration::from_millis(200);
    assert_eq!(lock(&other).read_timeout(limit).await.unwrap_err(), RecipeError::Timeout);
    assert_eq!(lock(&other).write_timeout(limit).await.unwrap_err(), RecipeError::Timeout);
    Janitor::of(&other).drain().await;
    assert_eq!(nodes(&holder).await, 1);
    held.release().await.unwrap();
}

async fn a_cancelled_writer_lets_the_readers_behind_it_in(server: &TestServer) {
    let (holder, middle, last) =
        (server.client().await, server.client().await, server.client().await);
    let held = lock(&holder).read().await.unwrap();
    let leaves = writing(&lock(&middle));
    until_nodes(&holder, 2).await;
    let mut reader = reading(&lock(&last));
    until_nodes(&holder, 3).await;
    waits(&mut reader).await;
    leaves.abort();
    let read = reader.await.unwrap().unwrap();
    held.release().await.unwrap();
    read.release().await.unwrap();
}

async fn calls_cancelled_at_any_moment_leave_no_node(server: &TestServer) {
    let (holder, client) = (server.client().await, server.client().await);
    for held in [false, true] {
        let guard = if held { Some(lock(&holder).write().await.unwrap()) } else { None };
        for is_writer in [false, true] {
            for polls in 1.. {
                let lock = lock(&client);
                let finished = if is_writer {
                    drop_after_polls(lock.write(), polls).await.is_some()
                } else {
                    drop_after_polls(lock.read(), polls).await.is_some()
                };
                Janitor::of(&client).drain().await;
                assert_eq!(nodes(&holder).await, usize::from(held), "after {polls} polls");
                if finished || (held && polls > 12) {
                    break;
                }
            }
        }
        drop(guard);
        Janitor::of(&holder).drain().await;
    }
}

async fn dropped_guards_release_the_lock(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let read = lock(&holder).read().await.unwrap();
    let lost = read.lost();
    drop(read);
    assert_eq!(lost.await, LostReason::Released);
    let written = lock(&other).write().await.unwrap();
    let lost = written.lost();
    drop(written);
    assert_eq!(lost.await, LostReason::Released);
    lock(&holder).write().await.unwrap().release().await.unwrap();
    assert_eq!(Janitor::of(&other).pending(), 0);
}
