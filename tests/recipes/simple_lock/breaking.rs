//! Holders that lose the lock, and what they can still do.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use zk_client::{Client, Error, ExpiryPolicy, Version};
use zk_recipes::{Janitor, LostReason, Ownership, RecipeError, Released};
use zk_test_kit::{Network, TestServer};

use super::{PATH, WITNESSES, acquiring, lock, nodes};

zk_test_kit::cases![
    a_holder_whose_node_or_witness_is_deleted_is_told,
    a_lock_that_another_one_has_created_anew_fences,
    a_lock_that_another_one_has_created_anew_is_left_alone,
    a_lock_that_a_stranger_has_created_anew_is_left_alone,
    a_fenced_write_is_refused_though_the_lock_was_taken_anew_before_that_is_told,
    the_lost_reply_of_a_multi_is_settled_by_the_witness,
    a_node_of_the_old_session_is_waited_for,
    a_waiter_whose_session_expires_fails,
];

async fn a_holder_whose_node_or_witness_is_deleted_is_told(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    for witness in [false, true] {
        let guard = lock(&holder).acquire().await.unwrap();
        let path = if witness { guard.path() } else { PATH.to_owned() };
        other.delete(&path).await.unwrap();
        assert_eq!(guard.lost().await, LostReason::NodeDeleted);
        assert_eq!(guard.release().await.unwrap(), Released::AlreadyLost);
        assert_eq!(nodes(&other).await, 0, "the other node stays");
    }
}

async fn a_lock_that_another_one_has_created_anew_fences(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    other.create("/store", "old").await.unwrap();
    let guard = lock(&holder).acquire().await.unwrap();
    // The witness stays: nothing but the number of holders tells.
    other.delete(PATH).await.unwrap();
    let next = lock(&other).acquire().await.unwrap();
    assert!(next.token() > guard.token());
    let refused = guard.multi().set("/store", "bad", Version::ANY).commit().await.unwrap_err();
    assert_eq!(refused, RecipeError::Lost(LostReason::NodeDeleted));
    next.multi().set("/store", "good", Version::ANY).commit().await.unwrap();
    next.release().await.unwrap();
    assert_eq!(other.get("/store").await.unwrap().0, "good");
}

async fn a_lock_that_another_one_has_created_anew_is_left_alone(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    for release in [false, true] {
        let guard = lock(&holder).acquire().await.unwrap();
        other.delete(PATH).await.unwrap();
        let next = lock(&other).acquire().await.unwrap();
        if release {
            assert_eq!(guard.release().await.unwrap(), Released::AlreadyLost);
        } else {
            drop(guard);
            Janitor::of(&holder).drain().await;
        }
        next.verify().await.unwrap();
        assert_eq!(next.ownership(), Ownership::Held);
        assert_eq!(next.release().await.unwrap(), Released::Now);
        assert_eq!(nodes(&other).await, 0);
    }
}

/// The number of holders does not tell.
async fn a_lock_that_a_stranger_has_created_anew_is_left_alone(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    for release in [false, true] {
        let guard = lock(&holder).acquire().await.unwrap();
        guard.verify().await.unwrap();
        let anew = other.multi().delete(PATH, Version::ANY).create(PATH, "a stranger's");
        anew.commit().await.unwrap();
        assert_eq!(guard.lost().await, LostReason::NodeDeleted);
        if release {
            assert_eq!(guard.release().await.unwrap(), Released::AlreadyLost);
        } else {
            drop(guard);
            Janitor::of(&holder).drain().await;
        }
        assert_eq!(other.get(PATH).await.unwrap().0, "a stranger's");
        assert_eq!(other.children(WITNESSES).await.unwrap().len(), 0);
        other.delete(PATH).await.unwrap();
    }
}

async fn a_fenced_write_is_refused_though_the_lock_was_taken_anew_before_that_is_told(
    server: &TestServer,
) {
    let network = server.network();
    let (holder, other) = (server.client_on(&network).await, server.client().await);
    other.create("/store", "old").await.unwrap();
    let guard = lock(&holder).acquire().await.unwrap();
    guard.verify().await.unwrap();
    network.hold_incoming(true);
    other.delete(PATH).await.unwrap();
    let next = lock(&other).acquire().await.unwrap();
    assert_eq!(guard.ownership(), Ownership::Held, "it cannot know");
    let write = guard.multi().set("/store", "bad", Version::ANY).commit();
    sleep(Duration::from_millis(100)).await;
    network.hold_incoming(false);
    assert_eq!(write.await.unwrap_err(), RecipeError::Lost(LostReason::NodeDeleted));
    assert_eq!(other.get("/store").await.unwrap().0, "old");
    next.release().await.unwrap();
}

async fn the_lost_reply_of_a_multi_is_settled_by_the_witness(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    lock(&client).acquire().await.unwrap().release().await.unwrap();
    network.hold_incoming(true);
    let acquire = acquiring(&client);
    while nodes(&other).await != 2 {
        sleep(Duration::from_millis(10)).await;
    }
    let holder = lock(&other).holder().await.unwrap().unwrap();
    network.cut();
    network.hold_incoming(false);
    let guard = acquire.await.unwrap().unwrap();
    assert_eq!(guard.token(), holder.token);
    guard.verify().await.unwrap();
    assert_eq!(other.children(WITNESSES).await.unwrap().len(), 1);
    assert_eq!(guard.release().await.unwrap(), Released::Now);
    assert_eq!(nodes(&other).await, 0);
}

async fn renewing(server: &TestServer, network: &Network) -> Client {
    server.builder(network).on_expiry(ExpiryPolicy::NewSession).connect().await.unwrap()
}

async fn a_node_of_the_old_session_is_waited_for(server: &TestServer) {
    let network = server.network();
    let (client, other) = (renewing(server, &network).await, server.client().await);
    let old = lock(&client).acquire().await.unwrap();
    let (token, lost) = (old.token(), old.lost());
    network.silence(true);
    while nodes(&other).await != 0 {
        sleep(Duration::from_millis(50)).await;
    }
    // As if a server did not know yet that the session is over.
    other.create(PATH, "a ghost").await.unwrap();
    network.silence(false);
    assert_eq!(lost.await, LostReason::SessionExpired);
    client.connected().await.unwrap();
    let mut anew = acquiring(&client);
    assert!(timeout(Duration::from_millis(300), &mut anew).await.is_err(), "it was stolen");
    other.delete(PATH).await.unwrap();
    let anew = anew.await.unwrap().unwrap();
    assert!(anew.token() > token);
    drop(old);
    Janitor::of(&client).drain().await;
    anew.verify().await.unwrap();
    anew.release().await.unwrap();
}

async fn a_waiter_whose_session_expires_fails(server: &TestServer) {
    let network = server.network();
    let (holder, client) = (server.client().await, server.client_on(&network).await);
    let held = lock(&holder).acquire().await.unwrap();
    let session = client.session_id();
    let waiter = acquiring(&client);
    sleep(Duration::from_millis(50)).await;
    let mark = client.create("/mark", "").mode(zk_client::CreateMode::Ephemeral).await.unwrap();
    assert_eq!(mark.stat.ephemeral_owner, session);
    network.silence(true);
    holder.wait_until_absent("/mark").await.unwrap();
    network.silence(false);
    let error = waiter.await.unwrap().unwrap_err();
    assert_eq!(error, RecipeError::Client(Error::SessionExpired));
    held.release().await.unwrap();
}
