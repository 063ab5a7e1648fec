//! What it costs, once and very often.

use std::env;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};
use zk_client::Client;
use zk_recipes::{Janitor, LockGuard, RecipeError};
use zk_test_kit::TestServer;
use zk_test_kit::network::{Counts, Network};

use super::{PATH, lock, nodes};

zk_test_kit::cases![
    a_hand_over_costs_one_event_for_each_side_and_the_next_one_asks_for_nothing,
    a_waiter_that_had_two_ahead_looks_once_more;
    on embedded: [cycles_leave_no_node_watch_task_or_request];
    in virtual time: [
        cycles_by_the_thousand_cost_the_same_each,
        hand_overs_by_the_thousand_are_fair_and_take_no_time,
    ];
];

type Waiter = tokio::task::JoinHandle<Result<LockGuard, RecipeError>>;

async fn waiting(server: &TestServer) -> (Network, Client, Waiter) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let place = lock(&client).enqueue().await.unwrap();
    (network, client, tokio::spawn(place.acquire()))
}

async fn quiet() {
    sleep(Duration::from_millis(100)).await;
}

/// Events and requests since.
fn since(network: &Network, before: Counts) -> (usize, usize) {
    let now = network.counts();
    (now.events - before.events, now.requests - before.requests)
}

async fn a_hand_over_costs_one_event_for_each_side_and_the_next_one_asks_for_nothing(
    server: &TestServer,
) {
    let network = server.network();
    let holder = server.client_on(&network).await;
    let held = lock(&holder).acquire().await.unwrap();
    let mut waiters = Vec::new();
    for _ in 0..5 {
        waiters.push(waiting(server).await);
    }
    quiet().await;
    let before = network.counts();
    let before_all: Vec<_> = waiters.iter().map(|(network, ..)| network.counts()).collect();
    held.release().await.unwrap();
    quiet().await;
    // The releaser: its delete, and the event of the watch on its own node.
    assert_eq!(since(&network, before), (1, 1));
    for (number, ((network, ..), before)) in waiters.iter().zip(before_all).enumerate() {
        // Its successor had nobody else ahead: the event is the grant.
        let expected = if number == 0 { (1, 0) } else { (0, 0) };
        assert_eq!(since(network, before), expected, "of waiter {number}");
    }
    for (_, _, waiter) in waiters {
        waiter.await.unwrap().unwrap().release().await.unwrap();
    }
}

async fn a_waiter_that_had_two_ahead_looks_once_more(server: &TestServer) {
    let holder = server.client().await;
    let held = lock(&holder).acquire().await.unwrap();
    let between = lock(&holder).enqueue().await.unwrap();
    let (near, far) = (waiting(server).await, waiting(server).await);
    quiet().await;
    held.release().await.unwrap();
    let between = between.acquire().await.unwrap();
    let (before, before_far) = (near.0.counts(), far.0.counts());
    between.release().await.unwrap();
    let guard = near.2.await.unwrap().unwrap();
    quiet().await;
    assert_eq!(since(&near.0, before), (1, 1));
    assert_eq!(since(&far.0, before_far), (0, 0));
    guard.release().await.unwrap();
    far.2.await.unwrap().unwrap().release().await.unwrap();
}

/// What could grow.
fn left(server: &TestServer) -> (usize, usize, usize) {
    let embedded = server.embedded().unwrap();
    let tasks = Handle::current().metrics().num_alive_tasks();
    (embedded.node_count(), embedded.watch_count(), tasks)
}

/// Takes the lock, sometimes by waiting, sometimes in vain.
async fn cycle(one: &Client, two: &Client, number: usize) {
    let guard = lock(one).acquire().await.unwrap();
    match number % 4 {
        0 => {
            let short = Duration::from_millis(10);
            let refused = lock(two).acquire_timeout(short).await;
            assert_eq!(refused.unwrap_err(), RecipeError::Timeout);
        }
        1 => assert_eq!(lock(two).try_acquire().await.unwrap_err(), RecipeError::Contended),
        2 => {
            let place = lock(two).enqueue().await.unwrap();
            let (guard, released) = tokio::join!(place.acquire(), guard.release());
            released.unwrap();
            return drop(guard.unwrap());
        }
        _ => {}
    }
    guard.release().await.unwrap();
}

async fn cycles_leave_no_node_watch_task_or_request(server: &TestServer) {
    let (one, two) = (server.client().await, server.client().await);
    // A container would go in a pause.
    one.create(PATH, "").with_parents().await.unwrap();
    for number in 0..8 {
        cycle(&one, &two, number).await;
    }
    Janitor::of(&two).drain().await;
    quiet().await;
    let before = left(server);
    for number in 0..200 {
        cycle(&one, &two, number).await;
    }
    Janitor::of(&two).drain().await;
    two.sync("/").await.unwrap();
    quiet().await;
    assert_eq!(left(server), before);
    assert_eq!((Janitor::of(&one).pending(), Janitor::of(&two).pending()), (0, 0));
    assert_eq!(nodes(&one).await, 0);
}

async fn cycles_by_the_thousand_cost_the_same_each(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    client.create(PATH, "").with_parents().await.unwrap();
    for _ in 0..10 {
        lock(&client).acquire().await.unwrap().release().await.unwrap();
    }
    quiet().await;
    let (before, counts) = (left(server), network.counts());
    let lock = lock(&client);
    let cycles = cycles();
    for _ in 0..cycles {
        lock.acquire().await.unwrap().release().await.unwrap();
    }
    quiet().await;
    assert_eq!(left(server), before);
    // A create, a listing, a watch and a deletion; the few others are pings.
    let requests = network.counts().requests - counts.requests;
    assert!((4 * cycles..4 * cycles + cycles / 100).contains(&requests), "{requests}");
    assert_eq!(network.counts().events - counts.events, cycles);
    assert_eq!(Janitor::of(&client).pending(), 0);
}

async fn hand_overs_by_the_thousand_are_fair_and_take_no_time(server: &TestServer) {
    let begun = Instant::now();
    let clients = [server.client().await, server.client().await, server.client().await];
    let mut held = lock(&clients[0]).acquire().await.unwrap();
    let mut waiting = tokio::spawn(lock(&clients[1]).enqueue().await.unwrap().acquire());
    for number in 2..cycles() / 2 {
        // Each takes a place behind the other two, in turn.
        let next = lock(&clients[number % 3]).enqueue().await.unwrap();
        let token = held.token();
        held.release().await.unwrap();
        held = waiting.await.unwrap().unwrap();
        assert!(held.token() > token);
        waiting = tokio::spawn(next.acquire());
    }
    held.release().await.unwrap();
    waiting.await.unwrap().unwrap().release().await.unwrap();
    assert_eq!(nodes(&clients[0]).await, 0);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?} of virtual time", begun.elapsed());
}

/// `ZK_TEST_CYCLES`, by default so many that a build without optimizations takes a few seconds.
fn cycles() -> usize {
    env::var("ZK_TEST_CYCLES").ok().and_then(|cycles| cycles.parse().ok()).unwrap_or(5_000)
}
