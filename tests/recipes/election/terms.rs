//! One leader at a time, and each later than the one before.

use std::time::Duration;

use tokio::time::sleep;
use zk_client::{Error, Version};
use zk_recipes::election::{Layout, Role, TermEnd};
use zk_recipes::{LostReason, RecipeError, Released};
use zk_test_kit::TestServer;

use super::{
    PATH, election, ids, is_leader, joined, leading, until_follower, until_ids, until_role,
};

zk_test_kit::cases![
    candidates_lead_in_the_order_in_which_they_have_joined,
    a_hundred_candidates_have_one_leader_at_a_time,
    each_term_is_higher_than_the_one_before,
    a_leadership_nobody_takes_is_one_all_the_same,
    a_term_is_given_out_once,
    the_writes_of_a_term_that_is_over_are_refused,
    a_dropped_leadership_steps_down_and_comes_again,
    a_leadership_dropped_in_a_panic_steps_down,
    a_candidate_in_the_middle_that_leaves_makes_nobody_leader,
    the_names_are_those_of_each_layout,
    a_change_of_leader_is_one_event_for_one_candidate,
    a_free_election_is_won_in_one_round_trip,
];

async fn candidates_lead_in_the_order_in_which_they_have_joined(server: &TestServer) {
    let client = server.client().await;
    let mut candidates = Vec::new();
    for id in ["a", "b", "c", "d"] {
        candidates.push(joined(&election(&client, id)).await);
    }
    assert_eq!(ids(&client).await, ["a", "b", "c", "d"]);
    for mut candidate in candidates {
        let leadership = candidate.leadership().await.unwrap();
        let leader = election(&client, "").leader().await.unwrap().unwrap();
        assert_eq!((leader.id.as_str(), leader.term), (candidate.id(), leadership.term()));
        assert_eq!(leader.path, leadership.path());
        assert_eq!(leader.session, client.session_id());
        candidate.leave(Default::default()).await.unwrap();
        assert!(matches!(leadership.cancelled().await, TermEnd::Left));
    }
    assert_eq!(ids(&client).await, [""; 0]);
}

async fn a_hundred_candidates_have_one_leader_at_a_time(server: &TestServer) {
    for count in [1, 3, 9, 20, 100] {
        let mut candidates = Vec::new();
        let clients = [server.client().await, server.client().await];
        for number in 0..count {
            let client = &clients[number % 2];
            candidates.push(joined(&election(client, &number.to_string())).await);
        }
        let leaders = || candidates.iter().filter(|one| is_leader(&one.state().borrow())).count();
        assert_eq!(leaders(), 1);
        while !candidates.is_empty() {
            // The first, one of the middle, and so on.
            let next = candidates.remove(candidates.len() / 3);
            next.leave(Default::default()).await.unwrap();
            if let Some(first) = candidates.first() {
                until_role(first, is_leader).await;
                let leads =
                    |one: &&zk_recipes::election::Candidate| is_leader(&one.state().borrow());
                assert_eq!(candidates.iter().filter(leads).count(), 1);
            }
        }
        assert_eq!(ids(&clients[0]).await, [""; 0]);
    }
}

