//! When a round starts, and with whom.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use zk_recipes::{GatherQueue, Janitor, LostReason, RecipeError};
use zk_test_kit::{TestServer, drop_after_polls};

use super::{LIMIT, PATH, nodes, payloads, queue, seated, until_nodes};

zk_test_kit::cases![
    nothing_starts_before_all_are_there_and_then_in_the_order_in_which_they_came,
    the_last_one_to_come_starts_the_round_also_when_it_does_not_wait,
    those_who_come_later_run_in_the_next_round,
    a_member_that_dies_before_the_start_is_not_counted,
    a_seat_that_is_given_up_is_not_counted,
    a_seat_in_a_round_that_has_started_is_not_given_up,
    a_seat_stays_when_its_time_is_over,
    a_seat_whose_node_is_deleted_is_lost,
    a_member_whose_session_expires_is_told,
    a_queue_needs_members_and_one_number_of_them;
    on embedded: [joining_that_is_dropped_at_any_moment_leaves_no_seat];
    in virtual time: [a_withdrawal_that_races_the_start_never_splits_the_members];
];

async fn nothing_starts_before_all_are_there_and_then_in_the_order_in_which_they_came(
    server: &TestServer,
) {
    let client = server.client().await;
    let queue = queue(&client, 3);
    let mut seats = seated(&queue, 2).await;
    let early = seats[0].started_timeout(Duration::from_millis(300)).await;
    assert_eq!(early.unwrap_err(), RecipeError::Timeout);
    let other = server.client().await;
    seats.push(super::queue(&other, 3).join("2").await.unwrap());
    for (place, seat) in seats.iter_mut().enumerate() {
        let order = seat.started_timeout(LIMIT).await.unwrap();
        assert_eq!(payloads(&order), ["0", "1", "2"]);
        assert_eq!((order.round, order.place), (1, place));
        assert!(seat.path().ends_with(&order.members[place].name));
        assert_eq!(seat.started().await.unwrap(), order, "it was told something else");
    }
}

async fn the_last_one_to_come_starts_the_round_also_when_it_does_not_wait(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let mut first = queue(&client, 2).join("first").await.unwrap();
    let _idle = queue(&other, 2).join("idle").await.unwrap();
    let order = first.started_timeout(LIMIT).await.unwrap();
    assert_eq!(payloads(&order), ["first", "idle"]);
}

async fn those_who_come_later_run_in_the_next_round(server: &TestServer) {
    let client = server.client().await;
    let queue = queue(&client, 2);
    let first = seated(&queue, 2).await;
    let mut late = [queue.join("late").await.unwrap(), queue.join("later").await.unwrap()];
    assert!(late[0].started_timeout(Duration::from_millis(300)).await.is_err());
    for seat in first {
        let turn = seat.my_turn_timeout(LIMIT).await.unwrap();
        assert_eq!(turn.order().round, 1);
        turn.done().await.unwrap();
    }
    for seat in &mut late {
        let order = seat.started_timeout(LIMIT).await.unwrap();
        assert_eq!(
            (order.round, payloads(&order)),
            (2, vec!["late".to_owned(), "later".to_owned()])
        );
    }
}

async fn a_member_that_dies_before_the_start_is_not_counted(server: &TestServer) {
    let network = server.network();
    let (dies, client) = (server.client_on(&network).await, server.client().await);
    let mut dead = queue(&dies, 3).join("dead").await.unwrap();
    network.silence(true);
    until_nodes(&client, 0).await;
    let mut seats = seated(&queue(&client, 3), 3).await;
    assert_eq!(payloads(&seats[0].started_timeout(LIMIT).await.unwrap()), ["0", "1", "2"]);
    network.silence(false);
    assert!(dead.started_timeout(LIMIT).await.unwrap_err().is_session_over());
}

async fn a_seat_that_is_given_up_is_not_counted(server: &TestServer) {
    let client = server.client().await;
    let queue = queue(&client, 2);
    let withdrawn = queue.join("withdrawn").await.unwrap();
    assert!(withdrawn.withdraw().await.unwrap().is_none());
    assert_eq!(nodes(&client).await, 0);
    drop(queue.join("dropped").await.unwrap());
    Janitor::of(&client).drain().await;
    let mut seats = seated(&queue, 2).await;
    assert_eq!(payloads(&seats[1].started_timeout(LIMIT).await.unwrap()), ["0", "1"]);
}

