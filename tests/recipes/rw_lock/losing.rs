//! Holders and waiters that lose the lock, their node or their session.

use zk_client::{Client, Error, ExpiryPolicy};
use zk_recipes::{Janitor, LostReason, Ownership, RecipeError, Released};
use zk_test_kit::{Network, TestServer};

use super::{PATH, lock, reading, until_nodes, writing};

zk_test_kit::cases![
    a_reader_gets_in_when_the_writers_session_is_over,
    holders_whose_nodes_are_deleted_are_told,
    a_waiter_whose_node_is_deleted_fails,
    guards_of_the_old_session_are_lost_in_the_new_one,
    a_writer_that_is_lost_does_not_become_a_reader,
    a_reader_that_is_lost_does_not_become_the_writer,
    a_waiter_fails_or_rejoins_when_its_session_expires,
];

async fn renewing(server: &TestServer, network: &Network) -> Client {
    server.builder(network).on_expiry(ExpiryPolicy::NewSession).connect().await.unwrap()
}

async fn a_reader_gets_in_when_the_writers_session_is_over(server: &TestServer) {
    let network = server.network();
    let (holder, other) = (server.client_on(&network).await, server.client().await);
    let written = lock(&holder).write().await.unwrap();
    let (path, lost) = (written.path(), written.lost());
    let reader = reading(&lock(&other));
    until_nodes(&other, 2).await;
    network.silence(true);
    let read = reader.await.unwrap().unwrap();
    assert_eq!(other.exists(&path).await.unwrap(), None);
    assert!(!written.is_valid(), "{:?}", written.ownership());
    network.silence(false);
    assert_eq!(lost.await, LostReason::SessionExpired);
    assert_eq!(written.release().await.unwrap(), Released::AlreadyLost);
    read.release().await.unwrap();
}

async fn holders_whose_nodes_are_deleted_are_told(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let read = lock(&holder).read().await.unwrap();
    other.delete(&read.path()).await.unwrap();
    assert_eq!(read.lost().await, LostReason::NodeDeleted);
    let written = lock(&holder).write().await.unwrap();
    other.delete(&written.path()).await.unwrap();
    assert_eq!(written.lost().await, LostReason::NodeDeleted);
    assert_eq!(read.release().await.unwrap(), Released::AlreadyLost);
    assert_eq!(written.release().await.unwrap(), Released::AlreadyLost);
}

async fn a_waiter_whose_node_is_deleted_fails(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let written = lock(&holder).write().await.unwrap();
    let waiters = [reading(&lock(&other)), reading(&lock(&other))];
    until_nodes(&holder, 3).await;
    for reader in lock(&holder).readers().await.unwrap() {
        holder.delete(&reader.path).await.unwrap();
    }
    for waiter in waiters {
        let error = waiter.await.unwrap().unwrap_err();
        assert_eq!(error, RecipeError::Lost(LostReason::NodeDeleted));
    }
    written.release().await.unwrap();
}

async fn guards_of_the_old_session_are_lost_in_the_new_one(server: &TestServer) {
    let network = server.network();
    let (holder, other) = (renewing(server, &network).await, server.client().await);
    let reads = [lock(&holder).read().await.unwrap(), lock(&holder).read().await.unwrap()];
    network.silence(true);
    let written = lock(&other).write().await.unwrap();
    network.silence(false);
    for read in reads {
        assert_eq!(read.lost().await, LostReason::SessionExpired);
        assert_eq!(read.release().await.unwrap(), Released::AlreadyLost);
    }
    let anew = reading(&lock(&holder));
    until_nodes(&other, 2).await;
    written.release().await.unwrap();
    let read = anew.await.unwrap().unwrap();
    assert_eq!(read.ownership(), Ownership::Held);
    read.release().await.unwrap();
}

async fn a_writer_that_is_lost_does_not_become_a_reader(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    for knows in [false, true] {
        let written = lock(&holder).write().await.unwrap();
        other.delete(&written.path()).await.unwrap();
        if knows {
            written.lost().await;
        }
        let refused = written.downgrade().await.unwrap_err();
        assert_eq!(refused.source, RecipeError::Lost(LostReason::NodeDeleted));
        assert!(matches!(refused.guard.ownership(), Ownership::Lost(_)));
        drop(refused);
        Janitor::of(&holder).drain().await;
        assert_eq!(other.children(PATH).await.unwrap().len(), 0);
    }
}

async fn a_reader_that_is_lost_does_not_become_the_writer(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    for knows in [false, true] {
        let read = lock(&holder).read().await.unwrap();
        other.delete(&read.path()).await.unwrap();
        if knows {
            read.lost().await;
        }
        let refused = read.try_upgrade().await.unwrap_err();
        assert_eq!(refused.source, RecipeError::Lost(LostReason::NodeDeleted));
        assert!(matches!(refused.guard.ownership(), Ownership::Lost(_)));
        drop(refused);
        Janitor::of(&holder).drain().await;
        assert_eq!(other.children(PATH).await.unwrap().len(), 0);
    }
}

async fn a_waiter_fails_or_rejoins_when_its_session_expires(server: &TestServer) {
    let network = server.network();
    let (holder, client) = (server.client().await, renewing(server, &network).await);
    let held = lock(&holder).write().await.unwrap();
    let fails = writing(&lock(&client));
    let stays = writing(&lock(&client).rejoin(true));
    until_nodes(&holder, 3).await;
    network.silence(true);
    until_nodes(&holder, 1).await;
    network.silence(false);
    let error = fails.await.unwrap().unwrap_err();
    assert_eq!(error, RecipeError::Client(Error::SessionExpired));
    until_nodes(&holder, 2).await;
    held.release().await.unwrap();
    stays.await.unwrap().unwrap().release().await.unwrap();
}
