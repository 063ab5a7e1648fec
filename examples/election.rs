//! Four candidates for one job: the leader is killed, the next one takes over, and somebody who does not
//! take part watches.
//!
//! `cargo run --example election` starts a server of its own;
//! `ZK_CONNECT=host:port cargo run --example election` uses the ZooKeeper that listens there.
//!
//! Each candidate has a client, a session and a runtime of its own, as four processes would. The one that
//! is killed loses its runtime: its connection breaks without a word, and it is the leader until its
//! session has expired.
#![allow(clippy::print_stdout, reason = "an example talks")]

mod stage;

use std::time::Duration;

use stage::{Failure, Stage};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, timeout};
use zk_client::{Client, ErrorCode};
use zk_recipes::FencingToken;
use zk_recipes::election::{Candidate, CloseMode, Election, Leadership, Observer, Role};

const CANDIDATES: [&str; 4] = ["ada", "bob", "cyd", "dan"];
/// Asked for; ZooKeeper grants no less than two of its ticks.
const SESSION_TIMEOUT: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(30);

/// One of four processes.
struct Process {
    runtime: Runtime,
    client: Client,
    candidate: Candidate,
}

fn main() -> Result<(), Failure> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let stage = runtime.block_on(Stage::find())?;
    let connect_string = stage.connect_string.clone();
    let path = format!("/examples/election-{}", std::process::id());
    println!("four candidates for {path} at {connect_string}\n");

    let watcher = runtime.block_on(connect(&connect_string))?;
    let mut observer = Election::new(&watcher, &path)?.observe();
    let mut processes = Vec::new();
    for id in CANDIDATES {
        processes.push(start(&connect_string, &path, id)?);
    }
    let terms = tell(&runtime, processes, &mut observer)?;
    check(&terms)?;
    runtime.block_on(clean_up(watcher, &path, stage))
}

/// The first leader is killed, the others leave one after the other.
fn tell(
    runtime: &Runtime,
    processes: Vec<Process>,
    observer: &mut Observer,
) -> Result<Vec<(String, FencingToken)>, Failure> {
    let mut terms = Vec::new();
    for (number, mut process) in processes.into_iter().enumerate() {
        let id = process.candidate.id().to_owned();
        let waits = Instant::now();
        let leadership: Leadership = process
            .runtime
            .block_on(async { timeout(PATIENCE, process.candidate.leadership()).await })??;
        println!(
            "{id} leads term {}  ({:.1?} after the one before)",
            leadership.term(),
            waits.elapsed()
        );
        terms.push((id.clone(), leadership.term()));
        runtime.block_on(until_observed(observer, &id))?;

        if number == 0 {
            println!("{id} IS KILLED; its session lives on for {SESSION_TIMEOUT:?}");
            // The runtime goes first, and the connection with it; nobody is told.
            drop(process.runtime);
            continue;
        }
        println!("{id} leaves");
        process.runtime.block_on(async {
            leadership.step_down().await?;
            process.candidate.leave(CloseMode::Notify).await?;
            process.client.close().await?;
            Ok::<(), Failure>(())
        })?;
    }
    runtime.block_on(async {
        let none = timeout(PATIENCE, async {
            while let Some(leader) = observer.next().await {
                if leader?.is_none() {
                    return Ok(());
                }
            }
            Err(Failure::from("the observer has ended"))
        });
        none.await?
    })?;
    println!("the observer sees that there is no leader");
    Ok(terms)
}

/// A candidate that has its place behind all who were there before.
fn start(connect_string: &str, path: &str, id: &str) -> Result<Process, Failure> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (client, candidate) = runtime.block_on(async {
        let client = connect(connect_string).await?;
        let candidate = Election::new(&client, path)?.id(id).join();
        let mut state = candidate.state();
        let placed = state.wait_for(|role| *role != Role::Joining);
        println!("{id} joins: {:?}", *timeout(PATIENCE, placed).await??);
        Ok::<_, Failure>((client, candidate))
    })?;
    Ok(Process { runtime, client, candidate })
}

async fn until_observed(observer: &mut Observer, id: &str) -> Result<(), Failure> {
    let seen = async {
        while let Some(leader) = observer.next().await {
            if let Some(leader) = leader?
                && leader.id == id
            {
                println!("the observer sees {} lead term {}", leader.id, leader.term);
                return Ok(());
            }
        }
        Err("the observer has ended".into())
    };
    timeout(PATIENCE, seen).await?
}

/// Everybody led in turn, and the terms grew.
fn check(terms: &[(String, FencingToken)]) -> Result<(), Failure> {
    if !terms.iter().map(|(id, _)| id.as_str()).eq(CANDIDATES) {
        return Err("not everybody led, or not in order".into());
    }
    if !terms.is_sorted_by(|(_, one), (_, next)| one < next) {
        return Err("the terms did not grow".into());
    }
    println!("\neverybody led once, in order, and the terms grew");
    Ok(())
}

async fn connect(connect_string: &str) -> Result<Client, Failure> {
    Ok(Client::builder(connect_string).session_timeout(SESSION_TIMEOUT).connect().await?)
}

async fn clean_up(client: Client, path: &str, stage: Stage) -> Result<(), Failure> {
    match client.delete(path).await {
        // It is a container, and a real server removes those itself when they are empty.
        Err(error) if error.code() == Some(ErrorCode::NoNode) => {}
        deleted => deleted?,
    }
    client.close().await?;
    stage.leave().await;
    Ok(())
}
