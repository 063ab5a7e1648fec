//! Two long jobs hold a lock that somebody more urgent asks for: one gives way, one does not.
//!
//! `cargo run --example revocable_lock` starts a server of its own;
//! `ZK_CONNECT=host:port cargo run --example revocable_lock` uses the ZooKeeper that listens there.
//!
//! The request is the data that Curator's `Revoker` writes, so that either side may be a program with
//! Curator.
#![allow(clippy::print_stdout, reason = "an example talks")]

mod stage;

use std::time::Duration;

use stage::{Failure, Stage};
use tokio::time::sleep;
use zk_client::Client;
use zk_recipes::{Lock, LockGuard, LostReason, Released};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let stage = Stage::find().await?;
    let connect_string = stage.connect_string.clone();
    let (job, urgent) =
        (Client::connect(&connect_string).await?, Client::connect(&connect_string).await?);
    let path = format!("/examples/revocable-{}", std::process::id());

    println!("a job that listens:");
    let guard = Lock::new(&job, &path)?.data("polite").acquire().await?;
    let polite = tokio::spawn(until_asked(guard));
    let forced = take_over(&urgent, &path, Duration::from_secs(10)).await?;
    if forced || polite.await?? != Released::Now {
        return Err("the polite job should have given way by itself".into());
    }

    println!("\na job that does not:");
    let guard = Lock::new(&job, &path)?.data("deaf").acquire().await?;
    let deaf = tokio::spawn(async move {
        // It works on for an hour, but not longer than it holds the lock.
        guard.run(sleep(Duration::from_secs(3600))).await
    });
    let forced = take_over(&urgent, &path, Duration::from_millis(500)).await?;
    let stopped = deaf.await?;
    println!("  the deaf job stops: {stopped:?}");
    if !forced || stopped != Err(LostReason::NodeDeleted) {
        return Err("the deaf job should have lost the lock".into());
    }

    println!("\none gave the lock back when it was asked, the other one lost it");
    job.close().await?;
    urgent.close().await?;
    stage.leave().await;
    Ok(())
}

/// Works until somebody asks for the lock, then tidies up and gives it back.
async fn until_asked(guard: LockGuard) -> Result<Released, Failure> {
    guard.revoke_requested().await?;
    println!("  the polite job is asked for the lock, and tidies up");
    sleep(Duration::from_millis(100)).await;
    Ok(guard.release().await?)
}

/// Waits behind the holder, has it give way, and holds. Tells whether force was needed.
async fn take_over(client: &Client, path: &str, after: Duration) -> Result<bool, Failure> {
    let lock = Lock::new(client, path)?.data("urgent");
    let waiting = lock.enqueue().await?;
    let Some(holder) = lock.holder().await? else { return Err("nobody holds the lock".into()) };
    println!("  token {} is held by {:?}, and asked for", holder.token, holder.data);
    let forced = lock.force_revoke(&holder, after).await?;
    let guard = waiting.acquire().await?;
    println!("  token {} is ours{}", guard.token(), if forced { ", by force" } else { "" });
    if guard.token() <= holder.token {
        return Err("the tokens did not grow".into());
    }
    guard.release().await?;
    Ok(forced)
}
