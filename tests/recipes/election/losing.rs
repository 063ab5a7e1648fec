//! Terms, places and sessions that are lost.

use std::time::Duration;

use tokio::time::sleep;
use zk_client::Client;
use zk_recipes::election::{Candidate, CloseMode, LeftReason, Role, TermEnd};
use zk_recipes::{LostReason, Ownership, RecipeError, SuspendPolicy};
use zk_test_kit::{Network, TestServer};

use super::{
    election, ids, is_leader, joined, leading, renewing, until_follower, until_ids, until_role,
};

zk_test_kit::cases![
    a_killed_leader_is_followed_by_the_next_one,
    a_leader_whose_node_is_deleted_comes_again_at_the_tail,
    a_follower_whose_node_is_deleted_comes_again,
    a_new_session_is_joined_with_a_new_node,
    without_a_new_session_the_candidate_has_left,
    without_rejoin_a_lost_candidate_has_left,
    an_old_node_of_an_expired_session_is_not_led_by,
    two_candidates_that_flap_have_one_leader,
    deleting_nodes_at_random_leaves_one_node_for_each,
    a_closed_client_ends_its_candidates;
    on embedded: [
        a_session_that_ends_under_a_leader_makes_no_two_leaders,
        connections_that_drop_again_and_again_leave_one_leader,
    ];
];

async fn a_killed_leader_is_followed_by_the_next_one(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let election_a = election(&client, "a").on_suspend(SuspendPolicy::Session);
    let (a, leadership) = leading(&election_a).await;
    let mut b = joined(&election(&other, "b")).await;
    network.silence(true);
    let next = b.leadership().await.unwrap();
    assert!(next.term() > leadership.term());
    assert_ne!(leadership.ownership(), Ownership::Held);
    network.silence(false);
    assert_eq!(leadership.cancelled().await, TermEnd::Lost(LostReason::SessionExpired));
    let over = Role::Left(LeftReason::Lost(LostReason::SessionExpired));
    until_role(&a, |role| *role == over).await;
}

async fn a_leader_whose_node_is_deleted_comes_again_at_the_tail(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let (a, leadership) = leading(&election(&client, "a")).await;
    let b = joined(&election(&other, "b")).await;
    other.delete(&leadership.path()).await.unwrap();
    assert_eq!(leadership.cancelled().await, TermEnd::Lost(LostReason::NodeDeleted));
    until_role(&b, is_leader).await;
    until_ids(&other, &["b", "a"]).await;
    until_follower(&a).await;
}

async fn a_follower_whose_node_is_deleted_comes_again(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let (_a, leadership) = leading(&election(&client, "a")).await;
    let b = joined(&election(&other, "b")).await;
    let c = joined(&election(&other, "c")).await;
    let node = election(&client, "").candidates().await.unwrap().remove(1).path;
    let before = ids(&client).await;
    assert_eq!(before, ["a", "b", "c"]);
    client.delete(&node).await.unwrap();
    until_ids(&client, &["a", "c", "b"]).await;
    assert_eq!(leadership.ownership(), Ownership::Held);
    drop(leadership);
    until_role(&c, is_leader).await;
    until_follower(&b).await;
}

async fn a_new_session_is_joined_with_a_new_node(server: &TestServer) {
    let network = server.network();
    let (client, other) = (renewing(server, &network).await, server.client().await);
    let (mut a, leadership) = leading(&election(&client, "a")).await;
    let first = leadership.term();
    network.silence(true);
    until_ids(&other, &[]).await;
    network.silence(false);
    // By the strict policy the connection was enough.
    assert!(matches!(leadership.cancelled().await, TermEnd::Lost(_)));
    drop(leadership);
    let again = a.leadership().await.unwrap();
    assert!(again.term() > first);
    let leader = election(&other, "").leader().await.unwrap().unwrap();
    assert_eq!((leader.term, leader.session), (again.term(), client.session_id()));
    assert_eq!(ids(&other).await, ["a"]);
}

async fn without_a_new_session_the_candidate_has_left(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let (_b, leadership) = leading(&election(&other, "b")).await;
    let mut a = joined(&election(&client, "a")).await;
    network.silence(true);
    until_ids(&other, &["b"]).await;
    network.silence(false);
    let error = a.leadership().await.unwrap_err();
    assert_eq!(error, RecipeError::Lost(LostReason::SessionExpired));
    let left = Role::Left(LeftReason::Lost(LostReason::SessionExpired));
    assert_eq!(*a.state().borrow(), left);
    assert_eq!(leadership.ownership(), Ownership::Held);
}

async fn without_rejoin_a_lost_candidate_has_left(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let (mut a, leadership) = leading(&election(&client, "a").rejoin(false)).await;
    other.delete(&leadership.path()).await.unwrap();
    let left = Role::Left(LeftReason::Lost(LostReason::NodeDeleted));
    until_role(&a, |role| *role == left).await;
    let error = a.leadership().await.unwrap_err();
    assert_eq!(error, RecipeError::Lost(LostReason::NodeDeleted));
    a.leave(CloseMode::Notify).await.unwrap();
    assert_eq!(ids(&other).await, [""; 0]);
}

