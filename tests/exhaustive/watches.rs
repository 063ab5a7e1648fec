//! Watches: whatever breaks, a change is told, or that something may be missing.

use zk_client::{AddWatchMode, Client, Error, WatchItem};
use zk_test_kit::exhaustive::{
    Run, at_every_poll, at_every_poll_and_request, at_every_request, at_every_two_requests,
};

async fn node(observer: Client) {
    observer.create("/a", "old").await.unwrap();
}

async fn check(run: &Run, outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        assert!(run.is_session_over() && error.is_session_over(), "{error:?}");
    }
}

/// Breaks a scenario that ends when it has learnt of a change.
fn is_told(scenario: impl AsyncFn(Client, Client) -> Result<(), Error>) {
    let report = at_every_request(node, &scenario, check);
    assert!(report.requests > 0, "{report:?}");
    at_every_poll(node, &scenario, async |_, outcome| assert!(outcome.is_none_or(|it| it.is_ok())));
}

/// The same, and twice, and drops it meanwhile.
fn is_told_whatever_breaks(scenario: impl AsyncFn(Client, Client) -> Result<(), Error>) {
    is_told(&scenario);
    let report = at_every_two_requests(node, &scenario, check);
    assert!(report.requests > 0 && report.runs > 64, "{report:?}");
    let dropped = async |run: &Run, outcome: Option<_>| {
        if let Some(outcome) = outcome {
            check(run, outcome).await;
        }
    };
    let report = at_every_poll_and_request(node, &scenario, dropped);
    assert!(report.requests > 0 && report.polls > 0, "{report:?}");
}

#[test]
fn a_watch_on_data_fires_and_the_change_can_be_read() {
    is_told_whatever_breaks(async |client: Client, other: Client| {
        let (_, changed) = client.get("/a").watch().await?;
        other.set("/a", "new").await.unwrap();
        changed.await?;
        assert_eq!(client.get("/a").await?.0, "new");
        Ok(())
    });
}

#[test]
fn a_watch_on_a_missing_node_fires_and_the_node_can_be_read() {
    is_told(async |client: Client, other: Client| {
        let (absent, created) = client.exists("/b").watch().await?;
        assert!(absent.is_none());
        other.create("/b", "").await.unwrap();
        created.await?;
        assert!(client.exists("/b").await?.is_some());
        Ok(())
    });
}

#[test]
fn a_watch_on_children_fires_and_the_child_is_listed() {
    is_told(async |client: Client, other: Client| {
        let (_, changed) = client.children("/a").watch().await?;
        other.create("/a/b", "").await.unwrap();
        changed.await?;
        assert_eq!(client.children("/a").await?, ["b"]);
        Ok(())
    });
}

#[test]
fn a_watch_that_is_dropped_is_removed() {
    is_told(async |client: Client, _: Client| {
        let (_, changed) = client.get("/a").watch().await?;
        let (_, kept) = client.exists("/a").watch().await?;
        drop(changed);
        client.exists("/a").await?;
        drop(kept);
        Ok(())
    });
}

/// What the node was set to last is read behind some item, whatever the items are.
async fn follow(client: &Client, other: &Client, mode: AddWatchMode) -> Result<(), Error> {
    let mut stream = client.watch("/a", mode).await?;
    let (path, last) = match mode {
        AddWatchMode::PersistentRecursive => ("/a/b", "2"),
        _ => ("/a", "2"),
    };
    if path == "/a/b" {
        other.create(path, "").await.unwrap();
    }
    for data in ["1", last] {
        other.set(path, data).await.unwrap();
    }
    loop {
        let item = stream.next().await.expect("a stream ends with an error")?;
        assert!(matches!(item, WatchItem::Event(_) | WatchItem::Gap), "{item:?}");
        match client.get(path).await {
            Ok((data, _)) if data == last => return Ok(()),
            Ok(_) => {}
            // A server that lags does not show it yet, and will tell of it.
            Err(error) if error.code().is_some() => {}
            Err(error) => return Err(error),
        }
    }
}

#[test]
fn a_persistent_watch_tells_of_the_change_or_of_a_gap() {
    is_told_whatever_breaks(async |client, other| {
        follow(&client, &other, AddWatchMode::Persistent).await
    });
}

#[test]
fn a_recursive_watch_tells_of_the_change_or_of_a_gap() {
    is_told(async |client, other| follow(&client, &other, AddWatchMode::PersistentRecursive).await);
}

#[test]
fn streams_of_one_node_share_and_part() {
    is_told(async |client: Client, other: Client| {
        let first = client.watch("/a", AddWatchMode::Persistent).await?;
        let second = client.watch("/a", AddWatchMode::Persistent).await?;
        drop(first);
        follow(&client, &other, AddWatchMode::Persistent).await?;
        drop(second);
        Ok(())
    });
}

#[test]
fn a_wait_for_a_node_ends() {
    is_told(async |client: Client, other: Client| {
        let comes = client.wait_until_exists("/b").send();
        let creates = async {
            let _ = client.sync("/").await;
            other.create("/b", "").await.unwrap();
        };
        let (came, ()) = tokio::join!(comes, creates);
        assert_eq!(came?.version.0, 0);
        let goes = client.wait_until_absent("/b").send();
        let deletes = async {
            let _ = client.sync("/").await;
            other.delete("/b").await.unwrap();
        };
        tokio::join!(goes, deletes).0
    });
}
