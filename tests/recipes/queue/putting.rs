//! What it costs to put an item, and that it is there once.

use std::time::Duration;

use tokio::time::sleep;
use zk_client::Error;
use zk_recipes::queue::Queue;
use zk_recipes::{Janitor, Json, RecipeError, Utf8};
use zk_test_kit::{TestServer, drop_after_polls};

use super::{PATH, assert_nothing_left, children, put, queue, take, take_and_ack};

zk_test_kit::cases![
    what_is_put_comes_out_in_order,
    a_queue_that_was_never_used_is_empty,
    a_put_is_one_request,
    several_items_are_put_together_or_not_at_all,
    items_that_do_not_fit_together_are_not_put,
    a_producer_that_is_gone_leaves_no_ticket,
    a_put_that_is_dropped_at_any_moment_puts_once_or_not_at_all,
    puts_at_once_have_tickets_of_their_own,
    a_ticket_that_was_deleted_is_made_anew,
    values_that_cannot_be_written_are_refused,
];

async fn what_is_put_comes_out_in_order(server: &TestServer) {
    let (producer, consumer) = (queue(&server.client().await), queue(&server.client().await));
    put(&producer, &["a", "b", "c"]).await;
    assert_eq!(consumer.len().await.unwrap(), 3);
    for _ in 0..2 {
        assert_eq!(consumer.peek().await.unwrap().as_deref(), Some("a"));
    }
    assert_eq!(take_and_ack(&consumer, 3).await, ["a", "b", "c"]);
    assert!(consumer.is_empty().await.unwrap());
    assert!(consumer.try_take().await.unwrap().is_none());
    assert_nothing_left(&server.client().await).await;
}

async fn a_queue_that_was_never_used_is_empty(server: &TestServer) {
    let queue = queue(&server.client().await);
    assert_eq!((queue.len().await.unwrap(), queue.peek().await.unwrap()), (0, None));
    assert!(queue.try_take().await.unwrap().is_none());
    assert_eq!(queue.dead_letters().await.unwrap(), []);
    let id = "00000000-0000-4000-8000-000000000000".parse().unwrap();
    assert!(!queue.remove(&id).await.unwrap());
}

async fn a_put_is_one_request(server: &TestServer) {
    let network = server.network();
    let queue = queue(&server.client_on(&network).await);
    put(&queue, &["makes the parents"]).await;
    let before = network.counts().requests;
    put(&queue, &["a", "b", "c"]).await;
    assert_eq!(network.counts().requests, before + 3);
}

async fn several_items_are_put_together_or_not_at_all(server: &TestServer) {
    let client = server.client().await;
    let queue = queue(&client);
    let before = client.create("/before", "").await.unwrap().stat.czxid.0;
    let texts = ["a", "b", "c"].map(str::to_owned);
    let ids = queue.put_all(&texts).await.unwrap();
    assert_eq!((ids.len(), queue.len().await.unwrap()), (3, 3));
    let names = children(&client, "items").await;
    let mut czxids = Vec::new();
    for name in names {
        let stat = client.exists(&format!("{PATH}/items/{name}")).await.unwrap().unwrap();
        czxids.push(stat.czxid);
    }
    assert!(czxids[0].0 > before && czxids.iter().all(|czxid| *czxid == czxids[0]));
    let first = take(&queue).await;
    assert_eq!((first.item().as_str(), first.id()), ("a", ids[0]));
    first.ack().await.unwrap();
    assert_eq!(take_and_ack(&queue, 2).await, ["b", "c"]);
}

async fn items_that_do_not_fit_together_are_not_put(server: &TestServer) {
    let queue = queue(&server.client().await);
    let too_long = vec!["x".repeat(300_000); 5];
    let refused = queue.put_all(&too_long).await.unwrap_err();
    assert!(matches!(refused, RecipeError::Client(Error::RequestTooLarge { .. })), "{refused:?}");
    assert!(!refused.outcome_unknown());
    assert_eq!(queue.len().await.unwrap(), 0);
    assert_eq!(queue.put_all([]).await.unwrap(), []);
}

async fn a_producer_that_is_gone_leaves_no_ticket(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let queue = queue(&client);
    put(&queue, &["a", "b"]).await;
    assert_eq!(children(&other, "producers").await.len(), 1);
    let clone = queue.clone();
    drop(queue);
    put(&clone, &["c"]).await;
    assert_eq!(children(&other, "producers").await.len(), 1);
    drop(clone);
    Janitor::of(&client).drain().await;
    assert_eq!(children(&other, "producers").await, [""; 0]);
}

async fn a_put_that_is_dropped_at_any_moment_puts_once_or_not_at_all(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    put(&queue(&client), &["makes the parents"]).await;
    let consumer = queue(&other);
    take_and_ack(&consumer, 1).await;
    for polls in 0.. {
        let producer = queue(&client);
        let text = polls.to_string();
        let put = drop_after_polls(producer.put(&text), polls).await;
        drop(producer);
        Janitor::of(&client).drain().await;
        client.sync("/").await.unwrap();
        let there = consumer.len().await.unwrap();
        assert!(there <= 1 && (put.is_none() || there == 1), "{there} after {polls} polls");
        assert_eq!(take_and_ack(&consumer, there).await, vec![text; there]);
        assert_eq!(children(&other, "producers").await, [""; 0]);
        if put.is_some() {
            assert!(polls > 0);
            break;
        }
    }
}

async fn puts_at_once_have_tickets_of_their_own(server: &TestServer) {
    let client = server.client().await;
    let queue = queue(&client);
    let puts = (0..8).map(|number| {
        let queue = queue.clone();
        tokio::spawn(async move { queue.put(&format!("{number}")).await.unwrap() })
    });
    for put in puts.collect::<Vec<_>>() {
        put.await.unwrap();
    }
    let mut items = take_and_ack(&queue, 8).await;
    items.sort();
    assert_eq!(items.concat(), "01234567");
}

async fn a_ticket_that_was_deleted_is_made_anew(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let queue = queue(&client);
    put(&queue, &["a"]).await;
    for change in ["delete", "set"] {
        let ticket = children(&other, "producers").await.remove(0);
        let path = format!("{PATH}/producers/{ticket}");
        if change == "delete" {
            other.delete(&path).await.unwrap();
        } else {
            other.set(&path, "").await.unwrap();
        }
        put(&queue, &[change]).await;
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(take_and_ack(&queue, 3).await, ["a", "delete", "set"]);
}

async fn values_that_cannot_be_written_are_refused(server: &TestServer) {
    let client = server.client().await;
    // JSON has no map whose keys are lists.
    let queue = Queue::<std::collections::BTreeMap<Vec<u8>, u8>, _>::new(&client, PATH, Json);
    let queue = queue.unwrap();
    let refused = queue.put(&[(vec![1], 1)].into()).await.unwrap_err();
    assert!(matches!(refused, RecipeError::Codec { .. }), "{refused:?}");
    assert_eq!(queue.len().await.unwrap(), 0);
    for path in ["", "queue", "/a//b", "/a/"] {
        let refused = Queue::<String, _>::new(&client, path, Utf8).unwrap_err();
        assert!(matches!(refused, RecipeError::Client(Error::BadPath { .. })), "{refused:?}");
    }
}
