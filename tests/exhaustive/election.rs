//! Elections: never two leaders, and the next candidate gets in, whatever breaks.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};
use zk_client::{Client, ErrorCode};
use zk_recipes::election::{
    AfterTerm, Candidate, CloseMode, Election, Leadership, Override, StaticElection,
};
use zk_recipes::{Janitor, Ownership, RecipeError, Released, SuspendPolicy};
use zk_server_lite::Server;
use zk_test_kit::exhaustive::{
    Run, at_every_poll, at_every_poll_and_request, at_every_request, at_every_two_requests,
};

async fn nothing(_observer: Client) {}

fn election(client: &Client) -> Election {
    let id = client.session_id().to_string();
    Election::new(client, "/election").unwrap().id(id)
}

fn masters(client: &Client) -> StaticElection {
    StaticElection::new(client, "/parent/master").unwrap().id("a")
}

type Led = (Candidate, Result<Leadership, RecipeError>);

async fn lead(mut candidate: Candidate) -> Led {
    let leadership = timeout(LIMIT, candidate.leadership()).await.expect("never leads");
    (candidate, leadership)
}

/// Leads, in an election that has somebody else's leader to begin with.
async fn wait_and_lead(client: Client, other: Client) -> Led {
    let (first, held) = lead(election(&other).join()).await;
    let releases = async {
        // The other one stands behind by now, or is cut off just now.
        sleep(Duration::from_secs(8)).await;
        held.unwrap().step_down().await.unwrap();
        first.leave(CloseMode::Notify).await.unwrap();
    };
    let (led, ()) = tokio::join!(lead(election(&client).join()), releases);
    led
}

/// Who says that it leads is the first in the queue; when it has gone the next one gets in, and
/// nobody else is there.
async fn check(run: &Run, led: Option<Led>) {
    let election = election(&run.observer);
    let mut last = None;
    if let Some((candidate, leadership)) = led {
        match leadership {
            Ok(leadership) => {
                last = Some(leadership.term());
                if leadership.ownership() == Ownership::Held {
                    let leader = election.leader().await.unwrap().unwrap();
                    assert_eq!(leadership.path(), leader.path, "somebody is before it");
                    assert_eq!(leadership.term(), leader.term);
                } else {
                    assert!(!run.faults.is_empty(), "{:?}", leadership.ownership());
                }
            }
            Err(error) => assert!(run.is_session_over(), "{error:?}"),
        }
        drop(candidate);
    }
    let (candidate, leadership) = lead(election.join()).await;
    let leadership = leadership.unwrap();
    assert!(last.is_none_or(|last| last < leadership.term()), "{last:?} {:?}", leadership.term());
    while election.candidates().await.unwrap().len() != 1 {
        sleep(Duration::from_millis(100)).await;
    }
    drop(leadership);
    candidate.leave(CloseMode::Notify).await.unwrap();
    assert_eq!(election.candidates().await.unwrap(), []);
}

async fn checked(run: &Run, led: Led) {
    check(run, Some(led)).await;
}

#[test]
fn a_free_election_is_won_or_left() {
    let scenario = async |client: Client, _: Client| lead(election(&client).join()).await;
    let report = at_every_request(nothing, scenario, checked);
    assert!(report.requests > 2, "{report:?}");
    at_every_poll(nothing, scenario, check);
    at_every_poll_and_request(nothing, scenario, check);
}

#[test]
fn a_free_election_is_won_whatever_breaks_twice() {
    let scenario = async |client: Client, _: Client| lead(election(&client).join()).await;
    at_every_two_requests(nothing, scenario, checked);
}

#[test]
fn an_election_is_won_by_who_waits() {
    let report = at_every_request(nothing, wait_and_lead, checked);
    assert!(report.requests >= 4, "{report:?}");
}

#[test]
fn a_term_of_the_session_policy_goes_on_or_is_lost() {
    let scenario = async |client: Client, _: Client| {
        let election = election(&client).on_suspend(SuspendPolicy::Session).overridable(true);
        let led = lead(election.join()).await;
        // What is cut after it led is part of this.
        sleep(Duration::from_secs(1)).await;
        led
    };
    let report = at_every_request(nothing, scenario, async |run, (candidate, leadership)| {
        if let Ok(leadership) = &leadership {
            sleep(Duration::from_secs(10)).await;
            let held = leadership.ownership() == Ownership::Held;
            assert!(held || run.is_session_over(), "{:?}", leadership.ownership());
        }
        check(run, Some((candidate, leadership))).await;
    });
    assert!(report.requests > 4, "{report:?}");
    at_every_poll(nothing, scenario, check);
}

#[test]
fn a_candidate_that_has_left_has_left_nothing() {
    let scenario = async |client: Client, _: Client| {
        let (candidate, leadership) = lead(election(&client).join()).await;
        drop(leadership);
        candidate.leave(CloseMode::Notify).await
    };
    let left = async |run: &Run, left: Option<Result<(), RecipeError>>| {
        if let Some(left) = left {
            left.unwrap();
            let candidates = election(&run.observer).candidates().await.unwrap();
            assert_eq!(candidates, [], "{run:?}");
        }
        check(run, None).await;
    };
    at_every_request(nothing, scenario, async |run, outcome| left(run, Some(outcome)).await);
    at_every_poll(nothing, scenario, left);
    at_every_poll_and_request(nothing, scenario, left);
}

