//! The semaphore: never more permits than there are, none that stays behind, and the next contender
//! gets all of them, whatever breaks.

use std::time::Duration;

use zk_client::Client;
use zk_recipes::{FencingToken, Ownership, Permits, RecipeError, Semaphore};
use zk_test_kit::exhaustive::{
    Run, at_every_poll, at_every_poll_and_request, at_every_request, at_every_two_requests,
};

use super::nothing;

fn semaphore(client: &Client) -> Semaphore {
    Semaphore::new(client, "/semaphore").unwrap().permits(3)
}

type Acquired = Result<Permits, RecipeError>;

async fn acquire(client: Client, _: Client) -> Acquired {
    semaphore(&client).acquire_timeout(2, LIMIT).await
}

/// Who says that it holds has all its leases, and nobody has others; when they are dropped there are none.
async fn check(run: &Run, acquired: Option<Acquired>) {
    let observer = semaphore(&run.observer);
    let mut last = None;
    match acquired {
        Some(Ok(permits)) => {
            last = Some(permits.token());
            if permits.ownership() != Ownership::Held {
                // Whoever is cut off just now is told soon.
                tokio::time::sleep(Duration::from_secs(10)).await;
            }
            let leases = observer.participants().await.unwrap();
            if permits.ownership() == Ownership::Held {
                let paths: Vec<_> = leases.iter().map(|lease| &*lease.path).collect();
                assert_eq!(permits.paths(), paths);
                assert!(leases.iter().all(|lease| lease.token == permits.token()));
                assert!(observer.waiting().await.unwrap().is_empty(), "it waits as well");
            } else {
                assert!(run.is_session_over(), "{:?}", permits.ownership());
                assert_eq!(leases, []);
            }
        }
        Some(Err(error)) => assert!(run.is_session_over(), "{error:?}"),
        None => {}
    }
    all_can_be_had(run, last).await;
}

async fn all_can_be_had(run: &Run, last: Option<FencingToken>) {
    let observer = semaphore(&run.observer);
    let all = observer.acquire_timeout(3, LIMIT).await.unwrap();
    assert!(last.is_none_or(|last| last < all.token()), "{last:?} {:?}", all.token());
    let children = async |path| run.observer.children(path).await.unwrap().len();
    assert_eq!((children("/semaphore/leases").await, children("/semaphore/locks").await), (3, 0));
    all.release().await.unwrap();
}

#[test]
fn free_permits_are_taken_or_left() {
    let report =
        at_every_request(nothing, acquire, async |run, outcome| check(run, Some(outcome)).await);
    assert!(report.requests > 4, "{report:?}");
    let report = at_every_poll(nothing, acquire, check);
    assert!(report.polls > 4, "{report:?}");
}

#[test]
fn free_permits_are_taken_whatever_breaks_twice() {
    let parents = async |observer: Client| {
        for path in ["/semaphore/locks", "/semaphore/leases"] {
            observer.create(path, "").with_parents().await.unwrap();
        }
    };
    at_every_two_requests(parents, acquire, async |run, outcome| check(run, Some(outcome)).await);
}

#[test]
fn an_acquire_is_dropped_while_the_connection_breaks() {
    let report = at_every_poll_and_request(nothing, acquire, check);
    assert!(report.polls > 4, "{report:?}");
}

/// Takes permits that somebody else holds to begin with, and gives back one by one.
async fn wait_and_acquire(client: Client, other: Client) -> Acquired {
    let mut held = semaphore(&other).acquire(3).await.unwrap();
    let releases = async {
        // The other one stands behind by now, or is cut off just now.
        tokio::time::sleep(Duration::from_secs(8)).await;
        held.split(1).unwrap().release().await.unwrap();
        tokio::time::sleep(Duration::from_secs(8)).await;
        held.split(1).unwrap().release().await.unwrap();
        held.release().await.unwrap();
    };
    let semaphore = semaphore(&client);
    let (acquired, ()) = tokio::join!(semaphore.acquire_timeout(2, LIMIT), releases);
    acquired
}

