//! Connections that break around one request.

use std::time::Duration;

use tokio::time::sleep;
use zk_recipes::queue::{Delivery, Returned};
use zk_recipes::{Janitor, RecipeError};
use zk_test_kit::TestServer;
use zk_test_kit::network::Moment;

use super::{assert_nothing_left, children, put, queue, take, take_and_ack, until_children};

zk_test_kit::cases![
    an_item_that_was_taken_before_its_put_was_answered_is_not_put_again,
    a_put_cut_at_any_request_puts_once,
    a_take_cut_at_any_request_takes_once,
    an_ack_whose_reply_is_lost_is_settled,
    a_nack_whose_reply_is_lost_gives_back_once,
];

/// To look for the item would not find it, and to put it again would be twice (Curator's puts).
async fn an_item_that_was_taken_before_its_put_was_answered_is_not_put_again(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let (producer, consumer) = (queue(&client), queue(&other));
    for round in ["first", "later"] {
        put(&consumer, &["makes the parents"]).await;
        take_and_ack(&consumer, 1).await;
        network.hold_incoming(true);
        let putting = tokio::spawn({
            let producer = producer.clone();
            async move { producer.put(&round.to_owned()).await }
        });
        until_children(&other, "items", 1).await;
        assert_eq!(take_and_ack(&consumer, 1).await, [round]);
        network.cut();
        network.hold_incoming(false);
        putting.await.unwrap().unwrap();
        assert!(consumer.try_take().await.unwrap().is_none());
        assert_nothing_left(&other).await;
    }
}

async fn a_put_cut_at_any_request_puts_once(server: &TestServer) {
    let other = server.client().await;
    let consumer = queue(&other);
    for moment in Moment::ALL {
        for skip in 0.. {
            let network = server.network();
            let client = server.client_on(&network).await;
            network.cut_at_request(skip, moment);
            put(&queue(&client), &["a", "b"]).await;
            assert_eq!(take_and_ack(&consumer, 2).await, ["a", "b"], "{moment:?} {skip}");
            assert!(consumer.try_take().await.unwrap().is_none(), "{moment:?} {skip}");
            if network.is_cut_pending() {
                assert!(skip >= 3, "only {skip} requests were cut");
                break;
            }
        }
    }
}

async fn a_take_cut_at_any_request_takes_once(server: &TestServer) {
    let other = server.client().await;
    let observer = queue(&other);
    for moment in [Moment::BeforeSending, Moment::BeforeReply] {
        for skip in 0.. {
            let network = server.network();
            let client = server.client_on(&network).await;
            put(&observer, &["a"]).await;
            network.cut_at_request(skip, moment);
            let delivery = take(&queue(&client)).await;
            assert_eq!((delivery.item().as_str(), delivery.attempts()), ("a", 1));
            assert!(observer.try_take().await.unwrap().is_none(), "{moment:?} {skip}");
            // An item, its claim, its witness and its count, and nobody in line any more.
            assert_eq!(children(&other, "claims").await.len(), 3);
            delivery.ack().await.unwrap();
            Janitor::of(&client).drain().await;
            assert_nothing_left(&other).await;
            if network.is_cut_pending() {
                assert!(skip > 6, "only {skip} requests were cut");
                break;
            }
        }
    }
}

async fn an_ack_whose_reply_is_lost_is_settled(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let queue = queue(&client);
    for moment in Moment::ALL {
        put(&queue, &["a"]).await;
        let delivery = take(&queue).await;
        // The watch on the witness has been set.
        sleep(Duration::from_millis(50)).await;
        network.cut_at_request(0, moment);
        delivery.ack().await.unwrap();
        assert!(!network.is_cut_pending());
        assert_nothing_left(&other).await;
    }
}

async fn give_back(delivery: Delivery<String>, how: &str) -> Result<Returned, RecipeError> {
    match how {
        "nack" => delivery.nack(None).await,
        "requeue" => delivery.requeue().await,
        _ => delivery.nack(Some(Duration::ZERO)).await,
    }
}

async fn a_nack_whose_reply_is_lost_gives_back_once(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let queue = queue(&client);
    put(&queue, &["a"]).await;
    let mut attempts = 0;
    for moment in Moment::ALL {
        for how in ["nack", "requeue", "delay"] {
            let delivery = take(&queue).await;
            attempts += 1;
            assert_eq!(delivery.attempts(), attempts);
            sleep(Duration::from_millis(50)).await;
            network.cut_at_request(0, moment);
            assert_eq!(give_back(delivery, how).await.unwrap(), Returned::Again);
            assert_eq!(children(&other, "items").await.len(), 1);
            assert_eq!(children(&other, "claims").await.len(), 1);
        }
    }
    assert_eq!(take_and_ack(&queue, 1).await, ["a"]);
    assert_nothing_left(&other).await;
}
