//! What handing a lock on costs, beside Curator.
//!
//! | module | what lives there |
//! |---|---|
//! | [`work`] | our contenders, in a process of their own, and what they are told |
//! | [`process`] | the other end of such a process; Curator's is `tests/foreign/java` |
//! | [`counters`] | what the server has counted meanwhile |
//! | [`line`] | a line to the server that takes its time, to count round trips |
//! | [`tables`] | what came out |

mod counters;
mod line;
mod process;
mod tables;
mod work;

use std::fs;
use std::time::Duration;

use clap::Args;
use tokio::runtime::Builder;

use self::counters::Counters;
use self::line::SlowLine;
use self::process::{Contenders, Subject};
use self::tables::{Figures, Row};
use self::work::Order;
use crate::{Failure, child};

pub(crate) use self::work::run as work;

/// Against what, and how much.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// HOST:PORT of a server; without it, zk-server-lite
    #[arg(long)]
    server: Option<String>,
    /// Its process on this machine, to tell its CPU time
    #[arg(long, requires = "server")]
    server_pid: Option<u32>,
    /// How often each client is measured, in turn with the other, after two rounds that do not count
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How often the lock is handed on in a round
    #[arg(long, default_value_t = 2000)]
    handovers: usize,
    /// Only with so many contenders
    #[arg(long)]
    contenders: Vec<usize>,
    /// Only this: turns, or round-trips
    #[arg(long)]
    only: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let mut own = None;
    let (address, process) = if let Some(address) = &options.server {
        (address.clone(), options.server_pid)
    } else {
        let (server, address) = child::server()?;
        let process = server.id();
        own = Some(server);
        (address, Some(process))
    };
    let mut bench = Bench { options, address, process, paths: 0 };
    println!("medians of {} rounds in turn; load {}", options.rounds, load()?);
    if options.only.as_deref() != Some("round-trips") {
        bench.turns()?;
    }
    if options.only.as_deref() != Some("turns") {
        bench.round_trips()?;
    }
    println!("\nload {}", load()?);
    drop(own);
    Ok(())
}

/// How busy the machine was in the last minute, in the last five and in the last fifteen.
fn load() -> Result<String, Failure> {
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(load.split_ascii_whitespace().take(3).collect::<Vec<_>>().join(" "))
}

struct Bench<'a> {
    options: &'a Options,
    address: String,
    process: Option<u32>,
    /// Each round has a lock of its own.
    paths: usize,
}

impl Bench<'_> {
    /// Time, CPU and requests for each turn.
    fn turns(&mut self) -> Result<(), Failure> {
        tables::print_head(self.options.handovers);
        let [mut ours, mut curator] = self.start(&self.address)?;
        for subject in [&mut ours, &mut curator] {
            let order = self.order(1, 1, WARM_UP_TURNS);
            self.measure(subject, &order)?;
        }
        for (contenders, sessions) in self.sizes() {
            let mut rows = [Row::default(), Row::default()];
            for round in 0..WARM_UP + self.options.rounds {
                let order = self.order(contenders, sessions, self.options.handovers);
                let first = self.measure(&mut ours, &order)?;
                let order = self.order(contenders, sessions, self.options.handovers);
                let second = self.measure(&mut curator, &order)?;
                if round >= WARM_UP {
                    let [one, two] = &mut rows;
                    one.push(&first);
                    two.push(&second);
                }
            }
            tables::print(contenders, sessions, &rows);
        }
        Ok(())
    }

    /// The same over a line so slow that nothing else takes time.
    fn round_trips(&mut self) -> Result<(), Failure> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let line = runtime.block_on(SlowLine::open(&self.address, DELAY))?;
        let round_trip = runtime.block_on(line.round_trip())?;
        tables::print_head_of_round_trips(round_trip);
        let [mut ours, mut curator] = self.start(&line.address)?;
        for contenders in [1, 2, 16] {
            for subject in [&mut ours, &mut curator] {
                let order = self.order(contenders, 1, SLOW_TURNS);
                let figures = self.measure(subject, &order)?;
                tables::print_round_trips(contenders, subject.subject, &figures, round_trip);
            }
        }
        Ok(())
    }

    fn start(&self, address: &str) -> Result<[Contenders; 2], Failure> {
        Ok([
            Contenders::start(Subject::Ours, address)?,
            Contenders::start(Subject::Curator, address)?,
        ])
    }

    fn measure(&self, contenders: &mut Contenders, order: &Order) -> Result<Figures, Failure> {
        contenders.measure(order, || Counters::now(&self.address, self.process))
    }

    /// How many contenders, and on how many sessions.
    fn sizes(&self) -> Vec<(usize, usize)> {
        let asked = &self.options.contenders;
        let sizes = CONTENDERS.into_iter().filter(|size| asked.is_empty() || asked.contains(size));
        let mut all = Vec::new();
        for contenders in sizes {
            all.push((contenders, 1));
            if (2..=MOST_SESSIONS).contains(&contenders) {
                all.push((contenders, contenders));
            }
        }
        all
    }

    fn order(&mut self, contenders: usize, sessions: usize, handovers: usize) -> Order {
        self.paths += 1;
        let path = format!("/bench-lock-{}-{}", std::process::id(), self.paths);
        Order { path, contenders, sessions, handovers }
    }
}

const CONTENDERS: [usize; 5] = [1, 2, 16, 256, 2000];
/// Each of Curator's has several threads.
const MOST_SESSIONS: usize = 256;
/// A virtual machine compiles what it has run often.
const WARM_UP: usize = 2;
const WARM_UP_TURNS: usize = 20_000;
/// In each direction.
const DELAY: Duration = Duration::from_millis(20);
const SLOW_TURNS: usize = 50;
