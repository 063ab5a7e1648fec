//! Who is let in, and with whom.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use zk_client::{Error, ErrorCode, ExpiryPolicy};
use zk_recipes::{DoubleBarrier, Janitor, Parents, RecipeError, Released};
use zk_test_kit::{TestServer, drop_after_polls};

use super::{Entering, LIMIT, PATH, barrier, enter_all, entering, nodes, until_nodes};

zk_test_kit::cases![
    a_round_of_one_is_entered_and_left,
    nobody_is_let_in_before_all_are_there,
    all_of_a_round_have_the_same_list_with_what_each_says_of_itself,
    one_event_lets_a_member_in,
    late_comers_belong_to_the_next_round,
    more_than_enough_make_two_rounds_and_the_rest_waits,
    a_member_that_dies_before_the_opening_is_not_counted,
    a_member_whose_time_is_over_is_not_counted_and_leaves_nothing,
    a_member_whose_node_is_deleted_is_told,
    a_member_whose_session_expires_fails_and_can_enter_anew,
    those_who_were_told_another_number_are_refused,
    data_of_somebody_else_is_refused,
    foreign_children_do_not_disturb,
    missing_parents_are_made_unless_they_are_required,
    a_round_of_hundreds_opens,
    too_many_payloads_for_a_request_are_refused;
    on embedded: [
        one_who_is_dropped_at_any_moment_lets_nobody_in_alone,
        rounds_open_where_the_sequence_numbers_come_to_their_end,
    ];
];

async fn a_round_of_one_is_entered_and_left(server: &TestServer) {
    let client = server.client().await;
    assert!(matches!(DoubleBarrier::new(&client, PATH, 0), Err(RecipeError::BadArguments { .. })));
    for round in 1..4 {
        let inside = barrier(&client, 1).enter("me").await.unwrap();
        assert_eq!((inside.round(), inside.members().len()), (Some(round), 1));
        assert_eq!(inside.leave().await, Ok(Released::Now));
        assert_eq!(nodes(&client).await, 0);
    }
}

async fn nobody_is_let_in_before_all_are_there(server: &TestServer) {
    let client = server.client().await;
    let barrier = barrier(&client, 3);
    let (mut one, mut two) = (entering(&barrier, "1"), entering(&barrier, "2"));
    until_nodes(&client, 2).await;
    // What wakes a waiter is no reason to let it in (CURATOR-536).
    client.set(PATH, "").await.unwrap();
    client.create(&format!("{PATH}/ready"), "").await.unwrap();
    assert!(timeout(Duration::from_millis(300), &mut one).await.is_err());
    assert!(timeout(Duration::from_millis(10), &mut two).await.is_err());
    let three = barrier.enter_timeout("3", LIMIT).await.unwrap();
    assert_eq!(one.await.unwrap().unwrap().round(), three.round());
    assert_eq!(two.await.unwrap().unwrap().round(), three.round());
}

async fn all_of_a_round_have_the_same_list_with_what_each_says_of_itself(server: &TestServer) {
    let client = server.client().await;
    let barrier = barrier(&client, 3);
    let mut entering = vec![];
    for (count, payload) in ["one", "two", "3 \u{fc}\n"].into_iter().enumerate() {
        entering.push(super::entering(&barrier, payload));
        if count < 2 {
            until_nodes(&client, count + 1).await;
        }
    }
    let mut lists = BTreeSet::new();
    for member in entering {
        let inside = member.await.unwrap().unwrap();
        lists.insert(inside.members().iter().map(|one| one.payload.to_vec()).collect::<Vec<_>>());
        assert!(inside.is_valid());
        drop(inside);
    }
    let expected = ["one", "two", "3 \u{fc}\n"].map(|text| text.as_bytes().to_vec()).to_vec();
    assert_eq!(lists, BTreeSet::from([expected]));
}

