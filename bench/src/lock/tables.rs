//! What came out, as tables.

use std::time::Duration;

use super::counters::Counters;
use super::process::Subject;
use crate::samples::Samples;

/// Of one round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    pub(super) turns: usize,
    /// Of the process with the contenders.
    pub(super) cpu: Duration,
    pub(super) took: Duration,
    /// Half of the turns, and 99 of 100, took no longer.
    pub(super) median: Duration,
    pub(super) slow: Duration,
    pub(super) server: Counters,
}

/// Figures of all rounds: turns per second, median, 99 of 100, CPU of client and server, requests
/// and events; times in microseconds, all but the first three for one turn.
#[derive(Debug, Default)]
pub(super) struct Row(Vec<[f64; COLUMNS]>);

impl Row {
    pub(super) fn push(&mut self, figures: &Figures) {
        let turns = figures.turns as f64;
        let Counters { received, cpu, .. } = figures.server;
        self.0.push([
            turns / figures.took.as_secs_f64(),
            micros(figures.median),
            micros(figures.slow),
            micros(figures.cpu) / turns,
            micros(cpu) / turns,
            received as f64 / turns,
            figures.server.events() as f64 / turns,
        ]);
    }

    fn medians(&self) -> [f64; COLUMNS] {
        medians(self.0.iter().copied())
    }

    /// The medians of what is ours divided by what is the other's in the same round.
    fn over(&self, other: &Self) -> [f64; COLUMNS] {
        medians(self.0.iter().zip(&other.0).map(|(ours, other)| {
            let mut ratios = *ours;
            for (ratio, other) in ratios.iter_mut().zip(other) {
                *ratio /= other;
            }
            ratios
        }))
    }
}

fn medians(rounds: impl Iterator<Item = [f64; COLUMNS]> + Clone) -> [f64; COLUMNS] {
    let mut medians = [0.0; COLUMNS];
    for (column, median) in medians.iter_mut().enumerate() {
        let values = rounds.clone().filter_map(|round| round.get(column).copied());
        *median = values.collect::<Samples>().median();
    }
    medians
}

pub(super) fn print_head(turns: usize) {
    println!("\n### {turns} turns in each round\n");
    println!(
        "| contenders | sessions | client | turns per second | half within, µs | 99 % within, µs | \
         µs of CPU per turn | of the server's | requests | events |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
}

/// A line for each client, and one for the ratio.
pub(super) fn print(contenders: usize, sessions: usize, [ours, curator]: &[Row; 2]) {
    for (subject, row) in [(Subject::Ours, ours), (Subject::Curator, curator)] {
        let [rate, median, slow, cpu, server, requests, events] = row.medians();
        println!(
            "| {contenders} | {sessions} | {} | {rate:.0} | {median:.0} | {slow:.0} | {cpu:.0} | \
             {server:.0} | {requests:.2} | {events:.2} |",
            subject.name(),
        );
    }
    let ratios = ours.over(curator).map(ratio).join(" | ");
    println!("| {contenders} | {sessions} | *ratio* | {ratios} |");
}

/// There is none to nothing.
fn ratio(ratio: f64) -> String {
    if ratio.is_finite() { format!("{ratio:.2}") } else { "–".to_owned() }
}

pub(super) fn print_head_of_round_trips(round_trip: Duration) {
    println!("\n### Over a line with a round trip of {:.1} ms\n", micros(round_trip) / 1e3);
    println!(
        "| contenders | client | half within, round trips | 99 % within | turns, round trips each |"
    );
    println!("|---|---|---|---|---|");
}

pub(super) fn print_round_trips(
    contenders: usize,
    subject: Subject,
    figures: &Figures,
    round_trip: Duration,
) {
    let [median, slow, took] = [figures.median, figures.slow, figures.took]
        .map(|time| time.as_secs_f64() / round_trip.as_secs_f64());
    let each = took / figures.turns as f64;
    println!("| {contenders} | {} | {median:.2} | {slow:.2} | {each:.2} |", subject.name());
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

const COLUMNS: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_the_median_of_those_within_a_round() {
        let row =
            |rates: [f64; 3]| Row(rates.map(|rate| [rate, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]).to_vec());
        let (ours, other) = (row([10.0, 40.0, 30.0]), row([5.0, 10.0, 10.0]));
        assert_eq!(ours.medians()[0], 30.0);
        assert_eq!(ours.over(&other)[..2], [3.0, 1.0]);
    }
}
