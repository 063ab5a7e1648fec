//! Items that nobody takes any more.

use std::time::Duration;

use zk_client::CreateMode;
use zk_recipes::queue::{Queue, Returned};
use zk_recipes::{Janitor, Json, RecipeError};
use zk_test_kit::TestServer;

use super::{
    PATH, assert_nothing_left, put, queue, take, take_and_ack, time_of_day, until_children,
};

zk_test_kit::cases![
    an_item_that_was_delivered_often_enough_is_a_dead_letter,
    consumers_that_die_with_an_item_do_not_get_it_for_ever,
    an_item_can_be_refused_for_good,
    what_cannot_be_read_is_a_dead_letter_and_holds_up_nobody,
    an_item_that_cannot_even_be_moved_holds_up_nobody,
    a_dead_letter_can_be_discarded,
];

async fn an_item_that_was_delivered_often_enough_is_a_dead_letter(server: &TestServer) {
    let client = server.client().await;
    let queue = queue(&client).max_attempts(3).clock(time_of_day());
    put(&queue, &["poison", "good"]).await;
    for attempt in 1..=3 {
        let delivery = take(&queue).await;
        assert_eq!((delivery.item().as_str(), delivery.attempts()), ("poison", attempt));
        let expected = if attempt < 3 { Returned::Again } else { Returned::DeadLetter };
        let delay = (attempt == 1).then_some(Duration::from_millis(1));
        assert_eq!(delivery.nack(delay).await.unwrap(), expected);
        // So that what was put off is due.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(take_and_ack(&queue, 1).await, ["good"]);
    let letters = queue.dead_letters().await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (&*letters[0].data, letters[0].why.as_str()),
        (&b"poison"[..], "given up after 3 attempts")
    );
    assert_nothing_left(&client).await;
}

/// Whose consumers never come to give it back is counted, too.
async fn consumers_that_die_with_an_item_do_not_get_it_for_ever(server: &TestServer) {
    let other = server.client().await;
    let observer = queue(&other).max_attempts(2);
    put(&observer, &["poison", "good"]).await;
    for attempt in 1..=2 {
        let client = server.client().await;
        let delivery = take(&queue(&client).max_attempts(2)).await;
        assert_eq!((delivery.item().as_str(), delivery.attempts()), ("poison", attempt));
        client.close().await.unwrap();
        drop(delivery);
        until_children(&other, "claims", 1).await;
    }
    assert_eq!(take_and_ack(&observer, 1).await, ["good"]);
    let letters = observer.dead_letters().await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].why, "given up after 2 attempts");
    assert_nothing_left(&other).await;
}

async fn an_item_can_be_refused_for_good(server: &TestServer) {
    let client = server.client().await;
    let queue = queue(&client);
    put(&queue, &["a", "b"]).await;
    let delivery = take(&queue).await;
    let id = delivery.id();
    delivery.dead_letter("no such customer").await.unwrap();
    let delivery = take(&queue).await;
    delivery.dead_letter(&"ä".repeat(1_000)).await.unwrap();
    let letters = queue.dead_letters().await.unwrap();
    assert_eq!((letters[0].id, letters[0].why.as_str()), (id, "no such customer"));
    assert_eq!(letters[1].why, "ä".repeat(512));
    assert!(!format!("{letters:?}").contains("data"));
    assert_nothing_left(&client).await;
}

async fn what_cannot_be_read_is_a_dead_letter_and_holds_up_nobody(server: &TestServer) {
    let client = server.client().await;
    let queue = Queue::<u32, _>::new(&client, PATH, Json).unwrap();
    queue.put(&1).await.unwrap();
    let bad = format!("{PATH}/items/_c_00000000-0000-4000-8000-000000000000-queue-");
    for data in ["", "\"seven\"", "{"] {
        client.create(&bad, data).mode(CreateMode::PersistentSequential).await.unwrap();
    }
    queue.put(&2).await.unwrap();
    let first = queue.take().await.unwrap();
    assert!(matches!(queue.peek().await.unwrap_err(), RecipeError::Codec { .. }));
    let second = queue.take().await.unwrap();
    assert_eq!((*first.item(), *second.item()), (1, 2));
    first.ack().await.unwrap();
    second.ack().await.unwrap();
    let letters = queue.dead_letters().await.unwrap();
    let data: Vec<_> = letters.iter().map(|letter| &*letter.data).collect();
    assert_eq!(data, [&b""[..], b"\"seven\"", b"{"]);
    assert!(letters.iter().all(|letter| letter.why.starts_with("cannot be read: ")), "{letters:?}");
    Janitor::of(&client).drain().await;
    assert_nothing_left(&client).await;
}

async fn an_item_that_cannot_even_be_moved_holds_up_nobody(server: &TestServer) {
    let client = server.client().await;
    // No reply that is as long as the item is accepted.
    let small = server.builder(&server.network()).max_reply(10_000).connect().await.unwrap();
    let (producer, consumer) = (queue(&client), queue(&small));
    put(&producer, &[&"x".repeat(20_000), "a", "b"]).await;
    assert_eq!(take_and_ack(&consumer, 2).await, ["a", "b"]);
    assert!(consumer.try_take().await.unwrap().is_none());
    Janitor::of(&small).drain().await;
    assert_eq!(consumer.len().await.unwrap(), 1);
    assert_eq!(consumer.dead_letters().await.unwrap(), []);
    // Somebody else can have it.
    assert_eq!(take(&producer).await.item().len(), 20_000);
}

async fn a_dead_letter_can_be_discarded(server: &TestServer) {
    let client = server.client().await;
    let queue = queue(&client);
    put(&queue, &["a"]).await;
    take(&queue).await.dead_letter("").await.unwrap();
    let letter = queue.dead_letters().await.unwrap().remove(0);
    assert!(queue.discard(&letter).await.unwrap());
    assert!(!queue.discard(&letter).await.unwrap());
    assert_eq!(queue.dead_letters().await.unwrap(), []);
}