async fn one_event_lets_a_member_in(server: &TestServer) {
    let last = server.client().await;
    let mut waiting = Vec::new();
    for count in 1..5 {
        let network = server.network();
        let client = server.client_on(&network).await;
        let before = network.counts();
        let member = entering(&barrier(&client, 5), "");
        until_nodes(&last, count).await;
        sleep(Duration::from_millis(50)).await;
        if count > 1 {
            // A node and a listing, a watch on it and the round.
            assert_eq!(network.counts().requests, before.requests + 4);
        }
        waiting.push((network, before, client, member));
    }
    let opener = barrier(&last, 5).enter_timeout("", LIMIT).await.unwrap();
    let mut inside = Vec::new();
    for (network, before, client, member) in waiting {
        inside.push((member.await.unwrap().unwrap(), client));
        assert_eq!(network.counts().events, before.events + 1);
    }
    assert!(inside.iter().all(|(one, _)| one.members() == opener.members()));
}

async fn late_comers_belong_to_the_next_round(server: &TestServer) {
    let mut first = enter_all(server, 2).await;
    let client = server.client().await;
    let barrier = barrier(&client, 2);
    let (mut late, mut later) = (entering(&barrier, "late"), entering(&barrier, "later"));
    until_nodes(&client, 4).await;
    assert!(timeout(Duration::from_millis(300), &mut late).await.is_err());
    let (one, two) = (first.remove(0).1, first.remove(0).1);
    assert_eq!(one.round(), Some(1));
    let (one, two) = tokio::join!(one.leave_timeout(LIMIT), two.leave_timeout(LIMIT));
    assert_eq!((one, two), (Ok(Released::Now), Ok(Released::Now)));
    let (late, later) = ((&mut late).await.unwrap().unwrap(), (&mut later).await.unwrap().unwrap());
    assert_eq!((late.round(), later.round()), (Some(2), Some(2)));
    assert_eq!(late.members(), later.members());
}

async fn more_than_enough_make_two_rounds_and_the_rest_waits(server: &TestServer) {
    let client = server.client().await;
    let barrier = barrier(&client, 2);
    let mut members = JoinSet::new();
    for _ in 0..5 {
        let barrier = barrier.clone();
        members.spawn(async move {
            let inside = barrier.enter_timeout("", Duration::from_secs(3)).await?;
            let round = inside.round();
            assert_eq!(inside.members().len(), 2);
            inside.leave_timeout(LIMIT).await.unwrap();
            Ok::<_, RecipeError>(round)
        });
    }
    let mut outcomes = members.join_all().await;
    outcomes.sort_by_key(|outcome| outcome.clone().unwrap_or_default());
    let [rest, one, two, three, four] = <[_; 5]>::try_from(outcomes).unwrap();
    assert_eq!(rest, Err(RecipeError::Timeout));
    assert_eq!([one, two, three, four].map(Result::unwrap), [Some(1), Some(1), Some(2), Some(2)]);
    assert_eq!(nodes(&client).await, 0);
}

async fn a_member_that_dies_before_the_opening_is_not_counted(server: &TestServer) {
    let network = server.network();
    let (dies, client) = (server.client_on(&network).await, server.client().await);
    let dead = entering(&barrier(&dies, 3), "dead");
    until_nodes(&client, 1).await;
    let barrier = barrier(&client, 3);
    let one = entering(&barrier, "1");
    until_nodes(&client, 2).await;
    network.silence(true);
    // Its session expires.
    until_nodes(&client, 1).await;
    let two = entering(&barrier, "2");
    until_nodes(&client, 2).await;
    let three = barrier.enter_timeout("3", LIMIT).await.unwrap();
    assert!(three.members().iter().all(|one| &*one.payload != b"dead"));
    assert_eq!(one.await.unwrap().unwrap().members(), three.members());
    assert_eq!(two.await.unwrap().unwrap().members(), three.members());
    network.silence(false);
    assert!(dead.await.unwrap().unwrap_err().is_session_over());
}

async fn a_member_whose_time_is_over_is_not_counted_and_leaves_nothing(server: &TestServer) {
    let client = server.client().await;
    let limit = Duration::from_millis(300);
    let refused = barrier(&client, 2).enter_timeout("early", limit).await;
    assert_eq!(refused.unwrap_err(), RecipeError::Timeout);
    // It is gone already, and not only in the background (CURATOR-80).
    assert_eq!(nodes(&client).await, 0);
    let mut alone = entering(&barrier(&client, 2), "alone");
    assert!(timeout(limit, &mut alone).await.is_err(), "it was let in alone");
    let other = barrier(&client, 2).enter_timeout("other", LIMIT).await.unwrap();
    assert_eq!(alone.await.unwrap().unwrap().members(), other.members());
}

