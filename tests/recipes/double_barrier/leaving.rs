//! Who leaves, with whom, and who has died meanwhile.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use zk_client::ExpiryPolicy;
use zk_recipes::{Inside, Janitor, LostReason, RecipeError, Released, RoundError};
use zk_test_kit::TestServer;

use super::{LIMIT, PATH, barrier, enter_all, entering, nodes, until_nodes};

zk_test_kit::cases![
    nobody_has_left_before_all_leave,
    members_that_leave_watch_one_node_each,
    a_member_that_dies_inside_has_left,
    a_guard_that_is_dropped_has_left,
    the_first_in_the_list_may_die_while_the_others_wait_for_it,
    leaving_ends_in_time_and_tells_who_was_still_inside,
    leaving_without_a_server_ends_in_time,
    a_member_whose_node_was_deleted_is_told_when_it_leaves,
    a_member_of_an_old_session_has_left,
    a_round_that_all_have_died_in_is_over_for_those_who_come_later,
    a_late_comer_hears_that_a_round_has_died;
    in virtual time: [leaving_that_is_dropped_at_any_moment_lets_the_others_leave];
];

type Leaving = tokio::task::JoinHandle<Result<Released, RoundError>>;

fn leaving(inside: Inside) -> Leaving {
    tokio::spawn(inside.leave_timeout(LIMIT))
}

async fn nobody_has_left_before_all_leave(server: &TestServer) {
    let client = server.client().await;
    // The one that leaves last is the first in the list, in the middle, and the last.
    for stays in 0..3 {
        let mut members = enter_all(server, 3).await;
        let (kept, last) = members.remove(stays);
        let mut leaving: Vec<_> =
            members.into_iter().map(|(client, inside)| (client, leaving(inside))).collect();
        for (_, leaving) in &mut leaving {
            let early = timeout(Duration::from_millis(200), leaving).await;
            assert!(early.is_err(), "it has left while one is inside");
        }
        assert_eq!(last.leave_timeout(LIMIT).await, Ok(Released::Now));
        for (_, leaving) in leaving {
            assert_eq!(leaving.await.unwrap(), Ok(Released::Now));
        }
        assert_eq!(nodes(&client).await, 0);
        drop(kept);
    }
}

async fn members_that_leave_watch_one_node_each(server: &TestServer) {
    const PARTIES: usize = 6;
    let mut entered = JoinSet::new();
    for _ in 0..PARTIES {
        let network = server.network();
        let client = server.client_on(&network).await;
        let barrier = barrier(&client, PARTIES);
        entered.spawn(async move {
            let inside = barrier.enter_timeout("", LIMIT).await.unwrap();
            (network, client, inside)
        });
    }
    let mut leaving = JoinSet::new();
    for (network, client, inside) in entered.join_all().await {
        leaving.spawn(async move {
            // They are inside, each with an event behind it.
            sleep(Duration::from_millis(100)).await;
            let before = network.counts().events;
            inside.leave_timeout(LIMIT).await.unwrap();
            sleep(Duration::from_millis(100)).await;
            drop(client);
            network.counts().events - before
        });
    }
    let events = leaving.join_all().await;
    // Each hears of one node at a time, and of its own; the first in the list of each other one at most.
    assert!(events.iter().sum::<usize>() <= 3 * PARTIES, "{events:?}");
    assert!(events.iter().filter(|events| **events > 2).count() <= 1, "{events:?}");
}

async fn a_member_that_dies_inside_has_left(server: &TestServer) {
    let network = server.network();
    let (dies, client) = (server.client_on(&network).await, server.client().await);
    let dead = entering(&barrier(&dies, 2), "");
    let alive = barrier(&client, 2).enter_timeout("", LIMIT).await.unwrap();
    let dead = dead.await.unwrap().unwrap();
    network.silence(true);
    assert_eq!(alive.leave_timeout(LIMIT).await, Ok(Released::Now));
    network.silence(false);
    assert_eq!(dead.lost().await, LostReason::SessionExpired);
    let error = dead.leave_timeout(LIMIT).await.unwrap_err();
    let RoundError::Recipe(error) = error else { panic!("{error:?}") };
    assert!(error.is_session_over(), "{error:?}");
}

async fn a_guard_that_is_dropped_has_left(server: &TestServer) {
    for dropped in 0..2 {
        let mut members = enter_all(server, 2).await;
        let (kept, inside) = members.remove(dropped);
        let left = leaving(members.remove(0).1);
        sleep(Duration::from_millis(50)).await;
        drop(inside);
        assert_eq!(left.await.unwrap(), Ok(Released::Now));
        drop(kept);
    }
}

async fn the_first_in_the_list_may_die_while_the_others_wait_for_it(server: &TestServer) {
    let members = enter_all(server, 4).await;
    let mut members = members.into_iter();
    let (first, second) = (members.next().unwrap(), members.next().unwrap());
    let waiting: Vec<_> = members.map(|(client, inside)| (client, leaving(inside))).collect();
    let client = server.client().await;
    until_nodes(&client, 2).await;
    client.delete(&first.1.path()).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    assert!(waiting.iter().all(|(_, left)| !left.is_finished()), "the second one is inside");
    client.delete(&second.1.path()).await.unwrap();
    for (_, left) in waiting {
        assert_eq!(left.await.unwrap(), Ok(Released::Now));
    }
}

