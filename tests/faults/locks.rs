//! Locks of a real ensemble that loses servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use zk_client::{Client, Version};
use zk_recipes::{Lock, LockGuard, LostReason, Ownership, RecipeError, SuspendPolicy};
use zk_test_kit::Ensemble;
use zk_test_kit::server::TICK;

use crate::ensemble::{SESSION_TIMEOUT, client, client_at, unique};

crate::fault_cases![with Arc<Ensemble>:
    a_lock_that_is_held_and_waited_for_outlives_the_leader,
    a_holder_that_is_cut_off_with_its_follower_stops_before_the_next_one_gets_in,
    no_fenced_write_is_lost_or_doubled_while_leaders_die,
];

fn lock(client: &Client, path: &str) -> Lock {
    Lock::new(client, path).unwrap()
}

/// Waits until the guard says that the lock is held, after a fault.
pub(crate) async fn held_again(guard: &LockGuard) {
    let mut ownership = guard.watch();
    let settled = ownership.wait_for(|now| !matches!(now, Ownership::Suspended { .. }));
    assert_eq!(*settled.await.unwrap(), Ownership::Held);
    guard.verify().await.unwrap();
}

async fn a_lock_that_is_held_and_waited_for_outlives_the_leader(ensemble: Arc<Ensemble>) {
    let leader = ensemble.leader().await.unwrap();
    let holder = client_at(&ensemble, leader).await;
    let waiter = client_at(&ensemble, (leader + 1) % 3).await;
    let path = unique("lock");
    let guard = lock(&holder, &path).acquire().await.unwrap();
    let waiting = tokio::spawn(lock(&waiter, &path).enqueue().await.unwrap().acquire());
    ensemble.servers()[leader].kill().await;
    ensemble.until_quorum(2).await;
    holder.sync("/").await.unwrap();
    held_again(&guard).await;
    assert!(!waiting.is_finished());
    guard.release().await.unwrap();
    waiting.await.unwrap().unwrap().release().await.unwrap();
    ensemble.servers()[leader].start_again().await;
}

/// The follower goes on answering pings for a while, which prove nothing: the lease is what tells.
async fn a_holder_that_is_cut_off_with_its_follower_stops_before_the_next_one_gets_in(
    ensemble: Arc<Ensemble>,
) {
    let follower = ensemble.followers().await[0];
    let builder = Client::builder(ensemble.servers()[follower].connect_string());
    let holder =
        builder.session_timeout(SESSION_TIMEOUT).server_tick(TICK).connect().await.unwrap();
    let waiter = client_at(&ensemble, ensemble.leader().await.unwrap()).await;
    let path = unique("lock");
    let policy = SuspendPolicy::UntilSafe;
    let guard = lock(&holder, &path).on_suspend(policy).acquire().await.unwrap();
    let waiting = lock(&waiter, &path).enqueue().await.unwrap();
    // For as long as there is a connection to the ensemble the lock is held.
    assert!(timeout(SESSION_TIMEOUT * 2, guard.lost()).await.is_err());
    let lost = guard.lost();
    let lost = tokio::spawn(async move { (lost.await, Instant::now()) });
    ensemble.cut_off(follower).await;
    let next = waiting.acquire().await.unwrap();
    let got_in = Instant::now();
    let (reason, lost) = lost.await.unwrap();
    assert_eq!(reason, LostReason::LeaseOver);
    assert!(lost < got_in, "lost {:?} after the next one got in", lost - got_in);
    eprintln!("lost {:?} before the next one got in", got_in - lost);
    next.release().await.unwrap();
    ensemble.join(follower).await;
}

/// Adds one to a counter under the lock, by a write that is fenced; how often it did, and how often
/// nobody knows.
async fn count(client: Client, path: String, stop: Arc<AtomicBool>) -> (u64, u64) {
    let (mut done, mut unknown) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let guard = match lock(&client, &path).acquire().await {
            Ok(guard) => guard,
            Err(error) => panic!("{error:?}"),
        };
        let counter = format!("{path}-counter");
        let Ok((data, _)) = client.get(&counter).await else { continue };
        let value: u64 = std::str::from_utf8(&data).unwrap().parse().unwrap();
        let next = (value + 1).to_string();
        match guard.multi().set(&counter, next, Version::ANY).commit().await {
            Ok(_) => done += 1,
            Err(error) if error.outcome_unknown() => unknown += 1,
            Err(RecipeError::Lost(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
        let _ = guard.release().await;
    }
    (done, unknown)
}

async fn no_fenced_write_is_lost_or_doubled_while_leaders_die(ensemble: Arc<Ensemble>) {
    let path = unique("lock");
    let observer = client(&ensemble).await;
    observer.create(&format!("{path}-counter"), "0").await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let mut contenders = JoinSet::new();
    for index in 0..6 {
        let client = client_at(&ensemble, index % 3).await;
        contenders.spawn(count(client, path.clone(), Arc::clone(&stop)));
    }
    for _ in 0..2 {
        let leader = ensemble.leader().await.unwrap();
        ensemble.servers()[leader].kill().await;
        ensemble.until_quorum(2).await;
        sleep(Duration::from_secs(1)).await;
        ensemble.servers()[leader].start_again().await;
        ensemble.until_quorum(3).await;
    }
    stop.store(true, Ordering::Relaxed);
    let counted = contenders.join_all().await;
    let done: u64 = counted.iter().map(|(done, _)| done).sum();
    let unknown: u64 = counted.iter().map(|(_, unknown)| unknown).sum();
    observer.sync("/").await.unwrap();
    let (data, _) = observer.get(&format!("{path}-counter")).await.unwrap();
    let value: u64 = std::str::from_utf8(&data).unwrap().parse().unwrap();
    assert!(done > 20, "only {done} were done");
    assert!((done..=done + unknown).contains(&value), "{value}, not {done} and up to {unknown}");
}
