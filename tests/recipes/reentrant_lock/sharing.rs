//! One guard in several hands.

use zk_recipes::{Janitor, LostReason, Released};
use zk_test_kit::TestServer;

use super::{lock, nodes};

zk_test_kit::cases![
    a_shared_guard_is_released_with_the_last_one,
    the_last_release_is_confirmed_and_the_others_are_not_asked_for,
    all_who_share_see_the_loss,
    a_release_of_the_last_one_that_is_not_confirmed_can_be_repeated,
];

async fn a_shared_guard_is_released_with_the_last_one(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let one = lock(&holder).acquire().await.unwrap().share();
    let two = one.clone();
    assert_eq!((one.count(), one.token()), (2, two.token()));
    drop(one);
    Janitor::of(&holder).drain().await;
    assert_eq!(nodes(&other).await, 1);
    two.verify().await.unwrap();
    drop(two);
    Janitor::of(&holder).drain().await;
    assert_eq!(nodes(&other).await, 0);
}

async fn the_last_release_is_confirmed_and_the_others_are_not_asked_for(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let one = lock(&holder).acquire().await.unwrap().share();
    let two = one.clone();
    assert_eq!(one.release().await.unwrap(), None);
    assert_eq!(nodes(&other).await, 1);
    assert_eq!(two.release().await.unwrap(), Some(Released::Now));
    assert_eq!(nodes(&other).await, 0);
}

async fn all_who_share_see_the_loss(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let one = lock(&holder).acquire().await.unwrap().share();
    let two = one.clone();
    other.delete(&one.path()).await.unwrap();
    assert_eq!(one.lost().await, LostReason::NodeDeleted);
    assert!(!two.is_valid());
    drop(one);
    assert_eq!(two.release().await.unwrap(), Some(Released::AlreadyLost));
}

async fn a_release_of_the_last_one_that_is_not_confirmed_can_be_repeated(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let guard = lock(&client).acquire().await.unwrap().share();
    network.hold_incoming(true);
    let release = tokio::spawn(guard.release());
    while nodes(&other).await != 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    network.cut();
    network.hold_incoming(false);
    let unconfirmed = release.await.unwrap().unwrap_err();
    assert_eq!(unconfirmed.guard.count(), 1);
    assert!(unconfirmed.guard.release().await.unwrap().is_some());
}
