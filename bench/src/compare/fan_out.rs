//! Watches on one node that all fire at once.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::meter::Meter;
use super::order::{Cost, FanOut};
use super::subject::{Fired, Subject};
use super::{SMALL, node};
use crate::Failure;
use crate::samples::Samples;

/// Per round: from the request that changes the node until every watch has fired. The medians of
/// the rounds.
pub(crate) async fn run<S: Subject>(order: &FanOut) -> Result<Cost, Failure> {
    let mut clients = Vec::with_capacity(order.clients);
    for _ in 0..order.clients {
        clients.push(S::connect(&order.address).await?);
    }
    let (mut cpu, mut took) = (Samples::default(), Samples::default());
    for _ in 0..order.rounds {
        let fired = set_watches(&clients, order.watches).await?;
        let meter = Meter::start()?;
        let first = clients.first().ok_or("fan-out to no client")?;
        first.set(node(SMALL), &DATA).await?;
        for fired in fired {
            fired.await?;
        }
        let cost = meter.stop()?;
        cpu.push(cost.cpu.as_secs_f64());
        took.push(cost.took.as_secs_f64());
    }
    let [cpu, took] = [cpu, took].map(|samples| Duration::from_secs_f64(samples.median()));
    Ok(Cost { cpu, took, ..Cost::default() })
}

/// So many in all, as many for each client.
async fn set_watches<S: Subject>(clients: &[S], watches: usize) -> Result<Vec<Fired>, Failure> {
    let turns = clients.iter().cycle().take(watches).cloned();
    let set = turns.map(|client| async move { client.watch(node(SMALL)).await });
    stream::iter(set).buffer_unordered(AT_ONCE).try_collect().await
}

/// How many watches are set at a time.
const AT_ONCE: usize = 50;
const DATA: [u8; SMALL] = [b'x'; SMALL];
