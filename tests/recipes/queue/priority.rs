//! Queues whose items have a priority.

use zk_client::Client;
use zk_recipes::{PriorityQueue, Utf8};
use zk_test_kit::TestServer;

use super::{assert_nothing_left, queue, take, taking, until_children};

zk_test_kit::cases![
    the_lowest_number_comes_first_and_equal_ones_in_their_order,
    a_more_urgent_item_that_comes_late_is_taken_next,
    a_consumer_that_waits_gets_whatever_comes,
    an_item_keeps_its_priority_when_it_comes_again,
];

fn by_priority(client: &Client) -> PriorityQueue<String, Utf8> {
    queue(client).by_priority()
}

async fn put(queue: &PriorityQueue<String, Utf8>, items: &[(&str, i32)]) {
    for (item, priority) in items {
        queue.put(&(*item).to_owned(), *priority).await.unwrap();
    }
}

/// Takes all items and is done with them.
async fn take_all(queue: &PriorityQueue<String, Utf8>) -> String {
    let mut all = String::new();
    while let Some(delivery) = queue.try_take().await.unwrap() {
        all += delivery.item();
        delivery.ack().await.unwrap();
    }
    all
}

async fn the_lowest_number_comes_first_and_equal_ones_in_their_order(server: &TestServer) {
    let client = server.client().await;
    let queue = by_priority(&client);
    let (least, most) = (i32::MIN, i32::MAX);
    put(&queue, &[("h", most), ("e", 1), ("f", 1), ("g", 16), ("c", -1), ("a", least)]).await;
    // Without a number it is 0.
    super::put(&queue, &["d"]).await;
    put(&queue, &[("b", -16)]).await;
    assert_eq!(queue.peek().await.unwrap().as_deref(), Some("a"));
    assert_eq!(take_all(&queue).await, "abcdefgh");
    assert_nothing_left(&client).await;
}

async fn a_more_urgent_item_that_comes_late_is_taken_next(server: &TestServer) {
    let (producer, consumer) = (server.client().await, server.client().await);
    let (producer, consumer) = (by_priority(&producer), by_priority(&consumer));
    put(&producer, &[("b", 5), ("c", 5), ("d", 5), ("e", 9)]).await;
    let first = take(&consumer).await;
    assert_eq!(first.item(), "b");
    put(&producer, &[("a", 1)]).await;
    let second = take(&consumer).await;
    assert_eq!(second.item(), "a");
    // One that is given back is more urgent than those behind it.
    first.nack(None).await.unwrap();
    second.ack().await.unwrap();
    assert_eq!(take_all(&consumer).await, "bcde");
}

async fn a_consumer_that_waits_gets_whatever_comes(server: &TestServer) {
    let (producer, consumer) = (server.client().await, server.client().await);
    let waiting = taking(&by_priority(&consumer));
    until_children(&producer, "consumers", 1).await;
    put(&by_priority(&producer), &[("a", i32::MAX)]).await;
    let delivery = waiting.await.unwrap().unwrap();
    assert_eq!(delivery.item(), "a");
    delivery.ack().await.unwrap();
}

async fn an_item_keeps_its_priority_when_it_comes_again(server: &TestServer) {
    let queue = by_priority(&server.client().await);
    put(&queue, &[("a", 1), ("b", 1), ("c", 2)]).await;
    let a = take(&queue).await;
    assert_eq!(a.item(), "a");
    a.requeue().await.unwrap();
    assert_eq!(take_all(&queue).await, "bac");
}
