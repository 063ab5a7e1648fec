//! Taking part where something is missing or in the way.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use zk_client::{Acl, Permissions};
use zk_recipes::election::{Election, LeftReason, Role};
use zk_recipes::{Parents, RecipeError};
use zk_test_kit::TestServer;

use super::{PATH, election, is_leader, joined, leading, until_role};

zk_test_kit::cases![
    a_missing_path_has_no_leader_and_no_candidates,
    a_candidate_joins_when_the_server_comes,
    a_candidate_is_told_why_it_cannot_take_part,
    a_required_parent_that_is_missing_is_told,
    foreign_children_are_no_candidates,
    candidates_are_listed_with_their_ids;
    on embedded: [
        candidates_near_the_end_of_the_counter_have_one_leader,
        a_new_server_without_the_tree_is_joined_anew,
    ];
];

async fn a_missing_path_has_no_leader_and_no_candidates(server: &TestServer) {
    let client = server.client().await;
    assert_eq!(election(&client, "a").leader().await.unwrap(), None);
    assert_eq!(election(&client, "a").candidates().await.unwrap(), []);
    let control = election(&client, "a").overridable(true).control();
    assert_eq!(control.current().await.unwrap(), None);
    assert!(!control.clear().await.unwrap());
}

async fn a_candidate_joins_when_the_server_comes(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    network.refuse("a", true);
    network.cut();
    client.state().wait_for(|state| !state.is_connected()).await.unwrap();
    let candidate = election(&client, "a").join();
    sleep(Duration::from_millis(300)).await;
    assert_eq!(*candidate.state().borrow(), Role::Joining);
    network.refuse("a", false);
    until_role(&candidate, is_leader).await;
}

async fn a_candidate_is_told_why_it_cannot_take_part(server: &TestServer) {
    let client = server.client().await;
    let nobody = vec![Acl::new(Permissions::READ, zk_client::Id::ANYONE)];
    client.create("/elections", "").await.unwrap();
    client.create(PATH, "").acl(nobody).await.unwrap();
    let mut candidate = election(&client, "a").join();
    let error = candidate.leadership().await.unwrap_err();
    let RecipeError::Client(error) = error else { panic!("{error:?}") };
    assert_eq!(error.code(), Some(zk_client::ErrorCode::NoAuth));
    let failed = |role: &Role| matches!(role, Role::Left(LeftReason::Failed(_)));
    until_role(&candidate, failed).await;
}

async fn a_required_parent_that_is_missing_is_told(server: &TestServer) {
    let client = server.client().await;
    let mut candidate = election(&client, "a").parents(Parents::Required).join();
    let error = candidate.leadership().await.unwrap_err();
    let RecipeError::Client(error) = error else { panic!("{error:?}") };
    assert_eq!(error.code(), Some(zk_client::ErrorCode::NoNode));
}

async fn foreign_children_are_no_candidates(server: &TestServer) {
    let client = server.client().await;
    client.create(PATH, "").with_parents().await.unwrap();
    for name in ["notes", "latch-", "0000000000", "x-lock-0000000000", "_override0", "_breadcrumb"]
    {
        client.create(&format!("{PATH}/{name}"), "").await.unwrap();
    }
    let (_candidate, leadership) = leading(&election(&client, "a")).await;
    let leader = election(&client, "").leader().await.unwrap().unwrap();
    assert_eq!(leader.path, leadership.path());
    assert_eq!(super::ids(&client).await, ["a"]);
}

async fn candidates_are_listed_with_their_ids(server: &TestServer) {
    let client = server.client().await;
    let mut joined_so_far = Vec::new();
    for number in 0..10 {
        let id = format!("id-{number}");
        let election = election(&client, &id).payload(format!("host:{number}"));
        joined_so_far.push(joined(&election).await);
    }
    let candidates = election(&client, "").candidates().await.unwrap();
    for (number, candidate) in candidates.iter().enumerate() {
        assert_eq!(candidate.id, format!("id-{number}"));
        assert_eq!(candidate.payload, format!("host:{number}"));
    }
    assert!(candidates.is_sorted_by(|one, next| one.term < next.term));
    assert_eq!(election(&client, "").leader().await.unwrap().as_ref(), candidates.first());
}

async fn candidates_near_the_end_of_the_counter_have_one_leader(server: &TestServer) {
    let client = server.client().await;
    client.create(PATH, "").with_parents().await.unwrap();
    assert!(server.embedded().unwrap().set_child_counter(&server.path(PATH), i32::MAX - 3));
    let mut candidates = Vec::new();
    for id in ["a", "b", "c", "d", "e", "f", "g"] {
        candidates.push(joined(&election(&client, id)).await);
    }
    let mut observer = election(&client, "").observe();
    let mut last = None;
    for mut candidate in candidates {
        let leadership = timeout(Duration::from_secs(20), candidate.leadership()).await;
        let leadership = leadership.unwrap().unwrap();
        assert!(Some(leadership.term()) > last);
        last = Some(leadership.term());
        let observed = observer.next().await.unwrap().unwrap();
        assert_eq!(observed.unwrap().term, leadership.term());
        let leader = election(&client, "").leader().await.unwrap().unwrap();
        assert_eq!(leader.id, candidate.id());
        drop(leadership);
        candidate.leave(Default::default()).await.unwrap();
    }
}

/// As an ensemble that was set up anew (CURATOR-724).
async fn a_new_server_without_the_tree_is_joined_anew(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let election = Election::new(&client, "/wiped/a").unwrap().id("a");
    let (mut a, first) = leading(&election).await;
    let b = joined(&Election::new(&other, "/wiped/a").unwrap().id("b")).await;
    other.delete_recursive("/wiped").await.unwrap();
    let lost = first.lost().await;
    assert_eq!(lost, zk_recipes::LostReason::NodeDeleted);
    // Both come again, each with one node, whoever is first now.
    loop {
        let candidates = election.candidates().await.unwrap();
        if candidates.len() == 2 {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    let leader = election.leader().await.unwrap().unwrap();
    assert!(leader.term > first.term());
    if leader.id == "a" {
        assert_eq!(a.leadership().await.unwrap().term(), leader.term);
    } else {
        until_role(&b, is_leader).await;
    }
}
