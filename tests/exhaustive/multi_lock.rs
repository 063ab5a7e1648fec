//! Several locks at once: all or none, never two owners of one, and nothing left, whatever breaks.

use std::time::Duration;

use zk_client::Client;
use zk_recipes::{Lock, MultiGuard, MultiLock, Ownership, RecipeError};
use zk_test_kit::exhaustive::{
    Run, at_every_poll, at_every_poll_and_request, at_every_request, at_every_two_requests,
};

use super::nothing;

const PATHS: [&str; 2] = ["/a", "/b"];

fn lock(client: &Client) -> MultiLock {
    MultiLock::new(client, PATHS).unwrap()
}

type Acquired = Result<MultiGuard, RecipeError>;

async fn acquire(client: Client, _: Client) -> Acquired {
    lock(&client).acquire_timeout(LIMIT).await
}

/// Takes the locks, of which somebody else holds one to begin with, and a third one waits for the other.
async fn wait_and_acquire(client: Client, other: Client) -> Acquired {
    let held = Lock::new(&other, PATHS[1]).unwrap().acquire().await.unwrap();
    let releases = async {
        tokio::time::sleep(Duration::from_secs(8)).await;
        held.release().await.unwrap();
    };
    let lock = lock(&client);
    let (acquired, ()) = tokio::join!(lock.acquire_timeout(LIMIT), releases);
    acquired
}

async fn contenders(client: &Client) -> usize {
    let mut count = 0;
    for path in PATHS {
        count += Lock::new(client, path).unwrap().contenders().await.unwrap().len();
    }
    count
}

/// Whoever says that it holds is first at all paths; when it has gone the next one gets in.
async fn check(run: &Run, acquired: Option<Acquired>) {
    let observer = &run.observer;
    let mut last = None;
    match acquired {
        Some(Ok(guard)) => {
            last = Some(guard.token());
            if guard.ownership() != Ownership::Held {
                // Whoever is cut off just now is told soon.
                tokio::time::sleep(Duration::from_secs(10)).await;
            }
            if guard.ownership() == Ownership::Held {
                for path in PATHS {
                    let first = Lock::new(observer, path).unwrap().holder().await.unwrap().unwrap();
                    assert_eq!(guard.node_of(path), Some(&*first.path), "somebody is before it");
                }
                guard.verify().await.unwrap();
            } else {
                assert!(run.is_session_over(), "{:?}", guard.ownership());
            }
        }
        Some(Err(error)) => assert!(run.is_session_over(), "{error:?}"),
        None => {}
    }
    let next = lock(observer).acquire_timeout(LIMIT).await.unwrap();
    assert!(last.is_none_or(|last| last < next.token()), "{last:?} {:?}", next.token());
    assert_eq!(contenders(observer).await, 2);
    next.release().await.unwrap();
}

async fn checked(run: &Run, acquired: Acquired) {
    check(run, Some(acquired)).await;
}

#[test]
fn free_locks_are_taken_or_left() {
    let report = at_every_request(nothing, acquire, checked);
    assert!(report.requests > 4, "{report:?}");
    at_every_poll(nothing, acquire, check);
    let report = at_every_poll_and_request(nothing, acquire, check);
    assert!(report.polls > 2, "{report:?}");
}

#[test]
fn free_locks_are_taken_whatever_breaks_twice() {
    at_every_two_requests(parents, acquire, checked);
}

/// So that nothing has to be made before the nodes.
async fn parents(observer: Client) {
    for path in PATHS {
        observer.create(path, "").await.unwrap();
    }
}

#[test]
fn locks_that_are_waited_for_are_got() {
    let report = at_every_request(nothing, wait_and_acquire, checked);
    // The multi and two listings, watches on three nodes.
    assert!(report.requests >= 6, "{report:?}");
    let report = at_every_poll(nothing, wait_and_acquire, check);
    assert!(report.polls > 4, "{report:?}");
}

#[test]
fn locks_that_are_given_back_are_free() {
    let scenario = async |client: Client, _: Client| {
        let guard = lock(&client).acquire_timeout(LIMIT).await?;
        Ok(guard.release().await.is_ok())
    };
    let check = async |run: &Run, outcome: Option<Result<bool, RecipeError>>| {
        match outcome {
            Some(Ok(is_released)) => {
                assert!(!is_released || contenders(&run.observer).await == 0);
            }
            Some(Err(error)) => assert!(run.is_session_over(), "{error:?}"),
            None => {}
        }
        check(run, None).await;
    };
    at_every_request(nothing, scenario, async |run, outcome| check(run, Some(outcome)).await);
    at_every_poll(nothing, scenario, check);
}

/// In virtual time.
const LIMIT: Duration = Duration::from_secs(60);