async fn a_seat_in_a_round_that_has_started_is_not_given_up(server: &TestServer) {
    let client = server.client().await;
    let mut seats = seated(&queue(&client, 2), 2).await;
    let kept = seats.remove(0).withdraw().await.unwrap().expect("the round has started");
    kept.my_turn_timeout(LIMIT).await.unwrap().done().await.unwrap();
}

async fn a_seat_stays_when_its_time_is_over(server: &TestServer) {
    let client = server.client().await;
    let queue = queue(&client, 2);
    let mut seat = queue.join("patient").await.unwrap();
    for _ in 0..3 {
        let early = seat.started_timeout(Duration::from_millis(50)).await;
        assert_eq!(early.unwrap_err(), RecipeError::Timeout);
    }
    let _other = queue.join("other").await.unwrap();
    assert_eq!(seat.started_timeout(LIMIT).await.unwrap().place, 0);
}

async fn a_seat_whose_node_is_deleted_is_lost(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let mut seat = queue(&client, 2).join("").await.unwrap();
    other.delete(&seat.path()).await.unwrap();
    let lost = seat.started_timeout(LIMIT).await.unwrap_err();
    assert_eq!(lost, RecipeError::Lost(LostReason::NodeDeleted));
}

async fn a_member_whose_session_expires_is_told(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let mut seat = queue(&client, 2).join("").await.unwrap();
    let waiting = tokio::spawn(async move { seat.started_timeout(LIMIT * 2).await });
    network.silence(true);
    until_nodes(&other, 0).await;
    network.silence(false);
    assert!(waiting.await.unwrap().unwrap_err().is_session_over());
}

async fn a_queue_needs_members_and_one_number_of_them(server: &TestServer) {
    let client = server.client().await;
    let none = GatherQueue::new(&client, PATH, 0).unwrap_err();
    assert!(matches!(none, RecipeError::BadArguments { .. }), "{none:?}");
    let _running = seated(&queue(&client, 1), 1).await;
    let other = queue(&client, 2).join("").await.unwrap_err();
    assert!(matches!(other, RecipeError::Conflict { .. }), "{other:?}");
}

async fn joining_that_is_dropped_at_any_moment_leaves_no_seat(server: &TestServer) {
    let client = server.client().await;
    let watches = server.embedded().unwrap().watch_count();
    let mut round = 0;
    for polls in 0.. {
        // The first one of two, and the last one, who starts the round.
        for joined in 0..2 {
            let seats = seated(&queue(&client, 2), joined).await;
            let seat = drop_after_polls(queue(&client, 2).join("dropped"), polls).await;
            let finished = seat.is_some();
            drop((seat, seats));
            Janitor::of(&client).drain().await;
            assert_eq!(nodes(&client).await, 0, "after {polls} polls");
            while server.embedded().unwrap().watch_count() > watches {
                sleep(Duration::from_millis(10)).await;
            }
            let mut next = seated(&queue(&client, 2), 2).await;
            let order = next[0].started_timeout(LIMIT).await.unwrap();
            assert_eq!(payloads(&order), ["0", "1"]);
            assert!(order.round > round);
            round = order.round;
            drop(next);
            Janitor::of(&client).drain().await;
            if finished && joined == 1 {
                assert!(polls > 3, "finished after {polls} polls");
                return;
            }
        }
    }
}

async fn a_withdrawal_that_races_the_start_never_splits_the_members(server: &TestServer) {
    let (one, two) = (server.client().await, server.client().await);
    let (mut started, mut withdrawn) = (0, 0);
    for yields in 0..30 {
        let mut seat = queue(&one, 2).join("first").await.unwrap();
        assert!(seat.started_timeout(Duration::from_millis(10)).await.is_err());
        let withdraws = async {
            for _ in 0..yields {
                tokio::task::yield_now().await;
            }
            seat.withdraw().await.unwrap()
        };
        let joins = async {
            let mut seat = queue(&two, 2).join("second").await.unwrap();
            let started = seat.started_timeout(Duration::from_millis(100)).await;
            (seat, started)
        };
        match tokio::join!(withdraws, joins) {
            (Some(_seat), (_other, order)) => {
                assert_eq!(payloads(&order.unwrap()), ["first", "second"]);
                started += 1;
            }
            (None, (_seat, order)) => {
                assert_eq!(order, Err(RecipeError::Timeout));
                withdrawn += 1;
            }
        }
        Janitor::of(&one).drain().await;
        Janitor::of(&two).drain().await;
        let quiet = timeout(LIMIT, until_nodes(&one, 0)).await;
        assert!(quiet.is_ok(), "a seat is left");
    }
    assert!(started > 0 && withdrawn > 0, "{started} {withdrawn}: nothing has raced");
}
