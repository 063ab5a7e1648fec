//! The double barrier: no round opens with too few, all of a round agree who is in it, and the next
//! round opens, whatever breaks.

use std::time::Duration;

use tokio::time::sleep;
use zk_client::Client;
use zk_recipes::{BarrierMode, DoubleBarrier, Inside, Janitor, RecipeError, Released, RoundError};
use zk_test_kit::exhaustive::{
    Run, at_every_poll, at_every_poll_and_request, at_every_request, at_every_two_requests,
};

use super::nothing;

fn barrier(client: &Client) -> DoubleBarrier {
    DoubleBarrier::new(client, PATH, 2).unwrap()
}

type Entered = Result<Inside, RecipeError>;
type Left = Result<Released, RoundError>;

/// Both enter at the same time.
async fn enter(client: Client, other: Client) -> (Entered, Entered) {
    let (client, other) = (barrier(&client), barrier(&other));
    tokio::join!(client.enter_timeout("client", LIMIT), other.enter_timeout("other", LIMIT))
}

/// The other one has waited for some time, so that the client opens the round.
async fn enter_last(client: Client, other: Client) -> (Entered, Entered) {
    let (client, other) = (barrier(&client), barrier(&other));
    let enter = async {
        sleep(Duration::from_millis(50)).await;
        client.enter_timeout("client", LIMIT).await
    };
    tokio::join!(enter, other.enter_timeout("other", LIMIT))
}

/// The client waits, and the other one opens the round.
async fn enter_first(client: Client, other: Client) -> (Entered, Entered) {
    let (client, other) = (barrier(&client), barrier(&other));
    let enter = async {
        sleep(Duration::from_secs(8)).await;
        other.enter_timeout("other", LIMIT).await
    };
    tokio::join!(client.enter_timeout("client", LIMIT), enter)
}

/// Either both are in the same round, or the session of the one that is not is over.
async fn check_entered(run: &Run, entered: Option<(Entered, Entered)>) {
    match entered {
        Some((Ok(client), Ok(other))) => {
            assert_eq!(client.members(), other.members());
            assert_eq!((client.round(), other.round()), (Some(1), Some(1)));
            assert_eq!(client.members().len(), 2);
        }
        Some((Ok(client), Err(other))) => {
            panic!("the client is in with {:?}, the other one is not: {other:?}", client.members())
        }
        Some((Err(error), other)) => {
            assert!(run.is_session_over() && error.is_session_over(), "{error:?}");
            match other {
                // The client was counted before its session was over.
                Ok(other) => assert_eq!(other.members().len(), 2),
                Err(error) => assert_eq!(error, RecipeError::Timeout),
            }
        }
        None => {}
    }
    check_next_round(run).await;
}

/// Two members of the observer enter and leave together, and then nobody is there.
async fn check_next_round(run: &Run) {
    for client in [&run.client, &run.observer] {
        if !client.state().borrow().is_over() {
            Janitor::of(client).drain().await;
        }
    }
    let barrier = barrier(&run.observer);
    let (one, two) =
        tokio::join!(barrier.enter_timeout("one", LIMIT), barrier.enter_timeout("two", LIMIT));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.members(), two.members());
    let mut payloads: Vec<_> = one.members().iter().map(|one| &*one.payload).collect();
    payloads.sort_unstable();
    assert_eq!(payloads, [b"one", b"two"]);
    let (one, two) = tokio::join!(one.leave_timeout(LIMIT), two.leave_timeout(LIMIT));
    assert_eq!((one, two), (Ok(Released::Now), Ok(Released::Now)));
    assert_eq!(run.observer.children(PATH).await.unwrap().len(), 0, "a node is left");
    // Watches that nobody waits for any more are taken back.
    sleep(Duration::from_millis(100)).await;
}

#[test]
fn both_enter_or_neither_does() {
    for scenario in [enter_at_once as fn(_, _) -> _, enter_as_last, enter_as_first] {
        let scenario = async |client: Client, other: Client| scenario(client, other).await;
        let report = at_every_request(nothing, scenario, async |run, entered| {
            check_entered(run, Some(entered)).await;
        });
        assert!(report.requests >= 5, "{report:?}");
        at_every_poll(nothing, scenario, check_entered);
    }
}

/// A round of one, who does everything there is to do.
async fn enter_alone(client: Client, _: Client) -> Entered {
    DoubleBarrier::new(&client, PATH, 1).unwrap().enter_timeout("client", LIMIT).await
}

async fn check_alone(run: &Run, entered: Option<Entered>) {
    match entered {
        Some(Ok(inside)) => assert_eq!((inside.round(), inside.members().len()), (Some(1), 1)),
        Some(Err(error)) => assert!(run.is_session_over(), "{error:?}"),
        None => {}
    }
    if !run.client.state().borrow().is_over() {
        Janitor::of(&run.client).drain().await;
    }
    let barrier = DoubleBarrier::new(&run.observer, PATH, 1).unwrap();
    let inside = barrier.enter_timeout("next", LIMIT).await.unwrap();
    assert_eq!(inside.leave_timeout(LIMIT).await, Ok(Released::Now));
    assert_eq!(run.observer.children(PATH).await.unwrap().len(), 0, "a node is left");
    sleep(Duration::from_millis(100)).await;
}

