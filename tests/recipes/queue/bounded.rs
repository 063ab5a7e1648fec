//! Queues that hold no more than so many items.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use zk_client::Client;
use zk_recipes::{Janitor, RecipeError};
use zk_test_kit::{TestServer, drop_after_polls};

use super::{
    LIMIT, Texts, assert_nothing_left, children, put, queue, take, take_and_ack, until_children,
};

zk_test_kit::cases![
    a_full_queue_refuses_and_goes_on_when_there_is_room,
    a_put_waits_for_room_and_the_order_is_kept,
    there_are_never_more_items_than_that,
    an_item_keeps_its_place_until_it_is_done_with,
    a_dead_letter_and_an_item_that_is_removed_leave_their_place,
    several_items_need_room_together,
    a_producer_that_gives_up_takes_no_place,
    one_ack_wakes_one_producer,
];

fn bounded(client: &Client, most: u32) -> Texts {
    queue(client).max_items(most)
}

async fn try_put(queue: &Texts, item: &str) -> bool {
    queue.try_put(&item.to_owned()).await.unwrap().is_some()
}

async fn a_full_queue_refuses_and_goes_on_when_there_is_room(server: &TestServer) {
    let client = server.client().await;
    let queue = bounded(&client, 2);
    assert!(try_put(&queue, "a").await);
    assert!(try_put(&queue, "b").await);
    for _ in 0..3 {
        assert!(!try_put(&queue, "x").await);
    }
    assert_eq!(queue.len().await.unwrap(), 2);
    assert_eq!(take_and_ack(&queue, 1).await, ["a"]);
    assert!(try_put(&queue, "c").await);
    assert!(!try_put(&queue, "x").await);
    assert_eq!(take_and_ack(&queue, 2).await, ["b", "c"]);
    assert_nothing_left(&client).await;
}

/// Curator's `TestBoundedDistributedQueue.testSimple`.
async fn a_put_waits_for_room_and_the_order_is_kept(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let (producer, consumer) = (bounded(&client, 1), bounded(&other, 1));
    put(&producer, &["a"]).await;
    let limit = Duration::from_millis(200);
    let refused = producer.put_timeout(&"x".to_owned(), limit).await.unwrap_err();
    assert_eq!(refused, RecipeError::Timeout);
    let mut putting = tokio::spawn(async move { put(&producer, &["b", "c", "d"]).await });
    for item in ["a", "b", "c"] {
        assert!(timeout(Duration::from_millis(50), &mut putting).await.is_err());
        assert_eq!(take_and_ack(&consumer, 1).await, [item]);
    }
    timeout(LIMIT, putting).await.unwrap().unwrap();
    assert_eq!(take_and_ack(&consumer, 1).await, ["d"]);
    Janitor::of(&client).drain().await;
    assert_nothing_left(&other).await;
}

async fn there_are_never_more_items_than_that(server: &TestServer) {
    const MOST: usize = 3;
    let (producers, items) = (4, 12);
    let done = Arc::new(AtomicBool::new(false));
    let observer = {
        let (client, done) = (server.client().await, Arc::clone(&done));
        tokio::spawn(async move {
            let mut highest = 0;
            while !done.load(Ordering::SeqCst) {
                highest = highest.max(children(&client, "items").await.len());
                assert!(highest <= MOST, "{highest} items");
                sleep(Duration::from_millis(1)).await;
            }
            highest
        })
    };
    let mut tasks = JoinSet::new();
    for producer in 0..producers {
        let queue = bounded(&server.client().await, 3);
        tasks.spawn(async move {
            for number in 0..items {
                put(&queue, &[&format!("{producer}-{number:02}")]).await;
            }
            Vec::new()
        });
    }
    for _ in 0..2 {
        let queue = bounded(&server.client().await, 3);
        tasks.spawn(async move {
            let mut taken = Vec::new();
            for _ in 0..producers * items / 2 {
                taken.extend(take_and_ack(&queue, 1).await);
                sleep(Duration::from_millis(5)).await;
            }
            taken
        });
    }
    let mut taken = timeout(LIMIT * 4, tasks.join_all()).await.unwrap().concat();
    done.store(true, Ordering::SeqCst);
    assert_eq!(observer.await.unwrap(), MOST, "the queue was never full");
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), producers * items);
}