#[test]
fn permits_that_are_waited_for_are_got() {
    let report = at_every_request(nothing, wait_and_acquire, async |run, outcome| {
        check(run, Some(outcome)).await;
    });
    assert!(report.requests > 8, "{report:?}");
    at_every_poll(nothing, wait_and_acquire, check);
}

/// Waits behind somebody who waits for permits.
async fn wait_behind_a_waiter(client: Client, other: Client) -> Acquired {
    let held = semaphore(&other).acquire(1).await.unwrap();
    let all = semaphore(&other);
    let mut waiter = Box::pin(all.acquire(3));
    assert!(tokio::time::timeout(MOMENT, &mut waiter).await.is_err());
    let releases = async {
        tokio::time::sleep(Duration::from_secs(8)).await;
        held.release().await.unwrap();
        waiter.await.unwrap().release().await.unwrap();
    };
    let semaphore = semaphore(&client);
    let (acquired, ()) = tokio::join!(semaphore.acquire_timeout(2, LIMIT), releases);
    acquired
}

#[test]
fn permits_that_are_queued_for_are_got() {
    let report = at_every_request(nothing, wait_behind_a_waiter, async |run, outcome| {
        check(run, Some(outcome)).await;
    });
    assert!(report.requests > 5, "{report:?}");
    at_every_poll(nothing, wait_behind_a_waiter, check);
}

/// A count that is raised while it is waited for.
async fn wait_for_a_raise(client: Client, other: Client) -> Acquired {
    let shared = |client| semaphore(client).shared_count("/count").unwrap();
    shared(&other).set_permits(1).await.unwrap();
    let raises = async {
        tokio::time::sleep(Duration::from_secs(8)).await;
        shared(&other).set_permits(2).await.unwrap();
    };
    let semaphore = shared(&client);
    let (acquired, ()) = tokio::join!(semaphore.acquire_timeout(2, LIMIT), raises);
    acquired
}

#[test]
fn permits_that_a_raise_brings_are_got() {
    let report = at_every_request(nothing, wait_for_a_raise, async |run, outcome| {
        check(run, Some(outcome)).await;
    });
    assert!(report.requests > 6, "{report:?}");
    at_every_poll(nothing, wait_for_a_raise, check);
}

type GivenBack = Result<(bool, Permits), RecipeError>;

/// Splits, merges and releases.
async fn give_back(client: Client, _: Client) -> GivenBack {
    let mut permits = semaphore(&client).acquire_timeout(3, LIMIT).await?;
    let mut part = permits.split(2).unwrap();
    let one = part.split(1).unwrap();
    assert!(permits.merge(one).is_ok());
    // Two are released here, and one is left.
    Ok((permits.release().await.is_ok(), part))
}

async fn check_given_back(run: &Run, outcome: Option<GivenBack>) {
    let observer = semaphore(&run.observer);
    match outcome {
        Some(Ok((is_released, part))) => {
            let leases = observer.participants().await.unwrap();
            assert!(!is_released || leases.len() <= 1, "{leases:?}");
            tokio::time::sleep(Duration::from_secs(10)).await;
            assert!(part.ownership() == Ownership::Held || run.is_session_over());
        }
        Some(Err(error)) => assert!(run.is_session_over(), "{error:?}"),
        None => {}
    }
    all_can_be_had(run, None).await;
}

#[test]
fn permits_that_are_given_back_are_free() {
    let report = at_every_request(nothing, give_back, async |run, outcome| {
        check_given_back(run, Some(outcome)).await;
    });
    assert!(report.requests > 6, "{report:?}");
    at_every_poll(nothing, give_back, check_given_back);
}

/// In virtual time.
const LIMIT: Duration = Duration::from_secs(60);
/// Enough for an answer.
const MOMENT: Duration = Duration::from_millis(200);