async fn a_member_whose_node_is_deleted_is_told(server: &TestServer) {
    let client = server.client().await;
    let member = entering(&barrier(&client, 2), "");
    until_nodes(&client, 1).await;
    sleep(Duration::from_millis(50)).await;
    let name = client.children(PATH).await.unwrap().remove(0);
    client.delete(&format!("{PATH}/{name}")).await.unwrap();
    let lost = RecipeError::Lost(zk_recipes::LostReason::NodeDeleted);
    assert_eq!(member.await.unwrap().unwrap_err(), lost);
}

async fn a_member_whose_session_expires_fails_and_can_enter_anew(server: &TestServer) {
    let network = server.network();
    let builder = server.builder(&network).on_expiry(ExpiryPolicy::NewSession);
    let (renews, client) = (builder.connect().await.unwrap(), server.client().await);
    let member = entering(&barrier(&renews, 2), "old");
    until_nodes(&client, 1).await;
    network.silence(true);
    until_nodes(&client, 0).await;
    network.silence(false);
    let error = member.await.unwrap().unwrap_err();
    assert_eq!(error, RecipeError::Client(Error::SessionExpired));
    let member = entering(&barrier(&renews, 2), "new");
    let other = barrier(&client, 2).enter_timeout("other", LIMIT).await.unwrap();
    assert_eq!(member.await.unwrap().unwrap().members(), other.members());
}

async fn those_who_were_told_another_number_are_refused(server: &TestServer) {
    let client = server.client().await;
    let inside = barrier(&client, 1).enter("").await.unwrap();
    let refused = barrier(&client, 2).enter("").await.unwrap_err();
    assert!(matches!(refused, RecipeError::Conflict { .. }), "{refused:?}");
    Janitor::of(&client).drain().await;
    assert_eq!(nodes(&client).await, 1);
    inside.leave().await.unwrap();
}

async fn data_of_somebody_else_is_refused(server: &TestServer) {
    let client = server.client().await;
    client.create(PATH, "127.0.0.1").with_parents().await.unwrap();
    let refused = barrier(&client, 1).enter("").await.unwrap_err();
    assert!(matches!(refused, RecipeError::Codec { .. }), "{refused:?}");
    Janitor::of(&client).drain().await;
    assert_eq!(nodes(&client).await, 0);
}

async fn foreign_children_do_not_disturb(server: &TestServer) {
    let client = server.client().await;
    client.create(PATH, "").with_parents().await.unwrap();
    let names =
        ["ready", "notes", "member-", "_c_x-member-12", "00000000-0000-4000-8000-000000000000"];
    for name in names {
        client.create(&format!("{PATH}/{name}"), "").await.unwrap();
    }
    let inside = barrier(&client, 1).enter_timeout("", LIMIT).await.unwrap();
    assert_eq!(inside.members().len(), 1);
    inside.leave_timeout(LIMIT).await.unwrap();
    assert_eq!(nodes(&client).await, names.len());
}

async fn missing_parents_are_made_unless_they_are_required(server: &TestServer) {
    let client = server.client().await;
    let required = barrier(&client, 1).parents(Parents::Required);
    let RecipeError::Client(refused) = required.enter("").await.unwrap_err() else {
        panic!("another error")
    };
    assert_eq!(refused.code(), Some(ErrorCode::NoNode));
    drop(barrier(&client, 1).enter("").await.unwrap());
    Janitor::of(&client).drain().await;
    // The round before is over, and nobody was left to say so.
    assert_eq!(required.enter("").await.unwrap().round(), Some(2));
}

async fn a_round_of_hundreds_opens(server: &TestServer) {
    let client = server.client().await;
    let barrier = barrier(&client, 300);
    let members: Vec<_> = (0..300).map(|_| entering(&barrier, "payload")).collect();
    let mut inside = Vec::new();
    for member in members {
        inside.push(member.await.unwrap().unwrap());
    }
    assert!(inside.iter().all(|one| one.members() == inside[0].members()));
    assert_eq!(inside[0].members().len(), 300);
    let mut leaving = JoinSet::new();
    for one in inside {
        leaving.spawn(one.leave_timeout(LIMIT));
    }
    for left in leaving.join_all().await {
        assert_eq!(left, Ok(Released::Now));
    }
    assert_eq!(nodes(&client).await, 0);
}

