//! Consumers that lose their item, their session or their life.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use zk_client::{Client, Error, ExpiryPolicy};
use zk_recipes::queue::Returned;
use zk_recipes::{LostReason, Ownership, RecipeError};
use zk_test_kit::{Network, TestServer};

use super::{LIMIT, assert_nothing_left, put, queue, take, take_and_ack, taking, until_children};

zk_test_kit::cases![
    the_item_of_a_consumer_that_died_goes_to_another_one,
    a_late_ack_of_an_expired_consumer_is_refused,
    no_two_hold_one_item,
    a_consumer_resumes_behind_a_long_partition,
    a_take_goes_on_in_the_next_session,
    a_take_fails_when_the_session_is_over_for_good,
    a_delivery_of_the_old_session_is_lost_in_the_new_one,
];

/// Curator's testSafetyWithCrash.
async fn the_item_of_a_consumer_that_died_goes_to_another_one(server: &TestServer) {
    let network = server.network();
    let (dies, lives) = (server.client_on(&network).await, server.client().await);
    put(&queue(&lives), &["a", "b"]).await;
    let delivery = take(&queue(&dies)).await;
    assert_eq!(delivery.item(), "a");
    network.silence(true);
    let lives_on = queue(&lives);
    assert_eq!(take_and_ack(&lives_on, 1).await, ["b"]);
    let again = take(&lives_on).await;
    assert_eq!((again.item().as_str(), again.attempts()), ("a", 2));
    assert!(again.token() > delivery.token());
    again.ack().await.unwrap();
    network.silence(false);
    assert_eq!(delivery.lost().await, LostReason::SessionExpired);
    assert_nothing_left(&lives).await;
}

async fn a_late_ack_of_an_expired_consumer_is_refused(server: &TestServer) {
    let network = server.network();
    let (late, next) = (server.client_on(&network).await, server.client().await);
    put(&queue(&next), &["a"]).await;
    let delivery = take(&queue(&late)).await;
    network.silence(true);
    let again = take(&queue(&next)).await;
    network.silence(false);
    // It does not know yet, or knows: in no case it is done with the item.
    let refused = delivery.ack().await.unwrap_err();
    assert!(!refused.outcome_unknown() && refused.is_session_over(), "{refused:?}");
    again.verify().await.unwrap();
    assert_eq!(queue(&next).len().await.unwrap(), 1);
    again.ack().await.unwrap();
    assert_nothing_left(&next).await;
}

async fn no_two_hold_one_item(server: &TestServer) {
    let network = server.network();
    let (first, second) = (server.client_on(&network).await, server.client().await);
    put(&queue(&second), &["a"]).await;
    let delivery = take(&queue(&first)).await;
    let ownership = delivery.watch();
    assert_eq!(*ownership.borrow(), Ownership::Held);
    network.silence(true);
    let again = take(&queue(&second)).await;
    assert_eq!(again.ownership(), Ownership::Held);
    assert_ne!(*ownership.borrow(), Ownership::Held);
    assert!(!delivery.is_valid());
    again.ack().await.unwrap();
    network.silence(false);
    assert_eq!(delivery.nack(None).await.map_err(|error| error.is_session_over()), Err(true));
}

/// Curator's testLongNetworkPartition.
async fn a_consumer_resumes_behind_a_long_partition(server: &TestServer) {
    let network = server.network();
    let (client, producer) = (renewing(server, &network).await, server.client().await);
    let consumer = queue(&client);
    let waiting = taking(&consumer);
    until_children(&producer, "consumers", 1).await;
    network.refuse("a", true);
    network.cut();
    put(&queue(&producer), &["a"]).await;
    until_children(&producer, "consumers", 0).await;
    sleep(Duration::from_secs(if server.has_virtual_time() { 600 } else { 1 })).await;
    network.refuse("a", false);
    let delivery = timeout(LIMIT, waiting).await.unwrap().unwrap().unwrap();
    assert_eq!(delivery.item(), "a");
    delivery.ack().await.unwrap();
}

async fn renewing(server: &TestServer, network: &Network) -> Client {
    server.builder(network).on_expiry(ExpiryPolicy::NewSession).connect().await.unwrap()
}

async fn a_take_goes_on_in_the_next_session(server: &TestServer) {
    let network = server.network();
    let (client, other) = (renewing(server, &network).await, server.client().await);
    let consumer = queue(&client);
    // So that there is a ticket of the old session, too.
    put(&consumer, &["a"]).await;
    take_and_ack(&consumer, 1).await;
    let waiting = taking(&consumer);
    until_children(&other, "consumers", 1).await;
    network.silence(true);
    until_children(&other, "consumers", 0).await;
    network.silence(false);
    until_children(&other, "consumers", 1).await;
    put(&consumer, &["b"]).await;
    let delivery = timeout(LIMIT, waiting).await.unwrap().unwrap().unwrap();
    assert_eq!((delivery.item().as_str(), delivery.attempts()), ("b", 1));
    delivery.ack().await.unwrap();
}

async fn a_take_fails_when_the_session_is_over_for_good(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let waiting = taking(&queue(&client));
    until_children(&other, "consumers", 1).await;
    network.silence(true);
    until_children(&other, "consumers", 0).await;
    network.silence(false);
    let over = RecipeError::Client(Error::SessionExpired);
    assert_eq!(timeout(LIMIT, waiting).await.unwrap().unwrap().unwrap_err(), over);
    let refused = queue(&client).put(&"a".to_owned()).await.unwrap_err();
    assert_eq!(refused, over);
}

async fn a_delivery_of_the_old_session_is_lost_in_the_new_one(server: &TestServer) {
    let network = server.network();
    let (client, other) = (renewing(server, &network).await, server.client().await);
    let consumer = queue(&client);
    put(&consumer, &["a"]).await;
    let delivery = take(&consumer).await;
    network.silence(true);
    until_children(&other, "claims", 1).await;
    network.silence(false);
    assert_eq!(delivery.lost().await, LostReason::SessionExpired);
    let again = take(&consumer).await;
    assert_eq!((again.item().as_str(), again.attempts()), ("a", 2));
    let refused = delivery.requeue().await;
    assert!(refused.as_ref().is_err_and(RecipeError::is_session_over), "{refused:?}");
    // The old one has taken nothing along.
    sleep(Duration::from_millis(50)).await;
    again.verify().await.unwrap();
    assert_eq!(again.nack(None).await.unwrap(), Returned::Again);
    assert_eq!(take_and_ack(&consumer, 1).await, ["a"]);
    assert_nothing_left(&other).await;
}
