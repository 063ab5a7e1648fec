//! An owner takes its lock twice, and another one waits until it has left as often.
//!
//! `cargo run --example reentrant_lock` starts a server of its own;
//! `ZK_CONNECT=host:port cargo run --example reentrant_lock` uses the ZooKeeper that listens there.
#![allow(clippy::print_stdout, reason = "an example talks")]

mod stage;

use std::time::Duration;

use stage::{Failure, Stage};
use zk_client::Client;
use zk_recipes::{Lock, ReentrantLock};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let stage = Stage::find().await?;
    let path = format!("/examples/reentrant-lock-{}", std::process::id());
    let client = Client::connect(&stage.connect_string).await?;
    let lock = ReentrantLock::new(Lock::new(&client, &path)?);

    let outer = lock.acquire("ada").await?;
    let inner = lock.acquire("ada").await?;
    println!("ada is in {} times, with one token: {}", inner.count(), inner.token());
    if outer.token() != inner.token() {
        return Err("an owner has waited for itself".into());
    }
    let limit = Duration::from_millis(200);
    if lock.acquire_timeout("bob", limit).await.is_ok() {
        return Err("bob got in beside ada".into());
    }
    println!("bob waited {limit:?} for nothing");
    inner.release().await?;
    if lock.acquire_timeout("bob", limit).await.is_ok() {
        return Err("bob got in while ada was still there".into());
    }
    outer.release().await?;
    let bob = lock.acquire("bob").await?;
    println!("ada has left as often as she came: bob holds with {}", bob.token());
    bob.release().await?;
    client.close().await?;
    stage.leave().await;
    Ok(())
}
