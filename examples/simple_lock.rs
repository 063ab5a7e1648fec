//! Three contenders, a lock that is one node, and a holder whose node is deleted by hand.
//!
//! `cargo run --example simple_lock` starts a server of its own;
//! `ZK_CONNECT=host:port cargo run --example simple_lock` uses the ZooKeeper that listens there.
#![allow(clippy::print_stdout, reason = "an example talks")]

mod stage;

use stage::{Failure, Stage};
use tokio::task::JoinSet;
use zk_client::{Client, Version};
use zk_recipes::{RecipeError, SimpleLock};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let stage = Stage::find().await?;
    let path = format!("/examples/simple-lock-{}", std::process::id());
    let mut contenders = JoinSet::new();
    for who in ["ada", "bob", "cyd"] {
        let client = Client::connect(&stage.connect_string).await?;
        let lock = SimpleLock::new(&client, &path)?.data(who);
        contenders.spawn(async move {
            let guard = lock.acquire().await?;
            println!("{who} holds with fencing token {}", guard.token());
            let token = guard.token();
            guard.release().await.map_err(|error| RecipeError::Client(error.source))?;
            Ok::<_, RecipeError>(token)
        });
    }
    let mut tokens = contenders.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;
    tokens.sort_unstable();
    tokens.dedup();
    if tokens.len() != 3 {
        return Err("two have held with one token".into());
    }

    let client = Client::connect(&stage.connect_string).await?;
    let guard = SimpleLock::new(&client, &path)?.acquire().await?;
    client.delete(&path).await?;
    println!("somebody has deleted the node: {}", guard.lost().await);
    match guard.multi().set(&path, "mine", Version::ANY).commit().await {
        Err(RecipeError::Lost(reason)) => println!("its writes are refused: {reason}"),
        other => return Err(format!("a write of a lost holder came to {other:?}").into()),
    }
    client.close().await?;
    stage.leave().await;
    Ok(())
}
