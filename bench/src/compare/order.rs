//! What a process with one client is told to do, a line each, and what it answers.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::Failure;

/// Work for a process with one client.
#[derive(Clone, Debug, Parser)]
#[command(no_binary_name = true)]
pub(crate) enum Order {
    Reads(Reads),
    /// Connects so many clients one after the other, and keeps them
    Connect {
        address: String,
        sessions: usize,
    },
    FanOut(FanOut),
}

/// Reads a node again and again.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Reads {
    pub(crate) address: String,
    pub(crate) style: Style,
    pub(crate) in_flight: usize,
    /// How many in all.
    pub(crate) reads: usize,
    /// Bytes of data that the node has.
    pub(crate) data: usize,
}

/// Sets watches on one node, changes it, and waits until every one has fired.
#[derive(Clone, Debug, Parser)]
pub(crate) struct FanOut {
    pub(crate) address: String,
    pub(crate) clients: usize,
    pub(crate) watches: usize,
    pub(crate) rounds: usize,
}

/// How requests are kept in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Style {
    /// One task that holds all of them
    Window,
    /// As many tasks as requests, each with one
    Tasks,
}

impl Style {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Tasks => "tasks",
        }
    }
}

impl Order {
    pub(crate) fn parse_line(line: &str) -> Result<Self, Failure> {
        Ok(Self::try_parse_from(line.split_ascii_whitespace())?)
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reads(Reads { address, style, in_flight, reads, data }) => {
                let style = style.name();
                write!(f, "reads {address} {style} {in_flight} {reads} {data}")
            }
            Self::Connect { address, sessions } => write!(f, "connect {address} {sessions}"),
            Self::FanOut(FanOut { address, clients, watches, rounds }) => {
                write!(f, "fan-out {address} {clients} {watches} {rounds}")
            }
        }
    }
}

/// What work has cost the process that did it; nought where that was not asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Of the process, user mode and kernel.
    pub(crate) cpu: Duration,
    pub(crate) took: Duration,
    /// Only in the program that counts them.
    pub(crate) allocations: u64,
    /// How long half of the requests took at most, and 99 of 100.
    pub(crate) median: Duration,
    pub(crate) slow: Duration,
    /// How much resident memory the process has gained.
    pub(crate) kib: u64,
    pub(crate) threads: u64,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, took, allocations, median, slow, kib, threads } = self;
        let [cpu, took, median, slow] = [cpu, took, median, slow].map(Duration::as_nanos);
        write!(f, "{cpu} {took} {allocations} {median} {slow} {kib} {threads}")
    }
}

impl FromStr for Cost {
    type Err = Failure;

    fn from_str(line: &str) -> Result<Self, Failure> {
        let numbers: Vec<u64> =
            line.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [cpu, took, allocations, median, slow, kib, threads] =
            <[u64; 7]>::try_from(numbers).map_err(|_| "an answer of another length")?;
        let [cpu, took, median, slow] = [cpu, took, median, slow].map(Duration::from_nanos);
        Ok(Self { cpu, took, allocations, median, slow, kib, threads })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_understood_as_it_was_given() {
        let address = String::from("127.0.0.1:2181");
        let orders = [
            Order::Reads(Reads {
                address: address.clone(),
                style: Style::Tasks,
                in_flight: 16,
                reads: 1000,
                data: 100,
            }),
            Order::Connect { address: address.clone(), sessions: 7 },
            Order::FanOut(FanOut { address, clients: 10, watches: 1000, rounds: 3 }),
        ];
        for order in orders {
            let read = Order::parse_line(&order.to_string()).unwrap();
            assert_eq!(format!("{read:?}"), format!("{order:?}"));
        }
        assert!(Order::parse_line("reads").is_err());
    }

    #[test]
    fn a_cost_is_read_as_it_was_written() {
        let cost = Cost {
            cpu: Duration::from_nanos(1),
            took: Duration::from_secs(2),
            allocations: 3,
            median: Duration::from_micros(4),
            slow: Duration::from_micros(5),
            kib: 6,
            threads: 7,
        };
        assert_eq!(cost.to_string().parse::<Cost>().unwrap(), cost);
        assert!("1 2".parse::<Cost>().is_err());
    }
}
