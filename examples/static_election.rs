//! Who creates the node first is master; the other one follows when it steps down.
//!
//! `cargo run --example static_election` starts a server of its own;
//! `ZK_CONNECT=host:port cargo run --example static_election` uses the ZooKeeper that listens there.
#![allow(clippy::print_stdout, reason = "an example talks")]

mod stage;

use stage::{Failure, Stage};
use zk_client::Client;
use zk_recipes::election::{CloseMode, StaticElection};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let stage = Stage::find().await?;
    let path = format!("/examples/current-master-{}", std::process::id());
    let client = Client::connect(&stage.connect_string).await?;
    let mut ada = StaticElection::new(&client, &path)?.id("ada").join();
    let first = ada.leadership().await?;
    println!("ada came first and is master, term {}", first.term());
    let mut bob = StaticElection::new(&client, &path)?.id("bob").join();

    let (data, _) = client.get(&path).await?;
    println!("{path} says {:?}", String::from_utf8_lossy(&data));
    let term = first.term();
    first.step_down().await?;
    ada.leave(CloseMode::Notify).await?;
    let second = bob.leadership().await?;
    println!("ada has gone: bob is master, term {}", second.term());
    if second.term() <= term {
        return Err("the term did not grow".into());
    }
    drop(second);
    bob.leave(CloseMode::Notify).await?;
    client.close().await?;
    stage.leave().await;
    Ok(())
}