#[test]
fn a_leader_that_has_stepped_down_does_not_lead() {
    let scenario = async |client: Client, _: Client| {
        let election = election(&client).rejoin(false).on_suspend(SuspendPolicy::Session);
        let (candidate, leadership) = lead(election.join()).await;
        let released = leadership?.step_down().await;
        drop(candidate);
        released
    };
    let stepped_down = async |run: &Run, outcome: Result<Released, RecipeError>| {
        match outcome {
            Ok(_) => assert_eq!(election(&run.observer).candidates().await.unwrap(), []),
            Err(RecipeError::Client(error)) => assert!(error.outcome_unknown(), "{error:?}"),
            Err(error) => assert!(run.is_session_over(), "{error:?}"),
        }
        check(run, None).await;
    };
    at_every_request(nothing, scenario, stepped_down);
}

#[test]
fn the_work_of_a_leader_is_done_and_nothing_stays() {
    let scenario = async |client: Client, _: Client| {
        let work = election(&client).run_when_leader(|leadership| async move {
            match leadership.multi().create("/done", "").commit().await {
                Ok(_) => AfterTerm::Stop,
                Err(RecipeError::Client(error)) if error.code() == Some(ErrorCode::NodeExists) => {
                    AfterTerm::Stop
                }
                Err(_) => AfterTerm::Rejoin,
            }
        });
        timeout(LIMIT, work).await.expect("never done")
    };
    let done = async |run: &Run, outcome: Option<Result<(), RecipeError>>| {
        match outcome {
            Some(Ok(())) => assert!(run.observer.exists("/done").await.unwrap().is_some()),
            Some(Err(error)) => assert!(run.is_session_over(), "{error:?}"),
            None => {}
        }
        check(run, None).await;
    };
    at_every_request(nothing, scenario, async |run, outcome| done(run, Some(outcome)).await);
    at_every_poll(nothing, scenario, done);
}