#[test]
fn a_round_opens_once_whatever_breaks_twice() {
    at_every_two_requests(nothing, enter_alone, async |run, entered| {
        check_alone(run, Some(entered)).await;
    });
}

#[test]
fn one_who_is_dropped_while_its_connection_breaks_leaves_nothing() {
    let report = at_every_poll_and_request(nothing, enter_alone, check_alone);
    assert!(report.polls > 3, "{report:?}");
}

type Entering = std::pin::Pin<Box<dyn Future<Output = (Entered, Entered)>>>;

fn enter_at_once(client: Client, other: Client) -> Entering {
    Box::pin(enter(client, other))
}

fn enter_as_last(client: Client, other: Client) -> Entering {
    Box::pin(enter_last(client, other))
}

fn enter_as_first(client: Client, other: Client) -> Entering {
    Box::pin(enter_first(client, other))
}

/// Both enter, and leave: the client as the first in the list or not, and before the other one or not.
async fn leave(client: Client, other: Client, is_first: bool, early: bool) -> Option<(Left, Left)> {
    let (client, other) =
        if is_first { enter_first(client, other).await } else { enter_last(client, other).await };
    let (Ok(client), Ok(other)) = (client, other) else { return None };
    assert_eq!(client.members()[0].payload == "client", is_first);
    let pause = Duration::from_secs(8);
    let (client_stays, other_stays) = if early { (0, 1) } else { (1, 0) };
    let leave = async |inside: Inside, stays: u32| {
        sleep(pause * stays).await;
        inside.leave_timeout(LIMIT).await
    };
    Some(tokio::join!(leave(client, client_stays), leave(other, other_stays)))
}

async fn check_left(run: &Run, left: Option<Option<(Left, Left)>>) {
    match left.flatten() {
        Some((client, other)) => {
            // For those who stay, one whose session is over has left.
            assert_eq!(other, Ok(Released::Now));
            match client {
                Ok(released) => assert!(released == Released::Now || run.is_session_over()),
                Err(error) => assert!(run.is_session_over(), "{error:?}"),
            }
        }
        None => assert!(run.polls.is_some() || run.is_session_over()),
    }
    check_next_round(run).await;
}

#[test]
fn both_leave_together_or_one_is_seen_to_have_left() {
    for (is_first, early) in [(true, true), (true, false), (false, true), (false, false)] {
        let scenario =
            async |client: Client, other: Client| leave(client, other, is_first, early).await;
        let report = at_every_request(nothing, scenario, async |run, left| {
            check_left(run, Some(left)).await;
        });
        assert!(report.requests >= 8, "{report:?}");
        at_every_poll(nothing, scenario, check_left);
    }
}

#[test]
fn a_strict_round_that_is_left_is_whole_or_broken_for_both() {
    let scenario = async |client: Client, other: Client| {
        let (client, other) = (barrier(&client).strict(true), barrier(&other).strict(true));
        let (client, other) = tokio::join!(
            client.enter_timeout("client", LIMIT),
            other.enter_timeout("other", LIMIT)
        );
        let (Ok(client), Ok(other)) = (client, other) else { return None };
        Some(tokio::join!(client.leave_timeout(LIMIT), other.leave_timeout(LIMIT)))
    };
    at_every_request(nothing, scenario, async |run: &Run, left: Option<(Left, Left)>| {
        match left {
            Some((Ok(_), other)) => assert_eq!(other, Ok(Released::Now)),
            Some((Err(error), other)) => {
                assert!(run.is_session_over(), "{error:?}");
                // It may have said that it leaves before its session was over.
                if let Err(error) = other {
                    assert!(matches!(error, RoundError::Broken { .. }), "{error:?}");
                }
            }
            None => assert!(run.is_session_over()),
        }
        check_next_round(run).await;
    });
}

#[test]
fn a_barrier_by_curators_protocol_leaves_nothing_behind() {
    let scenario = async |client: Client, other: Client| {
        let (client, other) = (
            barrier(&client).mode(BarrierMode::Curator),
            barrier(&other).mode(BarrierMode::Curator),
        );
        let (client, other) = tokio::join!(
            client.enter_timeout("client", LIMIT),
            other.enter_timeout("other", LIMIT)
        );
        let other = other?;
        let client = client?;
        tokio::join!(client.leave_timeout(LIMIT), other.leave_timeout(LIMIT)).0.map_err(|error| {
            match error {
                RoundError::Recipe(error) => error,
                error => panic!("{error:?}"),
            }
        })
    };
    let check = async |run: &Run, left: Option<Result<Released, RecipeError>>| {
        if let Some(Err(error)) = left {
            assert!(run.is_session_over(), "{error:?}");
        }
        for client in [&run.client, &run.observer] {
            if !client.state().borrow().is_over() {
                Janitor::of(client).drain().await;
            }
        }
        sleep(Duration::from_millis(100)).await;
        let left = run.observer.children(PATH).await.unwrap_or_default();
        // Of a client that has died inside, `ready` may stay until the next one comes.
        assert!(left.is_empty() || (run.is_session_over() && left == ["ready"]), "{left:?}");
    };
    let report =
        at_every_request(nothing, scenario, async |run, left| check(run, Some(left)).await);
    assert!(report.requests >= 8, "{report:?}");
    at_every_poll(nothing, scenario, check);
}

const PATH: &str = "/barrier";
/// In virtual time.
const LIMIT: Duration = Duration::from_secs(60);
