//! Who passes a barrier, and when.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use zk_client::ExpiryPolicy;
use zk_recipes::RecipeError;
use zk_test_kit::{TestServer, drop_after_polls};

use super::{barrier, waiting};

zk_test_kit::cases![
    an_open_barrier_is_passed_at_once_and_sets_no_watch,
    all_waiters_pass_when_the_barrier_is_lifted_each_for_one_event,
    a_closed_barrier_is_waited_for_no_longer_than_said,
    a_barrier_lifted_and_set_again_between_two_looks_is_passed,
    a_waiter_that_is_to_see_none_waits_for_the_next_lift,
    data_that_is_set_lets_nobody_pass,
    a_waiter_survives_a_lost_connection_and_hears_of_the_lift,
    a_waiter_without_a_server_ends_in_time,
    a_waiter_goes_on_in_a_new_session,
    a_waiter_whose_session_is_over_is_told;
    on embedded: [a_waiter_that_is_dropped_at_any_moment_leaves_no_watch];
];

async fn an_open_barrier_is_passed_at_once_and_sets_no_watch(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let before = network.counts().requests;
    barrier(&client).wait().await.unwrap();
    assert_eq!(network.counts().requests, before + 2, "a sync and a look");
    if let Some(embedded) = server.embedded() {
        assert_eq!(embedded.watch_count(), 0);
    }
}

async fn all_waiters_pass_when_the_barrier_is_lifted_each_for_one_event(server: &TestServer) {
    let other = server.client().await;
    barrier(&other).set().await.unwrap();
    let mut waiters = JoinSet::new();
    for _ in 0..5 {
        let network = server.network();
        let client = server.client_on(&network).await;
        let before = network.counts().requests;
        let waiter = waiting(&client);
        waiters.spawn(async move {
            while network.counts().requests < before + 3 {
                sleep(Duration::from_millis(5)).await;
            }
            sleep(Duration::from_millis(100)).await;
            assert!(!waiter.is_finished(), "it has passed a closed barrier");
            (network, waiter)
        });
    }
    let waiters = waiters.join_all().await;
    assert!(barrier(&other).lift().await.unwrap());
    for (network, waiter) in waiters {
        waiter.await.unwrap().unwrap();
        assert_eq!(network.counts().events, 1);
    }
}

async fn a_closed_barrier_is_waited_for_no_longer_than_said(server: &TestServer) {
    let client = server.client().await;
    barrier(&client).set().await.unwrap();
    let (begun, limit) = (Instant::now(), Duration::from_millis(300));
    assert_eq!(barrier(&client).wait_timeout(limit).await, Err(RecipeError::Timeout));
    assert!(begun.elapsed() >= limit);
    barrier(&client).lift().await.unwrap();
    assert_eq!(barrier(&client).wait_timeout(limit).await, Ok(()));
    assert_eq!(barrier(&client).wait_timeout(Duration::MAX).await, Ok(()));
}

async fn a_barrier_lifted_and_set_again_between_two_looks_is_passed(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    barrier(&other).set().await.unwrap();
    let waiter = waiting(&client);
    sleep(Duration::from_millis(100)).await;
    // Neither the event nor a look gets through before the next one is there.
    network.silence(true);
    barrier(&other).lift().await.unwrap();
    barrier(&other).set().await.unwrap();
    network.silence(false);
    waiter.await.unwrap().unwrap();
    assert!(barrier(&other).is_set().await.unwrap());
}

async fn a_waiter_that_is_to_see_none_waits_for_the_next_lift(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    barrier(&other).set().await.unwrap();
    let strict = barrier(&client).each_generation(false);
    let mut waiter = tokio::spawn(async move { strict.wait().await });
    sleep(Duration::from_millis(100)).await;
    // No look of the waiter comes between the two.
    let again = other.multi().delete(super::PATH, zk_client::Version::ANY).create(super::PATH, "");
    again.commit().await.unwrap();
    assert!(timeout(Duration::from_millis(200), &mut waiter).await.is_err());
    barrier(&other).lift().await.unwrap();
    waiter.await.unwrap().unwrap();
}

async fn data_that_is_set_lets_nobody_pass(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    barrier(&other).set().await.unwrap();
    let mut waiter = waiting(&client);
    for _ in 0..3 {
        sleep(Duration::from_millis(50)).await;
        other.set(super::PATH, "still closed").await.unwrap();
    }
    assert!(timeout(Duration::from_millis(200), &mut waiter).await.is_err());
    barrier(&other).lift().await.unwrap();
    waiter.await.unwrap().unwrap();
}

async fn a_waiter_survives_a_lost_connection_and_hears_of_the_lift(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    barrier(&other).set().await.unwrap();
    let waiter = waiting(&client);
    sleep(Duration::from_millis(100)).await;
    network.refuse("a", true);
    network.cut();
    barrier(&other).lift().await.unwrap();
    network.refuse("a", false);
    waiter.await.unwrap().unwrap();
}

async fn a_waiter_without_a_server_ends_in_time(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    barrier(&other).set().await.unwrap();
    let limit = Duration::from_secs(1);
    let (begun, waiting) = (Instant::now(), barrier(&client));
    let waiter = tokio::spawn(async move { waiting.wait_timeout(limit).await });
    sleep(Duration::from_millis(100)).await;
    network.refuse("a", true);
    network.cut();
    assert_eq!(waiter.await.unwrap(), Err(RecipeError::Timeout));
    assert!(begun.elapsed() >= limit);
}

async fn a_waiter_goes_on_in_a_new_session(server: &TestServer) {
    let network = server.network();
    let builder = server.builder(&network).on_expiry(ExpiryPolicy::NewSession);
    let (client, other) = (builder.connect().await.unwrap(), server.client().await);
    barrier(&other).set().await.unwrap();
    let old = client.session_id();
    let mut waiter = waiting(&client);
    sleep(Duration::from_millis(100)).await;
    network.silence(true);
    sleep(zk_test_kit::server::SESSION_TIMEOUT * 2).await;
    network.silence(false);
    assert!(timeout(Duration::from_secs(2), &mut waiter).await.is_err());
    client.connected().await.unwrap();
    assert_ne!(client.session_id(), old);
    barrier(&other).lift().await.unwrap();
    waiter.await.unwrap().unwrap();
}

async fn a_waiter_whose_session_is_over_is_told(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    barrier(&other).set().await.unwrap();
    let waiter = waiting(&client);
    sleep(Duration::from_millis(100)).await;
    network.silence(true);
    sleep(zk_test_kit::server::SESSION_TIMEOUT * 2).await;
    network.silence(false);
    assert!(waiter.await.unwrap().unwrap_err().is_session_over());
}

async fn a_waiter_that_is_dropped_at_any_moment_leaves_no_watch(server: &TestServer) {
    let client = server.client().await;
    barrier(&client).set().await.unwrap();
    let embedded = server.embedded().unwrap();
    for polls in 0..12 {
        assert!(drop_after_polls(barrier(&client).wait(), polls).await.is_none());
        while embedded.watch_count() > 0 {
            sleep(Duration::from_millis(10)).await;
        }
    }
}