/// Neither the node nor a witness stays, when all is quiet.
async fn assert_free(observer: &Client) {
    let free = async {
        loop {
            let node = observer.exists("/parent/master").await.unwrap();
            let witnesses = observer.children("/parent/_w_master").await.unwrap_or_default();
            if node.is_none() && witnesses.is_empty() {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(LIMIT, free).await.expect("something stays");
}

async fn check_static(run: &Run, led: Option<Led>) {
    let mut last = None;
    if let Some((candidate, leadership)) = led {
        match leadership {
            Ok(leadership) => {
                last = Some(leadership.term());
                if leadership.ownership() == Ownership::Held {
                    let leader = masters(&run.observer).leader().await.unwrap().unwrap();
                    assert_eq!(leadership.term(), leader.term, "somebody else is master");
                    let witness = run.observer.exists(&leadership.path()).await.unwrap();
                    assert_eq!(witness.unwrap().ephemeral_owner, leader.session);
                } else {
                    assert!(!run.faults.is_empty(), "{:?}", leadership.ownership());
                }
            }
            Err(error) => assert!(run.is_session_over(), "{error:?}"),
        }
        drop(candidate);
    }
    assert_free(&run.observer).await;
    let (candidate, leadership) = lead(masters(&run.observer).join()).await;
    assert!(last.is_none_or(|last| last < leadership.as_ref().unwrap().term()));
    drop(leadership);
    candidate.leave(CloseMode::Notify).await.unwrap();
    assert_free(&run.observer).await;
}

#[test]
fn a_free_node_is_taken_or_left() {
    let scenario = async |client: Client, _: Client| lead(masters(&client).join()).await;
    let checked = async |run: &Run, led| check_static(run, Some(led)).await;
    let report = at_every_request(nothing, scenario, checked);
    assert!(report.requests > 3, "{report:?}");
    at_every_poll(nothing, scenario, check_static);
    at_every_poll_and_request(nothing, scenario, check_static);
}

#[test]
fn a_node_that_is_waited_for_is_taken() {
    let scenario = async |client: Client, other: Client| {
        let (first, held) = lead(masters(&other).rejoin(false).join()).await;
        let releases = async {
            sleep(Duration::from_secs(8)).await;
            held.unwrap().step_down().await.unwrap();
            first.leave(CloseMode::Notify).await.unwrap();
        };
        let (led, ()) = tokio::join!(lead(masters(&client).join()), releases);
        led
    };
    at_every_request(nothing, scenario, async |run, led| check_static(run, Some(led)).await);
}

#[test]
fn an_override_is_set_and_told_truly() {
    let scenario = async |client: Client, _: Client| {
        election(&client).overridable(true).control().by("eve").exclude(&["x"], "why").await
    };
    let check = async |run: &Run, set: Result<Override, RecipeError>| {
        let control = election(&run.observer).overridable(true).control();
        let current = control.current().await.unwrap();
        match set {
            Ok(set) => assert_eq!(current, Some(set)),
            Err(RecipeError::Client(error)) => {
                assert!(!run.faults.is_empty(), "{error:?}");
                assert!(error.outcome_unknown() || current.is_none(), "{error:?} {current:?}");
            }
            Err(error) => panic!("{error:?}"),
        }
        assert_eq!(control.clear().await.unwrap(), current.is_some());
    };
    at_every_request(nothing, scenario, check);
}

#[test]
fn an_override_that_is_taken_away_is_away() {
    let prepare = async |observer: Client| {
        election(&observer).overridable(true).control().freeze("").await.unwrap();
    };
    let scenario = async |client: Client, _: Client| {
        election(&client).overridable(true).control().clear().await
    };
    let check = async |run: &Run, cleared: Result<bool, RecipeError>| {
        let control = election(&run.observer).overridable(true).control();
        let current = control.current().await.unwrap();
        match cleared {
            Ok(_) => assert_eq!(current, None),
            Err(error) => assert!(run.is_session_over(), "{error:?}"),
        }
    };
    at_every_request(prepare, scenario, check);
}

#[test]
fn an_observer_tells_the_leader_and_leaves_nothing() {
    let scenario = async |client: Client, other: Client| {
        let mut observer = election(&client).observe();
        let first = observer.next().await;
        let (candidate, leadership) = lead(election(&other).join()).await;
        let mut told = first;
        while let Some(Ok(None)) = told {
            told = timeout(LIMIT, observer.next()).await.expect("nothing is told");
        }
        let term = leadership.map(|leadership| leadership.term());
        candidate.leave(CloseMode::Notify).await.unwrap();
        (term, told)
    };
    let report = at_every_request(nothing, scenario, async |run, (term, told)| match told {
        Some(Ok(Some(leader))) => assert_eq!(leader.term, term.unwrap()),
        Some(Err(error)) => assert!(run.is_session_over(), "{error:?}"),
        told => panic!("{told:?}"),
    });
    assert!(report.requests >= 5, "{report:?}");
    let watch = async |client: Client, _: Client| election(&client).observe().next().await;
    at_every_poll(nothing, watch, async |_, _| {});
}

#[test]
fn a_transfer_leaves_no_override() {
    let scenario = async |client: Client, other: Client| {
        let elections = [election(&client).overridable(true), election(&other).overridable(true)];
        let [ours, theirs] = elections.map(|one| one.on_suspend(SuspendPolicy::Session));
        let (candidate, leadership) = lead(ours.join()).await;
        let next = theirs.join();
        let Ok(leadership) = leadership else { return None };
        let id = next.id().to_owned();
        let transferred = leadership.transfer_to(&id, LIMIT).await;
        Some((candidate, next, transferred.map_err(|error| error.source)))
    };
    let report = at_every_request(nothing, scenario, async |run, outcome| {
        if let Some((candidate, next, transferred)) = outcome {
            match transferred {
                Ok(leader) => assert_eq!(leader.session, run.observer.session_id()),
                Err(error) => assert!(!run.faults.is_empty(), "{error:?}"),
            }
            drop(candidate);
            let (next, leadership) = lead(next).await;
            drop((leadership.unwrap(), next));
        }
        let control = election(&run.observer).control();
        assert_eq!(control.current().await.unwrap(), None);
        check(run, None).await;
    });
    assert!(report.requests >= 8, "{report:?}");
}

/// In real time, as two runtimes have no clock in common.
#[test]
fn a_leadership_outlives_its_runtime_without_harm() {
    let runtime = || -> Runtime {
        Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    };
    let (servers, clients) = (runtime(), runtime());
    let server = servers.block_on(Server::builder().memory_only().start()).unwrap();
    let network = zk_test_kit::Network::new(zk_test_kit::server::dial_memory(&server));
    let connect = || Client::builder("a:1").connector(network.connector()).connect();
    let (client, candidate, leadership) = clients.block_on(async {
        let client = connect().await.unwrap();
        let (candidate, leadership) = lead(election(&client).join()).await;
        (client, candidate, leadership.unwrap())
    });
    let (lost, left) = (leadership.lost(), candidate.state());
    assert_eq!(leadership.ownership(), Ownership::Held);
    clients.shutdown_timeout(LIMIT);
    assert!(matches!(leadership.ownership(), Ownership::Lost(_)), "{:?}", leadership.ownership());
    assert!(left.has_changed().is_err());
    servers.block_on(async {
        lost.await;
        // None of these waits for what has gone.
        assert_eq!(leadership.step_down().await.unwrap(), Released::AlreadyLost);
        candidate.leave(CloseMode::Notify).await.unwrap();
        drop(client);
        let other = connect().await.unwrap();
        let (candidate, leadership) = lead(election(&other).join()).await;
        drop((leadership.unwrap(), candidate));
        Janitor::of(&other).drain().await;
    });
    // And where there is no runtime at all nothing is left to be done.
    drop(server);
}

/// In virtual time.
const LIMIT: Duration = Duration::from_secs(60);
