//! Reads: they are repeated until the session is over, and never show less than was seen before.

use std::fmt::Debug;

use zk_client::{Client, CreateMode, Error, ErrorCode, Version};
use zk_test_kit::exhaustive::{Run, at_every_poll, at_every_request, at_every_two_requests};

async fn tree(observer: Client) {
    observer.create("/a", "old").await.unwrap();
    for number in 0..5 {
        observer.create(&format!("/a/{number}"), number.to_string()).await.unwrap();
    }
}

/// A read succeeds as long as the session lives.
fn answered<T: Debug>(run: &Run, outcome: Result<T, Error>) -> Option<T> {
    match outcome {
        Ok(read) => Some(read),
        Err(error) => {
            assert!(run.is_session_over() && error.is_session_over(), "{error:?}");
            None
        }
    }
}

/// Breaks a read everywhere; what it shows is always the same.
fn shows<T: Debug>(read: impl AsyncFn(Client) -> Result<T, Error>, expected: impl Fn(&T) -> bool) {
    let read = async |client: Client, _: Client| read(client).await;
    let report = at_every_request(tree, read, async |run, outcome| {
        assert!(answered(run, outcome).as_ref().is_none_or(&expected));
    });
    assert!(report.requests > 0, "{report:?}");
    at_every_poll(tree, read, async |_, outcome| {
        assert!(outcome.is_none_or(|outcome| expected(&outcome.unwrap())));
    });
}

#[test]
fn every_single_read_is_repeated() {
    shows(async |client| client.get("/a").await, |(data, _)| data == "old");
    shows(
        async |client| client.exists("/a").await,
        |stat| stat.is_some_and(|it| it.version.0 == 0),
    );
    shows(async |client| client.exists("/b").await, Option::is_none);
    shows(async |client| client.children("/a").await, |children| children.len() == 5);
    shows(async |client| client.children("/a").with_stat().await, |(all, _)| all.len() == 5);
    shows(async |client| client.get_acl("/a").await, |(acl, _)| *acl == zk_client::Acl::open());
    shows(async |client| client.all_children_number("/a").await, |number| *number == 5);
    shows(async |client| client.get_ephemerals().await, Vec::is_empty);
    shows(async |client| client.who_am_i().await, |infos| infos.len() == 1);
    shows(async |client| client.get_config().await, |(data, _)| data.is_empty());
    shows(async |client| client.sync("/a").await, |()| true);
}

#[test]
fn reads_together_are_repeated_together() {
    let read = async |client: Client| client.multi_read().get("/a").children("/a").await;
    shows(read, |results| results.len() == 2);
}

#[test]
fn a_listing_with_data_is_complete() {
    let list = async |client: Client| client.children_with_data("/a").batch(2).await;
    shows(list, |children| {
        children.len() == 5 && children.iter().all(|child| child.data == child.name.as_bytes())
    });
}

#[test]
fn a_refusal_is_told_whatever_breaks() {
    let read = async |client: Client, _: Client| client.get("/missing").await;
    at_every_request(tree, read, async |run, outcome| {
        let error = outcome.unwrap_err();
        let refused = error.code() == Some(ErrorCode::NoNode);
        assert!(refused || (run.is_session_over() && error.is_session_over()), "{error:?}");
    });
}

/// What this session has written or read it never reads an older state of.
#[test]
fn a_read_is_never_older_than_what_the_session_has_seen() {
    let scenario = async |client: Client, other: Client| {
        let mut versions = Vec::new();
        for _ in 0..2 {
            other.set("/a", "theirs").await.unwrap();
            if let Ok((_, stat)) = client.get("/a").await {
                versions.push(stat.version);
            }
            if let Ok(stat) = client.set("/a", "ours").await {
                versions.push(stat.version);
            }
            if let Ok(Some(stat)) = client.exists("/a").await {
                versions.push(stat.version);
            }
        }
        versions
    };
    let check = async |run: &Run, versions: Vec<Version>| {
        assert!(versions.is_sorted(), "{versions:?}");
        assert!(run.is_session_over() || versions.len() >= 6 - run.faults.len(), "{versions:?}");
    };
    let report = at_every_request(tree, scenario, check);
    assert!(report.requests >= 6, "{report:?}");
}

#[test]
fn a_read_behind_sync_shows_what_others_have_done() {
    let scenario = async |client: Client, other: Client| {
        other.set("/a", "new").await.unwrap();
        client.sync("/a").await?;
        client.get("/a").await
    };
    let check = async |run: &Run, outcome| {
        assert!(answered(run, outcome).is_none_or(|(data, _)| data == "new"));
    };
    at_every_request(tree, scenario, check);
    at_every_two_requests(tree, scenario, check);
}

#[test]
fn what_the_session_owns_is_listed() {
    let scenario = async |client: Client, _: Client| {
        let created = client.create("/e", "").mode(CreateMode::Ephemeral).await;
        (created, client.get_ephemerals().await)
    };
    at_every_request(tree, scenario, async |run, (created, listed)| {
        if let (Ok(_), Some(listed)) = (created, answered(run, listed)) {
            assert_eq!(listed, ["/e"]);
        }
    });
}
