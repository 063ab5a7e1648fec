//! The protocol of Curator's `DistributedDoubleBarrier`, and members that a test plays by hand as
//! Curator does.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use zk_client::{Client, CreateMode};
use zk_recipes::{BarrierMode, DoubleBarrier, Janitor, RecipeError, Released, RoundError};
use zk_test_kit::{TestServer, drop_after_polls};

use super::{LIMIT, PATH, barrier, entering, nodes, until_nodes};

zk_test_kit::cases![
    members_enter_and_leave_together_and_ready_goes_with_the_last,
    nodes_are_named_as_curator_names_them,
    curators_members_and_ours_enter_and_leave_together,
    the_first_in_the_list_waits_for_curators_last,
    one_more_than_enough_is_let_in_with_the_others,
    a_ready_that_a_dead_round_has_left_lets_nobody_in,
    a_member_whose_time_is_over_leaves_no_node,
    leaving_ends_in_time,
    a_member_that_dies_inside_has_left,
    entering_and_leaving_that_is_dropped_at_any_moment_leaves_nothing,
];

fn textbook(client: &Client, parties: usize) -> DoubleBarrier {
    barrier(client, parties).mode(BarrierMode::Curator)
}

/// Sorts before all names of ours, or behind them.
const FIRST: &str = "00000000-0000-0000-0000-000000000000";
const LAST: &str = "ffffffff-ffff-ffff-ffff-ffffffffffff";

async fn curator(client: &Client, name: &str) -> String {
    let path = format!("{PATH}/{name}");
    client.create(&path, "").mode(CreateMode::Ephemeral).with_container_parents().await.unwrap();
    path
}

async fn members_enter_and_leave_together_and_ready_goes_with_the_last(server: &TestServer) {
    let client = server.client().await;
    let barrier = textbook(&client, 3);
    for _ in 0..3 {
        let (mut one, two) = (entering(&barrier, "1"), entering(&barrier, "2"));
        until_nodes(&client, 2).await;
        assert!(timeout(Duration::from_millis(200), &mut one).await.is_err());
        let three = barrier.enter_timeout("3", LIMIT).await.unwrap();
        assert_eq!((three.round(), three.members().len()), (None, 3));
        let (one, two) = (one.await.unwrap().unwrap(), two.await.unwrap().unwrap());
        let mut early = tokio::spawn(one.leave_timeout(LIMIT));
        assert!(timeout(Duration::from_millis(200), &mut early).await.is_err());
        let (two, three) = tokio::join!(two.leave_timeout(LIMIT), three.leave_timeout(LIMIT));
        assert_eq!((two, three), (Ok(Released::Now), Ok(Released::Now)));
        assert_eq!(early.await.unwrap(), Ok(Released::Now));
        assert_eq!(nodes(&client).await, 0);
    }
}

async fn nodes_are_named_as_curator_names_them(server: &TestServer) {
    let client = server.client().await;
    let inside = textbook(&client, 1).enter("me").await.unwrap();
    let mut names = client.children(PATH).await.unwrap();
    names.sort_unstable();
    let [uuid, ready] = <[_; 2]>::try_from(names).unwrap();
    assert_eq!(ready, "ready");
    assert_eq!(inside.path(), format!("{PATH}/{uuid}"));
    let dashes: Vec<_> = uuid.match_indices('-').map(|(index, _)| index).collect();
    assert_eq!((uuid.len(), dashes), (36, vec![8, 13, 18, 23]));
    let (data, stat) = client.get(&inside.path()).await.unwrap();
    assert_eq!((&*data, stat.ephemeral_owner), (&b"me"[..], client.session_id()));
    assert!(!client.exists(&format!("{PATH}/ready")).await.unwrap().unwrap().is_ephemeral());
    inside.leave().await.unwrap();
}

async fn curators_members_and_ours_enter_and_leave_together(server: &TestServer) {
    let (client, theirs) = (server.client().await, server.client().await);
    let member = entering(&textbook(&client, 2), "");
    until_nodes(&client, 1).await;
    sleep(Duration::from_millis(50)).await;
    assert!(!member.is_finished());
    // As Curator: its node, then `ready`, as it counts two.
    let path = curator(&theirs, FIRST).await;
    theirs.create(&format!("{PATH}/ready"), "").await.unwrap();
    let inside = member.await.unwrap().unwrap();
    let mut leaving = tokio::spawn(inside.leave_timeout(LIMIT));
    // Ours is not the lowest: its node goes, and it waits for the lowest.
    until_nodes(&client, 2).await;
    assert!(timeout(Duration::from_millis(200), &mut leaving).await.is_err());
    theirs.delete(&path).await.unwrap();
    assert_eq!(leaving.await.unwrap(), Ok(Released::Now));
    assert_eq!(nodes(&client).await, 0, "ready is left");
}

