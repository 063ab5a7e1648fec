//! Whose turn it is.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use zk_client::ExpiryPolicy;
use zk_recipes::{
    Janitor, LostReason, Ownership, RecipeError, Released, RoundError, SuspendPolicy,
};
use zk_test_kit::{TestServer, drop_after_polls};

use super::{LIMIT, nodes, queue, seated};

zk_test_kit::cases![
    members_run_one_after_the_other_in_their_order,
    a_turn_wakes_only_the_next_member,
    a_member_that_dies_is_skipped,
    a_member_that_dies_in_its_turn_ends_it,
    a_turn_that_is_dropped_ends,
    a_member_in_the_middle_that_leaves_does_not_let_the_next_one_run,
    a_member_waits_for_its_turn_no_longer_than_said,
    a_turn_is_told_when_its_session_is_lost,
    a_turn_of_an_old_session_is_over,
    a_turn_does_only_what_it_may,
    in_a_strict_queue_a_death_breaks_the_round_for_those_who_have_not_run,
    a_strict_round_that_all_are_done_with_is_whole;
    on embedded: [waiting_for_a_turn_that_is_dropped_at_any_moment_lets_the_others_run];
];

async fn members_run_one_after_the_other_in_their_order(server: &TestServer) {
    let client = server.client().await;
    let queue = queue(&client, 4);
    for round in 1..4 {
        let mut seats = seated(&queue, 4).await.into_iter();
        let mut turn = seats.next().unwrap().my_turn_timeout(LIMIT).await.unwrap();
        for seat in seats {
            let mut next = tokio::spawn(seat.my_turn_timeout(LIMIT));
            assert!(timeout(Duration::from_millis(100), &mut next).await.is_err());
            let (token, order) = (turn.token(), turn.order());
            assert_eq!(order.round, round);
            assert_eq!(turn.done().await, Ok(Released::Now));
            turn = next.await.unwrap().unwrap();
            assert_eq!(turn.order().place, order.place + 1);
            assert!(turn.token() > token);
        }
        assert_eq!(turn.done().await, Ok(Released::Now));
        assert_eq!(nodes(&client).await, 0);
    }
}

async fn a_turn_wakes_only_the_next_member(server: &TestServer) {
    let mut waiting = Vec::new();
    for _ in 0..5 {
        let network = server.network();
        let client = server.client_on(&network).await;
        let seat = queue(&client, 5).join("").await.unwrap();
        waiting.push((network, client, tokio::spawn(seat.my_turn_timeout(LIMIT))));
    }
    sleep(Duration::from_millis(200)).await;
    while !waiting.is_empty() {
        let (network, _client, first) = waiting.remove(0);
        let turn = first.await.unwrap().unwrap();
        sleep(Duration::from_millis(100)).await;
        let before: Vec<_> = waiting.iter().map(|(network, ..)| network.counts().events).collect();
        let own = network.counts().events;
        turn.done().await.unwrap();
        sleep(Duration::from_millis(100)).await;
        let woken: Vec<_> = waiting
            .iter()
            .zip(before)
            .map(|((network, ..), before)| network.counts().events - before)
            .collect();
        let expected: Vec<_> = (0..waiting.len()).map(|place| usize::from(place == 0)).collect();
        assert_eq!(woken, expected);
        // Of the watch on its own node, where that is still set.
        assert!(network.counts().events <= own + 1);
    }
}

async fn a_member_that_dies_is_skipped(server: &TestServer) {
    let client = server.client().await;
    let mut seats = seated(&queue(&client, 3), 3).await;
    let last = tokio::spawn(seats.pop().unwrap().my_turn_timeout(LIMIT));
    let middle = seats.pop().unwrap();
    let turn = seats.pop().unwrap().my_turn_timeout(LIMIT).await.unwrap();
    client.delete(&middle.path()).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    assert!(!last.is_finished(), "the first one has its turn");
    turn.done().await.unwrap();
    assert_eq!(last.await.unwrap().unwrap().order().place, 2);
    let lost = middle.my_turn_timeout(LIMIT).await.unwrap_err();
    assert_eq!(lost, RoundError::Recipe(RecipeError::Lost(LostReason::NodeDeleted)));
}

async fn a_member_that_dies_in_its_turn_ends_it(server: &TestServer) {
    let network = server.network();
    let (dies, client) = (server.client_on(&network).await, server.client().await);
    let first = queue(&dies, 2).join("dies").await.unwrap();
    let second = queue(&client, 2).join("lives").await.unwrap();
    let turn = first.my_turn_timeout(LIMIT).await.unwrap();
    network.silence(true);
    let next = second.my_turn_timeout(LIMIT).await.unwrap();
    assert!(next.token() > turn.token());
    assert_ne!(turn.ownership(), Ownership::Held);
    network.silence(false);
    assert_eq!(turn.lost().await, LostReason::SessionExpired);
    next.done().await.unwrap();
}

async fn a_turn_that_is_dropped_ends(server: &TestServer) {
    let client = server.client().await;
    let mut seats = seated(&queue(&client, 2), 2).await;
    let turn = seats.remove(0).my_turn_timeout(LIMIT).await.unwrap();
    let next = tokio::spawn(seats.remove(0).my_turn_timeout(LIMIT));
    drop(turn);
    next.await.unwrap().unwrap().done().await.unwrap();
    assert_eq!(nodes(&client).await, 0);
}

