//! The lock: never two owners, and the next contender gets in, whatever breaks.

use std::time::Duration;

use zk_client::Client;
use zk_recipes::{FencingToken, Lock, LockGuard, Ownership, RecipeError};
use zk_test_kit::exhaustive::{
    Run, at_every_poll, at_every_poll_and_request, at_every_request, at_every_two_requests,
};

async fn nothing(_observer: Client) {}

fn lock(client: &Client) -> Lock {
    Lock::new(client, "/lock").unwrap()
}

type Acquired = Result<LockGuard, RecipeError>;

/// Takes the lock, which somebody else holds to begin with.
async fn wait_and_acquire(client: Client, other: Client) -> (FencingToken, Acquired) {
    let held = lock(&other).acquire().await.unwrap();
    let token = held.token();
    let releases = async {
        // The other one stands behind by now, or is cut off just now.
        tokio::time::sleep(Duration::from_secs(8)).await;
        held.release().await.unwrap();
    };
    let lock = lock(&client);
    let (acquired, ()) = tokio::join!(lock.acquire_timeout(LIMIT), releases);
    (token, acquired)
}

/// Who says that it holds is the first in the queue; when it has gone the next one gets in.
async fn check(run: &Run, acquired: Option<Acquired>) {
    let observer = lock(&run.observer);
    let mut last = None;
    match acquired {
        Some(Ok(guard)) => {
            last = Some(guard.token());
            if guard.ownership() != Ownership::Held {
                // Whoever is cut off just now is told soon.
                tokio::time::sleep(Duration::from_secs(10)).await;
            }
            if guard.ownership() == Ownership::Held {
                let first = observer.contenders().await.unwrap().remove(0);
                assert_eq!(guard.path(), first.path, "somebody is before it");
            } else {
                assert!(run.is_session_over(), "{:?}", guard.ownership());
            }
        }
        Some(Err(error)) => assert!(run.is_session_over(), "{error:?}"),
        None => {}
    }
    let next = observer.acquire_timeout(LIMIT).await.unwrap();
    assert!(last.is_none_or(|last| last < next.token()), "{last:?} {:?}", next.token());
    assert_eq!(observer.contenders().await.unwrap().len(), 1);
    next.release().await.unwrap();
}

async fn checked(run: &Run, acquired: Acquired) {
    check(run, Some(acquired)).await;
}

#[test]
fn a_free_lock_is_taken_or_left() {
    let acquire = async |client: Client, _: Client| lock(&client).acquire_timeout(LIMIT).await;
    let report = at_every_request(nothing, acquire, checked);
    assert!(report.requests > 2, "{report:?}");
    at_every_poll(nothing, acquire, check);
    let report = at_every_poll_and_request(nothing, acquire, check);
    assert!(report.polls > 2, "{report:?}");
}

#[test]
fn a_free_lock_is_taken_whatever_breaks_twice() {
    let acquire = async |client: Client, _: Client| lock(&client).acquire_timeout(LIMIT).await;
    at_every_two_requests(nothing, acquire, checked);
}

#[test]
fn a_lock_that_is_waited_for_is_got() {
    let report = at_every_request(nothing, wait_and_acquire, async |run, (before, acquired)| {
        assert!(acquired.as_ref().ok().is_none_or(|guard| guard.token() > before));
        check(run, Some(acquired)).await;
    });
    // A place, a look, and watches on two nodes: the event says the rest.
    assert!(report.requests >= 4, "{report:?}");
}

/// Takes the lock behind two others, of whom the nearer one leaves first, or the farther one.
async fn wait_behind_two(client: Client, other: Client, nearer_first: bool) -> Acquired {
    let held = lock(&other).acquire().await.unwrap();
    let between = lock(&other).enqueue().await.unwrap();
    let pause = || tokio::time::sleep(Duration::from_secs(8));
    let leave = async {
        pause().await;
        if nearer_first {
            // It is not the turn of the one behind.
            drop(between);
            pause().await;
            held.release().await.unwrap();
        } else {
            held.release().await.unwrap();
            let held = between.acquire().await.unwrap();
            pause().await;
            held.release().await.unwrap();
        }
    };
    let lock = lock(&client);
    let (acquired, ()) = tokio::join!(lock.acquire_timeout(LIMIT), leave);
    acquired
}

#[test]
fn a_lock_that_is_waited_for_behind_two_is_got() {
    for nearer_first in [false, true] {
        let scenario = async |client: Client, other: Client| {
            wait_behind_two(client, other, nearer_first).await
        };
        let report = at_every_request(nothing, scenario, checked);
        // A place, a look, watches on two nodes, another look, and a watch once more where it is due.
        assert!(report.requests >= 5, "{report:?}");
        let report = at_every_poll(nothing, scenario, check);
        assert!(report.polls > 4, "{report:?}");
    }
}

#[test]
fn a_lock_that_is_given_back_is_free() {
    let scenario = async |client: Client, _: Client| {
        let guard = lock(&client).acquire_timeout(LIMIT).await?;
        Ok(guard.release().await.is_ok())
    };
    let check = async |run: &Run, outcome: Result<bool, RecipeError>| {
        match outcome {
            Ok(is_released) => {
                let contenders = lock(&run.observer).contenders().await.unwrap();
                assert!(!is_released || contenders.is_empty(), "{contenders:?}");
            }
            Err(error) => assert!(run.is_session_over(), "{error:?}"),
        }
        let next = lock(&run.observer).acquire_timeout(LIMIT).await.unwrap();
        next.release().await.unwrap();
    };
    at_every_request(nothing, scenario, check);
}

/// In virtual time.
const LIMIT: Duration = Duration::from_secs(60);
