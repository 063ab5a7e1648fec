//! The lock that its owner takes again: one place for each owner, and nobody is stranded by another one
//! of its futures, whatever breaks.

use std::time::Duration;

use zk_client::Client;
use zk_recipes::{Lock, Ownership, RecipeError, ReentrantGuard, ReentrantLock};
use zk_test_kit::exhaustive::{Run, at_every_poll, at_every_poll_and_request, at_every_request};

use super::nothing;

fn lock(client: &Client) -> Lock {
    Lock::new(client, "/lock").unwrap()
}

type Acquired = Result<ReentrantGuard<u8>, RecipeError>;

/// Takes the lock twice.
async fn twice(client: Client, _: Client) -> (Acquired, Acquired) {
    let lock = ReentrantLock::new(lock(&client));
    let first = lock.acquire_timeout(7, LIMIT).await;
    let second = lock.acquire_timeout(7, LIMIT).await;
    (first, second)
}

/// Two futures with one key wait for what somebody else holds; one of them gives up before that.
async fn one_gives_up(client: Client, other: Client) -> (Acquired, Acquired) {
    let held = lock(&other).acquire().await.unwrap();
    let releases = async {
        tokio::time::sleep(Duration::from_secs(8)).await;
        held.release().await.unwrap();
    };
    let lock = ReentrantLock::new(lock(&client));
    let (first, second, ()) = tokio::join!(
        lock.acquire_timeout(7, Duration::from_secs(1)),
        lock.acquire_timeout(7, LIMIT),
        releases,
    );
    (first, second)
}

async fn check(run: &Run, guards: Vec<Acquired>) {
    let observer = lock(&run.observer);
    let mut held = Vec::new();
    for acquired in guards {
        match acquired {
            Ok(guard) => held.push(guard),
            Err(error) => assert!(run.is_session_over(), "{error:?}"),
        }
    }
    if held.iter().any(|guard| guard.ownership() != Ownership::Held) {
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    for guard in &held {
        if guard.ownership() == Ownership::Held {
            let first = observer.holder().await.unwrap().unwrap();
            assert_eq!(guard.path(), first.path, "somebody is before it");
        } else {
            assert!(run.is_session_over(), "{:?}", guard.ownership());
        }
    }
    let tokens: Vec<_> = held.iter().map(|guard| guard.token()).collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]) || run.is_session_over(), "{tokens:?}");
    drop(held);
    let next = observer.acquire_timeout(LIMIT).await.unwrap();
    assert!(tokens.iter().all(|token| *token < next.token()));
    assert_eq!(observer.contenders().await.unwrap().len(), 1);
    next.release().await.unwrap();
}

#[test]
fn an_owner_enters_twice_with_one_node() {
    let report = at_every_request(nothing, twice, async |run, (first, second)| {
        check(run, vec![first, second]).await;
    });
    assert!(report.requests > 2, "{report:?}");
    let dropped = async |run: &Run, guards: Option<(Acquired, Acquired)>| {
        check(run, guards.map_or(Vec::new(), |(first, second)| vec![first, second])).await;
    };
    at_every_poll(nothing, twice, dropped);
    let report = at_every_poll_and_request(nothing, twice, dropped);
    assert!(report.polls > 2, "{report:?}");
}

#[test]
fn an_owner_whose_first_future_gives_up_gets_in_by_the_second() {
    let report = at_every_request(nothing, one_gives_up, async |run, (first, second)| {
        match first {
            Err(RecipeError::Timeout) => {}
            Err(error) => assert!(run.is_session_over(), "{error:?}"),
            Ok(_) => panic!("it was held by somebody else"),
        }
        check(run, vec![second]).await;
    });
    assert!(report.requests >= 5, "{report:?}");
    at_every_poll(nothing, one_gives_up, async |run, guards| {
        check(run, guards.map_or(Vec::new(), |(_, second)| vec![second])).await;
    });
}

/// In virtual time.
const LIMIT: Duration = Duration::from_secs(60);
