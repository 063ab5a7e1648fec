//! Barriers that are set and lifted, for good or for as long as their setter lives.

use std::time::Duration;

use tokio::time::sleep;
use zk_client::{ErrorCode, ExpiryPolicy};
use zk_recipes::{Janitor, LostReason, Ownership, Parents, RecipeError, Released};
use zk_test_kit::{TestServer, drop_after_polls};

use super::{PATH, barrier, waiting};

zk_test_kit::cases![
    a_barrier_is_set_and_lifted_and_both_can_be_said_twice,
    the_node_is_as_curator_and_kazoo_make_it,
    a_barrier_outlives_the_session_that_has_set_it,
    missing_parents_are_made_unless_they_are_required,
    a_guarded_barrier_falls_when_its_setter_dies,
    a_guarded_barrier_is_set_by_one_only,
    a_guard_whose_barrier_is_lifted_is_told_and_lifts_no_other,
    a_dropped_guard_lifts_the_barrier,
    setting_that_is_dropped_at_any_moment_leaves_no_barrier,
    the_guard_of_an_old_session_is_lost_in_the_new_one;
    on embedded: [a_barrier_set_again_while_disconnected_is_not_taken_for_the_guards_own];
];

async fn a_barrier_is_set_and_lifted_and_both_can_be_said_twice(server: &TestServer) {
    let client = server.client().await;
    let barrier = barrier(&client);
    assert!(!barrier.lift().await.unwrap(), "nothing is there to be lifted");
    assert!(!barrier.is_set().await.unwrap());
    barrier.set().await.unwrap();
    let set = client.exists(PATH).await.unwrap();
    barrier.set().await.unwrap();
    assert_eq!(client.exists(PATH).await.unwrap(), set, "it was set anew");
    assert!(barrier.is_set().await.unwrap());
    assert!(barrier.lift().await.unwrap());
    assert!(!barrier.lift().await.unwrap());
}

async fn the_node_is_as_curator_and_kazoo_make_it(server: &TestServer) {
    let client = server.client().await;
    barrier(&client).data("why").set().await.unwrap();
    let (data, stat) = client.get(PATH).await.unwrap();
    assert_eq!((&*data, stat.is_ephemeral()), (&b"why"[..], false));
    // As another library lifts and sets it.
    client.delete(PATH).await.unwrap();
    assert!(!barrier(&client).is_set().await.unwrap());
    client.create(PATH, "").await.unwrap();
    assert!(barrier(&client).is_set().await.unwrap());
}

async fn a_barrier_outlives_the_session_that_has_set_it(server: &TestServer) {
    let (setter, other) = (server.client().await, server.client().await);
    barrier(&setter).set().await.unwrap();
    setter.close().await.unwrap();
    assert!(barrier(&other).is_set().await.unwrap());
}

async fn missing_parents_are_made_unless_they_are_required(server: &TestServer) {
    let client = server.client().await;
    let required = barrier(&client).parents(Parents::Required);
    for refused in [required.set().await, required.set_while_alive().await.map(drop)] {
        let RecipeError::Client(refused) = refused.unwrap_err() else { panic!("another error") };
        assert_eq!(refused.code(), Some(ErrorCode::NoNode));
    }
    barrier(&client).set().await.unwrap();
    barrier(&client).lift().await.unwrap();
    required.set().await.unwrap();
}

async fn a_guarded_barrier_falls_when_its_setter_dies(server: &TestServer) {
    let network = server.network();
    let (setter, other) = (server.client_on(&network).await, server.client().await);
    let guard = barrier(&setter).set_while_alive().await.unwrap();
    assert!(guard.is_valid());
    let waiter = waiting(&other);
    let lost = guard.lost();
    network.silence(true);
    waiter.await.unwrap().unwrap();
    assert!(!guard.is_valid() || guard.client().state().borrow().is_connected());
    network.silence(false);
    assert_eq!(lost.await, LostReason::SessionExpired);
}

