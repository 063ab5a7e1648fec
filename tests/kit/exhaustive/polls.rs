//! Futures that are dropped at every moment.

use std::time::Duration;

use zk_client::Client;

use super::dropping::drop_after;
use super::leftovers::assert_nothing_left;
use super::world::{World, in_virtual_time};
use super::{Comeback, Fault, Report, Run, Teller, seed};
use crate::network::Moment;

/// Runs a scenario for each number of polls, drops it after so many, and at last lets it end. After
/// each run the check is told what became of it, `None` if it was dropped; then nothing may be left
/// of the client but what it holds itself.
///
/// # Panics
/// If the check does, if something is left, or if the scenario does not end.
pub fn at_every_poll<T>(
    prepare: impl AsyncFn(Client),
    scenario: impl AsyncFn(Client, Client) -> T,
    check: impl AsyncFn(&Run, Option<T>),
) -> Report {
    let mut report = Report::default();
    for polls in 0.. {
        report.runs += 1;
        if run(&Plan { faults: &[], polls }, &prepare, &scenario, &check).is_done {
            report.polls = polls;
            break;
        }
        assert!(polls < MOST, "the scenario is polled for ever");
    }
    report
}

/// The same while the connection breaks, at each request and each moment of it, on the way to the
/// same server and to one that lags.
///
/// # Panics
/// As [`at_every_poll`].
pub fn at_every_poll_and_request<T>(
    prepare: impl AsyncFn(Client),
    scenario: impl AsyncFn(Client, Client) -> T,
    check: impl AsyncFn(&Run, Option<T>),
) -> Report {
    let mut report = Report::default();
    for comeback in [Comeback::SameServer, Comeback::LaggingServer] {
        for moment in Moment::ALL {
            for request in 0.. {
                let faults = [Fault { request, moment, comeback }];
                let mut is_cut = false;
                for polls in 0.. {
                    report.runs += 1;
                    let done = run(&Plan { faults: &faults, polls }, &prepare, &scenario, &check);
                    is_cut |= done.is_cut;
                    if done.is_done {
                        report.polls = report.polls.max(polls);
                        break;
                    }
                    assert!(polls < MOST, "the scenario is polled for ever");
                }
                if !is_cut {
                    report.requests = report.requests.max(request);
                    break;
                }
            }
        }
    }
    report
}

#[derive(Debug)]
struct Plan<'a> {
    faults: &'a [Fault],
    polls: usize,
}

struct Done {
    is_done: bool,
    is_cut: bool,
}

fn run<T>(
    plan: &Plan<'_>,
    prepare: &impl AsyncFn(Client),
    scenario: &impl AsyncFn(Client, Client) -> T,
    check: &impl AsyncFn(&Run, Option<T>),
) -> Done {
    let teller = Teller { seed: seed(), plan };
    in_virtual_time(async {
        let world = World::new(teller.seed, plan.faults, prepare).await;
        world.begin(plan.faults);
        let outcome = drop_after(
            scenario(world.client.clone(), world.observer.clone()),
            plan.polls,
            PATIENCE,
        )
        .await;
        world.settle().await;
        let run = world.end(Some(plan.polls));
        let done = Done { is_done: outcome.is_some(), is_cut: !run.faults.is_empty() };
        check(&run, outcome).await;
        drop(run);
        assert_nothing_left(world).await;
        done
    })
}

/// Longer than a client takes to come back.
const PATIENCE: Duration = Duration::from_secs(60);

/// More polls than a scenario should take.
const MOST: usize = 1000;
