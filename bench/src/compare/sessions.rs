//! Clients that are connected one after the other, and then do nothing.

use tokio::time::Instant;

use super::meter::Meter;
use super::order::Cost;
use super::reads::with_percentiles;
use super::subject::Subject;
use super::{SMALL, node};
use crate::{Failure, memory};

/// Connects so many, and keeps them until all that is to be known of them is known.
///
/// A client counts as connected when it has its first reply, because some say that they are before
/// a session was granted.
pub(crate) async fn connect<S: Subject>(address: &str, sessions: usize) -> Result<Cost, Failure> {
    let (mut clients, mut took) = (Vec::new(), Vec::with_capacity(sessions));
    // What the first ones set up is not the price of one more.
    for _ in 0..EARLY {
        clients.push(connected::<S>(address).await?);
    }
    let (before, meter) = (memory::own()?, Meter::start()?);
    for _ in 0..sessions {
        let begun = Instant::now();
        clients.push(connected::<S>(address).await?);
        took.push(begun.elapsed());
    }
    let (cost, after) = (meter.stop()?, memory::own()?);
    let kib = after.resident.saturating_sub(before.resident);
    Ok(Cost { kib, threads: after.threads.saturating_sub(READER), ..with_percentiles(cost, took) })
}

async fn connected<S: Subject>(address: &str) -> Result<S, Failure> {
    let client = S::connect(address).await?;
    client.get(node(SMALL)).await?;
    Ok(client)
}

/// Clients that come before the first look.
const EARLY: usize = 50;
/// The thread that awaits orders.
const READER: u64 = 1;
