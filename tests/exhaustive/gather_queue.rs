//! The queue that starts when all are there: it starts with neither more nor fewer, its members run one
//! after the other, and the next round starts, whatever breaks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::sleep;
use zk_client::Client;
use zk_recipes::{GatherQueue, Janitor, Order, RecipeError, Released, RoundError};
use zk_test_kit::exhaustive::{Run, at_every_poll, at_every_poll_and_request, at_every_request};

use super::nothing;

fn queue(client: &Client) -> GatherQueue {
    GatherQueue::new(client, PATH, 2).unwrap()
}

/// Who has begun and ended a turn.
type Story = Arc<Mutex<Vec<&'static str>>>;
type Ran = Result<(Order, Released), RoundError>;

/// Takes a seat, waits for the turn, and ends it.
async fn run(queue: GatherQueue, [begins, ends]: [&'static str; 2], story: Story) -> Ran {
    let turn = queue.join(begins).await?.my_turn_timeout(LIMIT).await?;
    story.lock().unwrap().push(begins);
    sleep(Duration::from_secs(3)).await;
    let is_held = turn.is_valid();
    let order = turn.order();
    if is_held {
        story.lock().unwrap().push(ends);
    }
    Ok((order, turn.done().await?))
}

/// Two members, the client first or last.
async fn run_both(client: Client, other: Client, is_first: bool) -> (Ran, Ran, Story) {
    let story = Story::default();
    let late = Duration::from_secs(8);
    let (client_waits, other_waits) =
        if is_first { (Duration::ZERO, late) } else { (Duration::from_millis(50), Duration::ZERO) };
    let client = async {
        sleep(client_waits).await;
        run(queue(&client), ["client", "client done"], Arc::clone(&story)).await
    };
    let other = async {
        sleep(other_waits).await;
        run(queue(&other), ["other", "other done"], Arc::clone(&story)).await
    };
    let (client, other) = tokio::join!(client, other);
    (client, other, story)
}

async fn check(run: &Run, outcome: Option<(Ran, Ran, Story)>) {
    if let Some((client, other, story)) = outcome {
        let story = story.lock().unwrap().clone();
        match (client, other) {
            (Ok((one, _)), Ok((two, _))) => {
                assert_eq!((one.round, &one.members), (two.round, &two.members));
                assert_eq!(one.place + two.place, 1);
                assert!(story.len() == 4 || run.is_session_over(), "{story:?}");
                assert!(is_one_after_the_other(&story), "{story:?}");
            }
            (Err(error), Ok((order, released))) => {
                assert!(run.is_session_over(), "{error:?}");
                assert_eq!((order.members.len(), released), (2, Released::Now));
            }
            (client, Err(other)) => {
                assert!(run.is_session_over(), "{client:?} {other:?}");
                assert!(matches!(other, RoundError::Timeout { .. }), "{other:?}");
            }
        }
    }
    check_next_round(run).await;
}

/// A turn that is lost does not say that it has ended.
fn is_one_after_the_other(story: &[&str]) -> bool {
    story.is_empty()
        || ["client", "client done", "other", "other done"].starts_with(story)
        || ["other", "other done", "client", "client done"].starts_with(story)
        || story == ["client", "other", "other done"]
}

async fn check_next_round(run: &Run) {
    for client in [&run.client, &run.observer] {
        if !client.state().borrow().is_over() {
            Janitor::of(client).drain().await;
        }
    }
    let queue = queue(&run.observer);
    let mut one = queue.join("one").await.unwrap();
    let two = queue.join("two").await.unwrap();
    let order = one.started_timeout(LIMIT).await.unwrap();
    let payloads: Vec<_> = order.members.iter().map(|one| &*one.payload).collect();
    assert_eq!(payloads, [b"one", b"two"]);
    let turn = one.my_turn_timeout(LIMIT).await.unwrap();
    assert_eq!(turn.done().await, Ok(Released::Now));
    let turn = two.my_turn_timeout(LIMIT).await.unwrap();
    assert_eq!(turn.done().await, Ok(Released::Now));
    assert_eq!(run.observer.children(PATH).await.unwrap().len(), 0, "a node is left");
    sleep(Duration::from_millis(100)).await;
}

#[test]
fn members_run_one_after_the_other() {
    for is_first in [true, false] {
        let scenario =
            async |client: Client, other: Client| Box::pin(run_both(client, other, is_first)).await;
        let report = at_every_request(nothing, scenario, async |run, outcome| {
            check(run, Some(outcome)).await;
        });
        assert!(report.requests >= 8, "{report:?}");
        at_every_poll(nothing, scenario, check);
    }
}

#[test]
fn a_seat_that_is_dropped_while_its_connection_breaks_is_given_up() {
    let scenario = async |client: Client, _: Client| {
        let mut seat = queue(&client).join("client").await?;
        seat.started_timeout(Duration::from_secs(20)).await?;
        Ok::<_, RecipeError>(())
    };
    let report = at_every_poll_and_request(nothing, scenario, async |run, _| {
        check_next_round(run).await;
    });
    assert!(report.polls > 2, "{report:?}");
}

const PATH: &str = "/queue";
/// In virtual time.
const LIMIT: Duration = Duration::from_secs(60);
