//! The queue: an item is there once, or acknowledged once, and the next consumer gets it, whatever
//! breaks.

use std::time::{Duration, UNIX_EPOCH};

use tokio::time::sleep;
use zk_client::Client;
use zk_recipes::queue::{Delivery, Queue, Returned};
use zk_recipes::{Ownership, RecipeError, Utf8};
use zk_test_kit::exhaustive::{
    Run, at_every_poll, at_every_poll_and_request, at_every_request, at_every_two_requests,
};

use super::nothing;

type Texts = Queue<String, Utf8>;

fn queue(client: &Client) -> Texts {
    // What is put off by nothing is due at once by a clock that stands.
    Queue::new(client, "/queue", Utf8).unwrap().clock(|| UNIX_EPOCH + LIMIT)
}

/// There is an item.
async fn one_item(observer: Client) {
    put(&queue(&observer)).await;
}

/// There was an item, and all parents are there.
async fn no_item(observer: Client) {
    put(&queue(&observer)).await;
    assert_eq!(take_all(&queue(&observer)).await, 1);
}

async fn put(queue: &Texts) {
    queue.put(&"a".to_owned()).await.unwrap();
}

/// Takes all that is there, and is done with it.
async fn take_all(queue: &Texts) -> usize {
    let mut count = 0;
    while let Some(delivery) = queue.try_take().await.unwrap() {
        assert_eq!(delivery.item(), "a");
        delivery.ack().await.unwrap();
        count += 1;
    }
    count
}

/// Takes what is there, and asserts that it is so much and that nothing of it stays.
async fn assert_left(run: &Run, items: usize) {
    let queue = queue(&run.observer);
    assert_eq!(queue.len().await.unwrap(), items);
    assert_eq!(take_all(&queue).await, items, "somebody has it");
    for part in ["items", "claims", "consumers", "slots"] {
        let children = run.observer.children(&format!("/queue/{part}")).await.unwrap_or_default();
        assert!(children.is_empty(), "{part}: {children:?}");
    }
    assert_eq!(queue.dead_letters().await.unwrap(), []);
    drop(queue);
    zk_recipes::Janitor::of(&run.observer).drain().await;
    let tickets = run.observer.children("/queue/producers").await.unwrap_or_default();
    assert!(tickets.is_empty(), "{tickets:?}");
}

async fn put_once(client: Client, _: Client) -> Result<(), RecipeError> {
    queue(&client).put_timeout(&"a".to_owned(), LIMIT).await.map(|_| ())
}

/// What a put says of an item that is there so often, or was.
fn check_put(run: &Run, outcome: Option<&Result<(), RecipeError>>, items: usize) {
    assert!(items <= 1, "{items} of one");
    match outcome {
        Some(Ok(())) => assert_eq!(items, 1),
        Some(Err(error)) => {
            assert!(run.is_session_over(), "{error:?}");
            assert!(error.outcome_unknown() || items == 0, "{error:?}, and it is there");
        }
        None => {}
    }
}

async fn check_put_once(run: &Run, outcome: Option<Result<(), RecipeError>>) {
    let items = queue(&run.observer).len().await.unwrap();
    check_put(run, outcome.as_ref(), items);
    assert_left(run, items).await;
}

#[test]
fn an_item_is_put_once() {
    for prepare in [true, false] {
        let prepare = async move |observer| {
            if prepare {
                no_item(observer).await;
            }
        };
        let checked = async |run: &Run, outcome| check_put_once(run, Some(outcome)).await;
        let report = at_every_request(prepare, put_once, checked);
        assert!(report.requests >= 2, "{report:?}");
        at_every_poll(prepare, put_once, check_put_once);
    }
    at_every_poll_and_request(no_item, put_once, check_put_once);
    at_every_two_requests(no_item, put_once, async |run, outcome| {
        check_put_once(run, Some(outcome)).await;
    });
}

/// To look for an item whose put was not answered would not find it.
#[test]
fn an_item_that_is_taken_at_once_is_put_once() {
    let scenario = async |client: Client, other: Client| {
        let consumer = async {
            let mut taken = 0;
            for _ in 0..20 {
                taken += take_all(&queue(&other)).await;
                sleep(Duration::from_millis(500)).await;
            }
            taken
        };
        tokio::join!(put_once(client, other.clone()), consumer)
    };
    let check = async |run: &Run, (outcome, taken)| {
        let left = queue(&run.observer).len().await.unwrap();
        check_put(run, Some(&outcome), taken + left);
        assert_left(run, left).await;
    };
    at_every_request(no_item, scenario, check);
    at_every_two_requests(no_item, scenario, check);
}

