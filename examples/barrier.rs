//! Three workers wait at a barrier until it is lifted; then one falls because its setter dies.
//!
//! `cargo run --example barrier` starts a server of its own;
//! `ZK_CONNECT=host:port cargo run --example barrier` uses the ZooKeeper that listens there.
#![allow(clippy::print_stdout, reason = "an example talks")]

mod stage;

use std::time::Duration;

use stage::{Failure, Stage};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use zk_client::Client;
use zk_recipes::{Barrier, BarrierGuard, RecipeError};

const WORKERS: [&str; 3] = ["ada", "bob", "cyd"];
const CLOSED_FOR: Duration = Duration::from_millis(500);
/// Asked for; ZooKeeper grants no less than two of its ticks.
const SESSION_TIMEOUT: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let stage = Stage::find().await?;
    let connect_string = stage.connect_string.clone();
    let path = format!("/examples/barrier-{}", std::process::id());
    let client = Client::connect(&connect_string).await?;
    let barrier = Barrier::new(&client, &path)?;

    barrier.set().await?;
    println!("{path} is closed");
    let waiting = wait(&connect_string, &path);
    sleep(CLOSED_FOR).await;
    barrier.lift().await?;
    println!("lifted");
    check(waiting.join_all().await, CLOSED_FOR)?;

    let (runtime, guard) = set_elsewhere(&connect_string, &path).await?;
    let lives_on = guard.client().session_timeout();
    println!("\nclosed again, by somebody who dies; its session lives on for {lives_on:?}");
    let waiting = wait(&connect_string, &path);
    sleep(CLOSED_FOR).await;
    // The runtime goes first, and the connection with it; the guard can tell nobody.
    runtime.shutdown_background();
    drop(guard);
    println!("it is dead");
    check(waiting.join_all().await, CLOSED_FOR)?;
    println!("\nnobody has passed a closed barrier, and nobody was left behind it");

    client.close().await?;
    stage.leave().await;
    Ok(())
}

type Waited = Result<(&'static str, Duration), RecipeError>;

/// Workers with clients of their own, that tell how long they have waited.
fn wait(connect_string: &str, path: &str) -> JoinSet<Waited> {
    let begun = Instant::now();
    let mut waiting = JoinSet::new();
    for who in WORKERS {
        let (connect_string, path) = (connect_string.to_owned(), path.to_owned());
        waiting.spawn(async move {
            let client = Client::connect(connect_string).await?;
            println!("  {who} waits");
            Barrier::new(&client, &path)?.wait().await?;
            println!("  {who} passes after {:.1?}", begun.elapsed());
            Ok((who, begun.elapsed()))
        });
    }
    waiting
}

/// A barrier that is set on a runtime of its own, as by another process.
async fn set_elsewhere(
    connect_string: &str,
    path: &str,
) -> Result<(Runtime, BarrierGuard), Failure> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (connect_string, path) = (connect_string.to_owned(), path.to_owned());
    let set = async move {
        let builder = Client::builder(connect_string).session_timeout(SESSION_TIMEOUT);
        let client = builder.connect().await?;
        Barrier::new(&client, &path)?.set_while_alive().await
    };
    let guard = runtime.spawn(set).await??;
    Ok((runtime, guard))
}

/// All have passed, and none before its time.
fn check(waited: Vec<Waited>, least: Duration) -> Result<(), Failure> {
    for waited in waited {
        let (who, took) = waited?;
        // It may have come a moment later than the others.
        if took < least.mul_f64(0.9) {
            return Err(format!("{who} has passed a closed barrier after {took:?}").into());
        }
    }
    Ok(())
}