async fn each_term_is_higher_than_the_one_before(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let (mut a, first) = leading(&election(&client, "a")).await;
    let mut b = joined(&election(&other, "b")).await;
    let mut last = first.term();
    first.step_down().await.unwrap();
    for _ in 0..3 {
        for candidate in [&mut b, &mut a] {
            let leadership = candidate.leadership().await.unwrap();
            assert!(leadership.term() > last);
            assert_eq!(leadership.term(), leadership.token());
            last = leadership.term();
            // Both are in the queue before the next one is asked for.
            while ids(&client).await.len() < 2 {
                sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(leadership.step_down().await.unwrap(), Released::Now);
        }
    }
}

async fn a_leadership_nobody_takes_is_one_all_the_same(server: &TestServer) {
    let client = server.client().await;
    let a = joined(&election(&client, "a")).await;
    let b = joined(&election(&client, "b")).await;
    sleep(Duration::from_secs(2)).await;
    assert!(is_leader(&a.state().borrow()));
    assert!(matches!(&*b.state().borrow(), Role::Follower { ahead } if ahead.starts_with(PATH)));
    drop(a);
    until_role(&b, is_leader).await;
    until_ids(&client, &["b"]).await;
}

async fn a_term_is_given_out_once(server: &TestServer) {
    let client = server.client().await;
    let (mut candidate, first) = leading(&election(&client, "a")).await;
    let asked = tokio::time::timeout(Duration::from_millis(300), candidate.leadership()).await;
    assert!(asked.is_err(), "the same term again");
    let term = first.term();
    drop(first);
    assert!(candidate.leadership().await.unwrap().term() > term);
}

async fn the_writes_of_a_term_that_is_over_are_refused(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    other.create("/state", "").await.unwrap();
    let (_candidate, leadership) = leading(&election(&client, "a")).await;
    leadership.multi().set("/state", "a", Version::ANY).commit().await.unwrap();
    other.delete(&leadership.path()).await.unwrap();
    let refused = leadership.multi().set("/state", "late", Version::ANY).commit().await;
    assert_eq!(refused.unwrap_err(), RecipeError::Lost(LostReason::NodeDeleted));
    assert_eq!(leadership.cancelled().await, TermEnd::Lost(LostReason::NodeDeleted));
    assert_eq!(leadership.step_down().await.unwrap(), Released::AlreadyLost);
    assert_eq!(other.get("/state").await.unwrap().0, "a");
}

async fn a_dropped_leadership_steps_down_and_comes_again(server: &TestServer) {
    let client = server.client().await;
    let (mut a, leadership) = leading(&election(&client, "a")).await;
    let mut b = joined(&election(&client, "b")).await;
    let cancelled = leadership.cancelled();
    drop(leadership);
    assert_eq!(cancelled.await, TermEnd::SteppedDown);
    let leadership = b.leadership().await.unwrap();
    until_ids(&client, &["b", "a"]).await;
    drop(leadership);
    drop(a.leadership().await.unwrap());
}

async fn a_leadership_dropped_in_a_panic_steps_down(server: &TestServer) {
    let client = server.client().await;
    let (a, leadership) = leading(&election(&client, "a")).await;
    let mut b = joined(&election(&client, "b")).await;
    let work = tokio::spawn(async move {
        assert!(leadership.is_valid());
        panic!("the work of the leader fails");
    });
    assert!(work.await.unwrap_err().is_panic());
    let next = b.leadership().await.unwrap();
    until_follower(&a).await;
    drop(next);
}

async fn a_candidate_in_the_middle_that_leaves_makes_nobody_leader(server: &TestServer) {
    let client = server.client().await;
    let a = joined(&election(&client, "a")).await;
    let b = joined(&election(&client, "b")).await;
    let c = joined(&election(&client, "c")).await;
    let (led, c_is) = (super::history(&a), super::history(&c));
    b.leave(Default::default()).await.unwrap();
    // Its new predecessor is told it as well.
    let first = election(&client, "").leader().await.unwrap().unwrap().path;
    until_role(&c, |role| *role == Role::Follower { ahead: first.clone() }).await;
    c.leave(Default::default()).await.unwrap();
    a.leave(Default::default()).await.unwrap();
    assert!(!c_is.await.unwrap().iter().any(is_leader));
    assert_eq!(led.await.unwrap().iter().filter(|role| is_leader(role)).count(), 1);
}

async fn the_names_are_those_of_each_layout(server: &TestServer) {
    let client = server.client().await;
    let uuid = "01234567-0123-0123-0123-0123456789ab".len();
    for (layout, before, after) in [
        (Layout::Latch, "_c_".len() + uuid, "-latch-0000000000"),
        (Layout::Selector, "_c_".len() + uuid, "-lock-0000000000"),
        (Layout::Kazoo, uuid - 4, "__lock__0000000000"),
    ] {
        let path = format!("/elections/{layout:?}");
        let election = zk_recipes::election::Election::new(&client, &path).unwrap();
        let election = election.layout(layout).id("zoë").payload("host:1");
        let (candidate, leadership) = leading(&election).await;
        let name = leadership.path()[path.len() + 1..].to_owned();
        assert_eq!(&name[before..], after, "{name}");
        assert_eq!(client.get(&leadership.path()).await.unwrap().0, "zoë\nhost:1");
        let info = election.leader().await.unwrap().unwrap();
        assert_eq!((info.id.as_str(), &info.payload[..]), ("zoë", &b"host:1"[..]));
        candidate.leave(Default::default()).await.unwrap();
        // Others put nothing but the id there, and neither do we.
        let (_candidate, leadership) = leading(&election.payload("")).await;
        assert_eq!(client.get(&leadership.path()).await.unwrap().0, "zoë");
    }
    let bad = zk_recipes::election::Election::new(&client, "a");
    assert!(matches!(bad.unwrap_err(), RecipeError::Client(Error::BadPath { .. })));
}

async fn a_change_of_leader_is_one_event_for_one_candidate(server: &TestServer) {
    let first = server.client().await;
    let (a, leadership) = leading(&election(&first, "a").rejoin(false)).await;
    let mut others = Vec::new();
    for id in ["b", "c", "d", "e"] {
        let network = server.network();
        let client = server.client_on(&network).await;
        others.push((network, joined(&election(&client, id)).await));
    }
    // Each has set its watches by now.
    sleep(Duration::from_millis(100)).await;
    let before: Vec<_> = others.iter().map(|(network, _)| network.counts()).collect();
    leadership.step_down().await.unwrap();
    until_role(&others[0].1, is_leader).await;
    sleep(Duration::from_millis(100)).await;
    for (number, (network, _)) in others.iter().enumerate() {
        let events = network.counts().events - before[number].events;
        assert_eq!(events, usize::from(number == 0), "candidate {number}");
        let requests = network.counts().requests - before[number].requests;
        assert_eq!(requests, 0, "candidate {number}");
    }
    drop(a);
}

async fn a_free_election_is_won_in_one_round_trip(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let (candidate, _) = leading(&election(&client, "a")).await;
    candidate.leave(Default::default()).await.unwrap();
    let before = network.counts().requests;
    network.hold_incoming(true);
    let mut candidate = election(&client, "a").join();
    while network.counts().requests < before + 2 {
        sleep(Duration::from_millis(5)).await;
    }
    network.hold_outgoing(true);
    network.hold_incoming(false);
    drop(candidate.leadership().await.unwrap());
    network.hold_outgoing(false);
}
