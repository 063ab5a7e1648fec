//! An operator's word on who should lead.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use zk_client::Client;
use zk_recipes::election::{Candidate, Election, ElectionControl, Role, TermEnd};
use zk_recipes::{LostReason, Ownership};
use zk_test_kit::TestServer;

use super::{ids, is_leader, joined, leading, until_first, until_follower, until_ids, until_role};

zk_test_kit::cases![
    a_leader_steps_down_for_one_that_is_preferred,
    nobody_steps_down_for_one_that_is_absent,
    those_before_one_that_is_preferred_withdraw_without_leading,
    a_candidate_that_comes_later_is_preferred_as_well,
    the_first_of_those_preferred_leads,
    forced_candidates_alone_are_in_the_queue,
    excluded_candidates_leave_and_come_again,
    a_frozen_election_keeps_its_leader_and_gets_no_other,
    a_frozen_candidate_that_leaves_is_followed_by_a_frozen_one,
    an_override_that_is_there_before_is_heeded_at_once,
    a_candidate_heeds_what_was_set_while_it_was_cut_off,
    a_leader_has_time_to_finish_when_it_is_overridden,
    candidates_that_are_not_overridable_do_not_look,
    a_change_of_the_override_is_one_event_for_each_candidate;
    on embedded: [an_override_is_watched_by_one_watch_for_each_candidate];
];

pub(super) fn election(client: &Client, id: &str) -> Election {
    super::election(client, id).overridable(true)
}

pub(super) fn control(client: &Client) -> ElectionControl {
    election(client, "eve").control()
}

async fn three(client: &Client) -> [Candidate; 3] {
    let a = joined(&election(client, "a")).await;
    let b = joined(&election(client, "b")).await;
    let c = joined(&election(client, "c")).await;
    [a, b, c]
}

async fn a_leader_steps_down_for_one_that_is_preferred(server: &TestServer) {
    let client = server.client().await;
    let [mut a, b, c] = three(&client).await;
    let leadership = a.leadership().await.unwrap();
    let cancelled = leadership.cancelled();
    control(&client).prefer(&["c"], "a is to be stopped").await.unwrap();
    assert_eq!(cancelled.await, TermEnd::Overridden);
    drop(leadership);
    until_role(&c, is_leader).await;
    until_first(&client, "c", &["a", "b"]).await;
    for follower in [&a, &b] {
        until_follower(follower).await;
    }
    // Without it the order is that of the queue again.
    assert!(control(&client).clear().await.unwrap());
    assert!(!control(&client).clear().await.unwrap());
    sleep(Duration::from_millis(200)).await;
    assert!(is_leader(&c.state().borrow()));
}

async fn nobody_steps_down_for_one_that_is_absent(server: &TestServer) {
    let client = server.client().await;
    let [mut a, b, c] = three(&client).await;
    let leadership = a.leadership().await.unwrap();
    control(&client).prefer(&["x", "y"], "").await.unwrap();
    sleep(Duration::from_millis(300)).await;
    assert_eq!(leadership.ownership(), Ownership::Held);
    drop(leadership);
    // And who is first leads.
    until_role(&b, is_leader).await;
    until_ids(&client, &["b", "c", "a"]).await;
    drop(c);
}

async fn those_before_one_that_is_preferred_withdraw_without_leading(server: &TestServer) {
    let client = server.client().await;
    let [mut a, b, c] = three(&client).await;
    let leadership = a.leadership().await.unwrap();
    let seen = super::history(&b);
    control(&client).prefer(&["c"], "").await.unwrap();
    drop(leadership);
    until_role(&c, is_leader).await;
    until_first(&client, "c", &["a", "b"]).await;
    b.leave(Default::default()).await.unwrap();
    let seen = seen.await.unwrap();
    assert!(!seen.iter().any(is_leader), "{seen:?}");
}

