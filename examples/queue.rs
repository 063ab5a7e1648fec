//! Two producers and two consumers share a queue; one consumer is killed with an item in its hand, and one
//! item is poison.
//!
//! `cargo run --example queue` starts a server of its own;
//! `ZK_CONNECT=host:port cargo run --example queue` uses the ZooKeeper that listens there.
//!
//! The consumer that is killed loses its runtime, and so its connection, without a word, as when a process
//! dies. Its item comes again when its session has expired. The poison is given back each time, until it is
//! a dead letter.
#![allow(clippy::print_stdout, reason = "an example talks")]

mod stage;

use std::thread;
use std::time::Duration;

use stage::{Failure, Stage};
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;
use zk_client::Client;
use zk_recipes::Utf8;
use zk_recipes::queue::{Queue, Returned};

const PARCELS: [&str; 6] = ["books", "shoes", "poison", "chairs", "lamps", "tea"];
const POISON: &str = "poison";
const MOST_ATTEMPTS: u32 = 3;
/// Asked for; ZooKeeper grants no less than two of its ticks.
const SESSION_TIMEOUT: Duration = Duration::from_secs(2);
/// Longer than a session lives: nothing comes any more.
const PATIENCE: Duration = Duration::from_secs(8);

type Parcels = Queue<String, Utf8>;

fn main() -> Result<(), Failure> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let stage = runtime.block_on(Stage::find())?;
    let connect_string = stage.connect_string.clone();
    let path = format!("/examples/queue-{}", std::process::id());
    println!("a queue at {path} on {connect_string}\n");

    runtime.block_on(produce(&connect_string, &path))?;
    let killed = kill_a_consumer(&connect_string, &path)?;
    let done = runtime.block_on(consume(&connect_string, &path))?;
    runtime.block_on(check(&connect_string, &path, &killed, &done))?;
    runtime.block_on(stage.leave());
    Ok(())
}

async fn connect(connect_string: &str) -> Result<Client, Failure> {
    Ok(Client::builder(connect_string).session_timeout(SESSION_TIMEOUT).connect().await?)
}

fn queue(client: &Client, path: &str) -> Result<Parcels, Failure> {
    Ok(Queue::new(client, path, Utf8)?.max_attempts(MOST_ATTEMPTS))
}

/// One producer puts its items one by one, the other one all at once.
async fn produce(connect_string: &str, path: &str) -> Result<(), Failure> {
    let client = connect(connect_string).await?;
    let queue = queue(&client, path)?;
    let (one_by_one, at_once) = PARCELS.split_at(PARCELS.len() / 2);
    for parcel in one_by_one {
        let id = queue.put(&(*parcel).to_owned()).await?;
        println!("ada puts {parcel} as {id}");
    }
    let at_once: Vec<String> = at_once.iter().map(|parcel| (*parcel).to_owned()).collect();
    queue.put_all(&at_once).await?;
    println!("bob puts {} together", at_once.join(", "));
    client.close().await?;
    Ok(())
}

/// Takes the first item on a runtime of its own, which then goes without a word.
fn kill_a_consumer(connect_string: &str, path: &str) -> Result<String, Failure> {
    let (connect_string, path) = (connect_string.to_owned(), path.to_owned());
    let dies = move || -> Result<String, Failure> {
        let runtime: Runtime = Builder::new_current_thread().enable_all().build()?;
        let taken = async {
            let client = connect(&connect_string).await?;
            Ok::<_, Failure>(queue(&client, &path)?.take().await?)
        };
        let delivery = runtime.block_on(taken)?;
        let parcel = delivery.item().clone();
        println!("cyd takes {parcel} and IS KILLED with it");
        // The runtime goes first, and the connection with it; the delivery can tell nobody.
        drop(runtime);
        drop(delivery);
        Ok(parcel)
    };
    thread::spawn(dies).join().map_err(|_| "the consumer panicked")?
}

/// Takes items until none come any more, and is done with all but the poison.
async fn consume(connect_string: &str, path: &str) -> Result<Vec<String>, Failure> {
    let client = connect(connect_string).await?;
    let queue = queue(&client, path)?;
    let mut done = Vec::new();
    while let Ok(delivery) = queue.take_timeout(PATIENCE).await {
        let (parcel, attempt) = (delivery.item().clone(), delivery.attempts());
        if parcel == POISON {
            let delay = Duration::from_millis(100);
            let returned = delivery.nack(Some(delay)).await?;
            let fate = if returned == Returned::DeadLetter { "a dead letter" } else { "back" };
            println!("dan cannot work on {parcel}, attempt {attempt}: it is {fate}");
            continue;
        }
        sleep(Duration::from_millis(20)).await;
        delivery.ack().await?;
        println!("dan is done with {parcel}, attempt {attempt}");
        done.push(parcel);
    }
    client.close().await?;
    Ok(done)
}

/// Everything was done once but the poison, and what the dead one had came last.
async fn check(
    connect_string: &str,
    path: &str,
    killed: &str,
    done: &[String],
) -> Result<(), Failure> {
    let client = connect(connect_string).await?;
    let queue = queue(&client, path)?;
    let letters = queue.dead_letters().await?;
    for letter in &letters {
        println!("\na dead letter: {} ({})", String::from_utf8_lossy(&letter.data), letter.why);
    }
    let mut expected: Vec<_> = PARCELS.into_iter().filter(|parcel| *parcel != POISON).collect();
    expected.retain(|parcel| *parcel != killed);
    expected.push(killed);
    if done != expected {
        return Err(format!("{done:?} instead of {expected:?}").into());
    }
    if letters.len() != 1 || letters.iter().any(|letter| *letter.data != *POISON.as_bytes()) {
        return Err("the poison is no dead letter".into());
    }
    if !queue.is_empty().await? {
        return Err("something is left".into());
    }
    println!("everything was done once, in order but for what the dead one had in its hand");
    client.delete_recursive(path).await?;
    client.close().await?;
    Ok(())
}
