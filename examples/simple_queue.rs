//! A consumer waits at the queue that ZooKeeper's own recipe and Curator's simple one share.
//!
//! `cargo run --example simple_queue` starts a server of its own;
//! `ZK_CONNECT=host:port cargo run --example simple_queue` uses the ZooKeeper that listens there.
#![allow(clippy::print_stdout, reason = "an example talks")]

mod stage;

use stage::{Failure, Stage};
use zk_client::Client;
use zk_recipes::SimpleQueue;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let stage = Stage::find().await?;
    let path = format!("/examples/simple-queue-{}", std::process::id());
    let (producer, consumer) = (
        Client::connect(&stage.connect_string).await?,
        Client::connect(&stage.connect_string).await?,
    );
    let items = SimpleQueue::new(&consumer, &path)?;
    let taking = tokio::spawn(async move { items.take().await });

    let queue = SimpleQueue::new(&producer, &path)?;
    for item in ["one", "two", "three"] {
        queue.offer(item).await?;
        println!("offered {item}");
    }
    let first = taking.await??;
    let (second, third) = (queue.poll().await?, queue.poll().await?);
    println!("the consumer got {first:?}, then came {second:?} and {third:?}");
    let rest = [Some(first), second, third].map(Option::unwrap_or_default);
    if rest != ["one", "two", "three"] || queue.poll().await?.is_some() {
        return Err("an item came twice, late or never".into());
    }
    consumer.close().await?;
    producer.close().await?;
    stage.leave().await;
    Ok(())
}