async fn a_guarded_barrier_is_set_by_one_only(server: &TestServer) {
    let (setter, other) = (server.client().await, server.client().await);
    let guard = barrier(&setter).set_while_alive().await.unwrap();
    for client in [&setter, &other] {
        let refused = barrier(client).set_while_alive().await;
        assert_eq!(refused.unwrap_err(), RecipeError::Contended);
    }
    assert_eq!(guard.ownership(), Ownership::Held);
    assert_eq!(guard.release().await.unwrap(), Released::Now);
    barrier(&other).set_while_alive().await.unwrap().release().await.unwrap();
}

async fn a_guard_whose_barrier_is_lifted_is_told_and_lifts_no_other(server: &TestServer) {
    let (setter, other) = (server.client().await, server.client().await);
    let guard = barrier(&setter).set_while_alive().await.unwrap();
    barrier(&other).lift().await.unwrap();
    assert_eq!(guard.lost().await, LostReason::NodeDeleted);
    barrier(&other).set().await.unwrap();
    assert_eq!(guard.release().await.unwrap(), Released::AlreadyLost);
    assert!(barrier(&other).is_set().await.unwrap());
    barrier(&other).lift().await.unwrap();
    let guard = barrier(&setter).set_while_alive().await.unwrap();
    barrier(&other).lift().await.unwrap();
    barrier(&other).set().await.unwrap();
    drop(guard);
    Janitor::of(&setter).drain().await;
    assert!(barrier(&other).is_set().await.unwrap());
}

async fn a_dropped_guard_lifts_the_barrier(server: &TestServer) {
    let (setter, other) = (server.client().await, server.client().await);
    let guard = barrier(&setter).set_while_alive().await.unwrap();
    let waiter = waiting(&other);
    sleep(Duration::from_millis(50)).await;
    assert!(!waiter.is_finished());
    drop(guard);
    waiter.await.unwrap().unwrap();
}

async fn setting_that_is_dropped_at_any_moment_leaves_no_barrier(server: &TestServer) {
    let (setter, other) = (server.client().await, server.client().await);
    for polls in 0.. {
        let set = drop_after_polls(barrier(&setter).set_while_alive(), polls).await;
        let finished = set.is_some();
        drop(set);
        Janitor::of(&setter).drain().await;
        assert!(!barrier(&other).is_set().await.unwrap(), "after {polls} polls");
        if finished {
            assert!(polls > 1, "finished after {polls} polls");
            break;
        }
    }
}

async fn the_guard_of_an_old_session_is_lost_in_the_new_one(server: &TestServer) {
    let network = server.network();
    let builder = server.builder(&network).on_expiry(ExpiryPolicy::NewSession);
    let (setter, other) = (builder.connect().await.unwrap(), server.client().await);
    let guard = barrier(&setter).set_while_alive().await.unwrap();
    network.silence(true);
    waiting(&other).await.unwrap().unwrap();
    network.silence(false);
    assert_eq!(guard.lost().await, LostReason::SessionExpired);
    setter.connected().await.unwrap();
    let next = barrier(&setter).set_while_alive().await.unwrap();
    drop(guard);
    Janitor::of(&setter).drain().await;
    assert_eq!(next.ownership(), Ownership::Held);
    assert!(barrier(&other).is_set().await.unwrap());
    next.release().await.unwrap();
}

async fn a_barrier_set_again_while_disconnected_is_not_taken_for_the_guards_own(
    server: &TestServer,
) {
    let network = server.network();
    let (setter, other) = (server.client_on(&network).await, server.client().await);
    let guard = barrier(&setter).set_while_alive().await.unwrap();
    // Its watch is set.
    sleep(Duration::from_millis(50)).await;
    network.refuse("a", true);
    network.cut();
    barrier(&other).lift().await.unwrap();
    barrier(&other).set().await.unwrap();
    network.refuse("a", false);
    assert_eq!(guard.lost().await, LostReason::NodeDeleted);
    drop(guard);
    Janitor::of(&setter).drain().await;
    assert!(barrier(&other).is_set().await.unwrap());
}
