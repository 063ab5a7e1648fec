//! The election that is won by who comes first.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use zk_client::{Client, Version};
use zk_recipes::election::{AfterTerm, Candidate, CloseMode, Role, StaticElection, TermEnd};
use zk_recipes::{LostReason, Ownership, RecipeError, Released, SuspendPolicy};
use zk_test_kit::network::Moment;
use zk_test_kit::{Seed, TestServer};

use super::{is_leader, renewing, until_follower, until_role};

zk_test_kit::cases![
    who_comes_first_is_master_and_the_node_says_who,
    a_master_that_steps_down_is_followed_by_another,
    an_observer_is_told_who_is_master,
    all_who_wait_are_woken_and_one_is_master,
    a_lost_reply_makes_nobody_master_twice,
    a_master_whose_node_is_deleted_is_told_and_comes_again,
    a_foreign_node_is_waited_for_and_never_deleted,
    a_killed_master_is_followed_by_another,
    a_dropped_master_leaves_neither_node,
    a_master_survives_a_lost_connection_by_the_session_policy,
    the_work_of_a_master_runs_once_for_each_term,
    missing_parents_are_made,
    the_root_is_refused,
    a_master_that_does_not_finish_leaves_neither_node;
    on embedded: [nothing_of_the_static_form_stays];
    in virtual time: [whatever_breaks_there_are_no_two_masters];
];

const NODE: &str = "/currentMaster";
/// Stays, and has the witnesses.
const WITNESSES: &str = "/_w_currentMaster";

fn masters(client: &Client, id: &str) -> StaticElection {
    StaticElection::new(client, NODE).unwrap().id(id)
}

async fn witnesses(client: &Client) -> usize {
    client.children(WITNESSES).await.map_or(0, |witnesses| witnesses.len())
}

