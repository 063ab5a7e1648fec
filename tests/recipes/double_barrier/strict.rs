//! Rounds that one member breaks for all.

use std::time::Duration;

use tokio::time::sleep;
use zk_client::Client;
use zk_recipes::{DoubleBarrier, Inside, Janitor, Released, RoundError};
use zk_test_kit::TestServer;

use super::{LIMIT, barrier, entering, nodes};

zk_test_kit::cases![
    a_strict_round_that_all_leave_is_whole,
    a_member_that_dies_inside_breaks_the_round_for_all_others,
    a_guard_that_is_dropped_breaks_the_round,
    one_who_does_not_wait_long_enough_has_left_with_a_word,
    who_learns_late_learns_that_the_round_was_broken,
    the_round_after_a_broken_one_is_whole,
];

fn strict(client: &Client) -> DoubleBarrier {
    barrier(client, 3).strict(true)
}

async fn three(client: &Client) -> Vec<Inside> {
    let (one, two) = (entering(&strict(client), "1"), entering(&strict(client), "2"));
    let three = strict(client).enter_timeout("3", LIMIT).await.unwrap();
    let mut members = vec![one.await.unwrap().unwrap(), two.await.unwrap().unwrap(), three];
    members.sort_by_key(super::place);
    members
}

fn broken(left: Result<Released, RoundError>) -> usize {
    match left.unwrap_err() {
        RoundError::Broken { who } => who.len(),
        error => panic!("{error:?}"),
    }
}

async fn a_strict_round_that_all_leave_is_whole(server: &TestServer) {
    let client = server.client().await;
    for round in 1..4 {
        let mut members = three(&client).await;
        assert_eq!(members[0].round(), Some(round));
        let (last, second, first) =
            (members.pop().unwrap(), members.pop().unwrap(), members.pop().unwrap());
        let (one, two, three) = tokio::join!(
            first.leave_timeout(LIMIT),
            second.leave_timeout(LIMIT),
            last.leave_timeout(LIMIT)
        );
        assert_eq!([one, two, three], [(); 3].map(|()| Ok(Released::Now)));
        assert_eq!(nodes(&client).await, 0);
    }
}

async fn a_member_that_dies_inside_breaks_the_round_for_all_others(server: &TestServer) {
    let client = server.client().await;
    for dies in 0..3 {
        let mut members = three(&client).await;
        let dead = members.remove(dies);
        let (two, one) = (members.pop().unwrap(), members.pop().unwrap());
        let early = tokio::spawn(one.leave_timeout(LIMIT));
        sleep(Duration::from_millis(100)).await;
        client.delete(&dead.path()).await.unwrap();
        assert_eq!(broken(two.leave_timeout(LIMIT).await), 1);
        assert_eq!(broken(early.await.unwrap()), 1);
        assert_eq!(nodes(&client).await, 0);
    }
}

async fn a_guard_that_is_dropped_breaks_the_round(server: &TestServer) {
    let client = server.client().await;
    let mut members = three(&client).await;
    drop(members.remove(1));
    Janitor::of(&client).drain().await;
    let (two, one) = (members.pop().unwrap(), members.pop().unwrap());
    let (one, two) = tokio::join!(one.leave_timeout(LIMIT), two.leave_timeout(LIMIT));
    assert_eq!((broken(one), broken(two)), (1, 1));
}

async fn one_who_does_not_wait_long_enough_has_left_with_a_word(server: &TestServer) {
    let client = server.client().await;
    for leaves in 0..3 {
        let mut members = three(&client).await;
        let inside = members.remove(leaves);
        let error = inside.leave_timeout(Duration::from_millis(200)).await.unwrap_err();
        let RoundError::Timeout { remaining } = error else { panic!("{error:?}") };
        assert_eq!(remaining.len(), 2);
        let (two, one) = (members.pop().unwrap(), members.pop().unwrap());
        let (one, two) = tokio::join!(one.leave_timeout(LIMIT), two.leave_timeout(LIMIT));
        assert_eq!((one, two), (Ok(Released::Now), Ok(Released::Now)));
    }
}

async fn who_learns_late_learns_that_the_round_was_broken(server: &TestServer) {
    let network = server.network();
    let (late, client) = (server.client_on(&network).await, server.client().await);
    let last = entering(&strict(&late), "late");
    let (one, two) = (entering(&strict(&client), "1"), entering(&strict(&client), "2"));
    let (last, one, two) =
        (last.await.unwrap().unwrap(), one.await.unwrap().unwrap(), two.await.unwrap().unwrap());
    // It says that it leaves, and hears nothing any more.
    let leaving = tokio::spawn(last.leave_timeout(LIMIT));
    sleep(Duration::from_millis(200)).await;
    network.hold_incoming(true);
    client.delete(&one.path()).await.unwrap();
    let left = two.leave_timeout(Duration::from_secs(1)).await;
    assert!(
        matches!(left, Err(RoundError::Broken { .. } | RoundError::Timeout { .. })),
        "{left:?}"
    );
    network.hold_incoming(false);
    assert_eq!(broken(leaving.await.unwrap()), 1);
}

async fn the_round_after_a_broken_one_is_whole(server: &TestServer) {
    let client = server.client().await;
    drop(three(&client).await);
    Janitor::of(&client).drain().await;
    let mut members = three(&client).await;
    assert_eq!(members[0].round(), Some(2));
    let (three, two, one) =
        (members.pop().unwrap(), members.pop().unwrap(), members.pop().unwrap());
    let (one, two, three) = tokio::join!(
        one.leave_timeout(LIMIT),
        two.leave_timeout(LIMIT),
        three.leave_timeout(LIMIT)
    );
    assert_eq!([one, two, three], [(); 3].map(|()| Ok(Released::Now)));
}
