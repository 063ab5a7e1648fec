//! An operator says who leads: prefers somebody, freezes the election, keeps somebody out; and a leader
//! hands over by itself.
//!
//! `cargo run --example election_override` starts a server of its own;
//! `ZK_CONNECT=host:port cargo run --example election_override` uses the ZooKeeper that listens there.
#![allow(clippy::print_stdout, reason = "an example talks")]

mod stage;

use std::time::Duration;

use stage::{Failure, Stage};
use tokio::time::timeout;
use zk_client::Client;
use zk_recipes::election::{Candidate, CloseMode, Election, ElectionControl, Role};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let stage = Stage::find().await?;
    let connect_string = stage.connect_string.clone();
    let path = format!("/examples/override-{}", std::process::id());
    println!("three candidates for {path} at {connect_string}\n");
    let client = Client::connect(&connect_string).await?;
    let election = Election::new(&client, &path)?.overridable(true);

    tell(&election).await?;
    if election.leader().await?.is_some() || election.control().current().await?.is_some() {
        return Err("something was left behind".into());
    }
    println!("\nthe operator was obeyed, and nothing is left");
    client.delete_recursive(&path).await?;
    client.close().await?;
    stage.leave().await;
    Ok(())
}

async fn tell(election: &Election) -> Result<(), Failure> {
    let control = election.control().by("eve");
    let ada = join(election, "ada").await?;
    let bob = join(election, "bob").await?;
    let mut cyd = join(election, "cyd").await?;
    expect(&ada, "leads: it came first", is_leader).await?;

    let set = control.prefer(&["cyd"], "cyd is nearer to the disks").await?;
    println!("\noperator {} prefers {:?}: {}", set.by, set.ids, set.reason);
    expect(&cyd, "leads, though it came last", is_leader).await?;
    expect(&bob, "follows: it has withdrawn without having led", is_follower).await?;
    control.clear().await?;

    println!("\ncyd hands over to ada");
    let leadership = timeout(PATIENCE, cyd.leadership()).await??;
    let term = leadership.term();
    let next = leadership.transfer_to("ada", PATIENCE).await?;
    expect(&ada, "leads", is_leader).await?;
    if next.id != "ada" || next.term <= term {
        return Err(format!("{next:?} leads after term {term}").into());
    }

    freeze(election, &control, ada, bob, cyd).await
}

/// Nobody becomes the leader, then everybody may but one.
async fn freeze(
    election: &Election,
    control: &ElectionControl,
    mut ada: Candidate,
    bob: Candidate,
    cyd: Candidate,
) -> Result<(), Failure> {
    let set = control.freeze("no change while the backup runs").await?;
    println!("\noperator {} freezes the election: {}", set.by, set.reason);
    let leadership = timeout(PATIENCE, ada.leadership()).await??;
    leadership.step_down().await?;
    println!("ada steps down");
    let first = election.leader().await?.map(|first| first.id);
    let first = if first.as_deref() == Some("bob") { &bob } else { &cyd };
    expect(first, "is first, and does not lead", |role| *role == Role::Frozen).await?;

    control.exclude(&["cyd"], "cyd is to be replaced").await?;
    println!("\noperator eve keeps cyd out, and lets the others go on");
    expect(&cyd, "is out", |role| *role == Role::Excluded).await?;
    expect(&bob, "leads", is_leader).await?;
    control.clear().await?;
    expect(&cyd, "is in the queue again", is_follower).await?;

    for candidate in [ada, cyd, bob] {
        candidate.leave(CloseMode::Notify).await?;
    }
    Ok(())
}

const fn is_leader(role: &Role) -> bool {
    matches!(role, Role::Leader { .. })
}

const fn is_follower(role: &Role) -> bool {
    matches!(role, Role::Follower { .. })
}

/// A candidate that has its place behind all who were there before.
async fn join(election: &Election, id: &str) -> Result<Candidate, Failure> {
    let candidate = election.clone().id(id).join();
    expect(&candidate, "has joined", |role| is_leader(role) || is_follower(role)).await?;
    Ok(candidate)
}

/// Waits until a candidate is what it should be.
async fn expect(
    candidate: &Candidate,
    what: &str,
    wanted: fn(&Role) -> bool,
) -> Result<(), Failure> {
    let mut state = candidate.state();
    let reached = timeout(PATIENCE, state.wait_for(wanted)).await;
    let reached = reached.map_err(|_| format!("{} never {what}", candidate.id()))?;
    reached?;
    println!("{} {what}", candidate.id());
    Ok(())
}
