//! Candidates that leave: what is told, and that nothing stays.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use zk_client::Client;
use zk_recipes::election::{CloseMode, LeftReason, Role, TermEnd};
use zk_recipes::{Janitor, LostReason, Ownership, RecipeError, Released};
use zk_test_kit::TestServer;

use super::{election, history, ids, is_leader, joined, leading, until_ids, until_role};

zk_test_kit::cases![
    a_follower_that_leaves_does_not_touch_the_leader,
    a_holder_has_time_to_finish_when_its_candidate_leaves,
    a_holder_that_does_not_finish_is_lost_all_the_same,
    a_dropped_candidate_leaves_in_the_background,
    a_dropped_candidate_ends_its_term,
    leaving_before_anything_was_sent_sends_nothing,
    leaving_and_joining_in_quick_succession_leaves_nothing,
    a_candidate_that_has_left_gives_out_no_leadership,
    without_rejoin_a_leader_that_steps_down_has_left;
    on embedded: [nothing_of_a_candidate_stays_at_the_server];
    in virtual time: [
        a_leader_that_leaves_is_told_so_once,
        a_leader_that_leaves_silently_is_not_told,
    ];
];

async fn a_leader_that_leaves_is_told_so_once(server: &TestServer) {
    let client = server.client().await;
    let candidate = election(&client, "a").join();
    let seen = history(&candidate);
    until_role(&candidate, is_leader).await;
    candidate.leave(CloseMode::Notify).await.unwrap();
    let seen = seen.await.unwrap();
    assert!(
        matches!(seen[..], [Role::Joining, Role::Leader { .. }, Role::Left(LeftReason::Left)]),
        "{seen:?}"
    );
    assert_eq!(ids(&client).await, [""; 0]);
}

async fn a_leader_that_leaves_silently_is_not_told(server: &TestServer) {
    let client = server.client().await;
    let mut candidate = election(&client, "a").join();
    let seen = history(&candidate);
    let leadership = candidate.leadership().await.unwrap();
    let cancelled = leadership.cancelled();
    let work = tokio::spawn(async move { leadership.cancelled().await });
    candidate.leave(CloseMode::Silent).await.unwrap();
    let seen = seen.await.unwrap();
    assert!(matches!(seen[..], [Role::Joining, Role::Leader { .. }]), "{seen:?}");
    // Who holds the leadership is told whatever the mode.
    assert_eq!((cancelled.await, work.await.unwrap()), (TermEnd::Left, TermEnd::Left));
    assert_eq!(ids(&client).await, [""; 0]);
}

async fn a_follower_that_leaves_does_not_touch_the_leader(server: &TestServer) {
    let client = server.client().await;
    let (a, leadership) = leading(&election(&client, "a")).await;
    let b = joined(&election(&client, "b")).await;
    let roles = super::unseen(&a.state());
    b.leave(CloseMode::Notify).await.unwrap();
    assert_eq!(ids(&client).await, ["a"]);
    assert!(!roles.has_changed().unwrap());
    assert_eq!(leadership.ownership(), Ownership::Held);
}

async fn a_holder_has_time_to_finish_when_its_candidate_leaves(server: &TestServer) {
    let client = server.client().await;
    let grace = Duration::from_secs(30);
    let (a, leadership) = leading(&election(&client, "a").grace(grace)).await;
    let b = joined(&election(&client, "b")).await;
    let work = tokio::spawn(async move {
        assert_eq!(leadership.cancelled().await, TermEnd::Left);
        sleep(Duration::from_millis(200)).await;
        // Nobody else leads while it finishes.
        assert_eq!(leadership.ownership(), Ownership::Held);
        leadership.verify().await.unwrap();
    });
    a.leave(CloseMode::Notify).await.unwrap();
    assert!(work.is_finished());
    work.await.unwrap();
    until_role(&b, is_leader).await;
}

async fn a_holder_that_does_not_finish_is_lost_all_the_same(server: &TestServer) {
    let client = server.client().await;
    let grace = Duration::from_millis(200);
    let (a, leadership) = leading(&election(&client, "a").grace(grace)).await;
    let b = joined(&election(&client, "b")).await;
    let begun = Instant::now();
    a.leave(CloseMode::Notify).await.unwrap();
    assert!(begun.elapsed() >= grace);
    assert_eq!(leadership.ownership(), Ownership::Lost(LostReason::Released));
    until_role(&b, is_leader).await;
    assert!(leadership.verify().await.is_err());
    assert_eq!(leadership.step_down().await.unwrap(), Released::AlreadyLost);
    Janitor::of(&client).drain().await;
    assert_eq!(ids(&client).await, ["b"]);
}

