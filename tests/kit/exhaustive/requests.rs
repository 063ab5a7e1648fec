//! Connections that break around every request.

use zk_client::Client;

use super::leftovers::assert_nothing_left;
use super::world::{World, in_virtual_time};
use super::{Comeback, Fault, Report, Run, Teller, seed};
use crate::network::Moment;

/// Runs a scenario once for each of its requests, each [`Moment`] of it and each [`Comeback`], with
/// the connection cut there; and at last without a fault. After each run the check is told what
/// became of it; then nothing may be left of the client but what it holds itself.
///
/// `prepare` gets the observer before the client comes; the scenario gets the client and the observer,
/// whose connection never breaks. What the outcome holds is held until the
/// check drops it; requests in the background, the janitor's for instance, are cut, too.
///
/// # Panics
/// If the check does, if something is left, or if the scenario does not end.
pub fn at_every_request<T>(
    prepare: impl AsyncFn(Client),
    scenario: impl AsyncFn(Client, Client) -> T,
    check: impl AsyncFn(&Run, T),
) -> Report {
    let mut report = Report::default();
    for comeback in Comeback::ALL {
        for moment in Moment::ALL {
            for request in 0.. {
                let fault = Fault { request, moment, comeback };
                report.runs += 1;
                if run(&[fault], &prepare, &scenario, &check) == 0 {
                    report.requests = report.requests.max(request);
                    break;
                }
                assert!(request < MOST, "the scenario sends requests for ever");
            }
        }
    }
    report
}

/// The same with two faults in a row, for short scenarios: the second one at each request that
/// comes behind the first. The session survives them.
///
/// # Panics
/// As [`at_every_request`].
pub fn at_every_two_requests<T>(
    prepare: impl AsyncFn(Client),
    scenario: impl AsyncFn(Client, Client) -> T,
    check: impl AsyncFn(&Run, T),
) -> Report {
    let mut report = Report::default();
    for [first, second] in pairs() {
        for request in 0.. {
            let first = Fault { request, ..first };
            let mut happened = 0;
            for request in 0.. {
                let second = Fault { request, ..second };
                report.runs += 1;
                happened = run(&[first, second], &prepare, &scenario, &check);
                if happened < 2 {
                    break;
                }
                assert!(request < MOST, "the scenario sends requests for ever");
            }
            if happened == 0 {
                report.requests = report.requests.max(request);
                break;
            }
        }
    }
    report
}

fn pairs() -> Vec<[Fault; 2]> {
    let mut faults = Vec::new();
    for comeback in [Comeback::SameServer, Comeback::LaggingServer] {
        // To the tree half a reply is none.
        for moment in [Moment::BeforeSending, Moment::BeforeReply, Moment::AfterReply] {
            faults.push(Fault { request: 0, moment, comeback });
        }
    }
    faults.iter().flat_map(|first| faults.iter().map(|second| [*first, *second])).collect()
}

/// Tells how many of the faults have happened.
fn run<T>(
    faults: &[Fault],
    prepare: &impl AsyncFn(Client),
    scenario: &impl AsyncFn(Client, Client) -> T,
    check: &impl AsyncFn(&Run, T),
) -> usize {
    let teller = Teller { seed: seed(), plan: &faults };
    in_virtual_time(async {
        let world = World::new(teller.seed, faults, prepare).await;
        world.begin(faults);
        let outcome = Box::pin(scenario(world.client.clone(), world.observer.clone())).await;
        world.settle().await;
        let run = world.end(None);
        check(&run, outcome).await;
        let happened = run.faults.len();
        drop(run);
        assert_nothing_left(world).await;
        happened
    })
}

/// More requests than a scenario should take.
const MOST: usize = 200;
