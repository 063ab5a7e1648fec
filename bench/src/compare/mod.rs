//! Other clients beside ours: the same work, the same runtime, the same profile, in turn.
//!
//! Each client is alone in a process ([`worker`]), which is told what to do and answers what it
//! has cost ([`order`]). Here it is told, and the answers become tables.

mod fan_out;
mod meter;
mod order;
mod process;
mod reads;
mod reads_table;
mod servers;
mod sessions;
mod subject;
mod tables;
mod worker;

use std::fs;

use clap::Args;

use self::servers::Servers;
use self::subject::Name;
use self::worker::Kind;
use crate::Failure;

pub(crate) use self::worker::{Who, run as work};

/// Against what, and how often.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// HOST:PORT of a server; without it, canned replies, and zk-server-lite for watches
    #[arg(long)]
    server: Option<String>,
    /// How often each variant is measured, in turn with the others
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Sessions of a client, to see what one costs
    #[arg(long, default_value_t = 200)]
    sessions: usize,
    /// Only these clients
    #[arg(long, value_enum)]
    only: Vec<Name>,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let servers = Servers::at(options.server.as_ref())?;
    let (plain, counted) = (process::plain()?, process::counted()?);
    println!("medians of {} rounds in turn; load {}", options.rounds, load()?);
    reads_table::print(options, &servers, &plain, &counted)?;
    tables::sessions(options, &servers, &plain)?;
    tables::fan_out(options, &servers, &plain)?;
    println!("\nload {}", load()?);
    Ok(())
}

impl Options {
    /// All that take part but the floor.
    fn clients(&self) -> Vec<Who> {
        let asked = |name: &Name| self.only.is_empty() || self.only.contains(name);
        let names = CLIENTS.into_iter().filter(asked);
        names.flat_map(|client| KINDS.map(|runtime| Who { client, runtime })).collect()
    }
}

/// How busy the machine was in the last minute, in the last five and in the last fifteen.
fn load() -> Result<String, Failure> {
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(load.split_ascii_whitespace().take(3).collect::<Vec<_>>().join(" "))
}

/// The node with so many bytes.
const fn node(data: usize) -> &'static str {
    if data == SMALL { "/bench-small" } else { "/bench-large" }
}

/// Bytes of data.
const SMALL: usize = 100;
const LARGE: usize = 10 * 1024;
const CLIENTS: [Name; 4] =
    [Name::ZkClient, Name::ZookeeperClient, Name::TokioZookeeper, Name::ZookeeperAsync];
const KINDS: [Kind; 2] = [Kind::Current, Kind::Multi];
