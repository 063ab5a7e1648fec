//! Queues whose items have a time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use zk_client::Client;
use zk_recipes::{DelayQueue, Utf8};
use zk_test_kit::TestServer;

use super::{
    LIMIT, PATH, assert_nothing_left, put, queue, take, taking, time_of_day, until_children,
};

zk_test_kit::cases![
    an_item_is_never_early,
    items_come_in_the_order_of_their_times,
    an_earlier_time_that_comes_late_wakes_the_consumer,
    an_item_without_a_time_is_due_at_once,
    the_name_of_an_item_says_when_it_is_due,
    a_time_far_away_does_not_hold_up_others;
    in virtual time: [
        an_item_of_a_later_hour_comes_then_and_nobody_is_asked_before,
        a_clock_that_is_behind_makes_items_late_and_not_early,
    ];
];

fn by_time(client: &Client) -> DelayQueue<String, Utf8> {
    queue(client).clock(time_of_day()).by_due_time()
}

async fn put_after(queue: &DelayQueue<String, Utf8>, items: &[(&str, u64)]) {
    for (item, millis) in items {
        queue.put_after(&(*item).to_owned(), Duration::from_millis(*millis)).await.unwrap();
    }
}

async fn an_item_is_never_early(server: &TestServer) {
    let client = server.client().await;
    let queue = by_time(&client);
    for millis in [0, 1, 7, 300] {
        let begun = Instant::now();
        let delay = Duration::from_millis(millis) + Duration::from_micros(400);
        queue.put_after(&"a".to_owned(), delay).await.unwrap();
        let delivery = take(&queue).await;
        assert!(begun.elapsed() >= delay, "{:?} of {delay:?}", begun.elapsed());
        delivery.ack().await.unwrap();
    }
    assert_nothing_left(&client).await;
}

async fn items_come_in_the_order_of_their_times(server: &TestServer) {
    let client = server.client().await;
    let queue = by_time(&client);
    put_after(&queue, &[("d", 900), ("b", 300), ("e", 1_200), ("a", 1), ("c", 600)]).await;
    for item in ["a", "b", "c", "d", "e"] {
        let delivery = take(&queue).await;
        assert_eq!(delivery.item(), item);
        delivery.ack().await.unwrap();
    }
    assert_nothing_left(&client).await;
}

/// Curator's testLateAddition.
async fn an_earlier_time_that_comes_late_wakes_the_consumer(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let clock = time_of_day();
    let consumer = queue(&client).clock(clock.clone()).by_due_time();
    let producer = queue(&other).clock(clock.clone()).by_due_time();
    put_after(&producer, &[("late", 20_000)]).await;
    let begun = Instant::now();
    let waiting = taking(&consumer);
    until_children(&other, "consumers", 1).await;
    sleep(Duration::from_millis(100)).await;
    producer.put_at(&"soon".to_owned(), clock() + Duration::from_millis(500)).await.unwrap();
    let delivery = timeout(LIMIT, waiting).await.unwrap().unwrap().unwrap();
    assert_eq!(delivery.item(), "soon");
    assert!(begun.elapsed() >= Duration::from_millis(600));
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert!(consumer.try_take().await.unwrap().is_none());
    assert_eq!(consumer.len().await.unwrap(), 2);
    delivery.ack().await.unwrap();
}

async fn an_item_without_a_time_is_due_at_once(server: &TestServer) {
    let queue = by_time(&server.client().await);
    put_after(&queue, &[("b", 20_000)]).await;
    put(&queue, &["a"]).await;
    let delivery = take(&queue).await;
    assert_eq!(delivery.item(), "a");
    delivery.ack().await.unwrap();
}

async fn the_name_of_an_item_says_when_it_is_due(server: &TestServer) {
    let client = server.client().await;
    let queue = queue(&client).by_due_time();
    let time = std::time::UNIX_EPOCH + Duration::from_millis(0x18c_0123_4567);
    let id = queue.put_at(&"a".to_owned(), time).await.unwrap();
    let names = super::children(&client, "items").await;
    assert_eq!(names, [format!("_c_{id}-queue-|18C01234567|0000000000")], "below {PATH}");
}

async fn a_time_far_away_does_not_hold_up_others(server: &TestServer) {
    let queue = by_time(&server.client().await);
    put_after(&queue, &[("b", 20_000), ("a", 10)]).await;
    let delivery = take(&queue).await;
    assert_eq!(delivery.item(), "a");
    let begun = Instant::now();
    delivery.nack(Some(Duration::from_millis(300))).await.unwrap();
    let again = take(&queue).await;
    assert_eq!(again.item(), "a");
    assert!(begun.elapsed() >= Duration::from_millis(300));
    again.ack().await.unwrap();
}

async fn an_item_of_a_later_hour_comes_then_and_nobody_is_asked_before(server: &TestServer) {
    let network = server.network();
    let queue = queue(&server.client_on(&network).await).clock(time_of_day()).by_due_time();
    let later = Duration::from_secs(50 * 60);
    queue.put_after(&"a".to_owned(), later).await.unwrap();
    let begun = Instant::now();
    let before = network.counts().requests;
    let delivery = queue.take().await.unwrap();
    assert!(begun.elapsed() >= later && begun.elapsed() < later + Duration::from_secs(1));
    // Nobody is asked while it sleeps.
    let asked = network.counts().requests - before;
    assert!(asked < 30, "{asked} requests");
    delivery.ack().await.unwrap();
}

async fn a_clock_that_is_behind_makes_items_late_and_not_early(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let producer = by_time(&other);
    let behind = Arc::new(Mutex::new(Duration::from_secs(100)));
    let clock = {
        let (behind, time) = (Arc::clone(&behind), time_of_day());
        move || time() - *behind.lock().unwrap()
    };
    let consumer = queue(&client).clock(clock).by_due_time();
    put_after(&producer, &[("a", 10_000)]).await;
    let begun = Instant::now();
    let waiting = taking(&consumer);
    sleep(Duration::from_secs(25)).await;
    // It is put right while it is slept by, which is noticed in time.
    *behind.lock().unwrap() = Duration::ZERO;
    let delivery = waiting.await.unwrap().unwrap();
    assert!(
        begun.elapsed() >= Duration::from_secs(25) && begun.elapsed() < Duration::from_secs(60)
    );
    delivery.ack().await.unwrap();
}
