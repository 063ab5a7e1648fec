//! Holders and waiters that lose the lock, their node or their session.

use std::time::Duration;

use tokio::time::sleep;
use zk_client::{Client, Error, ExpiryPolicy};
use zk_recipes::{LostReason, Ownership, RecipeError, Released};
use zk_test_kit::{Network, TestServer};

use super::{acquiring, lock, until_nodes};

zk_test_kit::cases![
    a_killed_holder_is_told_and_the_next_one_gets_the_lock,
    a_holder_whose_node_is_deleted_is_told,
    a_holder_is_suspended_while_disconnected_and_holds_again_afterwards,
    a_holder_whose_node_went_while_disconnected_never_holds_again,
    a_place_from_before_the_session_expired_is_not_granted,
    a_waiter_whose_session_expires_fails,
    a_lock_of_the_old_session_is_lost_in_the_new_one_and_can_be_had_anew,
    a_waiter_of_the_old_session_fails_though_there_is_a_new_one,
];

async fn a_killed_holder_is_told_and_the_next_one_gets_the_lock(server: &TestServer) {
    let network = server.network();
    let (holder, next) = (server.client_on(&network).await, server.client().await);
    let guard = lock(&holder).acquire().await.unwrap();
    let first_token = guard.token();
    let lost = guard.lost();
    let waiter = acquiring(&next);
    until_nodes(&next, 2).await;
    network.silence(true);
    let held = waiter.await.unwrap().unwrap();
    assert!(held.token() > first_token);
    assert!(matches!(guard.ownership(), Ownership::Suspended { .. }), "{:?}", guard.ownership());
    network.silence(false);
    assert_eq!(lost.await, LostReason::SessionExpired);
    assert_eq!(guard.ownership(), Ownership::Lost(LostReason::SessionExpired));
    assert_eq!(guard.release().await.unwrap(), Released::AlreadyLost);
    held.release().await.unwrap();
}

async fn a_holder_whose_node_is_deleted_is_told(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let guard = lock(&holder).acquire().await.unwrap();
    other.delete(&guard.path()).await.unwrap();
    assert_eq!(guard.lost().await, LostReason::NodeDeleted);
    assert_eq!(guard.release().await.unwrap(), Released::AlreadyLost);
}

async fn a_holder_is_suspended_while_disconnected_and_holds_again_afterwards(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let guard = lock(&client).acquire().await.unwrap();
    let mut ownership = guard.watch();
    network.refuse("a", true);
    network.cut();
    ownership.wait_for(|now| matches!(now, Ownership::Suspended { .. })).await.unwrap();
    network.refuse("a", false);
    ownership.wait_for(|now| *now == Ownership::Held).await.unwrap();
    assert_eq!(guard.release().await.unwrap(), Released::Now);
}

async fn a_holder_whose_node_went_while_disconnected_never_holds_again(server: &TestServer) {
    let network = server.network();
    let (holder, other) = (server.client_on(&network).await, server.client().await);
    let guard = lock(&holder).acquire().await.unwrap();
    let mut ownership = guard.watch();
    assert_eq!(*ownership.borrow_and_update(), Ownership::Held);
    let seen = tokio::spawn(async move {
        let mut seen = Vec::new();
        while !matches!(seen.last(), Some(Ownership::Lost(_))) {
            ownership.changed().await.unwrap();
            seen.push(*ownership.borrow_and_update());
        }
        seen
    });
    network.refuse("a", true);
    network.cut();
    other.delete(&guard.path()).await.unwrap();
    network.refuse("a", false);
    let seen = seen.await.unwrap();
    assert!(matches!(seen[0], Ownership::Suspended { .. }), "{seen:?}");
    assert_eq!(seen[1..], [Ownership::Lost(LostReason::NodeDeleted)]);
}

async fn a_place_from_before_the_session_expired_is_not_granted(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let waiting = lock(&client).enqueue().await.unwrap();
    assert_eq!(waiting.ahead(), None);
    network.silence(true);
    until_nodes(&other, 0).await;
    network.silence(false);
    let error = waiting.acquire().await.unwrap_err();
    assert_eq!(error, RecipeError::Client(Error::SessionExpired));
}

async fn a_waiter_whose_session_expires_fails(server: &TestServer) {
    let network = server.network();
    let (holder, client) = (server.client().await, server.client_on(&network).await);
    let held = lock(&holder).acquire().await.unwrap();
    let waiter = acquiring(&client);
    until_nodes(&holder, 2).await;
    network.silence(true);
    until_nodes(&holder, 1).await;
    network.silence(false);
    let error = waiter.await.unwrap().unwrap_err();
    assert_eq!(error, RecipeError::Client(Error::SessionExpired));
    held.release().await.unwrap();
}

async fn renewing(server: &TestServer, network: &Network) -> Client {
    server.builder(network).on_expiry(ExpiryPolicy::NewSession).connect().await.unwrap()
}

async fn a_lock_of_the_old_session_is_lost_in_the_new_one_and_can_be_had_anew(server: &TestServer) {
    let network = server.network();
    let (holder, other) = (renewing(server, &network).await, server.client().await);
    let guard = lock(&holder).acquire().await.unwrap();
    let (token, lost) = (guard.token(), guard.lost());
    network.silence(true);
    until_nodes(&other, 0).await;
    network.silence(false);
    assert_eq!(lost.await, LostReason::SessionExpired);
    assert_eq!(guard.ownership(), Ownership::Lost(LostReason::SessionExpired));
    let anew = lock(&holder).acquire().await.unwrap();
    assert!(anew.token() > token);
    assert_eq!(guard.release().await.unwrap(), Released::AlreadyLost);
    // The old guard has taken nothing along.
    sleep(Duration::from_millis(50)).await;
    assert_eq!(anew.ownership(), Ownership::Held);
    assert!(other.exists(&anew.path()).await.unwrap().is_some());
    assert_eq!(anew.release().await.unwrap(), Released::Now);
}

async fn a_waiter_of_the_old_session_fails_though_there_is_a_new_one(server: &TestServer) {
    let network = server.network();
    let (holder, client) = (server.client().await, renewing(server, &network).await);
    let held = lock(&holder).acquire().await.unwrap();
    let waiter = acquiring(&client);
    until_nodes(&holder, 2).await;
    let first = lock(&client).enqueue().await.unwrap();
    network.silence(true);
    until_nodes(&holder, 1).await;
    network.silence(false);
    let over = RecipeError::Client(Error::SessionExpired);
    assert_eq!(waiter.await.unwrap().unwrap_err(), over);
    client.connected().await.unwrap();
    assert_eq!(first.acquire().await.unwrap_err(), over);
    let anew = acquiring(&client);
    until_nodes(&holder, 2).await;
    held.release().await.unwrap();
    anew.await.unwrap().unwrap().release().await.unwrap();
}