#[test]
fn an_item_for_which_there_is_no_room_is_put_once_there_is() {
    let full = async |observer: Client| put(&queue(&observer).max_items(1)).await;
    let scenario = async |client: Client, other: Client| {
        let acks = async {
            sleep(Duration::from_secs(8)).await;
            assert_eq!(take_all(&queue(&other)).await, 1);
        };
        let queue = queue(&client).max_items(1);
        let put = async { queue.put_timeout(&"a".to_owned(), LIMIT).await.map(|_| ()) };
        tokio::join!(put, acks).0
    };
    let report = at_every_request(full, scenario, async |run, outcome| {
        check_put_once(run, Some(outcome)).await;
    });
    assert!(report.requests >= 4, "{report:?}");
    let put = async |client: Client, _: Client| {
        queue(&client).max_items(1).put_timeout(&"a".to_owned(), LIMIT).await
    };
    at_every_poll(full, put, async |run, outcome| {
        assert!(!matches!(outcome, Some(Ok(_))));
        assert_left(run, 1).await;
    });
}

type Taken = Result<Delivery<String>, RecipeError>;

async fn take(client: Client, _: Client) -> Taken {
    queue(&client).take_timeout(LIMIT).await
}

/// Who has the item has it alone; when it has gone the next one gets it.
async fn check_taken(run: &Run, taken: Option<Taken>) {
    match taken {
        Some(Ok(delivery)) => {
            if delivery.ownership() != Ownership::Held {
                // Whoever is cut off just now is told soon.
                sleep(Duration::from_secs(10)).await;
            }
            if delivery.ownership() == Ownership::Held {
                assert!(queue(&run.observer).try_take().await.unwrap().is_none());
                // A claim that went with an old session counts.
                assert!(delivery.attempts() == 1 || run.is_session_over());
                delivery.ack().await.unwrap();
                return assert_left(run, 0).await;
            }
            assert!(run.is_session_over(), "{:?}", delivery.ownership());
            let refused = delivery.ack().await.unwrap_err();
            assert!(refused.is_session_over(), "{refused:?}");
        }
        Some(Err(error)) => assert!(run.is_session_over(), "{error:?}"),
        None => {}
    }
    assert_left(run, 1).await;
}

#[test]
fn an_item_that_is_there_is_taken_or_left() {
    let checked = async |run: &Run, taken| check_taken(run, Some(taken)).await;
    let report = at_every_request(one_item, take, checked);
    assert!(report.requests >= 6, "{report:?}");
    at_every_poll(one_item, take, check_taken);
}

/// There is less to break without a line.
async fn try_take(client: Client, _: Client) -> Taken {
    queue(&client).try_take().await.map(Option::unwrap)
}

#[test]
fn an_item_is_taken_whatever_breaks_twice() {
    let report = at_every_poll_and_request(one_item, try_take, check_taken);
    assert!(report.polls > 2, "{report:?}");
    at_every_two_requests(one_item, try_take, async |run, taken| {
        check_taken(run, Some(taken)).await;
    });
}

#[test]
fn an_item_that_is_waited_for_is_taken() {
    for prepare in [true, false] {
        let prepare = async move |observer| {
            if prepare {
                no_item(observer).await;
            }
        };
        let scenario = async |client: Client, other: Client| {
            let puts = async {
                sleep(Duration::from_secs(8)).await;
                put(&queue(&other)).await;
            };
            let (taken, ()) = tokio::join!(take(client, other.clone()), puts);
            taken
        };
        let report = at_every_request(prepare, scenario, async |run, taken| {
            check_taken(run, Some(taken)).await;
        });
        assert!(report.requests >= 8, "{report:?}");
    }
    at_every_poll(nothing, take, async |run, taken| {
        assert!(!matches!(taken, Some(Ok(_))));
        assert_left(run, 0).await;
    });
}

async fn take_and_ack(client: Client, _: Client) -> Result<(), RecipeError> {
    queue(&client).take_timeout(LIMIT).await?.ack().await
}

/// An item that is acknowledged is gone, and one that is not comes again.
async fn check_acked(run: &Run, outcome: Option<Result<(), RecipeError>>) {
    let left = queue(&run.observer).len().await.unwrap();
    match outcome {
        Some(Ok(())) => assert_eq!(left, 0),
        Some(Err(error)) => {
            assert!(run.is_session_over(), "{error:?}");
            assert!(error.outcome_unknown() || left == 1, "{error:?}, and it is gone");
        }
        None => {}
    }
    assert_left(run, left).await;
}

#[test]
fn an_item_is_acknowledged_once_or_comes_again() {
    let checked = async |run: &Run, outcome| check_acked(run, Some(outcome)).await;
    let report = at_every_request(one_item, take_and_ack, checked);
    assert!(report.requests >= 7, "{report:?}");
    at_every_poll(one_item, take_and_ack, check_acked);
}

