//! A process with one client, so that what it costs is that client's alone.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, stdin};
use std::thread;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::order::Order;
use super::subject::{Name, Ours, Subject, TokioZookeeper, ZookeeperAsync, ZookeeperClient};
use super::{fan_out, reads, sessions};
use crate::Failure;

/// Which client, and on what.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Who {
    pub(crate) client: Name,
    pub(crate) runtime: Kind,
}

/// The runtime that a client runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// All on one thread
    Current,
    /// Two workers
    Multi,
}

/// Does what is asked for on its input, a line each, and answers on a line; until the input ends.
pub(crate) fn run(who: Who) -> Result<(), Failure> {
    match who.client {
        Name::Floor => {
            for line in stdin().lock().lines() {
                println!("{}", reads::by_floor(&Order::parse_line(&line?)?)?);
            }
            Ok(())
        }
        Name::ZkClient => who.runtime.build()?.block_on(answer::<Ours>()),
        Name::ZookeeperClient => who.runtime.build()?.block_on(answer::<ZookeeperClient>()),
        Name::TokioZookeeper => who.runtime.build()?.block_on(answer::<TokioZookeeper>()),
        Name::ZookeeperAsync => who.runtime.build()?.block_on(answer::<ZookeeperAsync>()),
    }
}

async fn answer<S: Subject>() -> Result<(), Failure> {
    let (mut orders, mut clients) = (orders(), BTreeMap::new());
    while let Some(order) = orders.recv().await {
        let order = Order::parse_line(&order?)?;
        // A task, because what `block_on` runs itself is not on a worker.
        let work: JoinHandle<_> = match order {
            Order::Reads(order) => {
                let client = connected::<S>(&mut clients, &order.address).await?;
                tokio::spawn(async move { reads::by(client, &order).await })
            }
            Order::Connect { address, sessions } => {
                tokio::spawn(async move { sessions::connect::<S>(&address, sessions).await })
            }
            Order::FanOut(order) => tokio::spawn(async move { fan_out::run::<S>(&order).await }),
        };
        println!("{}", timeout(LONGEST, work).await???);
    }
    Ok(())
}

/// The lines of the input. They are awaited elsewhere, so that meanwhile the runtime runs, and the
/// clients answer for their sessions.
fn orders() -> mpsc::Receiver<io::Result<String>> {
    let (pass_on, orders) = mpsc::channel(1);
    thread::spawn(move || {
        let lines = stdin().lock().lines();
        lines.map_while(|line| pass_on.blocking_send(line).ok()).for_each(drop);
    });
    orders
}

/// One client for each server, kept for the next order.
async fn connected<S: Subject>(
    clients: &mut BTreeMap<String, S>,
    address: &str,
) -> Result<S, Failure> {
    if let Some(client) = clients.get(address) {
        return Ok(client.clone());
    }
    let client = S::connect(address).await?;
    clients.insert(address.to_owned(), client.clone());
    Ok(client)
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Current => "current-thread",
            Self::Multi => "2 workers",
        }
    }

    fn build(self) -> Result<Runtime, Failure> {
        let mut builder = match self {
            Self::Current => Builder::new_current_thread(),
            Self::Multi => {
                let mut builder = Builder::new_multi_thread();
                builder.worker_threads(2);
                builder
            }
        };
        Ok(builder.enable_all().build()?)
    }
}

/// No work takes longer; a client that hangs is an error.
const LONGEST: Duration = Duration::from_secs(120);