async fn the_first_in_the_list_waits_for_curators_last(server: &TestServer) {
    let (client, theirs) = (server.client().await, server.client().await);
    let path = curator(&theirs, LAST).await;
    let inside = textbook(&client, 2).enter_timeout("", LIMIT).await.unwrap();
    assert_eq!(inside.members().len(), 2);
    let mut leaving = tokio::spawn(inside.leave_timeout(LIMIT));
    assert!(timeout(Duration::from_millis(200), &mut leaving).await.is_err());
    // Its own, Curator's, and `ready`.
    assert_eq!(nodes(&client).await, 3);
    theirs.delete(&path).await.unwrap();
    assert_eq!(leaving.await.unwrap(), Ok(Released::Now));
    assert_eq!(nodes(&client).await, 0);
}

async fn one_more_than_enough_is_let_in_with_the_others(server: &TestServer) {
    let client = server.client().await;
    let barrier = textbook(&client, 2);
    let one = entering(&barrier, "");
    let two = barrier.enter_timeout("", LIMIT).await.unwrap();
    let one = one.await.unwrap().unwrap();
    let three = barrier.enter_timeout("", LIMIT).await.unwrap();
    let (one, two, three) = tokio::join!(
        one.leave_timeout(LIMIT),
        two.leave_timeout(LIMIT),
        three.leave_timeout(LIMIT)
    );
    assert_eq!([one, two, three], [(); 3].map(|()| Ok(Released::Now)));
    assert_eq!(nodes(&client).await, 0);
}

async fn a_ready_that_a_dead_round_has_left_lets_nobody_in(server: &TestServer) {
    let client = server.client().await;
    client.create(&format!("{PATH}/ready"), "").with_parents().await.unwrap();
    let barrier = textbook(&client, 2);
    let mut alone = entering(&barrier, "");
    assert!(timeout(Duration::from_millis(300), &mut alone).await.is_err());
    let other = barrier.enter_timeout("", LIMIT).await.unwrap();
    let alone = alone.await.unwrap().unwrap();
    let (one, two) = tokio::join!(alone.leave_timeout(LIMIT), other.leave_timeout(LIMIT));
    assert_eq!((one, two), (Ok(Released::Now), Ok(Released::Now)));
}

async fn a_member_whose_time_is_over_leaves_no_node(server: &TestServer) {
    let client = server.client().await;
    let refused = textbook(&client, 2).enter_timeout("", Duration::from_millis(300)).await;
    assert_eq!(refused.unwrap_err(), RecipeError::Timeout);
    assert_eq!(nodes(&client).await, 0);
}

async fn leaving_ends_in_time(server: &TestServer) {
    let (client, theirs) = (server.client().await, server.client().await);
    for name in [FIRST, LAST] {
        let path = curator(&theirs, name).await;
        let inside = textbook(&client, 2).enter_timeout("", LIMIT).await.unwrap();
        let error = inside.leave_timeout(Duration::from_millis(300)).await.unwrap_err();
        let RoundError::Timeout { remaining } = error else { panic!("{error:?}") };
        assert_eq!(remaining.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), [name]);
        Janitor::of(&client).drain().await;
        // Curator's is inside.
        assert_eq!(nodes(&client).await, 2);
        theirs.delete(&path).await.unwrap();
        theirs.delete(&format!("{PATH}/ready")).await.unwrap();
    }
}

async fn a_member_that_dies_inside_has_left(server: &TestServer) {
    let network = server.network();
    let (dies, client) = (server.client_on(&network).await, server.client().await);
    let dead = entering(&textbook(&dies, 2), "");
    let alive = textbook(&client, 2).enter_timeout("", LIMIT).await.unwrap();
    let dead = dead.await.unwrap().unwrap();
    network.silence(true);
    assert_eq!(alive.leave_timeout(LIMIT).await, Ok(Released::Now));
    assert_eq!(nodes(&client).await, 0);
    network.silence(false);
    assert!(dead.leave_timeout(LIMIT).await.is_err());
}

async fn entering_and_leaving_that_is_dropped_at_any_moment_leaves_nothing(server: &TestServer) {
    let client = server.client().await;
    for polls in 0.. {
        let round = async {
            let inside = textbook(&client, 1).enter("").await.unwrap();
            inside.leave().await.unwrap();
        };
        let finished = drop_after_polls(round, polls).await.is_some();
        Janitor::of(&client).drain().await;
        assert_eq!(nodes(&client).await, 0, "after {polls} polls");
        if finished {
            assert!(polls > 5, "finished after {polls} polls");
            break;
        }
    }
}
