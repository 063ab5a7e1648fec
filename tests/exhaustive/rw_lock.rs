//! The read/write lock: a writer is alone, and the next contender gets in, whatever breaks.

use std::ops::Deref;
use std::time::Duration;

use tokio::time::timeout;
use zk_client::Client;
use zk_recipes::{
    ConversionError, FencingToken, Held, Ownership, ReadGuard, RecipeError, RwLock, WriteGuard,
};
use zk_test_kit::exhaustive::{
    Run, at_every_poll, at_every_poll_and_request, at_every_request, at_every_two_requests,
};

use super::nothing;

fn lock(client: &Client) -> RwLock {
    RwLock::new(client, "/lock").unwrap()
}

/// Who says that it holds is the first in the queue, with a node of that kind; when it has gone a
/// writer gets in, and nothing else is left.
async fn check<G: Deref<Target = Held>>(run: &Run, kind: &str, acquired: Option<G>) {
    if let Some(guard) = &acquired {
        if guard.ownership() != Ownership::Held {
            // Whoever is cut off just now is told soon.
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        if guard.ownership() == Ownership::Held {
            let first = lock(&run.observer).contenders().await.unwrap().remove(0);
            assert_eq!(guard.path(), first.path, "somebody is before it");
            assert!(first.name().contains(kind), "{}", first.path);
        } else {
            assert!(run.is_session_over(), "{:?}", guard.ownership());
        }
    }
    drop(acquired);
    next_gets_in(run).await;
}

async fn next_gets_in(run: &Run) {
    let next = lock(&run.observer).write_timeout(LIMIT).await.unwrap();
    assert_eq!(run.observer.children("/lock").await.unwrap().len(), 1);
    next.release().await.unwrap();
}

/// An error is the end of the session's.
fn acquired<G>(run: &Run, outcome: Result<G, RecipeError>) -> Option<G> {
    outcome.inspect_err(|error| assert!(run.is_session_over(), "{error:?}")).ok()
}

#[test]
fn a_free_lock_is_taken_or_left() {
    let read = async |client: Client, _: Client| lock(&client).read_timeout(LIMIT).await;
    let write = async |client: Client, _: Client| lock(&client).write_timeout(LIMIT).await;
    let report = at_every_request(nothing, read, async |run, outcome| {
        check(run, READ, acquired(run, outcome)).await;
    });
    assert!(report.requests > 2, "{report:?}");
    at_every_request(nothing, write, async |run, outcome| {
        check(run, WRITE, acquired(run, outcome)).await;
    });
    at_every_poll(nothing, read, async |run, outcome| {
        check(run, READ, outcome.and_then(|outcome| acquired(run, outcome))).await;
    });
    let report = at_every_poll(nothing, write, async |run, outcome| {
        check(run, WRITE, outcome.and_then(|outcome| acquired(run, outcome))).await;
    });
    assert!(report.polls > 2, "{report:?}");
}

/// Waits for somebody who reads, and then for somebody who writes.
async fn wait_and_write(
    client: Client,
    other: Client,
) -> (FencingToken, Result<WriteGuard, RecipeError>) {
    let read = lock(&other).read().await.unwrap();
    let token = read.token();
    let releases = async {
        // The other one stands behind by now, or is cut off just now.
        tokio::time::sleep(Duration::from_secs(8)).await;
        read.release().await.unwrap();
    };
    let lock = lock(&client);
    let (written, ()) = tokio::join!(lock.write_timeout(LIMIT), releases);
    (token, written)
}

async fn wait_and_read(client: Client, other: Client) -> Result<ReadGuard, RecipeError> {
    let written = lock(&other).write().await.unwrap();
    let becomes_reader = async {
        tokio::time::sleep(Duration::from_secs(8)).await;
        written.downgrade().await.unwrap()
    };
    let lock = lock(&client);
    let (read, downgraded) = tokio::join!(lock.read_timeout(LIMIT), becomes_reader);
    // The first in the queue is to be the client's.
    downgraded.release().await.unwrap();
    read
}

#[test]
fn a_lock_that_is_waited_for_is_got() {
    let report = at_every_request(nothing, wait_and_write, async |run, (before, outcome)| {
        assert!(outcome.as_ref().ok().is_none_or(|guard| guard.token() > before));
        check(run, WRITE, acquired(run, outcome)).await;
    });
    assert!(report.requests >= 4, "{report:?}");
    let report = at_every_request(nothing, wait_and_read, async |run, outcome| {
        check(run, READ, acquired(run, outcome)).await;
    });
    assert!(report.requests >= 4, "{report:?}");
    at_every_poll(nothing, wait_and_write, async |run, outcome| {
        check(run, WRITE, outcome.and_then(|(_, outcome)| acquired(run, outcome))).await;
    });
    at_every_poll(nothing, wait_and_read, async |run, outcome| {
        check(run, READ, outcome.and_then(|outcome| acquired(run, outcome))).await;
    });
}

type Downgraded = Result<ReadGuard, ConversionError<WriteGuard>>;

/// Becomes a reader while another writer waits just behind, who stays out.
async fn downgrade(client: Client, other: Client) -> Option<Downgraded> {
    let written = lock(&client).write_timeout(LIMIT).await.ok()?;
    let other = lock(&other);
    let mut queued = Box::pin(other.write());
    if timeout(MOMENT, &mut queued).await.is_ok() {
        assert_ne!(written.ownership(), Ownership::Held);
        return Some(written.downgrade().await);
    }
    let downgraded = written.downgrade().await;
    let is_in = timeout(MOMENT, &mut queued).await.is_ok();
    if let Ok(read) = &downgraded {
        assert!(!is_in || read.ownership() != Ownership::Held, "a writer came between");
    }
    Some(downgraded)
}

async fn just_downgrade(client: Client, _: Client) -> Option<Downgraded> {
    let written = lock(&client).write_timeout(LIMIT).await.ok()?;
    Some(written.downgrade().await)
}

/// What has become of the guard, of whichever kind.
async fn check_downgraded(run: &Run, outcome: Option<Option<Downgraded>>) {
    match outcome.flatten() {
        Some(Ok(read)) => check(run, READ, Some(read)).await,
        Some(Err(ConversionError { guard, source })) => {
            assert!(run.is_session_over(), "{source:?}");
            check(run, WRITE, Some(guard)).await;
        }
        None => next_gets_in(run).await,
    }
}

#[test]
fn a_writer_becomes_a_reader_or_stays_what_it_is() {
    let report = at_every_request(nothing, downgrade, async |run, outcome| {
        assert!(outcome.is_some() || run.is_session_over());
        check_downgraded(run, Some(outcome)).await;
    });
    assert!(report.requests > 4, "{report:?}");
    at_every_poll(nothing, downgrade, check_downgraded);
}

#[test]
fn a_writer_becomes_a_reader_whatever_breaks_twice() {
    at_every_two_requests(nothing, just_downgrade, async |run, outcome| {
        assert!(matches!(outcome, Some(Ok(_))), "{outcome:?}");
        check_downgraded(run, Some(outcome)).await;
    });
}

#[test]
fn a_downgrade_is_dropped_while_the_connection_breaks() {
    let report = at_every_poll_and_request(nothing, just_downgrade, check_downgraded);
    assert!(report.polls > 4, "{report:?}");
}

type Upgraded = Result<WriteGuard, ConversionError<ReadGuard>>;

/// Becomes the writer while others try to come in.
async fn upgrade(client: Client, other: Client) -> Option<Upgraded> {
    let read = lock(&client).read_timeout(LIMIT).await.ok()?;
    let upgraded = read.try_upgrade().await;
    if let Ok(written) = &upgraded {
        let is_in = lock(&other).try_read().await;
        let is_held = written.ownership() == Ownership::Held;
        assert!(is_in.is_err() || !is_held, "a reader beside the writer");
    }
    Some(upgraded)
}

async fn check_upgraded(run: &Run, outcome: Option<Option<Upgraded>>) {
    match outcome.flatten() {
        Some(Ok(written)) => check(run, WRITE, Some(written)).await,
        Some(Err(ConversionError { guard, source })) => {
            assert!(run.is_session_over(), "{source:?}");
            check(run, READ, Some(guard)).await;
        }
        None => next_gets_in(run).await,
    }
}

#[test]
fn a_lone_reader_becomes_the_writer_or_stays_what_it_is() {
    let report = at_every_request(nothing, upgrade, async |run, outcome| {
        assert!(outcome.is_some() || run.is_session_over());
        check_upgraded(run, Some(outcome)).await;
    });
    assert!(report.requests > 5, "{report:?}");
    at_every_poll(nothing, upgrade, check_upgraded);
}

#[test]
fn a_lone_reader_becomes_the_writer_whatever_breaks_twice() {
    at_every_two_requests(nothing, upgrade, async |run, outcome| {
        assert!(matches!(outcome, Some(Ok(_))), "{outcome:?}");
        check_upgraded(run, Some(outcome)).await;
    });
}

#[test]
fn an_upgrade_is_dropped_while_the_connection_breaks() {
    let report = at_every_poll_and_request(nothing, upgrade, check_upgraded);
    assert!(report.polls > 5, "{report:?}");
}

/// Two readers, of whom one tries to become the writer.
async fn upgrade_beside_another(client: Client, other: Client) -> Option<Upgraded> {
    let read = lock(&client).read_timeout(LIMIT).await.ok()?;
    let shared = lock(&other).read().await.unwrap();
    let upgraded = read.try_upgrade().await;
    assert_eq!(shared.ownership(), Ownership::Held);
    assert!(upgraded.is_err(), "a writer beside a reader");
    shared.release().await.unwrap();
    Some(upgraded)
}

#[test]
fn a_reader_that_is_refused_reads_on() {
    let check_refused = async |run: &Run, outcome: Option<Option<Upgraded>>| {
        if let Some(Some(Err(ConversionError { guard, source }))) = outcome {
            assert!(source == RecipeError::Contended || run.is_session_over(), "{source:?}");
            check(run, READ, Some(guard)).await;
        } else {
            next_gets_in(run).await;
        }
    };
    let report = at_every_request(nothing, upgrade_beside_another, async |run, outcome| {
        check_refused(run, Some(outcome)).await;
    });
    assert!(report.requests > 3, "{report:?}");
    at_every_poll(nothing, upgrade_beside_another, check_refused);
}

const READ: &str = "__READ__";
const WRITE: &str = "__WRIT__";
/// In virtual time.
const LIMIT: Duration = Duration::from_secs(60);
/// Enough for an answer.
const MOMENT: Duration = Duration::from_millis(200);
