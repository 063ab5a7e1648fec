//! Reminders that come at their time, also those that are thought of late.
//!
//! `cargo run --example delay_queue` starts a server of its own;
//! `ZK_CONNECT=host:port cargo run --example delay_queue` uses the ZooKeeper that listens there.
#![allow(clippy::print_stdout, reason = "an example talks")]

mod stage;

use std::time::Duration;

use stage::{Failure, Stage};
use tokio::time::{Instant, sleep};
use zk_client::Client;
use zk_recipes::{DelayQueue, Queue, Utf8};

/// What to remind of, and after how many milliseconds.
const REMINDERS: [(&str, u64); 4] =
    [("go home", 1_600), ("tea", 400), ("lunch", 1_200), ("stand up", 10)];
/// Put when the others wait already, and due before some of them.
const LATE: (&str, u64) = ("call ada", 300);
const LATE_BY: Duration = Duration::from_millis(500);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let stage = Stage::find().await?;
    let connect_string = stage.connect_string.clone();
    let client = Client::connect(&connect_string).await?;
    let path = format!("/examples/delay-queue-{}", std::process::id());
    let queue = Queue::new(&client, &path, Utf8)?.by_due_time();

    let begun = Instant::now();
    for (reminder, millis) in REMINDERS {
        put(&queue, reminder, millis).await?;
    }
    let late = tokio::spawn({
        let queue = queue.clone();
        async move {
            sleep(LATE_BY).await;
            put(&queue, LATE.0, LATE.1).await
        }
    });

    let mut due: Vec<(u64, &str)> =
        REMINDERS.iter().map(|(what, millis)| (*millis, *what)).collect();
    due.push((LATE.1 + u64::try_from(LATE_BY.as_millis())?, LATE.0));
    due.sort_unstable();
    for (millis, expected) in due {
        let delivery = queue.take().await?;
        let at = begun.elapsed();
        println!("{:>5} ms  {}", at.as_millis(), delivery.item());
        if delivery.item() != expected {
            return Err(format!("{} before {expected}", delivery.item()).into());
        }
        if at < Duration::from_millis(millis) {
            return Err(format!("{expected} is early").into());
        }
        delivery.ack().await?;
    }
    late.await??;
    println!("\neverything came in the order of its time, and nothing early");

    drop(queue);
    client.delete_recursive(&path).await?;
    client.close().await?;
    stage.leave().await;
    Ok(())
}

async fn put(queue: &DelayQueue<String, Utf8>, what: &str, millis: u64) -> Result<(), Failure> {
    println!("          {what} in {millis} ms");
    queue.put_after(&what.to_owned(), Duration::from_millis(millis)).await?;
    Ok(())
}
