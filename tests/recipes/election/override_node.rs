//! The node of an override: who may write it, what it carries, and how it ends.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use zk_client::Version;
use zk_recipes::RecipeError;
use zk_recipes::election::{OverrideMode, Role};
use zk_test_kit::TestServer;

use super::overriding::{control, election};
use super::{PATH, is_leader, joined, until_role};

zk_test_kit::cases![
    an_override_that_cannot_be_read_is_passed_over_and_told,
    two_operators_do_not_write_over_each_other,
    an_override_carries_who_and_why,
    an_override_of_a_session_ends_with_it,
    an_override_that_expires_is_taken_away,
    one_that_has_expired_before_anybody_came_is_not_heeded,
    overrides_of_an_election_that_is_not_overridable_are_refused,
];

async fn an_override_that_cannot_be_read_is_passed_over_and_told(server: &TestServer) {
    let client = server.client().await;
    let node = format!("{PATH}/_override");
    client.create(&node, "prefer b").with_parents().await.unwrap();
    let a = joined(&election(&client, "a")).await;
    assert!(is_leader(&a.state().borrow()));
    let error = control(&client).current().await.unwrap_err();
    assert!(matches!(error, RecipeError::Codec { .. }), "{error:?}");
    // By hand, and right this time.
    client.set(&node, r#"{"mode":"force","ids":["b"]}"#).await.unwrap();
    until_role(&a, |role| *role == Role::Excluded).await;
    for bad in ["", "{\"mode\":\"rule\"}", "\u{0}"] {
        client.set(&node, bad).await.unwrap();
        until_role(&a, is_leader).await;
        client.set(&node, r#"{"mode":"force","ids":[]}"#).await.unwrap();
        until_role(&a, |role| *role == Role::Excluded).await;
    }
    client.set(&node, "what now").await.unwrap();
    // An operator can write over it, and clear it.
    control(&client).prefer(&["a"], "").await.unwrap();
    until_role(&a, is_leader).await;
    assert!(control(&client).clear().await.unwrap());
}

async fn two_operators_do_not_write_over_each_other(server: &TestServer) {
    let network = server.network();
    let (slow, quick) = (server.client_on(&network).await, server.client().await);
    control(&quick).freeze("first").await.unwrap();
    for change in 0..2 {
        // What the slow one has read is old when it writes.
        network.hold_incoming(true);
        let before = network.counts().requests;
        let of_slow = control(&slow);
        let write = tokio::spawn(async move { of_slow.prefer(&["b"], "slow").await });
        while network.counts().requests == before {
            sleep(Duration::from_millis(5)).await;
        }
        sleep(Duration::from_millis(50)).await;
        if change == 0 {
            control(&quick).prefer(&["a"], "quick").await.unwrap();
        } else {
            control(&quick).clear().await.unwrap();
        }
        network.hold_incoming(false);
        let error = write.await.unwrap().unwrap_err();
        assert!(matches!(error, RecipeError::Conflict { .. }), "{error:?}");
    }
    assert_eq!(control(&quick).current().await.unwrap(), None);
}

async fn an_override_carries_who_and_why(server: &TestServer) {
    let client = server.client().await;
    let set = control(&client).by("zoë").prefer(&["a", "b"], "she asked").await.unwrap();
    let current = control(&client).current().await.unwrap().unwrap();
    assert_eq!(set, current);
    assert_eq!((current.by.as_str(), current.reason.as_str()), ("zoë", "she asked"));
    assert_eq!((current.mode, current.session), (OverrideMode::Prefer, None));
    assert_eq!(current.ids, ["a", "b"]);
    assert_eq!((current.expires, current.version), (None, Version(0)));
    let next = control(&client).freeze("").await.unwrap();
    assert_eq!((next.by.as_str(), next.version), ("eve", Version(1)));
}

async fn an_override_of_a_session_ends_with_it(server: &TestServer) {
    let (client, operator) = (server.client().await, server.client().await);
    let a = joined(&election(&client, "a")).await;
    // One of the other kind makes way.
    control(&operator).freeze("").await.unwrap();
    let set = control(&operator).until_session_ends().force(&["b"], "").await.unwrap();
    assert_eq!(set.session, Some(operator.session_id()));
    until_role(&a, |role| *role == Role::Excluded).await;
    operator.close().await.unwrap();
    until_role(&a, is_leader).await;
    assert_eq!(control(&client).current().await.unwrap(), None);
}

async fn an_override_that_expires_is_taken_away(server: &TestServer) {
    let client = server.client().await;
    let a = joined(&election(&client, "a")).await;
    let lasts = Duration::from_millis(600);
    let begun = Instant::now();
    let set = control(&client).lasting(lasts).force(&["b"], "for a while").await.unwrap();
    assert!(set.expires.is_some());
    until_role(&a, |role| *role == Role::Excluded).await;
    until_role(&a, is_leader).await;
    // Clocks that count milliseconds.
    assert!(begun.elapsed() + Duration::from_millis(20) >= lasts, "{:?}", begun.elapsed());
    assert_eq!(control(&client).current().await.unwrap(), None);
    // Nothing is left of the question what time it is.
    while client.children(PATH).await.unwrap().len() > 1 {
        sleep(Duration::from_millis(10)).await;
    }
}

async fn one_that_has_expired_before_anybody_came_is_not_heeded(server: &TestServer) {
    let client = server.client().await;
    control(&client).lasting(Duration::from_millis(100)).freeze("").await.unwrap();
    sleep(Duration::from_millis(200)).await;
    assert!(control(&client).current().await.unwrap().is_some());
    let a = joined(&election(&client, "a")).await;
    until_role(&a, is_leader).await;
    while control(&client).current().await.unwrap().is_some() {
        sleep(Duration::from_millis(10)).await;
    }
}

async fn overrides_of_an_election_that_is_not_overridable_are_refused(server: &TestServer) {
    let client = server.client().await;
    let refused = super::election(&client, "a").control().freeze("").await.unwrap_err();
    assert!(matches!(refused, RecipeError::BadArguments { .. }), "{refused:?}");
    assert!(client.exists(PATH).await.unwrap().is_none());
}