/// CURATOR-696: its own node of before is first when it comes back, and is not its own any more.
async fn an_old_node_of_an_expired_session_is_not_led_by(server: &TestServer) {
    let network = server.network();
    let (client, other) = (renewing(server, &network).await, server.client().await);
    let a = joined(&election(&client, "a").on_suspend(SuspendPolicy::Session)).await;
    let Role::Leader { term } = a.state().borrow().clone() else { panic!("not the leader") };
    let old = election(&other, "").leader().await.unwrap().unwrap();
    network.silence(true);
    until_ids(&other, &[]).await;
    // Somebody makes the node anew, with the same name: it is not the candidate's.
    other.create(&old.path, "ghost").mode(zk_client::CreateMode::Ephemeral).await.unwrap();
    network.silence(false);
    until_ids(&other, &["ghost", "a"]).await;
    until_follower(&a).await;
    sleep(Duration::from_millis(300)).await;
    assert!(!is_leader(&a.state().borrow()));
    other.delete(&old.path).await.unwrap();
    let Role::Leader { term: later } = until_role(&a, is_leader).await else { unreachable!() };
    assert!(later > term);
}

/// CURATOR-645: each is as careful not to make a second node as the other.
async fn two_candidates_that_flap_have_one_leader(server: &TestServer) {
    let networks = [server.network(), server.network()];
    let other = server.client().await;
    let mut candidates: Vec<Candidate> = Vec::new();
    for (network, id) in networks.iter().zip(["a", "b"]) {
        let client = renewing(server, network).await;
        candidates.push(joined(&election(&client, id)).await);
    }
    for round in 0..20 {
        networks[round % 2].cut();
        networks[usize::from(round % 3 == 0)].cut();
        sleep(Duration::from_millis(u64::try_from(round).unwrap() * 7)).await;
    }
    settle(&other, &candidates).await;
    let nodes = election(&other, "").candidates().await.unwrap();
    assert_eq!(nodes.len(), 2);
    sleep(Duration::from_secs(1)).await;
    // Neither makes the other one move.
    assert_eq!(election(&other, "").candidates().await.unwrap(), nodes);
}

/// Waits until each has one node, and one leads.
async fn settle(client: &Client, candidates: &[Candidate]) {
    loop {
        let nodes = ids(client).await.len();
        let leaders = candidates.iter().filter(|one| is_leader(&one.state().borrow())).count();
        let followers = candidates
            .iter()
            .filter(|one| matches!(&*one.state().borrow(), Role::Follower { .. }))
            .count();
        if nodes == candidates.len() && leaders == 1 && followers == candidates.len() - 1 {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
}

async fn deleting_nodes_at_random_leaves_one_node_for_each(server: &TestServer) {
    let client = server.client().await;
    let other = server.client().await;
    let mut random = zk_test_kit::Seed::pick().random(0);
    let mut candidates = Vec::new();
    for id in ["a", "b", "c", "d", "e"] {
        candidates.push(joined(&election(&client, id)).await);
    }
    for _ in 0..30 {
        let nodes = election(&other, "").candidates().await.unwrap();
        if let Some(node) = random.choice(&nodes) {
            let _ = other.delete(&node.path).await;
        }
        if random.bool() {
            sleep(Duration::from_millis(random.u64(..20))).await;
        }
    }
    settle(&other, &candidates).await;
    for candidate in candidates {
        candidate.leave(CloseMode::Notify).await.unwrap();
    }
    assert_eq!(ids(&other).await, [""; 0]);
}

async fn a_closed_client_ends_its_candidates(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let (a, leadership) = leading(&election(&client, "a")).await;
    let b = joined(&election(&client, "b")).await;
    client.close().await.unwrap();
    let over = |role: &Role| matches!(role, Role::Left(LeftReason::Lost(_)));
    until_role(&a, over).await;
    until_role(&b, over).await;
    assert!(matches!(leadership.cancelled().await, TermEnd::Lost(_)));
    assert_eq!(ids(&other).await, [""; 0]);
    a.leave(CloseMode::Notify).await.unwrap();
}

async fn a_session_that_ends_under_a_leader_makes_no_two_leaders(server: &TestServer) {
    let networks: [Network; 2] = [server.network(), server.network()];
    let other = server.client().await;
    let mut candidates = Vec::new();
    for (network, id) in networks.iter().zip(["a", "b"]) {
        let client = renewing(server, network).await;
        candidates.push(joined(&election(&client, id)).await);
    }
    let mut last = None;
    for round in 0..10 {
        let (first, second) = (round % 2, 1 - round % 2);
        let leadership = candidates[first].leadership().await.unwrap();
        assert!(Some(leadership.term()) > last);
        last = Some(leadership.term());
        let session = networks[first].session().unwrap();
        assert!(server.embedded().unwrap().expire_session(session));
        // The old leader does not get it back before the other one had it.
        until_role(&candidates[second], is_leader).await;
        assert!(matches!(leadership.cancelled().await, TermEnd::Lost(_)));
        drop(leadership);
        settle(&other, &candidates).await;
    }
}

async fn connections_that_drop_again_and_again_leave_one_leader(server: &TestServer) {
    let other = server.client().await;
    let mut candidates = Vec::new();
    for id in ["a", "b", "c"] {
        let client = renewing(server, &server.network()).await;
        let policy = SuspendPolicy::Session;
        candidates.push(joined(&election(&client, id).on_suspend(policy)).await);
    }
    let first = election(&other, "").leader().await.unwrap();
    for _ in 0..10 {
        server.embedded().unwrap().drop_connections();
        sleep(Duration::from_millis(30)).await;
    }
    settle(&other, &candidates).await;
    // The sessions have survived, and so has the term.
    assert_eq!(election(&other, "").leader().await.unwrap(), first);
    assert_eq!(ids(&other).await, ["a", "b", "c"]);
}
