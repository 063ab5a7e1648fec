//! Terms as calls of a function.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use zk_recipes::election::{AfterTerm, TermEnd};
use zk_recipes::{LostReason, RecipeError};
use zk_test_kit::TestServer;

use super::{election, ids, is_leader, joined, leading, until_ids, until_role};

zk_test_kit::cases![
    five_candidates_lead_in_rotation,
    work_is_dropped_when_the_term_is_lost,
    work_never_overlaps_with_the_work_of_the_term_before,
    work_may_finish_when_it_is_told_in_time,
    work_does_not_begin_for_a_term_that_was_lost_before,
    work_that_stops_leaves_the_election,
    work_that_wants_another_term_gets_one_though_it_does_not_rejoin,
    work_that_panics_leaves_the_election,
    a_dropped_run_drops_the_work_and_leaves,
    a_session_without_successor_ends_the_run;
];

async fn five_candidates_lead_in_rotation(server: &TestServer) {
    const ROUNDS: usize = 6;
    let order = Arc::new(Mutex::new(Vec::new()));
    let inside = Arc::new(AtomicUsize::new(0));
    let mut runs = JoinSet::new();
    let client = server.client().await;
    let (_first, held) = leading(&election(&client, "first").rejoin(false)).await;
    for number in 0..5 {
        let client = server.client().await;
        let (order, inside) = (Arc::clone(&order), Arc::clone(&inside));
        let id = number.to_string();
        runs.spawn(async move {
            let mut terms = 0;
            let work = election(&client, &id).run_when_leader(|leadership| {
                terms += 1;
                let last = terms == ROUNDS;
                let (order, inside) = (Arc::clone(&order), Arc::clone(&inside));
                let everybody = client.clone();
                async move {
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two lead");
                    // Whoever has led before is in the queue again.
                    let waiting =
                        if order.lock().unwrap().len() < 5 * (ROUNDS - 1) { 5 } else { 1 };
                    while ids(&everybody).await.len() < waiting {
                        sleep(Duration::from_millis(2)).await;
                    }
                    order.lock().unwrap().push((number, leadership.term()));
                    assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
                    if last { AfterTerm::Stop } else { AfterTerm::Rejoin }
                }
            });
            work.await.unwrap();
        });
        while ids(&held.client().clone()).await.len() < number + 2 {
            sleep(Duration::from_millis(2)).await;
        }
    }
    drop(held);
    runs.join_all().await;
    let order = order.lock().unwrap().clone();
    assert!(order.is_sorted_by(|one, next| one.1 < next.1), "{order:?}");
    for round in order.chunks(5) {
        let mut who: Vec<_> = round.iter().map(|(number, _)| *number).collect();
        who.sort_unstable();
        assert_eq!(who, [0, 1, 2, 3, 4], "{order:?}");
    }
    assert_eq!(ids(&client).await, [""; 0]);
}

/// Tells when it is dropped.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn work_is_dropped_when_the_term_is_lost(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let (alive, begun) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let (counted, begins) = (Arc::clone(&alive), Arc::clone(&begun));
    let run = tokio::spawn(async move {
        let work = election(&client, "a").run_when_leader(|leadership| {
            let alive = Alive::new(&counted);
            begins.fetch_add(1, Ordering::SeqCst);
            async move {
                let _both = (alive, leadership);
                std::future::pending::<AfterTerm>().await
            }
        });
        work.await
    });
    for round in 1..=3 {
        while begun.load(Ordering::SeqCst) < round {
            sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(alive.load(Ordering::SeqCst), 1);
        let leader = election(&other, "").leader().await.unwrap().unwrap();
        other.delete(&leader.path).await.unwrap();
    }
    run.abort();
    let _ = run.await;
    assert_eq!(alive.load(Ordering::SeqCst), 0);
    until_ids(&other, &[]).await;
}

async fn work_never_overlaps_with_the_work_of_the_term_before(server: &TestServer) {
    let network = server.network();
    let (client, other) = (super::renewing(server, &network).await, server.client().await);
    let inside = Arc::<AtomicUsize>::default();
    let begun = Arc::<AtomicUsize>::default();
    let (counted, begins) = (Arc::clone(&inside), Arc::clone(&begun));
    let run = tokio::spawn(async move {
        let work = election(&client, "a").run_when_leader(|leadership| {
            begins.fetch_add(1, Ordering::SeqCst);
            assert_eq!(counted.load(Ordering::SeqCst), 0, "two at once");
            let alive = Alive::new(&counted);
            async move {
                sleep(Duration::from_millis(300)).await;
                drop(leadership);
                drop(alive);
                AfterTerm::Rejoin
            }
        });
        work.await
    });
    while begun.load(Ordering::SeqCst) < 5 {
        sleep(Duration::from_millis(450)).await;
        network.cut();
    }
    run.abort();
    let _ = run.await;
    until_ids(&other, &[]).await;
}

