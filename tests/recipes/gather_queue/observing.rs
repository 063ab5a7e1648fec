//! Those who look at a queue and are no members of it.

use std::time::Duration;

use tokio::time::timeout;
use zk_client::ExpiryPolicy;
use zk_recipes::gather_queue::QueueState;
use zk_test_kit::{TestServer, drop_after_polls};

use super::{LIMIT, queue, seated};

zk_test_kit::cases![
    an_observer_sees_a_round_from_its_beginning_to_the_next_one,
    an_observer_goes_on_in_a_new_session,
    an_observer_that_is_dropped_at_any_moment_misses_nothing_the_next_time,
];

fn gathering(state: &QueueState) -> (u64, usize) {
    match state {
        QueueState::Gathering { round, waiting } => (*round, waiting.len()),
        state => panic!("{state:?}"),
    }
}

async fn an_observer_sees_a_round_from_its_beginning_to_the_next_one(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let queue = queue(&client, 2);
    assert_eq!(gathering(&queue.state().await.unwrap()), (1, 0));
    let mut observer = super::queue(&other, 2).observe();
    assert_eq!(gathering(&observer.next().await.unwrap()), (1, 0));
    assert!(timeout(Duration::from_millis(100), observer.next()).await.is_err());
    let observed = tokio::spawn(async move {
        let mut seen = Vec::new();
        loop {
            let state = timeout(LIMIT, observer.next()).await.unwrap().unwrap();
            assert_ne!(seen.last(), Some(&state), "the same was told twice");
            let is_over = matches!(state, QueueState::Gathering { round: 2, .. });
            seen.push(state);
            if is_over {
                return seen;
            }
        }
    });
    for seat in seated(&queue, 2).await {
        let turn = seat.my_turn_timeout(LIMIT).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        turn.done().await.unwrap();
    }
    let seen = observed.await.unwrap();
    let running: Vec<_> = seen
        .iter()
        .filter_map(|state| match state {
            QueueState::Running { round, members, remaining, waiting } => {
                assert_eq!((*round, members.len(), waiting.len()), (1, 2, 0));
                Some(remaining.len())
            }
            _ => None,
        })
        .collect();
    assert_eq!(running, [2, 1], "{seen:?}");
}

async fn an_observer_goes_on_in_a_new_session(server: &TestServer) {
    let network = server.network();
    let builder = server.builder(&network).on_expiry(ExpiryPolicy::NewSession);
    let (renews, client) = (builder.connect().await.unwrap(), server.client().await);
    let mut observer = queue(&renews, 2).observe();
    assert_eq!(gathering(&observer.next().await.unwrap()), (1, 0));
    let next = tokio::spawn(async move { observer.next().await });
    network.silence(true);
    tokio::time::sleep(zk_test_kit::server::SESSION_TIMEOUT * 2).await;
    let _seat = queue(&client, 2).join("").await.unwrap();
    network.silence(false);
    assert_eq!(gathering(&next.await.unwrap().unwrap()), (1, 1));
}

async fn an_observer_that_is_dropped_at_any_moment_misses_nothing_the_next_time(
    server: &TestServer,
) {
    let client = server.client().await;
    let queue = queue(&client, 50);
    let mut observer = queue.observe();
    let mut seats = Vec::new();
    assert_eq!(gathering(&observer.next().await.unwrap()), (1, 0));
    for polls in 0..10 {
        seats.push(queue.join("").await.unwrap());
        let told = drop_after_polls(observer.next(), polls).await;
        let told = match told {
            Some(told) => told.unwrap(),
            None => timeout(LIMIT, observer.next()).await.unwrap().unwrap(),
        };
        let mut count = gathering(&told).1;
        while count < seats.len() {
            count = gathering(&timeout(LIMIT, observer.next()).await.unwrap().unwrap()).1;
        }
        assert_eq!(count, seats.len(), "after {polls} polls");
    }
}
