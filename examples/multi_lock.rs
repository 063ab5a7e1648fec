//! Transfers between accounts: each takes the locks of its two accounts at once.
//!
//! `cargo run --example multi_lock` starts a server of its own;
//! `ZK_CONNECT=host:port cargo run --example multi_lock` uses the ZooKeeper that listens there.
//!
//! The accounts of a transfer come in any order, so that clerks who took one lock after the other would
//! soon wait for each other for ever. A multi lock takes both places in one transaction. The balances are
//! written under its fence: only while both locks are held.
#![allow(clippy::print_stdout, reason = "an example talks")]

mod stage;

use std::time::Duration;

use stage::{Failure, Stage};
use tokio::task::JoinSet;
use tokio::time::timeout;
use zk_client::{Client, Version};
use zk_recipes::MultiLock;

const ACCOUNTS: [&str; 3] = ["ada", "bob", "cyd"];
const EACH: i64 = 100;
const CLERKS: usize = 4;
const TRANSFERS: usize = 10;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let stage = Stage::find().await?;
    let connect_string = stage.connect_string.clone();
    let client = Client::connect(&connect_string).await?;
    let bank = format!("/examples/bank-{}", std::process::id());
    for account in ACCOUNTS {
        let path = format!("{bank}/balances/{account}");
        client.create(&path, EACH.to_string()).with_parents().await?;
    }
    println!("{CLERKS} clerks make {TRANSFERS} transfers each between {ACCOUNTS:?}\n");

    let mut clerks = JoinSet::new();
    for clerk in 0..CLERKS {
        clerks.spawn(work(connect_string.clone(), bank.clone(), clerk));
    }
    let all = async {
        while let Some(done) = clerks.join_next().await {
            done??;
        }
        Ok::<_, Failure>(())
    };
    timeout(Duration::from_secs(60), all).await.map_err(|_| "the clerks wait for each other")??;

    let mut sum = 0;
    for account in ACCOUNTS {
        let balance = balance(&client, &bank, account).await?;
        println!("{account} has {balance}");
        sum += balance;
    }
    let due = EACH * i64::try_from(ACCOUNTS.len())?;
    if sum != due {
        return Err(format!("there are {sum} where {due} are due").into());
    }
    println!("\nnobody waited for ever, and nothing was lost: {sum} in all");
    client.delete_recursive(&bank).await?;
    client.close().await?;
    stage.leave().await;
    Ok(())
}

/// One clerk, with a session of its own.
async fn work(connect_string: String, bank: String, clerk: usize) -> Result<(), Failure> {
    let client = Client::connect(connect_string).await?;
    for number in 0..TRANSFERS {
        // Every clerk goes through the accounts in another order, every other one backwards.
        let mut two = ACCOUNTS.iter().cycle().skip(clerk + number);
        let (Some(one), Some(other)) = (two.next(), two.next()) else { continue };
        let (from, to) = if clerk.is_multiple_of(2) { (one, other) } else { (other, one) };
        transfer(&client, &bank, from, to, 7).await?;
    }
    client.close().await?;
    Ok(())
}

async fn transfer(
    client: &Client,
    bank: &str,
    from: &str,
    to: &str,
    amount: i64,
) -> Result<(), Failure> {
    let locks = [from, to].map(|account| format!("{bank}/locks/{account}"));
    let guard = MultiLock::new(client, &locks)?.acquire().await?;
    let (less, more) = (balance(client, bank, from).await?, balance(client, bank, to).await?);
    guard
        .multi()
        .set(&format!("{bank}/balances/{from}"), (less - amount).to_string(), Version::ANY)
        .set(&format!("{bank}/balances/{to}"), (more + amount).to_string(), Version::ANY)
        .commit()
        .await?;
    println!("token {:>6}: {amount} from {from} to {to}", guard.token());
    guard.release().await?;
    Ok(())
}

async fn balance(client: &Client, bank: &str, account: &str) -> Result<i64, Failure> {
    let (data, _) = client.get(&format!("{bank}/balances/{account}")).await?;
    Ok(std::str::from_utf8(&data)?.parse()?)
}