async fn leaving_ends_in_time_and_tells_who_was_still_inside(server: &TestServer) {
    for leaves in 0..3 {
        let mut members = enter_all(server, 3).await;
        let (client, inside) = members.remove(leaves);
        let name = inside.path();
        let (begun, limit) = (Instant::now(), Duration::from_millis(300));
        let error = inside.leave_timeout(limit).await.unwrap_err();
        assert!(begun.elapsed() >= limit);
        let RoundError::Timeout { remaining } = error else { panic!("{error:?}") };
        assert_eq!(remaining.len(), 2);
        assert!(remaining.iter().all(|one| !name.ends_with(&one.name)), "{remaining:?}");
        Janitor::of(&client).drain().await;
        assert_eq!(client.exists(&name).await.unwrap(), None);
        let (one, two) = (leaving(members.remove(0).1), leaving(members.remove(0).1));
        assert_eq!(one.await.unwrap(), Ok(Released::Now));
        assert_eq!(two.await.unwrap(), Ok(Released::Now));
    }
}

async fn leaving_without_a_server_ends_in_time(server: &TestServer) {
    let network = server.network();
    let (cut, client) = (server.client_on(&network).await, server.client().await);
    let entering = entering(&barrier(&cut, 2), "");
    let other = barrier(&client, 2).enter_timeout("", LIMIT).await.unwrap();
    let inside = entering.await.unwrap().unwrap();
    network.refuse("a", true);
    network.cut();
    let error = inside.leave_timeout(Duration::from_secs(1)).await.unwrap_err();
    assert!(matches!(error, RoundError::Timeout { .. }), "{error:?}");
    network.refuse("a", false);
    // It leaves when it can.
    assert_eq!(other.leave_timeout(LIMIT).await, Ok(Released::Now));
}

async fn a_member_whose_node_was_deleted_is_told_when_it_leaves(server: &TestServer) {
    let mut members = enter_all(server, 2).await;
    let (client, inside) = members.remove(1);
    client.delete(&inside.path()).await.unwrap();
    assert_eq!(inside.lost().await, LostReason::NodeDeleted);
    let mut left = leaving(inside);
    assert!(timeout(Duration::from_millis(200), &mut left).await.is_err(), "one is inside");
    assert_eq!(members.remove(0).1.leave_timeout(LIMIT).await, Ok(Released::Now));
    assert_eq!(left.await.unwrap(), Ok(Released::AlreadyLost));
}

async fn a_member_of_an_old_session_has_left(server: &TestServer) {
    let network = server.network();
    let builder = server.builder(&network).on_expiry(ExpiryPolicy::NewSession);
    let (renews, client) = (builder.connect().await.unwrap(), server.client().await);
    let old = entering(&barrier(&renews, 2), "");
    let other = barrier(&client, 2).enter_timeout("", LIMIT).await.unwrap();
    let old = old.await.unwrap().unwrap();
    network.silence(true);
    assert_eq!(other.leave_timeout(LIMIT).await, Ok(Released::Now));
    network.silence(false);
    assert_eq!(old.lost().await, LostReason::SessionExpired);
    renews.connected().await.unwrap();
    let error = old.leave_timeout(LIMIT).await.unwrap_err();
    let lost = RecipeError::Lost(LostReason::SessionExpired);
    assert_eq!(error, RoundError::Recipe(lost));
}

async fn a_round_that_all_have_died_in_is_over_for_those_who_come_later(server: &TestServer) {
    for (client, inside) in enter_all(server, 2).await {
        drop(inside);
        client.close().await.unwrap();
    }
    let next = enter_all(server, 2).await;
    assert_eq!(next[0].1.round(), Some(2));
}

async fn a_late_comer_hears_that_a_round_has_died(server: &TestServer) {
    let members = enter_all(server, 2).await;
    let client = server.client().await;
    let (late, later) =
        (entering(&barrier(&client, 2), "late"), entering(&barrier(&client, 2), "later"));
    until_nodes(&client, 4).await;
    sleep(Duration::from_millis(50)).await;
    for (_, inside) in &members {
        client.delete(&inside.path()).await.unwrap();
    }
    let (late, later) = (late.await.unwrap().unwrap(), later.await.unwrap().unwrap());
    assert_eq!((late.round(), later.round()), (Some(2), Some(2)));
}

async fn leaving_that_is_dropped_at_any_moment_lets_the_others_leave(server: &TestServer) {
    for dropped in 0..2 {
        for polls in 0..20 {
            let mut members = enter_all(server, 2).await;
            let (client, inside) = members.remove(dropped);
            let _ = zk_test_kit::drop_after_polls(inside.leave(), polls).await;
            let (_kept, other) = members.remove(0);
            assert_eq!(other.leave_timeout(LIMIT).await, Ok(Released::Now), "after {polls} polls");
            Janitor::of(&client).drain().await;
            assert_eq!(client.children(PATH).await.unwrap().len(), 0, "after {polls} polls");
        }
    }
}
