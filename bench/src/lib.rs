//! What client and server cost: CPU, time to start, memory, size.
//!
//! `cargo run --release -p zk-bench -- gets` measures one of them; `--help` lists the others.
//! What came out, and on which machine, stands in `docs/figures.md`. Only Linux tells a program
//! what these figures are made of.
#![expect(clippy::print_stdout, reason = "the figures are the output")]

mod canned;
mod child;
#[cfg(feature = "peers")]
mod compare;
mod costs;
mod cpu;
mod floor;
mod footprint;
mod gets;
mod lock;
mod memory;
mod samples;
mod sessions;
mod start;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// Anything that keeps a figure from being taken.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures what client and server cost.
#[derive(Debug, Parser)]
enum What {
    /// CPU time of a client per read, with 1, 16 and 256 reads in flight, and large ones
    Gets(gets::Options),
    /// Instructions, allocations and system calls of a client per read; wants valgrind and strace
    Costs {
        /// Only with so many in flight
        #[arg(long)]
        in_flight: Option<usize>,
    },
    /// Time from the start of a server to the first reply that a client has from it
    Start {
        /// How often each variant is measured, in turn with the others
        #[arg(long, default_value_t = 200)]
        rounds: usize,
    },
    /// Size of the server's binary, and memory and threads of the idle server
    Footprint {
        /// The binary; built and taken from cargo otherwise
        #[arg(long)]
        server: Option<PathBuf>,
    },
    /// Memory of an idle session, in the client and in the server; what connecting and idling cost
    Sessions {
        /// How many sessions
        #[arg(long, default_value_t = 1000)]
        clients: usize,
        /// For how many seconds they do nothing; a ping of each is due every ten
        #[arg(long, default_value_t = 20)]
        idle: u64,
    },
    /// Handing a lock on, beside Curator: turns per second, CPU, requests and round trips
    ///
    /// `tests/foreign/install.sh` brings Curator.
    Lock(lock::Options),
    /// Contenders that are measured
    #[command(hide = true)]
    LockWork {
        /// Where the server is
        address: String,
    },
    /// Other clients beside ours: CPU, time, allocations and system calls per read, memory, watches
    #[cfg(feature = "peers")]
    Compare(compare::Options),
    /// A client that is compared
    #[cfg(feature = "peers")]
    #[command(hide = true)]
    Compared(compare::Who),
    /// The server that the others measure against
    #[command(hide = true)]
    Serve,
    /// What is counted for the costs
    #[command(hide = true)]
    Work(gets::Work),
    /// A server with canned replies, until its input ends
    ///
    /// Tells its address on a line. Whatever is asked for is there; a read is answered with so
    /// many bytes, a write is forgotten.
    Canned {
        /// Where to listen
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
        /// Bytes of data that every node has
        #[arg(long, default_value_t = 100)]
        data: usize,
    },
}

/// Does what the arguments of the program ask for.
///
/// # Errors
///
/// Fails where a figure cannot be taken.
pub fn run() -> Result<(), Failure> {
    if cfg!(debug_assertions) {
        println!("built without --release: these figures mean nothing");
    }
    match What::parse() {
        What::Gets(options) => gets::run(&options),
        What::Costs { in_flight } => costs::run(in_flight),
        What::Work(work) => gets::work(&work),
        What::Start { rounds } => start::run(rounds),
        What::Footprint { server } => footprint::run(server),
        What::Sessions { clients, idle } => sessions::run(clients, Duration::from_secs(idle)),
        What::Lock(options) => lock::run(&options),
        What::LockWork { address } => lock::work(&address),
        #[cfg(feature = "peers")]
        What::Compare(options) => compare::run(&options),
        #[cfg(feature = "peers")]
        What::Compared(who) => compare::work(who),
        What::Serve => child::serve(),
        What::Canned { listen, data } => child::serve_canned(listen, data),
    }
}
