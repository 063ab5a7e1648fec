//! An urgent item that comes last is taken first, and one that is given back keeps its place.
//!
//! `cargo run --example priority_queue` starts a server of its own;
//! `ZK_CONNECT=host:port cargo run --example priority_queue` uses the ZooKeeper that listens there.
#![allow(clippy::print_stdout, reason = "an example talks")]

mod stage;

use stage::{Failure, Stage};
use zk_client::Client;
use zk_recipes::{Queue, Utf8};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let stage = Stage::find().await?;
    let path = format!("/examples/priority-queue-{}", std::process::id());
    let client = Client::connect(&stage.connect_string).await?;
    let queue = Queue::<String, _>::new(&client, &path, Utf8)?.by_priority();
    for (item, priority) in [("sweep", 5), ("cook", 3), ("call the fire brigade", -1)] {
        queue.put(&item.to_owned(), priority).await?;
        println!("put {item:?} with priority {priority}");
    }

    let urgent = queue.take().await?;
    println!("took {:?}, and gives it back", urgent.item());
    urgent.nack(None).await?;
    let mut done = Vec::new();
    while let Some(delivery) = queue.try_take().await? {
        println!("done with {:?}, delivery {}", delivery.item(), delivery.attempts());
        done.push(delivery.item().clone());
        delivery.ack().await?;
    }
    if done != ["call the fire brigade", "cook", "sweep"] {
        return Err(format!("taken in the order {done:?}").into());
    }
    client.close().await?;
    stage.leave().await;
    Ok(())
}
