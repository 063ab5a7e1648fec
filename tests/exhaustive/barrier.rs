//! The barrier: nobody passes it while it is closed, and nobody stays behind it once it is lifted,
//! whatever breaks.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use zk_client::Client;
use zk_recipes::{Barrier, BarrierGuard, Ownership, RecipeError, Released};
use zk_test_kit::exhaustive::{
    Run, at_every_poll, at_every_poll_and_request, at_every_request, at_every_two_requests,
};

use super::{nothing, stat};

fn barrier(client: &Client) -> Barrier {
    Barrier::new(client, PATH).unwrap()
}

async fn closed(observer: Client) {
    barrier(&observer).set().await.unwrap();
}

async fn lift(run: &Run) {
    barrier(&run.observer).lift().await.unwrap();
    assert!(!barrier(&run.observer).is_set().await.unwrap());
}

/// Waits while somebody lifts the barrier, and perhaps sets it again.
async fn wait(client: Client, other: Client, again: bool) -> (Result<(), RecipeError>, Duration) {
    let lifts = async {
        sleep(LIFTED_AFTER).await;
        barrier(&other).lift().await.unwrap();
        if again {
            barrier(&other).set().await.unwrap();
        }
    };
    let begun = Instant::now();
    let waits = async {
        let waited = barrier(&client).wait_timeout(LIMIT).await;
        (waited, begun.elapsed())
    };
    tokio::join!(waits, lifts).0
}

fn check_waited(run: &Run, (waited, took): (Result<(), RecipeError>, Duration), again: bool) {
    match waited {
        Ok(()) => assert!(took >= LIFTED_AFTER, "passed a closed barrier after {took:?}"),
        // A client that goes on with a new session waits on, too. One that comes back only when the next
        // barrier is set has never seen the first one.
        Err(RecipeError::Timeout) if again && !run.faults.is_empty() => {}
        Err(error) => assert!(run.is_session_over() && error.is_session_over(), "{error:?}"),
    }
}

#[test]
fn a_waiter_passes_when_the_barrier_is_lifted_and_not_before() {
    let scenario = async |client: Client, other: Client| wait(client, other, false).await;
    let report = at_every_request(closed, scenario, async |run, waited| {
        check_waited(run, waited, false);
        lift(run).await;
    });
    // A look, a watch, and another look behind the event; each look with a sync.
    assert!(report.requests >= 5, "{report:?}");
    at_every_poll(closed, scenario, async |run, _| lift(run).await);
    at_every_poll_and_request(closed, scenario, async |run, _| lift(run).await);
}

#[test]
fn a_waiter_passes_when_another_barrier_is_there() {
    let scenario = async |client: Client, other: Client| wait(client, other, true).await;
    at_every_request(closed, scenario, async |run, waited| {
        check_waited(run, waited, true);
        lift(run).await;
    });
}

#[test]
fn an_open_barrier_is_passed() {
    let scenario = async |client: Client, _| barrier(&client).wait_timeout(LIMIT).await;
    let report = at_every_request(nothing, scenario, async |run, waited| match waited {
        Ok(()) => {}
        Err(error) => assert!(run.is_session_over() && error.is_session_over(), "{error:?}"),
    });
    assert_eq!(report.requests, 2, "{report:?}");
    at_every_poll(nothing, scenario, async |_, _| {});
}

#[test]
fn a_set_sets_and_a_lift_lifts_also_when_the_reply_is_lost() {
    let set = async |client: Client, _| barrier(&client).set().await;
    let check = async |run: &Run, set: Result<(), RecipeError>| {
        match set {
            Ok(()) => assert!(stat(&run.observer, PATH).await.is_some()),
            Err(error) => assert!(run.is_session_over(), "{error:?}"),
        }
        lift(run).await;
    };
    at_every_request(nothing, set, check);
    at_every_two_requests(nothing, set, check);
    let lifts = async |client: Client, _| barrier(&client).lift().await;
    let check = async |run: &Run, lifted: Result<bool, RecipeError>| match lifted {
        Ok(was_set) => {
            assert!(was_set);
            assert!(stat(&run.observer, PATH).await.is_none());
        }
        Err(error) => assert!(run.is_session_over(), "{error:?}"),
    };
    at_every_request(closed, lifts, check);
    at_every_two_requests(closed, lifts, check);
}

type Set = Result<BarrierGuard, RecipeError>;

/// Whoever says that it keeps the barrier closed does; and when it is gone the barrier is, too.
async fn check_guard(run: &Run, set: Option<Set>) {
    match set {
        Some(Ok(guard)) => {
            sleep(Duration::from_secs(10)).await;
            let there = stat(&run.observer, PATH).await;
            match guard.ownership() {
                Ownership::Held => assert!(there.is_some()),
                ownership => assert!(run.is_session_over(), "{ownership:?}"),
            }
            drop(guard);
            sleep(Duration::from_secs(10)).await;
        }
        Some(Err(error)) => assert!(run.is_session_over(), "{error:?}"),
        None => {}
    }
    assert!(stat(&run.observer, PATH).await.is_none(), "the barrier stays");
}

#[test]
fn the_barrier_of_a_guard_falls_with_it() {
    let scenario = async |client: Client, _: Client| barrier(&client).set_while_alive().await;
    at_every_request(nothing, scenario, async |run, set| check_guard(run, Some(set)).await);
    at_every_two_requests(nothing, scenario, async |run, set| check_guard(run, Some(set)).await);
    at_every_poll(nothing, scenario, check_guard);
    let report = at_every_poll_and_request(nothing, scenario, check_guard);
    assert!(report.polls > 1, "{report:?}");
}

#[test]
fn a_guard_lifts_its_own_barrier_and_no_other() {
    let scenario = async |client: Client, other: Client| {
        let guard = barrier(&client).set_while_alive().await?;
        barrier(&other).lift().await?;
        barrier(&other).set().await?;
        let mut guard = Ok(guard);
        // Again, as long as the connection breaks.
        for _ in 0..10 {
            match guard {
                Ok(held) => match held.release().await {
                    Ok(released) => return Ok(released),
                    Err(unconfirmed) => guard = Ok(unconfirmed.guard),
                },
                Err(error) => return Err(error),
            }
        }
        guard.map(|_| Released::Now)
    };
    at_every_request(nothing, scenario, async |run: &Run, released: Result<_, RecipeError>| {
        match released {
            Ok(released) => {
                assert_eq!(released, Released::AlreadyLost);
                assert!(stat(&run.observer, PATH).await.is_some(), "another barrier was lifted");
            }
            Err(error) => assert!(run.is_session_over(), "{error:?}"),
        }
        barrier(&run.observer).lift().await.unwrap();
    });
}

const PATH: &str = "/barrier";
/// Less than a session lives, more than it takes to come back.
const LIFTED_AFTER: Duration = Duration::from_secs(8);
/// In virtual time.
const LIMIT: Duration = Duration::from_secs(60);