async fn work_may_finish_when_it_is_told_in_time(server: &TestServer) {
    let client = server.client().await;
    let election = election(&client, "a").overridable(true).grace(Duration::from_secs(20));
    let control = election.control();
    let (finished, running) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let (counted, begins, elected) =
        (Arc::clone(&finished), Arc::clone(&running), election.clone());
    let run = tokio::spawn(async move {
        let work = elected.run_when_leader(|leadership| {
            let counted = Arc::clone(&counted);
            begins.fetch_add(1, Ordering::SeqCst);
            async move {
                let why = leadership.cancelled().await;
                assert_eq!(why, TermEnd::Overridden);
                leadership.verify().await.unwrap();
                sleep(Duration::from_millis(100)).await;
                counted.fetch_add(1, Ordering::SeqCst);
                AfterTerm::Rejoin
            }
        });
        work.await
    });
    let b = {
        while running.load(Ordering::SeqCst) == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        joined(&super::election(&client, "b").overridable(true)).await
    };
    control.exclude(&["a"], "").await.unwrap();
    until_role(&b, is_leader).await;
    assert_eq!(finished.load(Ordering::SeqCst), 1, "the next one began before it had finished");
    run.abort();
}

async fn work_does_not_begin_for_a_term_that_was_lost_before(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let valid = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&valid);
    let run = tokio::spawn(async move {
        let work = election(&client, "a").run_when_leader(|leadership| {
            seen.lock().unwrap().push(leadership.is_valid());
            async move {
                let _ = leadership.cancelled().await;
                AfterTerm::Rejoin
            }
        });
        work.await
    });
    // Again and again a term is over as soon as it began.
    let mut random = zk_test_kit::Seed::pick().random(0);
    for _ in 0..200 {
        if let Some(leader) = election(&other, "").leader().await.unwrap() {
            let _ = other.delete(&leader.path).await;
        }
        for _ in 0..random.u8(..4) {
            tokio::task::yield_now().await;
        }
    }
    while valid.lock().unwrap().is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    assert!(valid.lock().unwrap().iter().all(|valid| *valid));
    run.abort();
}

async fn work_that_stops_leaves_the_election(server: &TestServer) {
    let client = server.client().await;
    let b_election = election(&client, "b");
    let mut calls = 0;
    let work = election(&client, "a").run_when_leader(|_leadership| {
        calls += 1;
        async { AfterTerm::Stop }
    });
    work.await.unwrap();
    assert_eq!(calls, 1);
    assert_eq!(ids(&client).await, [""; 0]);
    drop(leading(&b_election).await);
}

async fn work_that_wants_another_term_gets_one_though_it_does_not_rejoin(server: &TestServer) {
    let client = server.client().await;
    let mut calls = 0;
    let run = election(&client, "a").rejoin(false).run_when_leader(|_leadership| {
        calls += 1;
        let done = calls == 3;
        async move { if done { AfterTerm::Stop } else { AfterTerm::Rejoin } }
    });
    run.await.unwrap();
    assert_eq!(calls, 3);
}

async fn work_that_panics_leaves_the_election(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let mut b = None;
    for in_future in [true, false] {
        let client = client.clone();
        let run = tokio::spawn(async move {
            let work = election(&client, "a").run_when_leader(move |leadership| {
                assert!(in_future, "in the function");
                async move {
                    let _leadership = leadership;
                    panic!("in the future");
                }
            });
            work.await
        });
        assert!(run.await.unwrap_err().is_panic());
        // Nobody leads without doing anything.
        let next = match b.take() {
            Some(next) => next,
            None => election(&other, "b").join(),
        };
        until_role(&next, is_leader).await;
        until_ids(&other, &["b"]).await;
        next.leave(Default::default()).await.unwrap();
    }
}

async fn a_dropped_run_drops_the_work_and_leaves(server: &TestServer) {
    let client = server.client().await;
    let alive = Arc::<AtomicUsize>::default();
    let election = election(&client, "a");
    let work = election.run_when_leader(|leadership| {
        let alive = Alive::new(&alive);
        async move {
            let _both = (leadership, alive);
            std::future::pending().await
        }
    });
    assert!(timeout(Duration::from_millis(500), work).await.is_err());
    assert_eq!(alive.load(Ordering::SeqCst), 0);
    until_ids(&client, &[]).await;
}

async fn a_session_without_successor_ends_the_run(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let run = tokio::spawn(async move {
        let work = election(&client, "a").run_when_leader(|leadership| async move {
            let _leadership = leadership;
            std::future::pending().await
        });
        work.await
    });
    until_ids(&other, &["a"]).await;
    network.silence(true);
    until_ids(&other, &[]).await;
    network.silence(false);
    let error = run.await.unwrap().unwrap_err();
    // The strict policy ends the term first; then there is no session to come again with.
    let RecipeError::Lost(reason) = error else { panic!("{error:?}") };
    assert!(matches!(reason, LostReason::SessionExpired | LostReason::Suspended), "{reason:?}");
}