#[test]
fn a_late_ack_changes_nothing_for_the_next_one() {
    // Somebody else gets the item when the session of the first one is over.
    let scenario = async |client: Client, other: Client| {
        let delivery = queue(&client).take_timeout(LIMIT).await?;
        sleep(Duration::from_secs(8)).await;
        let next = queue(&other).try_take().await.unwrap();
        let outcome = delivery.ack().await;
        if let Some(next) = &next {
            next.verify().await.unwrap();
            assert_eq!(next.attempts(), 2);
            assert!(outcome.is_err());
        }
        Ok((outcome, next))
    };
    at_every_request(one_item, scenario, async |run, outcome| match outcome {
        Ok((Ok(()), _)) => assert_left(run, 0).await,
        Ok((Err(error), Some(next))) => {
            assert!(run.is_session_over() && !error.outcome_unknown(), "{error:?}");
            next.ack().await.unwrap();
            assert_left(run, 0).await;
        }
        Ok((Err(error), None)) => check_acked(run, Some(Err(error))).await,
        Err(error) => check_acked(run, Some(Err::<(), RecipeError>(error))).await,
    });
}

#[test]
fn an_item_that_is_given_back_is_there_once() {
    let delay = Duration::from_secs(0);
    for how in ["nack", "requeue", "delay", "drop"] {
        let scenario = async move |client: Client, _: Client| {
            let delivery = queue(&client).take_timeout(LIMIT).await?;
            match how {
                "nack" => delivery.nack(None).await,
                "requeue" => delivery.requeue().await,
                "delay" => delivery.nack(Some(delay)).await,
                _ => {
                    drop(delivery);
                    Ok(Returned::Again)
                }
            }
        };
        let check = async |run: &Run, outcome: Option<Result<Returned, RecipeError>>| {
            if let Some(Err(error)) = &outcome {
                assert!(run.is_session_over(), "{error:?}");
            }
            assert_left(run, 1).await;
        };
        let checked = async |run: &Run, outcome| check(run, Some(outcome)).await;
        let report = at_every_request(one_item, scenario, checked);
        assert!(report.requests >= 7, "{how}: {report:?}");
        at_every_poll(one_item, scenario, check);
    }
}

#[test]
fn an_item_is_a_dead_letter_or_there() {
    let scenario = async |client: Client, _: Client| {
        let delivery = queue(&client).max_attempts(1).take_timeout(LIMIT).await?;
        delivery.nack(None).await
    };
    let check = async |run: &Run, outcome: Option<Result<Returned, RecipeError>>| {
        let queue = queue(&run.observer);
        let dead = queue.dead_letters().await.unwrap();
        assert_eq!(queue.len().await.unwrap() + dead.len(), 1);
        match outcome {
            Some(Ok(returned)) => {
                assert_eq!(returned == Returned::DeadLetter, dead.len() == 1, "{returned:?}");
                assert!(dead.len() == 1 || run.is_session_over());
            }
            Some(Err(error)) => assert!(run.is_session_over(), "{error:?}"),
            None => {}
        }
        for letter in &dead {
            assert_eq!(
                (&*letter.data, letter.why.as_str()),
                (&b"a"[..], "given up after 1 attempts")
            );
            assert!(queue.discard(letter).await.unwrap());
        }
        assert_left(run, 1 - dead.len()).await;
    };
    let checked = async |run: &Run, outcome| check(run, Some(outcome)).await;
    at_every_request(one_item, scenario, checked);
    at_every_poll(one_item, scenario, check);
}

#[test]
fn an_item_is_removed_or_there() {
    let scenario = async |client: Client, _: Client| {
        let queue = queue(&client);
        let id = queue.take_timeout(LIMIT).await?.id();
        // The delivery was dropped, and is given back first.
        zk_recipes::Janitor::of(&client).drain().await;
        queue.remove(&id).await
    };
    let check = async |run: &Run, outcome: Option<Result<bool, RecipeError>>| {
        let left = queue(&run.observer).len().await.unwrap();
        match outcome {
            Some(Ok(removed)) => assert_eq!(removed, left == 0),
            Some(Err(error)) => {
                assert!(run.is_session_over() || !run.faults.is_empty(), "{error:?}");
                assert!(error.outcome_unknown() || left == 1, "{error:?}, and it is gone");
            }
            None => {}
        }
        assert_left(run, left).await;
    };
    let checked = async |run: &Run, outcome| check(run, Some(outcome)).await;
    at_every_request(one_item, scenario, checked);
    at_every_poll(one_item, scenario, check);
}

/// In virtual time.
const LIMIT: Duration = Duration::from_secs(60);
