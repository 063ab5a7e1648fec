//! Planned hand-overs.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use zk_client::Client;
use zk_recipes::election::Election;
use zk_recipes::{Janitor, Ownership, RecipeError};
use zk_test_kit::{TestServer, drop_after_polls};

use super::{is_leader, joined, leading, until_first, until_ids, until_role};

zk_test_kit::cases![
    the_leadership_goes_to_the_one_it_is_given_to,
    a_transfer_waits_until_the_other_one_comes,
    a_transfer_to_one_that_does_not_come_gives_the_leadership_back,
    a_transfer_that_cannot_be_is_refused_and_the_leader_stays,
    a_transfer_does_not_touch_an_override_that_is_there,
    a_leader_that_is_killed_in_a_transfer_leaves_no_override,
    a_transfer_dropped_at_any_poll_leaves_no_override;
];

fn election(client: &Client, id: &str) -> Election {
    super::election(client, id).overridable(true)
}

async fn assert_no_override(client: &Client) {
    assert_eq!(election(client, "").control().current().await.unwrap(), None);
}

async fn the_leadership_goes_to_the_one_it_is_given_to(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let (mut a, leadership) = leading(&election(&client, "a")).await;
    let b = joined(&election(&other, "b")).await;
    let mut c = joined(&election(&other, "c")).await;
    let term = leadership.term();
    let seen = super::history(&b);
    let next = leadership.transfer_to("c", Duration::from_secs(10)).await.unwrap();
    assert_eq!(next.id, "c");
    assert!(next.term > term);
    let leadership = c.leadership().await.unwrap();
    assert_eq!(leadership.term(), next.term);
    assert_no_override(&client).await;
    until_first(&client, "c", &["a", "b"]).await;
    b.leave(Default::default()).await.unwrap();
    assert!(!seen.await.unwrap().iter().any(is_leader));
    drop(leadership);
    // And on from there as ever.
    assert!(a.leadership().await.unwrap().term() > next.term);
}

async fn a_transfer_waits_until_the_other_one_comes(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let (_a, leadership) = leading(&election(&client, "a")).await;
    let term = leadership.term();
    let transfer = tokio::spawn(leadership.transfer_to("b", Duration::from_secs(20)));
    sleep(Duration::from_millis(300)).await;
    // Meanwhile it leads.
    assert_eq!(election(&client, "").leader().await.unwrap().unwrap().term, term);
    let mut b = election(&other, "b").join();
    let leadership = b.leadership().await.unwrap();
    assert_eq!(transfer.await.unwrap().unwrap().term, leadership.term());
    assert_no_override(&client).await;
}

async fn a_transfer_to_one_that_does_not_come_gives_the_leadership_back(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let (_a, leadership) = leading(&election(&client, "a")).await;
    let b = joined(&election(&other, "b")).await;
    let limit = Duration::from_millis(500);
    let begun = Instant::now();
    let error = leadership.transfer_to("c", limit).await.unwrap_err();
    assert!(begun.elapsed() >= limit);
    assert_eq!(error.source, RecipeError::Timeout);
    let leadership = error.leadership.unwrap();
    assert_eq!(leadership.ownership(), Ownership::Held);
    assert_no_override(&client).await;
    drop(leadership);
    until_role(&b, is_leader).await;
}

async fn a_transfer_that_cannot_be_is_refused_and_the_leader_stays(server: &TestServer) {
    let client = server.client().await;
    let (a, leadership) = leading(&election(&client, "a")).await;
    let error = leadership.transfer_to("a", Duration::from_secs(1)).await.unwrap_err();
    assert!(matches!(error.source, RecipeError::BadArguments { .. }));
    assert_eq!(error.leadership.unwrap().ownership(), Ownership::Held);
    a.leave(Default::default()).await.unwrap();
    let (_a, leadership) = leading(&super::election(&client, "a")).await;
    let error = leadership.transfer_to("b", Duration::from_secs(1)).await.unwrap_err();
    assert!(matches!(error.source, RecipeError::BadArguments { .. }));
    assert_eq!(error.leadership.unwrap().ownership(), Ownership::Held);
}

async fn a_transfer_does_not_touch_an_override_that_is_there(server: &TestServer) {
    let client = server.client().await;
    let (_a, leadership) = leading(&election(&client, "a")).await;
    let _b = joined(&election(&client, "b")).await;
    let set = election(&client, "eve").control().freeze("as it is").await.unwrap();
    let error = leadership.transfer_to("b", Duration::from_secs(1)).await.unwrap_err();
    assert!(matches!(error.source, RecipeError::Conflict { .. }), "{:?}", error.source);
    assert_eq!(error.leadership.unwrap().ownership(), Ownership::Held);
    assert_eq!(election(&client, "").control().current().await.unwrap(), Some(set));
}

async fn a_leader_that_is_killed_in_a_transfer_leaves_no_override(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let (_a, leadership) = leading(&election(&client, "a")).await;
    let transfer = tokio::spawn(leadership.transfer_to("b", Duration::from_secs(60)));
    while election(&other, "").control().current().await.unwrap().is_none() {
        sleep(Duration::from_millis(10)).await;
    }
    network.silence(true);
    let c = election(&other, "c").join();
    until_role(&c, is_leader).await;
    assert_no_override(&other).await;
    network.silence(false);
    let error = transfer.await.unwrap().unwrap_err();
    assert!(matches!(error.source, RecipeError::Lost(_)), "{:?}", error.source);
    assert!(error.leadership.is_none());
}

async fn a_transfer_dropped_at_any_poll_leaves_no_override(server: &TestServer) {
    let client = server.client().await;
    for polls in 0.. {
        let (a, leadership) = leading(&election(&client, "a")).await;
        let b = joined(&election(&client, "b")).await;
        let limit = Duration::from_secs(5);
        let transferred = drop_after_polls(leadership.transfer_to("b", limit), polls).await;
        Janitor::of(&client).drain().await;
        // Whoever is first now, nobody is in the way.
        assert_no_override(&client).await;
        until_role(&b, is_leader).await;
        until_ids(&client, &["b", "a"]).await;
        a.leave(Default::default()).await.unwrap();
        b.leave(Default::default()).await.unwrap();
        if let Some(transferred) = transferred {
            assert_eq!(transferred.unwrap().id, "b");
            assert!(polls > 4, "only {polls} polls");
            break;
        }
    }
}