async fn too_many_payloads_for_a_request_are_refused(server: &TestServer) {
    let client = server.client().await;
    let barrier = barrier(&client, 2);
    let payload = vec![b'x'; 600_000];
    let first = barrier.enter_timeout(payload.clone(), Duration::from_secs(2));
    let second = async {
        sleep(Duration::from_millis(200)).await;
        barrier.enter_timeout(payload.clone(), LIMIT).await
    };
    let (first, second) = tokio::join!(first, second);
    let error = second.unwrap_err();
    let too_large = |error: &RecipeError| {
        matches!(
            error,
            RecipeError::Client(Error::RequestTooLarge { .. } | Error::ReplyTooLarge { .. })
        )
    };
    assert!(too_large(&error), "{error:?}");
    assert_eq!(first.unwrap_err(), RecipeError::Timeout);
    Janitor::of(&client).drain().await;
    assert_eq!(nodes(&client).await, 0);
}

async fn one_who_is_dropped_at_any_moment_lets_nobody_in_alone(server: &TestServer) {
    let (waits, dropped, third) =
        (server.client().await, server.client().await, server.client().await);
    let watches = server.embedded().unwrap().watch_count();
    for polls in 0.. {
        let waiter = entering(&barrier(&waits, 2), "waits");
        until_nodes(&waits, 1).await;
        let entered = drop_after_polls(barrier(&dropped, 2).enter("dropped"), polls).await;
        let finished = entered.is_some();
        drop(entered);
        Janitor::of(&dropped).drain().await;
        sleep(Duration::from_millis(50)).await;
        let payloads = if waiter.is_finished() {
            // The round had opened with both of them.
            enter_and_leave(waiter, None).await
        } else {
            let third = entering(&barrier(&third, 2), "third");
            let payloads = enter_and_leave(waiter, Some(third)).await;
            assert_eq!(payloads, ["waits", "third"], "after {polls} polls");
            payloads
        };
        assert_eq!(payloads.len(), 2, "after {polls} polls");
        assert_eq!(nodes(&waits).await, 0, "after {polls} polls");
        while server.embedded().unwrap().watch_count() > watches {
            sleep(Duration::from_millis(10)).await;
        }
        if finished {
            assert!(polls > 3, "finished after {polls} polls");
            break;
        }
    }
}

async fn rounds_open_where_the_sequence_numbers_come_to_their_end(server: &TestServer) {
    let client = server.client().await;
    client.create(PATH, "").with_parents().await.unwrap();
    assert!(server.embedded().unwrap().set_child_counter(&server.path(PATH), i32::MAX - 4));
    for round in 1..5 {
        let (one, two) = (entering(&barrier(&client, 2), ""), entering(&barrier(&client, 2), ""));
        let one = one.await.unwrap().unwrap();
        assert_eq!((one.round(), one.members().len()), (Some(round), 2));
        let two = two.await.unwrap().unwrap();
        let (one, two) = tokio::join!(one.leave_timeout(LIMIT), two.leave_timeout(LIMIT));
        assert_eq!((one, two), (Ok(Released::Now), Ok(Released::Now)));
        assert_eq!(nodes(&client).await, 0);
    }
}

/// What the members of a round say of themselves, which one or two of them are still in.
async fn enter_and_leave(one: Entering, other: Option<Entering>) -> Vec<String> {
    let one = one.await.unwrap().unwrap();
    let text = |payload: &[u8]| String::from_utf8(payload.to_vec()).unwrap();
    let payloads = one.members().iter().map(|one| text(&one.payload)).collect();
    let mut leaving = JoinSet::from_iter([one.leave_timeout(LIMIT)]);
    if let Some(other) = other {
        leaving.spawn(other.await.unwrap().unwrap().leave_timeout(LIMIT));
    }
    assert!(leaving.join_all().await.iter().all(|left| *left == Ok(Released::Now)));
    payloads
}
