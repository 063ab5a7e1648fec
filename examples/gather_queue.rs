//! Four members take a seat; when the last one is there they run one after the other, and the one that is
//! killed is skipped. Somebody who is no member looks on.
//!
//! `cargo run --example gather_queue` starts a server of its own;
//! `ZK_CONNECT=host:port cargo run --example gather_queue` uses the ZooKeeper that listens there.
#![allow(clippy::print_stdout, reason = "an example talks")]

mod stage;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use stage::{Failure, Stage};
use tokio::task::JoinSet;
use tokio::time::sleep;
use zk_client::Client;
use zk_recipes::gather_queue::QueueState;
use zk_recipes::{GatherQueue, RoundError, Seat};

const MEMBERS: [&str; 4] = ["ada", "bob", "cyd", "dan"];
const KILLED: &str = "bob";
const RUNS_FOR: Duration = Duration::from_millis(200);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let stage = Stage::find().await?;
    let connect_string = stage.connect_string.clone();
    let path = format!("/examples/gather-queue-{}", std::process::id());
    let observer = Client::connect(&connect_string).await?;
    let queue = GatherQueue::new(&observer, &path, MEMBERS.len())?;
    let looking = tokio::spawn(look_on(queue.clone()));

    let ran = Arc::new(Mutex::new(Vec::new()));
    let mut members = JoinSet::new();
    for who in MEMBERS {
        let client = Client::connect(&connect_string).await?;
        let seat = GatherQueue::new(&client, &path, MEMBERS.len())?.join(who).await?;
        println!("{who} takes a seat");
        members.spawn(run(who, client, seat, Arc::clone(&ran)));
    }
    for outcome in members.join_all().await {
        outcome?;
    }
    let ran = ran.lock().map_err(|_| "a member has panicked")?.clone();
    if ran != ["ada", "cyd", "dan"] {
        return Err(format!("not all who live have run in their order: {ran:?}").into());
    }
    looking.await??;
    println!("\nall who live have run once, in the order in which they came");

    observer.delete(&path).await?;
    observer.close().await?;
    stage.leave().await;
    Ok(())
}

/// Waits for the start and its turn, and runs.
async fn run(
    who: &'static str,
    client: Client,
    mut seat: Seat,
    ran: Arc<Mutex<Vec<&'static str>>>,
) -> Result<(), RoundError> {
    let order = seat.started().await?;
    println!("  {who} is number {} of round {}", order.place + 1, order.round);
    if who == KILLED {
        // It closes its session and says no word, as one does that is killed and has expired.
        client.close().await?;
        println!("  {who} IS KILLED");
        return Ok(());
    }
    let turn = seat.my_turn().await?;
    println!("  {who} runs, with fencing token {}", turn.token());
    if let Ok(mut ran) = ran.lock() {
        ran.push(who);
    }
    sleep(RUNS_FOR).await;
    println!("  {who} is done");
    turn.done().await?;
    Ok(())
}

/// Tells how the queue stands until the round is over.
async fn look_on(queue: GatherQueue) -> Result<(), Failure> {
    let mut observer = queue.observe();
    loop {
        match observer.next().await? {
            QueueState::Gathering { round, waiting } => {
                println!("        (round {round}: {} there)", waiting.len());
                if round > 1 {
                    return Ok(());
                }
            }
            QueueState::Running { round, remaining, .. } => {
                println!("        (round {round} runs: {} not done)", remaining.len());
            }
            state => return Err(format!("{state:?}").into()),
        }
    }
}
