//! Creates of several steps.

use zk_client::{Client, CreateMode, Created, Error};
use zk_test_kit::exhaustive::{
    Run, at_every_poll, at_every_poll_and_request, at_every_request, at_every_two_requests,
};

async fn parent(observer: Client) {
    observer.create("/nodes", "").await.unwrap();
}

async fn children(observer: &Client) -> Vec<String> {
    let mut children = observer.children("/nodes").await.unwrap();
    children.sort();
    children.iter().map(ToString::to_string).collect()
}

/// A protected create leaves its node if it says so, and else none.
async fn check_protected(run: &Run, created: Option<Result<Created, Error>>) {
    let found = children(&run.observer).await;
    match created {
        Some(Ok(created)) if !run.is_session_over() => {
            assert_eq!([created.path.strip_prefix("/nodes/").unwrap()], found[..]);
        }
        // With the session its ephemeral node has gone, unless it is the new session's.
        Some(Ok(created)) => {
            assert!(found.is_empty() || created.path.ends_with(&found[..].concat()), "{found:?}");
        }
        Some(Err(error)) => {
            let over = error.is_session_over() || error.outcome_unknown();
            assert!(run.is_session_over() && over, "{error:?}");
            assert_eq!(found, [""; 0]);
        }
        None => assert_eq!(found, [""; 0]),
    }
}

const MODE: CreateMode = CreateMode::EphemeralSequential;

#[test]
fn a_protected_create_leaves_one_node_or_none() {
    let create = async |client: Client, _: Client| {
        client.create("/nodes/n-", "x").mode(MODE).protected().await
    };
    let check = async |run: &Run, created| check_protected(run, Some(created)).await;
    let report = at_every_request(parent, create, check);
    assert!(report.requests >= 1, "{report:?}");
    let report = at_every_two_requests(parent, create, check);
    assert!(report.runs > 64, "{report:?}");
    at_every_poll(parent, create, check_protected);
    let report = at_every_poll_and_request(parent, create, check_protected);
    assert!(report.polls > 2, "{report:?}");
}
