//! The queue.

mod bounded;
mod counter_end;
mod dead_letters;
mod delay;
mod endings;
mod losing;
mod lost_replies;
mod priority;
mod putting;
mod random_faults;
mod taking;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use zk_client::Client;
use zk_recipes::queue::{Delivery, Queue};
use zk_recipes::{RecipeError, Utf8};
use zk_test_kit::Case;

pub(crate) fn cases() -> Vec<Case> {
    [
        bounded::cases(),
        counter_end::cases(),
        dead_letters::cases(),
        delay::cases(),
        endings::cases(),
        losing::cases(),
        lost_replies::cases(),
        priority::cases(),
        putting::cases(),
        random_faults::cases(),
        taking::cases(),
    ]
    .concat()
}

const PATH: &str = "/queues/a";

type Texts = Queue<String, Utf8>;

fn queue(client: &Client) -> Texts {
    Queue::new(client, PATH, Utf8).unwrap()
}

async fn put(queue: &Texts, items: &[&str]) {
    for item in items {
        queue.put(&(*item).to_owned()).await.unwrap();
    }
}

/// Takes an item that is there or is about to come.
async fn take(queue: &Texts) -> Delivery<String> {
    queue.take_timeout(LIMIT).await.unwrap()
}

/// Takes so many items, and is done with each at once.
async fn take_and_ack(queue: &Texts, count: usize) -> Vec<String> {
    let mut items = Vec::new();
    for _ in 0..count {
        let delivery = take(queue).await;
        items.push(delivery.item().clone());
        delivery.ack().await.unwrap();
    }
    items
}

/// A take under way.
fn taking(queue: &Texts) -> JoinHandle<Result<Delivery<String>, RecipeError>> {
    let queue = queue.clone();
    tokio::spawn(async move { queue.take().await })
}

async fn children(client: &Client, of: &str) -> Vec<String> {
    match client.children(&format!("{PATH}/{of}")).await {
        Ok(names) => names.iter().map(ToString::to_string).collect(),
        Err(_) => Vec::new(),
    }
}

/// Waits until a part of the queue has so many nodes.
async fn until_children(client: &Client, of: &str, count: usize) {
    while children(client, of).await.len() != count {
        sleep(Duration::from_millis(10)).await;
    }
}

/// No item is there, nor anything that goes with one.
async fn assert_nothing_left(client: &Client) {
    until_children(client, "consumers", 0).await;
    for part in ["items", "claims", "slots"] {
        assert_eq!(children(client, part).await, [""; 0], "{part}");
    }
}

/// A time of day that goes with tokio's clock.
fn time_of_day() -> impl Fn() -> SystemTime + Send + Sync + Clone + 'static {
    let begun = Instant::now();
    move || UNIX_EPOCH + Duration::from_secs(1_700_000_000) + begun.elapsed()
}

/// Longer than anything takes that comes at all.
const LIMIT: Duration = Duration::from_secs(30);