async fn a_dropped_candidate_leaves_in_the_background(server: &TestServer) {
    let client = server.client().await;
    let a = joined(&election(&client, "a")).await;
    let b = joined(&election(&client, "b")).await;
    let mut roles = b.state();
    drop(b);
    until_ids(&client, &["a"]).await;
    let left = |role: &Role| *role == Role::Left(LeftReason::Left);
    roles.wait_for(left).await.unwrap();
    drop(a);
    until_ids(&client, &[]).await;
}

async fn a_dropped_candidate_ends_its_term(server: &TestServer) {
    let client = server.client().await;
    let (a, leadership) = leading(&election(&client, "a").grace(Duration::ZERO)).await;
    let b = joined(&election(&client, "b")).await;
    drop(a);
    assert_eq!(leadership.cancelled().await, TermEnd::Left);
    assert_eq!(leadership.lost().await, LostReason::Released);
    until_role(&b, is_leader).await;
}

async fn leaving_before_anything_was_sent_sends_nothing(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    network.refuse("a", true);
    network.cut();
    let mut state = client.state();
    state.wait_for(|state| !state.is_connected()).await.unwrap();
    let before = network.counts().requests;
    let candidate = election(&client, "a").join();
    sleep(Duration::from_millis(100)).await;
    candidate.leave(CloseMode::Notify).await.unwrap();
    network.refuse("a", false);
    client.connected().await.unwrap();
    sleep(Duration::from_millis(500)).await;
    assert_eq!(network.counts().requests, before);
    assert_eq!(ids(&client).await, [""; 0]);
}

async fn leaving_and_joining_in_quick_succession_leaves_nothing(server: &TestServer) {
    let client = server.client().await;
    for round in 0_u32..50 {
        let candidate = election(&client, "a").join();
        for _ in 0..round % 7 {
            tokio::task::yield_now().await;
        }
        candidate.leave(CloseMode::Notify).await.unwrap();
        assert_eq!(ids(&client).await, [""; 0], "round {round}");
    }
}

async fn a_candidate_that_has_left_gives_out_no_leadership(server: &TestServer) {
    let client = server.client().await;
    let mut a = election(&client, "two\nlines").join();
    let error = a.leadership().await.unwrap_err();
    assert!(matches!(error, RecipeError::BadArguments { .. }), "{error:?}");
    a.leave(CloseMode::Notify).await.unwrap();
}

async fn without_rejoin_a_leader_that_steps_down_has_left(server: &TestServer) {
    let client = server.client().await;
    let (mut a, leadership) = leading(&election(&client, "a").rejoin(false)).await;
    leadership.step_down().await.unwrap();
    until_role(&a, |role| *role == Role::Left(LeftReason::SteppedDown)).await;
    assert_eq!(a.leadership().await.unwrap_err(), RecipeError::Lost(LostReason::Released));
    assert_eq!(ids(&client).await, [""; 0]);
}

async fn nothing_of_a_candidate_stays_at_the_server(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let embedded = server.embedded().unwrap();
    // Not a container, which would go by itself.
    client.create(super::PATH, "").with_parents().await.unwrap();
    let settled = async |client: &Client| {
        Janitor::of(client).drain().await;
        sleep(Duration::from_millis(100)).await;
        (embedded.watch_count(), embedded.node_count())
    };
    let before = settled(&client).await;
    for round in 0..20 {
        let (a, leadership) = leading(&election(&client, "a").overridable(true)).await;
        let b = joined(&election(&other, "b").overridable(true)).await;
        if round % 2 == 0 {
            drop((a, leadership));
        } else {
            drop(leadership);
            a.leave(CloseMode::Notify).await.unwrap();
        }
        until_role(&b, is_leader).await;
        b.leave(CloseMode::Silent).await.unwrap();
        settled(&client).await;
        assert_eq!(settled(&other).await, before, "round {round}");
    }
}
