//! Waiters that give up, futures and permits that are dropped, clients that are closed.

use std::time::Duration;

use zk_recipes::{Janitor, LostReason, RecipeError};
use zk_test_kit::{TestServer, drop_after_polls};

use super::{PATH, acquiring, nodes, semaphore, until_nodes, waits};

zk_test_kit::cases![
    an_acquire_cancelled_at_any_moment_leaves_neither_place_nor_lease,
    a_cancelled_waiter_lets_the_next_one_look,
    a_timed_out_waiter_can_acquire_again,
    dropped_permits_are_released,
    a_closed_client_frees_its_leases,
    a_waiter_whose_place_is_deleted_fails_and_leaves_nothing,
];

async fn an_acquire_cancelled_at_any_moment_leaves_neither_place_nor_lease(server: &TestServer) {
    let (holder, client) = (server.client().await, server.client().await);
    for held in [0, 2] {
        let permits = match held {
            0 => None,
            count => Some(semaphore(&holder, 3).acquire(count).await.unwrap()),
        };
        let held = usize::try_from(held).unwrap();
        for polls in 1.. {
            let semaphore = semaphore(&client, 3);
            let finished = drop_after_polls(semaphore.acquire(2), polls).await.is_some();
            Janitor::of(&client).drain().await;
            assert_eq!(nodes(&holder).await, (held, 0), "after {polls} polls");
            if finished || (held > 0 && polls > 16) {
                break;
            }
        }
        drop(permits);
        Janitor::of(&holder).drain().await;
    }
}

async fn a_cancelled_waiter_lets_the_next_one_look(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let held = semaphore(&holder, 3).acquire(2).await.unwrap();
    let leaves = acquiring(&semaphore(&other, 3), 3);
    until_nodes(&holder, 2, 1).await;
    let mut stays = acquiring(&semaphore(&other, 3), 1);
    until_nodes(&holder, 2, 2).await;
    waits(&mut stays).await;
    leaves.abort();
    stays.await.unwrap().unwrap().release().await.unwrap();
    until_nodes(&holder, 2, 0).await;
    held.release().await.unwrap();
}

async fn a_timed_out_waiter_can_acquire_again(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let held = semaphore(&holder, 1).acquire(1).await.unwrap();
    let semaphore = semaphore(&other, 1);
    let refused = semaphore.acquire_timeout(1, Duration::from_millis(200)).await;
    assert_eq!(refused.unwrap_err(), RecipeError::Timeout);
    Janitor::of(&other).drain().await;
    assert_eq!(nodes(&holder).await, (1, 0));
    held.release().await.unwrap();
    semaphore.acquire_timeout(1, Duration::from_secs(10)).await.unwrap().release().await.unwrap();
}

async fn dropped_permits_are_released(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let held = semaphore(&holder, 3).acquire(3).await.unwrap();
    let lost = held.lost();
    drop(held);
    assert_eq!(lost.await, LostReason::Released);
    semaphore(&other, 3).acquire(3).await.unwrap().release().await.unwrap();
    Janitor::of(&holder).drain().await;
    assert_eq!(nodes(&other).await, (0, 0));
}

async fn a_closed_client_frees_its_leases(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let held = semaphore(&holder, 2).acquire(2).await.unwrap();
    let waiter = acquiring(&semaphore(&other, 2), 2);
    until_nodes(&other, 2, 1).await;
    holder.close().await.unwrap();
    let permits = waiter.await.unwrap().unwrap();
    // The end of the lease may be told before that of the session.
    let lost = held.lost().await;
    assert!(matches!(lost, LostReason::SessionClosed | LostReason::NodeDeleted), "{lost}");
    permits.release().await.unwrap();
    drop(held);
}

async fn a_waiter_whose_place_is_deleted_fails_and_leaves_nothing(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let held = semaphore(&holder, 1).acquire(1).await.unwrap();
    for _ in 0..2 {
        // As the first, which watches the leases, and behind it.
        let mut waiters =
            [acquiring(&semaphore(&other, 1), 1), acquiring(&semaphore(&other, 1), 1)];
        until_nodes(&holder, 1, 2).await;
        for waiter in &mut waiters {
            waits(waiter).await;
        }
        for waiting in semaphore(&holder, 1).waiting().await.unwrap().into_iter().rev() {
            holder.delete(&waiting.path).await.unwrap();
        }
        for waiter in waiters {
            let error = waiter.await.unwrap().unwrap_err();
            assert_eq!(error, RecipeError::Lost(LostReason::NodeDeleted));
        }
        Janitor::of(&other).drain().await;
        assert_eq!(nodes(&holder).await, (1, 0));
    }
    held.release().await.unwrap();
    assert_eq!(holder.children(&format!("{PATH}/leases")).await.unwrap().len(), 0);
}