/// Waits until there are so many nodes of masters: a master has two.
async fn until_nodes(client: &Client, wanted: usize) {
    loop {
        let node = client.exists(NODE).await.unwrap();
        if witnesses(client).await + usize::from(node.is_some()) == wanted {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
}

async fn who_comes_first_is_master_and_the_node_says_who(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    assert_eq!(masters(&client, "").leader().await.unwrap(), None);
    let mut a = masters(&client, "a").join();
    let leadership = a.leadership().await.unwrap();
    let (data, stat) = other.get(NODE).await.unwrap();
    assert_eq!((&data[..], stat.ephemeral_owner), (&b"a"[..], client.session_id()));
    let leader = masters(&other, "").leader().await.unwrap().unwrap();
    assert_eq!((leader.id.as_str(), leader.path.as_str()), ("a", NODE));
    // The witness has come by the same transaction.
    assert_eq!(leader.term, leadership.term());
    let witness = leadership.path();
    assert!(witness.starts_with("/_w_currentMaster/"), "{witness}");
}

async fn a_master_that_steps_down_is_followed_by_another(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let mut a = masters(&client, "a").join();
    let seen = super::history(&a);
    let leadership = a.leadership().await.unwrap();
    let b = masters(&other, "b").join();
    until_role(&b, |role| *role == Role::Follower { ahead: NODE.to_owned() }).await;
    let first = leadership.term();
    assert_eq!(leadership.step_down().await.unwrap(), Released::Now);
    let role = until_role(&b, is_leader).await;
    assert!(matches!(role, Role::Leader { term } if term > first));
    until_follower(&a).await;
    drop(a);
    let seen = seen.await.unwrap();
    if server.has_virtual_time() {
        // It had nobody to follow.
        assert!(matches!(seen[..2], [Role::Joining, Role::Leader { .. }]), "{seen:?}");
    }
}

async fn an_observer_is_told_who_is_master(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let mut observer = masters(&other, "").observe();
    assert_eq!(observer.next().await.unwrap().unwrap(), None);
    for id in ["a", "b"] {
        let mut candidate = masters(&client, id).join();
        let leadership = candidate.leadership().await.unwrap();
        let observed = observer.next().await.unwrap().unwrap().unwrap();
        assert_eq!((observed.id.as_str(), observed.term), (id, leadership.term()));
        drop((leadership, candidate));
        assert_eq!(observer.next().await.unwrap().unwrap(), None);
    }
}

async fn all_who_wait_are_woken_and_one_is_master(server: &TestServer) {
    let first = server.client().await;
    let mut a = masters(&first, "a").rejoin(false).join();
    let leadership = a.leadership().await.unwrap();
    let mut others: Vec<(zk_test_kit::Network, Candidate)> = Vec::new();
    for id in ["b", "c", "d", "e"] {
        let network = server.network();
        let client = server.client_on(&network).await;
        let candidate = masters(&client, id).join();
        until_follower(&candidate).await;
        others.push((network, candidate));
    }
    sleep(Duration::from_millis(100)).await;
    let before: Vec<_> = others.iter().map(|(network, _)| network.counts()).collect();
    leadership.step_down().await.unwrap();
    let leads = |one: &&(_, Candidate)| is_leader(&one.1.state().borrow());
    while others.iter().filter(leads).count() != 1 {
        sleep(Duration::from_millis(10)).await;
    }
    sleep(Duration::from_millis(100)).await;
    assert_eq!(others.iter().filter(leads).count(), 1);
    for (one, before) in others.iter().zip(&before) {
        assert_eq!(one.0.counts().events - before.events, 1);
        if !leads(&one) {
            // Another attempt, and another watch.
            assert_eq!(one.0.counts().requests - before.requests, 2);
        }
    }
}

async fn a_lost_reply_makes_nobody_master_twice(server: &TestServer) {
    let other = server.client().await;
    for moment in Moment::ALL {
        for skip in 0..6 {
            let network = server.network();
            let client = server.client_on(&network).await;
            network.cut_at_request(skip, moment);
            let election = masters(&client, "a").on_suspend(SuspendPolicy::Session);
            let mut a = election.join();
            let leadership = a.leadership().await.unwrap();
            // Its node and one witness: those of other attempts are gone, or soon are.
            until_nodes(&other, 2).await;
            while leadership.verify().await.is_err() {
                // It was this one that was cut.
                client.connected().await.unwrap();
            }
            assert_eq!(other.get(NODE).await.unwrap().0, "a");
            a.leave(CloseMode::Notify).await.unwrap();
            drop(leadership);
            until_nodes(&other, 0).await;
        }
    }
}

async fn a_master_whose_node_is_deleted_is_told_and_comes_again(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let mut a = masters(&client, "a").join();
    let leadership = a.leadership().await.unwrap();
    let b = masters(&other, "b").join();
    until_follower(&b).await;
    other.delete(NODE).await.unwrap();
    assert_eq!(leadership.cancelled().await, TermEnd::Lost(LostReason::NodeDeleted));
    // The node is gone, or another one's by now, and with it the right to write.
    let error = leadership.multi().create("/late", "").commit().await.unwrap_err();
    assert!(matches!(error, RecipeError::Lost(_)), "{error:?}");
    drop(leadership);
    while masters(&client, "").leader().await.unwrap().is_none() {
        sleep(Duration::from_millis(10)).await;
    }
    let leads = |one: &Candidate| is_leader(&one.state().borrow());
    while leads(&a) == leads(&b) {
        sleep(Duration::from_millis(10)).await;
    }
    until_nodes(&other, 2).await;
}

async fn a_foreign_node_is_waited_for_and_never_deleted(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    other.create(NODE, "somebody else").await.unwrap();
    let a = masters(&client, "a").join();
    until_follower(&a).await;
    other.set(NODE, "still").await.unwrap();
    sleep(Duration::from_millis(200)).await;
    until_follower(&a).await;
    a.leave(CloseMode::Notify).await.unwrap();
    assert_eq!(other.get(NODE).await.unwrap().0, "still");
    // Nor is one that has taken the place of its own.
    let mut a = masters(&client, "a").join();
    other.delete(NODE).await.unwrap();
    let leadership = a.leadership().await.unwrap();
    let anew = other.multi().delete(NODE, Version::ANY).create(NODE, "anew");
    anew.commit().await.unwrap();
    assert_eq!(leadership.lost().await, LostReason::NodeDeleted);
    drop((leadership, a));
    zk_recipes::Janitor::of(&client).drain().await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(other.get(NODE).await.unwrap().0, "anew");
}

async fn a_killed_master_is_followed_by_another(server: &TestServer) {
    let network = server.network();
    let (client, other) = (renewing(server, &network).await, server.client().await);
    let mut a = masters(&client, "a").on_suspend(SuspendPolicy::Session).join();
    let leadership = a.leadership().await.unwrap();
    let mut b = masters(&other, "b").join();
    until_follower(&b).await;
    network.silence(true);
    let next = b.leadership().await.unwrap();
    assert!(next.term() > leadership.term());
    network.silence(false);
    assert_eq!(leadership.lost().await, LostReason::SessionExpired);
    until_follower(&a).await;
    assert_eq!(next.ownership(), Ownership::Held);
}

async fn a_dropped_master_leaves_neither_node(server: &TestServer) {
    let client = server.client().await;
    let mut a = masters(&client, "a").join();
    let leadership = a.leadership().await.unwrap();
    until_nodes(&client, 2).await;
    drop((leadership, a));
    until_nodes(&client, 0).await;
}

async fn a_master_survives_a_lost_connection_by_the_session_policy(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let mut a = masters(&client, "a").on_suspend(SuspendPolicy::Session).join();
    let leadership = a.leadership().await.unwrap();
    network.cut();
    until_role(&a, |role| *role == Role::Suspended).await;
    until_role(&a, is_leader).await;
    assert_eq!(leadership.ownership(), Ownership::Held);
    leadership.verify().await.unwrap();
}

async fn the_work_of_a_master_runs_once_for_each_term(server: &TestServer) {
    let client = server.client().await;
    let mut terms = Vec::new();
    let work = masters(&client, "a").run_when_leader(|leadership| {
        terms.push(leadership.term());
        let done = terms.len() == 3;
        async move { if done { AfterTerm::Stop } else { AfterTerm::Rejoin } }
    });
    work.await.unwrap();
    assert!(terms.len() == 3 && terms.is_sorted_by(|one, next| one < next), "{terms:?}");
    until_nodes(&client, 0).await;
}

async fn missing_parents_are_made(server: &TestServer) {
    let client = server.client().await;
    let mut a = StaticElection::new(&client, "/x/y/master").unwrap().id("a").payload("p").join();
    let leadership = a.leadership().await.unwrap();
    assert_eq!(client.get("/x/y/master").await.unwrap().0, "a\np");
    assert!(leadership.path().starts_with("/x/y/_w_master/"));
}

async fn the_root_is_refused(server: &TestServer) {
    let client = server.client().await;
    let error = StaticElection::new(&client, "/").unwrap_err();
    assert!(matches!(error, RecipeError::BadArguments { .. }));
}

async fn a_master_that_does_not_finish_leaves_neither_node(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let mut a = masters(&client, "a").grace(Duration::from_millis(50)).join();
    let leadership = a.leadership().await.unwrap();
    let b = masters(&other, "b").join();
    until_follower(&b).await;
    a.leave(CloseMode::Notify).await.unwrap();
    assert_eq!(leadership.ownership(), Ownership::Lost(LostReason::Released));
    until_role(&b, is_leader).await;
    until_nodes(&other, 2).await;
    drop(leadership);
    sleep(Duration::from_millis(200)).await;
    assert!(is_leader(&b.state().borrow()));
}

async fn nothing_of_the_static_form_stays(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let embedded = server.embedded().unwrap();
    // The one that stays.
    client.create(WITNESSES, "").await.unwrap();
    let before = (embedded.watch_count(), embedded.node_count());
    for round in 0..20 {
        let mut a = masters(&client, "a").join();
        let leadership = a.leadership().await.unwrap();
        let b = masters(&other, "b").join();
        until_follower(&b).await;
        if round % 2 == 0 {
            drop((a, leadership));
        } else {
            drop(leadership);
            a.leave(CloseMode::Notify).await.unwrap();
        }
        until_role(&b, is_leader).await;
        b.leave(CloseMode::Notify).await.unwrap();
        let settled = async {
            while (embedded.watch_count(), embedded.node_count()) != before {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(10), settled).await.unwrap_or_else(|_| {
            panic!("{:?} in round {round}", (embedded.watch_count(), embedded.node_count()))
        });
    }
}

async fn whatever_breaks_there_are_no_two_masters(server: &Arc<TestServer>) {
    let join = |client: &Client, id: &str, policy| masters(client, id).on_suspend(policy).join();
    super::random_faults::never_two(server, Seed::pick(), 300, join).await;
    let client = server.client().await;
    until_nodes(&client, 0).await;
}