async fn a_candidate_that_comes_later_is_preferred_as_well(server: &TestServer) {
    let client = server.client().await;
    let a = joined(&election(&client, "a")).await;
    control(&client).prefer(&["b"], "").await.unwrap();
    let c = joined(&election(&client, "c")).await;
    sleep(Duration::from_millis(200)).await;
    assert!(is_leader(&a.state().borrow()));
    let b = election(&client, "b").join();
    until_role(&b, is_leader).await;
    until_first(&client, "b", &["a", "c"]).await;
    // When it goes, the others are as good as ever, in the order in which they have come again.
    b.leave(Default::default()).await.unwrap();
    let leads = |one: &Candidate| is_leader(&one.state().borrow());
    while leads(&a) == leads(&c) {
        assert!(!leads(&a), "both lead");
        sleep(Duration::from_millis(10)).await;
    }
}

async fn the_first_of_those_preferred_leads(server: &TestServer) {
    let client = server.client().await;
    let [a, b, c] = three(&client).await;
    control(&client).prefer(&["c", "b"], "").await.unwrap();
    until_role(&b, is_leader).await;
    until_ids(&client, &["b", "c", "a"]).await;
    drop(b);
    until_role(&c, is_leader).await;
    drop(a);
}

async fn forced_candidates_alone_are_in_the_queue(server: &TestServer) {
    let client = server.client().await;
    let [a, b, c] = three(&client).await;
    control(&client).force(&["b"], "").await.unwrap();
    until_ids(&client, &["b"]).await;
    until_role(&b, is_leader).await;
    for out in [&a, &c] {
        until_role(out, |role| *role == Role::Excluded).await;
    }
    // Nobody leads rather than somebody else.
    b.leave(Default::default()).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    assert_eq!(ids(&client).await, [""; 0]);
    control(&client).clear().await.unwrap();
    while ids(&client).await.len() < 2 {
        sleep(Duration::from_millis(10)).await;
    }
    let leads = |one: &Candidate| is_leader(&one.state().borrow());
    while leads(&a) == leads(&c) {
        assert!(!leads(&a), "both lead");
        sleep(Duration::from_millis(10)).await;
    }
}

async fn excluded_candidates_leave_and_come_again(server: &TestServer) {
    let client = server.client().await;
    let [mut a, b, c] = three(&client).await;
    let leadership = a.leadership().await.unwrap();
    control(&client).exclude(&["a", "b"], "maintenance").await.unwrap();
    assert_eq!(leadership.cancelled().await, TermEnd::Overridden);
    let term = leadership.term();
    drop(leadership);
    until_role(&c, is_leader).await;
    for out in [&a, &b] {
        until_role(out, |role| *role == Role::Excluded).await;
    }
    // Whoever is out may leave, or be dropped, as any other.
    b.leave(Default::default()).await.unwrap();
    control(&client).clear().await.unwrap();
    until_ids(&client, &["c", "a"]).await;
    drop(c);
    assert!(a.leadership().await.unwrap().term() > term);
}

async fn a_frozen_election_keeps_its_leader_and_gets_no_other(server: &TestServer) {
    let client = server.client().await;
    let [mut a, b, c] = three(&client).await;
    let leadership = a.leadership().await.unwrap();
    control(&client).freeze("no change today").await.unwrap();
    sleep(Duration::from_millis(200)).await;
    assert_eq!(leadership.ownership(), Ownership::Held);
    drop(leadership);
    until_role(&b, |role| *role == Role::Frozen).await;
    until_ids(&client, &["b", "c", "a"]).await;
    sleep(Duration::from_millis(200)).await;
    for candidate in [&a, &b, &c] {
        assert!(!is_leader(&candidate.state().borrow()));
    }
    control(&client).clear().await.unwrap();
    until_role(&b, is_leader).await;
}

async fn a_frozen_candidate_that_leaves_is_followed_by_a_frozen_one(server: &TestServer) {
    let client = server.client().await;
    control(&client).freeze("").await.unwrap();
    let a = election(&client, "a").join();
    until_role(&a, |role| *role == Role::Frozen).await;
    let b = joined(&election(&client, "b")).await;
    // As does one whose node is deleted.
    let first = election(&client, "").leader().await.unwrap().unwrap();
    client.delete(&first.path).await.unwrap();
    until_role(&b, |role| *role == Role::Frozen).await;
    until_ids(&client, &["b", "a"]).await;
    b.leave(Default::default()).await.unwrap();
    until_role(&a, |role| *role == Role::Frozen).await;
    control(&client).clear().await.unwrap();
    until_role(&a, is_leader).await;
}

