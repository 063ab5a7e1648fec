//! Holders and waiters that lose a lease, a connection or their session.

use std::time::Duration;

use tokio::time::sleep;
use zk_client::{Client, Error, ErrorCode, ExpiryPolicy, Version};
use zk_recipes::{LostReason, Ownership, RecipeError, Released};
use zk_test_kit::{Network, TestServer};

use super::{acquiring, semaphore, until_nodes, waits};

zk_test_kit::cases![
    a_deleted_lease_is_told_to_its_holder_and_replaced_for_nobody,
    writes_are_fenced_by_all_leases,
    holders_are_suspended_while_disconnected_and_hold_again_afterwards,
    permits_of_the_old_session_are_lost_and_free_for_others,
    a_waiter_fails_or_rejoins_when_its_session_expires;
    on embedded: [
        all_acquire_again_after_all_connections_were_lost_in_the_middle,
    ];
];

async fn renewing(server: &TestServer, network: &Network) -> Client {
    server.builder(network).on_expiry(ExpiryPolicy::NewSession).connect().await.unwrap()
}

async fn a_deleted_lease_is_told_to_its_holder_and_replaced_for_nobody(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    for which in 0..3 {
        let held = semaphore(&holder, 3).acquire(3).await.unwrap();
        let waiter = acquiring(&semaphore(&other, 3), 1);
        until_nodes(&other, 3, 1).await;
        other.delete(&held.paths()[which]).await.unwrap();
        assert_eq!(held.lost().await, LostReason::NodeDeleted);
        assert_eq!(held.ownership(), Ownership::Lost(LostReason::NodeDeleted));
        assert!(!held.is_valid());
        let free = waiter.await.unwrap().unwrap();
        until_nodes(&other, 3, 0).await;
        assert_eq!(held.release().await.unwrap(), Released::AlreadyLost);
        // The other two went with it.
        until_nodes(&other, 1, 0).await;
        free.release().await.unwrap();
    }
}

async fn writes_are_fenced_by_all_leases(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    holder.create("/report", "").await.unwrap();
    for which in 0..3 {
        let held = semaphore(&holder, 3).acquire(3).await.unwrap();
        held.verify().await.unwrap();
        let written = held.multi().set("/report", "a", Version::ANY).commit().await.unwrap();
        assert_eq!(written.len(), 1);
        let refused = held.multi().set("/report", "b", Version::ANY).delete("/none", Version::ANY);
        let Err(RecipeError::Client(Error::Multi { index, code, .. })) = refused.commit().await
        else {
            panic!("not refused");
        };
        assert_eq!((index, code), (1, ErrorCode::NoNode));
        other.delete(&held.paths()[which]).await.unwrap();
        let refused = held.multi().set("/report", "c", Version::ANY).commit().await.unwrap_err();
        assert_eq!(refused, RecipeError::Lost(LostReason::NodeDeleted));
        assert_eq!(held.ownership(), Ownership::Lost(LostReason::NodeDeleted));
        assert_eq!(other.get("/report").await.unwrap().0, "a");
        held.release().await.unwrap();
    }
}

async fn holders_are_suspended_while_disconnected_and_hold_again_afterwards(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let held = semaphore(&client, 3).acquire(3).await.unwrap();
    let mut ownership = held.watch();
    network.refuse("a", true);
    network.cut();
    ownership.wait_for(|now| matches!(now, Ownership::Suspended { .. })).await.unwrap();
    network.refuse("a", false);
    ownership.wait_for(|now| *now == Ownership::Held).await.unwrap();
    assert!(held.is_valid());
    assert_eq!(held.release().await.unwrap(), Released::Now);
}

async fn permits_of_the_old_session_are_lost_and_free_for_others(server: &TestServer) {
    let network = server.network();
    let (holder, other) = (renewing(server, &network).await, server.client().await);
    let held = semaphore(&holder, 3).acquire(2).await.unwrap();
    let waiter = acquiring(&semaphore(&other, 3), 3);
    until_nodes(&other, 2, 1).await;
    network.silence(true);
    let all = waiter.await.unwrap().unwrap();
    network.silence(false);
    assert_eq!(held.lost().await, LostReason::SessionExpired);
    let anew = acquiring(&semaphore(&holder, 3), 2);
    until_nodes(&other, 3, 1).await;
    assert_eq!(held.release().await.unwrap(), Released::AlreadyLost);
    all.release().await.unwrap();
    let anew = anew.await.unwrap().unwrap();
    sleep(Duration::from_millis(50)).await;
    assert_eq!(anew.ownership(), Ownership::Held);
    anew.release().await.unwrap();
}

async fn a_waiter_fails_or_rejoins_when_its_session_expires(server: &TestServer) {
    let network = server.network();
    let (holder, client) = (server.client().await, renewing(server, &network).await);
    let held = semaphore(&holder, 1).acquire(1).await.unwrap();
    // The first watches the leases, the second the first.
    let mut first = acquiring(&semaphore(&client, 1).rejoin(true), 1);
    until_nodes(&holder, 1, 1).await;
    waits(&mut first).await;
    let second = acquiring(&semaphore(&client, 1), 1);
    until_nodes(&holder, 1, 2).await;
    network.silence(true);
    until_nodes(&holder, 1, 0).await;
    network.silence(false);
    let error = second.await.unwrap().unwrap_err();
    assert_eq!(error, RecipeError::Client(Error::SessionExpired));
    until_nodes(&holder, 1, 1).await;
    held.release().await.unwrap();
    first.await.unwrap().unwrap().release().await.unwrap();
}

async fn all_acquire_again_after_all_connections_were_lost_in_the_middle(server: &TestServer) {
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(server.client().await);
    }
    let observer = server.client().await;
    for round in 0_u64..5 {
        let acquires: Vec<_> =
            clients.iter().map(|client| acquiring(&semaphore(client, 10), 1)).collect();
        sleep(Duration::from_millis(round)).await;
        server.embedded().unwrap().drop_connections();
        let mut held = Vec::new();
        for acquire in acquires {
            held.push(acquire.await.unwrap().unwrap());
        }
        until_nodes(&observer, 10, 0).await;
        assert_eq!(semaphore(&observer, 10).available().await.unwrap(), 0);
        drop(held);
        until_nodes(&observer, 0, 0).await;
    }
}
