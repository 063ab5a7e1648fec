//! What a read costs with each client.

use std::path::Path;
use std::time::Duration;

use super::order::{Cost, Order, Reads, Style};
use super::process::Process;
use super::servers::Servers;
use super::subject::Name;
use super::worker::{Kind, Who};
use super::{LARGE, Options, SMALL};
use crate::Failure;
use crate::samples::Samples;

/// Prints a table for each load; `counted` is the program that counts allocations.
pub(crate) fn print(
    options: &Options,
    servers: &Servers,
    plain: &Path,
    counted: &Path,
) -> Result<(), Failure> {
    let floor = Who { client: Name::Floor, runtime: Kind::Current };
    let mut contenders = Vec::new();
    for who in [floor].into_iter().chain(options.clients()) {
        contenders.push(Contender {
            who,
            plain: Process::start(plain, who)?,
            counted: Process::start(counted, who)?,
            figures: Vec::new(),
        });
    }
    for load in LOADS {
        for contender in &mut contenders {
            contender.prepare(load, servers)?;
        }
        for _ in 0..options.rounds {
            round(&mut contenders)?;
        }
        for contender in &mut contenders {
            contender.count()?;
        }
        load.print(&contenders);
    }
    Ok(())
}

/// How many requests are in flight at a time, and how many bytes are read.
#[derive(Clone, Copy, Debug)]
struct Load {
    in_flight: usize,
    data: usize,
}

impl Load {
    fn styles(self, client: Name) -> &'static [Style] {
        if self.in_flight == 1 || client == Name::Floor {
            &[Style::Window]
        } else {
            &[Style::Window, Style::Tasks]
        }
    }

    fn print(self, contenders: &[Contender]) {
        let Self { in_flight, data } = self;
        println!("\n### {in_flight} in flight, {data} bytes\n");
        let (middle, columns) = if in_flight == 1 {
            ("half within, µs | 99 % within, µs", 10)
        } else {
            ("kept in flight by", 9)
        };
        println!(
            "| client | runtime | {middle} | µs of CPU per read | min | times the floor | \
             reads per second | allocations | system calls |"
        );
        println!("|{}", "---|".repeat(columns));
        for Contender { who, figures, .. } in contenders {
            figures.iter().for_each(|figures| figures.print(*who));
        }
    }
}

/// A client on a runtime, in two processes.
struct Contender {
    who: Who,
    plain: Process,
    counted: Process,
    /// One for each style, of the load that is measured now.
    figures: Vec<Figures>,
}

impl Contender {
    /// Warms up, and finds out how many reads fill a round.
    fn prepare(&mut self, load: Load, servers: &Servers) -> Result<(), Failure> {
        self.figures.clear();
        let Load { in_flight, data } = load;
        let address = if data == SMALL { &servers.small } else { &servers.large };
        for &style in load.styles(self.who.client) {
            let address = address.clone();
            let mut order = Reads { address, style, in_flight, reads: 20 * in_flight, data };
            for _ in 0..3 {
                let cost = self.plain.ask(&Order::Reads(order.clone()))?;
                let each = cost.took / u32::try_from(order.reads)?;
                let fitting = ROUND.as_nanos() / each.as_nanos().max(1);
                let turns = usize::try_from(fitting)? / in_flight;
                order.reads = turns.clamp(4, MOST_READS / in_flight) * in_flight;
            }
            self.figures.push(Figures::of(order));
        }
        Ok(())
    }

    /// What is the same in every round, and would disturb them.
    fn count(&mut self) -> Result<(), Failure> {
        for figures in &mut self.figures {
            let order = Order::Reads(figures.order.clone());
            // Once to connect, once to count.
            self.counted.ask(&order)?;
            figures.allocations = self.counted.ask(&order)?.allocations;
            figures.calls = self.plain.system_calls(&order).map_err(|error| error.to_string());
        }
        Ok(())
    }
}

/// Measures each once; the floor comes first.
fn round(contenders: &mut [Contender]) -> Result<(), Failure> {
    let mut floor = f64::NAN;
    for Contender { who, plain, figures, .. } in contenders {
        for figures in figures {
            let spent = figures.take(plain.ask(&Order::Reads(figures.order.clone()))?);
            if who.client == Name::Floor {
                floor = spent;
            }
            figures.ratio.push(spent / floor);
        }
    }
    Ok(())
}

/// One line of a table.
struct Figures {
    order: Reads,
    /// Microseconds per read.
    cpu: Samples,
    /// Against the floor in the same round, so that a busy machine slows down both.
    ratio: Samples,
    /// Reads in a second.
    rate: Samples,
    /// Microseconds that half of the reads took at most, and 99 of 100.
    median: Samples,
    slow: Samples,
    allocations: u64,
    calls: Result<u64, String>,
}

impl Figures {
    fn of(order: Reads) -> Self {
        let [cpu, ratio, rate, median, slow] = Default::default();
        let calls = Err(String::from("not counted"));
        Self { order, cpu, ratio, rate, median, slow, allocations: 0, calls }
    }

    /// Returns the microseconds of CPU per read.
    fn take(&mut self, cost: Cost) -> f64 {
        let reads = self.order.reads as f64;
        let spent = micros(cost.cpu) / reads;
        self.cpu.push(spent);
        self.rate.push(reads / cost.took.as_secs_f64());
        self.median.push(micros(cost.median));
        self.slow.push(micros(cost.slow));
        spent
    }

    fn print(&self, Who { client, runtime }: Who) {
        let reads = self.order.reads as f64;
        let (cpu, min, ratio) = (self.cpu.median(), self.cpu.min(), self.ratio.median());
        let rate = self.rate.median();
        let middle = if self.order.in_flight == 1 {
            format!("{:.0} | {:.0}", self.median.median(), self.slow.median())
        } else {
            self.order.style.name().to_owned()
        };
        let allocations = self.allocations as f64 / reads;
        let calls = match &self.calls {
            Ok(calls) => format!("{:.3}", *calls as f64 / reads),
            Err(error) => error.clone(),
        };
        println!(
            "| {client} | {} | {middle} | {cpu:.3} | {min:.3} | {ratio:.2} | {rate:.0} | \
             {allocations:.2} | {calls} |",
            if client == Name::Floor { "–" } else { runtime.name() },
        );
    }
}

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// How long a variant is measured in a round, about.
const ROUND: Duration = Duration::from_millis(150);
const MOST_READS: usize = 400_000;
const LOADS: [Load; 4] = [
    Load { in_flight: 1, data: SMALL },
    Load { in_flight: 16, data: SMALL },
    Load { in_flight: 256, data: SMALL },
    Load { in_flight: 64, data: LARGE },
];