async fn an_override_that_is_there_before_is_heeded_at_once(server: &TestServer) {
    let client = server.client().await;
    control(&client).exclude(&["a"], "").await.unwrap();
    let a = election(&client, "a").join();
    until_role(&a, |role| *role == Role::Excluded).await;
    let b = joined(&election(&client, "b")).await;
    assert!(is_leader(&b.state().borrow()));
    control(&client).exclude(&["b"], "").await.unwrap();
    until_role(&a, is_leader).await;
    until_role(&b, |role| *role == Role::Excluded).await;
}

async fn a_candidate_heeds_what_was_set_while_it_was_cut_off(server: &TestServer) {
    let network = server.network();
    let (client, operator) = (server.client_on(&network).await, server.client().await);
    let policy = zk_recipes::SuspendPolicy::Session;
    let (a, leadership) = leading(&election(&client, "a").on_suspend(policy)).await;
    network.refuse("a", true);
    network.cut();
    until_role(&a, |role| *role == Role::Suspended).await;
    control(&operator).exclude(&["a"], "").await.unwrap();
    network.refuse("a", false);
    assert_eq!(leadership.cancelled().await, TermEnd::Overridden);
    drop(leadership);
    until_role(&a, |role| *role == Role::Excluded).await;
    network.refuse("a", true);
    network.cut();
    control(&operator).clear().await.unwrap();
    network.refuse("a", false);
    until_role(&a, is_leader).await;
}

async fn a_leader_has_time_to_finish_when_it_is_overridden(server: &TestServer) {
    let client = server.client().await;
    let grace = Duration::from_millis(400);
    let (a, leadership) = leading(&election(&client, "a").grace(grace)).await;
    let b = joined(&election(&client, "b")).await;
    control(&client).exclude(&["a"], "").await.unwrap();
    assert_eq!(leadership.cancelled().await, TermEnd::Overridden);
    // It says that it is the leader no more, and nobody else is.
    assert!(!is_leader(&a.state().borrow()));
    leadership.verify().await.unwrap();
    assert!(!is_leader(&b.state().borrow()));
    // It does not finish.
    assert_eq!(leadership.lost().await, LostReason::Released);
    until_role(&b, is_leader).await;
}

async fn candidates_that_are_not_overridable_do_not_look(server: &TestServer) {
    let client = server.client().await;
    let a = joined(&super::election(&client, "a")).await;
    control(&client).force(&["b"], "").await.unwrap();
    sleep(Duration::from_millis(200)).await;
    assert!(is_leader(&a.state().borrow()));
}

async fn a_change_of_the_override_is_one_event_for_each_candidate(server: &TestServer) {
    let operator = server.client().await;
    let mut candidates = Vec::new();
    for id in ["a", "b", "c"] {
        let network = server.network();
        let client = server.client_on(&network).await;
        candidates.push((network, joined(&election(&client, id)).await));
    }
    sleep(Duration::from_millis(100)).await;
    let before: Vec<_> = candidates.iter().map(|(network, _)| network.counts()).collect();
    control(&operator).freeze("").await.unwrap();
    sleep(Duration::from_millis(100)).await;
    for ((network, _), before) in candidates.iter().zip(before) {
        let counts = network.counts();
        let cost = (counts.events - before.events, counts.requests - before.requests);
        assert_eq!(cost, (1, 2));
    }
}

async fn an_override_is_watched_by_one_watch_for_each_candidate(server: &TestServer) {
    let clients = [server.client().await, server.client().await, server.client().await];
    let mut candidates = Vec::new();
    for (client, id) in clients.iter().zip(["a", "b", "c"]) {
        candidates.push(joined(&election(client, id)).await);
    }
    let embedded = server.embedded().unwrap();
    for round in 0..5 {
        sleep(Duration::from_millis(100)).await;
        // Each watches the override and its own node, and two of them the one ahead.
        assert_eq!(embedded.watch_count(), 3 + 3 + 2, "round {round}");
        control(&clients[round % 3]).freeze("").await.unwrap();
        control(&clients[0]).clear().await.unwrap();
    }
    let all = async { candidates.into_iter().for_each(drop) };
    timeout(Duration::from_secs(1), all).await.unwrap();
    while embedded.watch_count() > 0 {
        sleep(Duration::from_millis(10)).await;
    }
}
