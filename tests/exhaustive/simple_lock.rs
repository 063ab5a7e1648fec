//! The lock that is one node: never two owners, nothing left, and the next contender gets in, whatever
//! breaks.

use std::time::Duration;

use zk_client::{Client, Version};
use zk_recipes::{FencingToken, Ownership, RecipeError, SimpleGuard, SimpleLock};
use zk_test_kit::exhaustive::{
    Run, at_every_poll, at_every_poll_and_request, at_every_request, at_every_two_requests,
};

use super::nothing;

fn lock(client: &Client) -> SimpleLock {
    SimpleLock::new(client, "/lock").unwrap()
}

type Acquired = Result<SimpleGuard, RecipeError>;

async fn acquire(client: Client, _: Client) -> Acquired {
    lock(&client).acquire_timeout(LIMIT).await
}

/// Takes the lock, which somebody else holds to begin with.
async fn wait_and_acquire(client: Client, other: Client) -> (FencingToken, Acquired) {
    let held = lock(&other).acquire().await.unwrap();
    let token = held.token();
    let releases = async {
        tokio::time::sleep(Duration::from_secs(8)).await;
        held.release().await.unwrap();
    };
    let lock = lock(&client);
    let (acquired, ()) = tokio::join!(lock.acquire_timeout(LIMIT), releases);
    (token, acquired)
}

/// Whoever says that it holds has the node and can write; when it has gone the next one gets in, and
/// leaves nothing behind.
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
                let holder = observer.holder().await.unwrap().unwrap();
                assert_eq!(guard.token(), holder.token, "somebody else has it");
                guard.verify().await.unwrap();
                let refused = guard.multi().check("/lock", Version(9)).commit().await;
                assert!(matches!(refused, Err(RecipeError::Client(_))), "{refused:?}");
            } else {
                assert!(run.is_session_over(), "{:?}", guard.ownership());
            }
        }
        Some(Err(error)) => assert!(run.is_session_over(), "{error:?}"),
        None => {}
    }
    let next = observer.acquire_timeout(LIMIT).await.unwrap();
    assert!(last.is_none_or(|last| last < next.token()), "{last:?} {:?}", next.token());
    assert_eq!(run.observer.children("/_w_lock").await.unwrap().len(), 1, "a witness is left");
    next.release().await.unwrap();
    assert_eq!(observer.holder().await.unwrap(), None);
}

async fn checked(run: &Run, acquired: Acquired) {
    check(run, Some(acquired)).await;
}

#[test]
fn a_free_simple_lock_is_taken_or_left() {
    let report = at_every_request(nothing, acquire, checked);
    assert!(report.requests > 2, "{report:?}");
    at_every_poll(nothing, acquire, check);
    let report = at_every_poll_and_request(nothing, acquire, check);
    assert!(report.polls > 2, "{report:?}");
}

#[test]
fn a_free_simple_lock_is_taken_whatever_breaks_twice() {
    at_every_two_requests(witnesses, acquire, checked);
}

/// So that nothing has to be made before the lock.
async fn witnesses(observer: Client) {
    observer.create("/_w_lock", "").await.unwrap();
}

#[test]
fn a_simple_lock_that_is_waited_for_is_got() {
    let report = at_every_request(nothing, wait_and_acquire, async |run, (before, acquired)| {
        assert!(acquired.as_ref().ok().is_none_or(|guard| guard.token() > before));
        check(run, Some(acquired)).await;
    });
    // Refused, a watch, once more, and watches on two nodes.
    assert!(report.requests >= 5, "{report:?}");
}

#[test]
fn a_simple_lock_that_is_given_back_is_free() {
    let scenario = async |client: Client, _: Client| {
        let guard = lock(&client).acquire_timeout(LIMIT).await?;
        Ok(guard.release().await.is_ok())
    };
    let check = async |run: &Run, outcome: Option<Result<bool, RecipeError>>| {
        let observer = lock(&run.observer);
        match outcome {
            Some(Ok(is_released)) => {
                let holder = observer.holder().await.unwrap();
                assert!(!is_released || holder.is_none(), "{holder:?}");
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
