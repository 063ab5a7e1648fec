//! Calls of several requests that change something.

use zk_client::{Client, ErrorCode, Version};
use zk_test_kit::exhaustive::{Run, at_every_poll, at_every_poll_and_request, at_every_request};

use super::{nothing, stat};

async fn node(observer: Client) {
    observer.create("/a", "old").await.unwrap();
}

async fn tree(observer: Client) {
    for path in ["/a", "/a/0", "/a/1", "/a/0/x", "/a/0/y"] {
        observer.create(path, "").await.unwrap();
    }
}

#[test]
fn a_node_with_its_parents_is_there_or_can_be_created_again() {
    for containers in [false, true] {
        let scenario = async |client: Client, _: Client| {
            let create = client.create("/p/q/r", "x");
            match containers {
                false => create.with_parents().await,
                true => create.with_container_parents().await,
            }
        };
        let report = at_every_request(nothing, scenario, async |run, created| {
            let found = stat(&run.observer, "/p/q/r").await;
            run.assert_true(&created, found.is_some());
            assert!(created.is_err() || created.ok().map(|created| created.stat) == found);
        });
        assert!(report.requests > 3, "{report:?}");
        at_every_poll(nothing, scenario, async |run, _| {
            let again = run.client.create("/p/q/r", "x").with_parents().await;
            let exists = stat(&run.observer, "/p/q/r").await.is_some();
            assert!(exists, "{again:?}");
        });
    }
}

#[test]
fn an_idempotent_create_ends_with_its_node() {
    let scenario = async |client: Client, _: Client| client.create("/a", "x").idempotent().await;
    at_every_request(nothing, scenario, async |run, created| {
        let found = stat(&run.observer, "/a").await;
        run.assert_true(&created, found.is_some());
        assert!(created.is_ok() || run.is_session_over(), "{created:?}");
    });
}

#[test]
fn idempotent_sets_and_deletes_are_done_once() {
    let set = async |client: Client, _: Client| {
        client.set("/a", "new").version(Version(0)).idempotent().await
    };
    at_every_request(node, set, async |run, outcome| {
        let found = stat(&run.observer, "/a").await.unwrap();
        assert!(found.version <= Version(1));
        run.assert_true(&outcome, found.version == Version(1));
        assert!(outcome.is_ok() || run.is_session_over(), "{outcome:?}");
    });
    let delete = async |client: Client, _: Client| client.delete("/a").idempotent().await;
    at_every_request(node, delete, async |run, outcome| {
        run.assert_true(&outcome, stat(&run.observer, "/a").await.is_none());
        assert!(outcome.is_ok() || run.is_session_over(), "{outcome:?}");
    });
}

#[test]
fn data_is_set_or_created_or_may_be_once_more() {
    for prepare in [false, true] {
        let prepare = async |observer: Client| match prepare {
            true => node(observer).await,
            false => nothing(observer).await,
        };
        let scenario = async |client: Client, _: Client| client.set_or_create("/a", "new").await;
        at_every_request(prepare, scenario, async |run, outcome| {
            let done = match run.observer.get("/a").await {
                Err(error) => {
                    assert_eq!(error.code(), Some(ErrorCode::NoNode));
                    false
                }
                Ok((data, _)) => data == "new",
            };
            run.assert_true(&outcome, done);
        });
    }
}

#[test]
fn a_guaranteed_delete_does_delete() {
    let delete = async |client: Client, _: Client| client.delete("/a").guaranteed().await;
    let gone = async |run: &Run, is_error: bool| {
        let found = stat(&run.observer, "/a").await;
        // Nothing can be deleted for a session that is over.
        let is_excused = run.polls == Some(0) || (run.is_session_over() && is_error);
        assert!(found.is_none() || is_excused, "it is still there");
    };
    at_every_request(node, delete, async |run, outcome| {
        run.assert_true(&outcome, stat(&run.observer, "/a").await.is_none());
        gone(run, outcome.is_err()).await;
    });
    at_every_poll(node, delete, async |run, _| gone(run, false).await);
    at_every_poll_and_request(node, delete, async |run, _| gone(run, false).await);
}

#[test]
fn a_tree_is_deleted_or_can_be_deleted_again() {
    let delete = async |client: Client, _: Client| client.delete_recursive("/a").await;
    let report = at_every_request(tree, delete, async |run, outcome| {
        let found = stat(&run.observer, "/a").await;
        assert!(outcome.is_err() || found.is_none(), "a tree is left");
        assert!(outcome.is_ok() || run.is_session_over(), "{outcome:?}");
    });
    assert!(report.requests > 3, "{report:?}");
    at_every_poll(tree, delete, async |run, _| {
        let _ = run.client.delete_recursive("/a").await;
        assert_eq!(stat(&run.observer, "/a").await, None);
    });
}

#[test]
fn a_session_is_closed_once_and_for_all() {
    let close = async |client: Client, _: Client| client.close().await;
    at_every_request(nothing, close, async |run, outcome| {
        assert!(outcome.is_ok(), "{outcome:?}");
        assert!(run.client.state().borrow().is_over());
    });
}

#[test]
fn credentials_are_told_to_whichever_server() {
    let scenario = async |client: Client, _: Client| {
        client.add_auth("digest", "ann:pw").await?;
        client.who_am_i().await
    };
    at_every_request(nothing, scenario, async |run, outcome| match outcome {
        Ok(infos) => assert!(infos.iter().any(|info| info.auth_scheme == "digest"), "{infos:?}"),
        Err(error) => assert!(!run.faults.is_empty(), "{error:?}"),
    });
}
