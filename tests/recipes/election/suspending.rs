//! What a lost connection is to a leader, by each policy.

use tokio::time::timeout;
use zk_recipes::election::{Role, TermEnd};
use zk_recipes::{LostReason, Ownership, SuspendPolicy};
use zk_test_kit::TestServer;
use zk_test_kit::server::SESSION_TIMEOUT;

use super::{election, history, ids, is_leader, joined, leading, until_ids, until_role};

zk_test_kit::cases![
    by_the_strict_policy_a_lost_connection_ends_the_term,
    by_the_strict_policy_a_leader_alone_leads_again_in_a_new_term,
    by_the_session_policy_the_same_term_goes_on,
    a_leadership_in_doubt_is_not_given_out,
    a_follower_keeps_its_place_over_a_lost_connection;
    in virtual time: [by_the_lease_policy_a_leader_stops_before_the_next_one_begins];
];

async fn by_the_strict_policy_a_lost_connection_ends_the_term(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let (a, leadership) = leading(&election(&client, "a")).await;
    let b = joined(&election(&other, "b")).await;
    network.refuse("a", true);
    network.cut();
    // At once, and without a word of the server.
    assert_eq!(leadership.cancelled().await, TermEnd::Lost(LostReason::Suspended));
    assert!(!is_leader(&a.state().borrow()) || !leadership.is_valid());
    until_role(&a, |role| *role == Role::Joining).await;
    network.refuse("a", false);
    // The old node goes, and the new one is at the tail.
    until_role(&b, is_leader).await;
    until_ids(&other, &["b", "a"]).await;
    let path = leadership.path();
    assert!(other.exists(&path).await.unwrap().is_none());
}

async fn by_the_strict_policy_a_leader_alone_leads_again_in_a_new_term(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let (mut a, first) = leading(&election(&client, "a")).await;
    network.cut();
    assert_eq!(first.lost().await, LostReason::Suspended);
    let again = a.leadership().await.unwrap();
    assert!(again.term() > first.term());
    drop(first);
    assert_eq!(again.ownership(), Ownership::Held);
    assert_eq!(ids(&client).await, ["a"]);
}

async fn by_the_session_policy_the_same_term_goes_on(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let election = election(&client, "a").on_suspend(SuspendPolicy::Session);
    let (a, leadership) = leading(&election).await;
    let seen = history(&a);
    let leader = Role::Leader { term: leadership.term() };
    for _ in 0..3 {
        network.refuse("a", true);
        network.cut();
        until_role(&a, |role| *role == Role::Suspended).await;
        network.refuse("a", false);
        until_role(&a, |role| *role == leader).await;
    }
    assert_eq!(leadership.ownership(), Ownership::Held);
    let path = leadership.path();
    assert!(client.exists(&path).await.unwrap().is_some());
    drop(leadership);
    a.leave(Default::default()).await.unwrap();
    let seen = seen.await.unwrap();
    let suspended = seen.iter().filter(|role| **role == Role::Suspended).count();
    let led = seen.iter().filter(|role| **role == leader).count();
    // Elsewhere one that looks late may miss some.
    let all = !server.has_virtual_time() || (suspended, led) == (3, 4);
    assert!(all && suspended <= 3 && (1..=4).contains(&led), "{seen:?}");
    assert!(!seen.iter().any(|role| is_leader(role) && *role != leader), "{seen:?}");
}

async fn a_leadership_in_doubt_is_not_given_out(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let mut a = joined(&election(&client, "a").on_suspend(SuspendPolicy::Session)).await;
    network.refuse("a", true);
    network.cut();
    until_role(&a, |role| *role == Role::Suspended).await;
    let limit = SESSION_TIMEOUT / 8;
    assert!(timeout(limit, a.leadership()).await.is_err(), "given out in doubt");
    network.refuse("a", false);
    let leadership = a.leadership().await.unwrap();
    assert_eq!(leadership.ownership(), Ownership::Held);
}

async fn a_follower_keeps_its_place_over_a_lost_connection(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let (_a, leadership) = leading(&election(&other, "a")).await;
    let b = joined(&election(&client, "b")).await;
    let c = joined(&election(&other, "c")).await;
    let before = election(&other, "").candidates().await.unwrap();
    let seen = super::unseen(&b.state());
    network.cut();
    client.state().wait_for(|state| !state.is_connected()).await.unwrap();
    client.connected().await.unwrap();
    assert_eq!(election(&other, "").candidates().await.unwrap(), before);
    assert!(!seen.has_changed().unwrap());
    drop(leadership);
    until_role(&b, is_leader).await;
    assert!(!is_leader(&c.state().borrow()));
}

async fn by_the_lease_policy_a_leader_stops_before_the_next_one_begins(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let election_a = election(&client, "a").on_suspend(SuspendPolicy::UntilSafe);
    let (_a, leadership) = leading(&election_a).await;
    let mut b = joined(&election(&other, "b")).await;
    network.silence(true);
    assert_eq!(leadership.lost().await, LostReason::LeaseOver);
    assert!(!is_leader(&b.state().borrow()), "two leaders");
    drop(b.leadership().await.unwrap());
}