async fn a_member_in_the_middle_that_leaves_does_not_let_the_next_one_run(server: &TestServer) {
    let client = server.client().await;
    let mut seats = seated(&queue(&client, 3), 3).await;
    let mut last = tokio::spawn(seats.pop().unwrap().my_turn_timeout(LIMIT));
    let middle = tokio::spawn(seats.pop().unwrap().my_turn_timeout(LIMIT));
    let turn = seats.pop().unwrap().my_turn_timeout(LIMIT).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    middle.abort();
    assert!(timeout(Duration::from_millis(200), &mut last).await.is_err());
    turn.done().await.unwrap();
    last.await.unwrap().unwrap().done().await.unwrap();
}

async fn a_member_waits_for_its_turn_no_longer_than_said(server: &TestServer) {
    let client = server.client().await;
    let mut seats = seated(&queue(&client, 2), 2).await;
    let limit = Duration::from_millis(200);
    let error = seats.pop().unwrap().my_turn_timeout(limit).await.unwrap_err();
    assert!(matches!(error, RoundError::Timeout { .. }), "{error:?}");
    Janitor::of(&client).drain().await;
    assert_eq!(nodes(&client).await, 1);
    seats.pop().unwrap().my_turn_timeout(Duration::MAX).await.unwrap().done().await.unwrap();
}

async fn a_turn_is_told_when_its_session_is_lost(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let queue = queue(&client, 1).on_suspend(SuspendPolicy::Strict);
    let turn = queue.join("").await.unwrap().my_turn_timeout(LIMIT).await.unwrap();
    network.cut();
    assert_eq!(turn.lost().await, LostReason::Suspended);
    client.connected().await.unwrap();
    assert_eq!(turn.done().await, Ok(Released::Now));
}

async fn a_turn_of_an_old_session_is_over(server: &TestServer) {
    let network = server.network();
    let builder = server.builder(&network).on_expiry(ExpiryPolicy::NewSession);
    let (renews, client) = (builder.connect().await.unwrap(), server.client().await);
    let first = queue(&renews, 2).join("").await.unwrap();
    let second = queue(&client, 2).join("").await.unwrap();
    let turn = first.my_turn_timeout(LIMIT).await.unwrap();
    network.silence(true);
    let next = second.my_turn_timeout(LIMIT).await.unwrap();
    network.silence(false);
    assert_eq!(turn.lost().await, LostReason::SessionExpired);
    renews.connected().await.unwrap();
    let error = turn.done().await.unwrap_err();
    assert_eq!(error, RoundError::Recipe(RecipeError::Lost(LostReason::SessionExpired)));
    assert_eq!(next.done().await, Ok(Released::Now));
}

async fn a_turn_does_only_what_it_may(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let seat = queue(&client, 1).join("").await.unwrap();
    let turn = seat.my_turn_timeout(LIMIT).await.unwrap();
    turn.multi().create("/done", "").commit().await.unwrap();
    other.delete(&turn.path()).await.unwrap();
    let refused = turn.multi().create("/too-late", "").commit().await;
    assert_eq!(refused.unwrap_err(), RecipeError::Lost(LostReason::NodeDeleted));
    assert_eq!(other.exists("/too-late").await.unwrap(), None);
    assert_eq!(turn.done().await, Ok(Released::AlreadyLost));
}

async fn in_a_strict_queue_a_death_breaks_the_round_for_those_who_have_not_run(
    server: &TestServer,
) {
    let client = server.client().await;
    let queue = queue(&client, 4).strict(true);
    let mut seats = seated(&queue, 4).await;
    let (last, third) = (seats.pop().unwrap(), seats.pop().unwrap());
    let turn = seats.remove(0).my_turn_timeout(LIMIT).await.unwrap();
    let second = seats.pop().unwrap();
    let dead = second.path();
    let waiting = [third, last].map(|seat| tokio::spawn(seat.my_turn_timeout(LIMIT)));
    sleep(Duration::from_millis(50)).await;
    client.delete(&dead).await.unwrap();
    for waiter in waiting {
        let error = waiter.await.unwrap().unwrap_err();
        let RoundError::Broken { who } = error else { panic!("{error:?}") };
        assert_eq!(who.len(), 1);
        assert!(dead.ends_with(&who[0].name));
    }
    assert_eq!(turn.done().await, Ok(Released::Now));
    assert_eq!(nodes(&client).await, 0);
    let mut next = seated(&queue, 4).await;
    assert_eq!(next[0].started_timeout(LIMIT).await.unwrap().round, 2);
}

async fn a_strict_round_that_all_are_done_with_is_whole(server: &TestServer) {
    let client = server.client().await;
    let queue = queue(&client, 3).strict(true);
    for round in 1..3 {
        for seat in seated(&queue, 3).await {
            let turn = seat.my_turn_timeout(LIMIT).await.unwrap();
            assert_eq!(turn.order().round, round);
            assert_eq!(turn.done().await, Ok(Released::Now));
        }
    }
}

async fn waiting_for_a_turn_that_is_dropped_at_any_moment_lets_the_others_run(server: &TestServer) {
    let (client, dropped) = (server.client().await, server.client().await);
    let watches = server.embedded().unwrap().watch_count();
    for polls in 0..30 {
        let first = queue(&client, 3).join("").await.unwrap();
        let middle = queue(&dropped, 3).join("").await.unwrap();
        let last = queue(&client, 3).join("").await.unwrap();
        assert!(drop_after_polls(middle.my_turn(), polls).await.is_none(), "one is ahead");
        let turn = first.my_turn_timeout(LIMIT).await.unwrap();
        turn.done().await.unwrap();
        last.my_turn_timeout(LIMIT).await.unwrap().done().await.unwrap();
        Janitor::of(&dropped).drain().await;
        assert_eq!(nodes(&client).await, 0, "after {polls} polls");
        while server.embedded().unwrap().watch_count() > watches {
            sleep(Duration::from_millis(10)).await;
        }
    }
}
