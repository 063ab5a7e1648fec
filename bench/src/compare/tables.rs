//! What sessions and watches cost with each client.

use std::path::Path;

use super::Options;
use super::order::{FanOut, Order};
use super::process::Process;
use super::reads_table::micros;
use super::servers::Servers;
use crate::Failure;
use crate::samples::Samples;

/// Each client in a fresh process, so that the memory is that of its sessions.
pub(crate) fn sessions(options: &Options, servers: &Servers, plain: &Path) -> Result<(), Failure> {
    let sessions = options.sessions;
    println!("\n### {sessions} sessions, connected one after the other, then idle\n");
    println!(
        "| client | runtime | half connected within, µs | 99 % within, µs | µs of CPU each | \
         KiB each | threads in all |"
    );
    println!("|---|---|---|---|---|---|---|");
    for who in options.clients() {
        let [mut median, mut slow, mut cpu, mut kib] = <[Samples; 4]>::default();
        let mut threads = 0;
        for _ in 0..FRESH {
            let address = servers.small.clone();
            let cost = Process::start(plain, who)?.ask(&Order::Connect { address, sessions })?;
            median.push(micros(cost.median));
            slow.push(micros(cost.slow));
            cpu.push(micros(cost.cpu) / sessions as f64);
            kib.push(cost.kib as f64 / sessions as f64);
            threads = cost.threads;
        }
        println!(
            "| {} | {} | {:.0} | {:.0} | {:.0} | {:.1} | {threads} |",
            who.client,
            who.runtime.name(),
            median.median(),
            slow.median(),
            cpu.median(),
            kib.median(),
        );
    }
    Ok(())
}

pub(crate) fn fan_out(options: &Options, servers: &Servers, plain: &Path) -> Result<(), Failure> {
    println!("\n### One change, {WATCHES} watches\n");
    println!("| client | runtime | clients | µs until all have fired | µs of CPU |");
    println!("|---|---|---|---|---|");
    for who in options.clients() {
        for clients in [1, 10] {
            let [mut took, mut cpu] = <[Samples; 2]>::default();
            for _ in 0..FRESH {
                let address = servers.watches.clone();
                let order = FanOut { address, clients, watches: WATCHES, rounds: CHANGES };
                let cost = Process::start(plain, who)?.ask(&Order::FanOut(order))?;
                took.push(micros(cost.took));
                cpu.push(micros(cost.cpu));
            }
            println!(
                "| {} | {} | {clients} | {:.0} | {:.0} |",
                who.client,
                who.runtime.name(),
                took.median(),
                cpu.median(),
            );
        }
    }
    Ok(())
}

/// How many processes the sessions and the watches of a client are measured in.
const FRESH: usize = 3;
const WATCHES: usize = 1000;
/// Changes that a process sees; what counts is the median of them.
const CHANGES: usize = 10;