async fn an_item_keeps_its_place_until_it_is_done_with(server: &TestServer) {
    let client = server.client().await;
    let queue = bounded(&client, 1);
    put(&queue, &["a"]).await;
    let delivery = take(&queue).await;
    assert!(!try_put(&queue, "x").await);
    delivery.nack(None).await.unwrap();
    assert!(!try_put(&queue, "x").await);
    take(&queue).await.requeue().await.unwrap();
    assert!(!try_put(&queue, "x").await);
    assert_eq!(take_and_ack(&queue, 1).await, ["a"]);
    assert!(try_put(&queue, "b").await);
}

async fn a_dead_letter_and_an_item_that_is_removed_leave_their_place(server: &TestServer) {
    let client = server.client().await;
    let queue = bounded(&client, 1).max_attempts(1);
    put(&queue, &["a"]).await;
    take(&queue).await.nack(None).await.unwrap();
    assert_eq!(queue.dead_letters().await.unwrap().len(), 1);
    let id = queue.try_put(&"b".to_owned()).await.unwrap().unwrap();
    assert!(!try_put(&queue, "x").await);
    assert!(queue.remove(&id).await.unwrap());
    assert!(try_put(&queue, "c").await);
    assert_eq!(take_and_ack(&queue, 1).await, ["c"]);
    assert_nothing_left(&client).await;
}

async fn several_items_need_room_together(server: &TestServer) {
    let client = server.client().await;
    let queue = bounded(&client, 3);
    let texts = ["b", "c", "d", "e"].map(str::to_owned);
    let refused = queue.put_all(&texts).await.unwrap_err();
    assert!(matches!(refused, RecipeError::BadArguments { .. }), "{refused:?}");
    put(&queue, &["a"]).await;
    let putting = {
        let (queue, texts) = (queue.clone(), texts.clone());
        tokio::spawn(async move { queue.put_all(&texts[..3]).await.unwrap() })
    };
    sleep(Duration::from_millis(100)).await;
    assert!(!putting.is_finished());
    assert_eq!(queue.len().await.unwrap(), 1);
    assert_eq!(take_and_ack(&queue, 1).await, ["a"]);
    assert_eq!(timeout(LIMIT, putting).await.unwrap().unwrap().len(), 3);
    assert_eq!(take_and_ack(&queue, 3).await, ["b", "c", "d"]);
}

async fn a_producer_that_gives_up_takes_no_place(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let observer = bounded(&other, 1);
    put(&observer, &["a"]).await;
    let mut longest = 0;
    for polls in 0..30 {
        let producer = bounded(&client, 1);
        assert!(drop_after_polls(producer.put(&"x".to_owned()), polls).await.is_none());
        drop(producer);
        Janitor::of(&client).drain().await;
        let producers = children(&other, "producers").await;
        assert!(producers.len() <= 1, "{producers:?} after {polls} polls");
        assert_eq!(children(&other, "slots").await, ["0"]);
        longest = polls;
    }
    assert_eq!(longest, 29);
    assert_eq!(take_and_ack(&observer, 1).await, ["a"]);
    assert!(try_put(&observer, "b").await);
}

async fn one_ack_wakes_one_producer(server: &TestServer) {
    let other = server.client().await;
    let consumer = bounded(&other, 1);
    put(&consumer, &["a"]).await;
    let mut producers = Vec::new();
    for number in 1..=4 {
        let network = server.network();
        let queue = bounded(&server.client_on(&network).await, 1);
        let item = number.to_string();
        producers.push((network, tokio::spawn(async move { queue.put(&item).await })));
        // Each has a ticket and a place in line, and the consumer has its ticket.
        until_children(&other, "producers", 2 * number + 1).await;
    }
    sleep(Duration::from_millis(100)).await;
    let events = |producers: &[(zk_test_kit::Network, _)]| -> Vec<usize> {
        producers.iter().map(|(network, _)| network.counts().events).collect()
    };
    let before = events(&producers);
    assert_eq!(take_and_ack(&consumer, 1).await, ["a"]);
    until_children(&other, "items", 1).await;
    sleep(Duration::from_millis(100)).await;
    let after = events(&producers);
    assert!(after[0] > before[0]);
    // The next one is first in line now; the others hear nothing.
    assert_eq!(after[2..], before[2..]);
    assert_eq!(take_and_ack(&consumer, 4).await, ["1", "2", "3", "4"]);
    for (_, producer) in producers {
        producer.await.unwrap().unwrap();
    }
}
