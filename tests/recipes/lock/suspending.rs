//! What becomes of a guard when its connection is lost, by policy; and what a holder can do with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use zk_client::{Client, ExpiryPolicy, Version};
use zk_recipes::{LockGuard, LostReason, Ownership, RecipeError, Released, SuspendPolicy};
use zk_test_kit::server::{SESSION_TIMEOUT, TICK};
use zk_test_kit::{Network, TestServer};

use super::{acquiring, lock, nodes, until_nodes};

zk_test_kit::cases![
    a_strict_guard_is_lost_with_the_connection,
    a_guard_that_goes_by_the_session_is_valid_as_long_as_that_is_certain_to_live,
    a_guard_that_goes_by_the_lease_is_lost_before_the_next_one_gets_in,
    a_guard_that_goes_by_the_lease_holds_on_while_there_is_a_connection,
    work_is_dropped_when_the_lock_is_lost,
    a_guard_is_verified_by_the_ensemble,
    a_fenced_write_is_refused_after_a_deletion_that_was_not_told,
    a_waiter_that_rejoins_gets_in_after_its_session_expired,
    a_release_before_the_end_of_work_is_told_as_a_loss;
];

async fn acquired(client: &Client, policy: SuspendPolicy) -> LockGuard {
    lock(client).on_suspend(policy).acquire().await.unwrap()
}

async fn is_suspended(guard: &LockGuard) {
    let mut ownership = guard.watch();
    ownership.wait_for(|now| !matches!(now, Ownership::Held)).await.unwrap();
}

fn cut_off(network: &Network, off: bool) {
    network.refuse("a", off);
    network.cut();
}

async fn a_strict_guard_is_lost_with_the_connection(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let guard = acquired(&client, SuspendPolicy::Strict).await;
    assert!(guard.is_valid());
    cut_off(&network, true);
    assert_eq!(guard.lost().await, LostReason::Suspended);
    assert!(!guard.is_valid());
    // The node is there until it is given back, so that nobody is in meanwhile.
    assert_eq!(nodes(&other).await, 1);
    network.refuse("a", false);
    client.connected().await.unwrap();
    sleep(Duration::from_millis(300)).await;
    assert_eq!(guard.ownership(), Ownership::Lost(LostReason::Suspended), "it does not come back");
    assert_eq!(guard.release().await.unwrap(), Released::AlreadyLost);
    assert_eq!(nodes(&other).await, 0);
}

async fn a_guard_that_goes_by_the_session_is_valid_as_long_as_that_is_certain_to_live(
    server: &TestServer,
) {
    let network = server.network();
    let builder = server.builder(&network).server_tick(TICK).keep_lease(TICK * 2);
    let (client, other) = (builder.connect().await.unwrap(), server.client().await);
    let guard = acquired(&client, SuspendPolicy::Session).await;
    sleep(TICK * 6).await;
    assert!(client.lease().is_safe(Instant::now()));
    cut_off(&network, true);
    is_suspended(&guard).await;
    let Ownership::Suspended { safe_until: Some(until), .. } = guard.ownership() else {
        panic!("{:?}", guard.ownership())
    };
    assert!(guard.is_valid(), "nobody else can be in yet");
    tokio::time::sleep_until(until + Duration::from_millis(1)).await;
    assert!(!guard.is_valid());
    assert!(matches!(guard.ownership(), Ownership::Suspended { .. }), "it is not known");
    // Nobody got in while it was valid, and nobody before the session was over.
    until_nodes(&other, 0).await;
    network.refuse("a", false);
    assert_eq!(guard.lost().await, LostReason::SessionExpired);
}

async fn a_guard_that_goes_by_the_lease_is_lost_before_the_next_one_gets_in(server: &TestServer) {
    let network = server.network();
    let builder = server.builder(&network).server_tick(TICK);
    let (client, other) = (builder.connect().await.unwrap(), server.client().await);
    let guard = acquired(&client, SuspendPolicy::UntilSafe).await;
    sleep(TICK * 6).await;
    assert_eq!(guard.ownership(), Ownership::Held);
    let lost = guard.lost();
    let lost = tokio::spawn(async move { (lost.await, Instant::now()) });
    let waiter = acquiring(&other);
    until_nodes(&other, 2).await;
    let begun = Instant::now();
    cut_off(&network, true);
    is_suspended(&guard).await;
    assert!(guard.is_valid());
    let next = waiter.await.unwrap().unwrap();
    let entered = Instant::now();
    let (reason, at) = lost.await.unwrap();
    assert_eq!(reason, LostReason::LeaseOver);
    assert!(at < entered, "two thought that they hold");
    assert!(at > begun + Duration::from_millis(100), "it is lost too soon");
    assert!(!guard.is_valid());
    network.refuse("a", false);
    drop(guard);
    next.verify().await.unwrap();
    next.release().await.unwrap();
}

async fn a_guard_that_goes_by_the_lease_holds_on_while_there_is_a_connection(server: &TestServer) {
    let builder = server.builder(&server.network()).server_tick(TICK);
    let client = builder.connect().await.unwrap();
    let guard = acquired(&client, SuspendPolicy::UntilSafe).await;
    for _ in 0..3 {
        sleep(SESSION_TIMEOUT).await;
        assert_eq!(guard.ownership(), Ownership::Held);
    }
    assert_eq!(guard.release().await.unwrap(), Released::Now);
}

/// Counts how often it is dropped.
struct Drops(Arc<AtomicUsize>);

impl Drop for Drops {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

async fn work_is_dropped_when_the_lock_is_lost(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let guard = lock(&client).acquire().await.unwrap();
    assert_eq!(guard.run(async { 7 }).await, Ok(7));
    let dropped = Arc::new(AtomicUsize::new(0));
    let work = {
        let drops = Drops(Arc::clone(&dropped));
        async move {
            let _drops = drops;
            std::future::pending::<()>().await;
        }
    };
    let path = guard.path();
    let (outcome, ()) = tokio::join!(guard.run(work), async {
        sleep(Duration::from_millis(50)).await;
        assert_eq!(dropped.load(Ordering::SeqCst), 0);
        other.delete(&path).await.unwrap();
    });
    assert_eq!(outcome, Err(LostReason::NodeDeleted));
    assert_eq!(dropped.load(Ordering::SeqCst), 1, "the work goes on");
    // Work that begins when it is lost does not begin.
    let begun = guard.run(async { dropped.fetch_add(1, Ordering::SeqCst) }).await;
    assert_eq!((begun, dropped.load(Ordering::SeqCst)), (Err(LostReason::NodeDeleted), 1));
}

async fn a_guard_is_verified_by_the_ensemble(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let guard = lock(&client).acquire().await.unwrap();
    guard.verify().await.unwrap();
    network.hold_incoming(true);
    other.delete(&guard.path()).await.unwrap();
    assert_eq!(guard.ownership(), Ownership::Held, "nothing was told yet");
    let verified = tokio::spawn(async move { (guard.verify().await, guard) });
    sleep(Duration::from_millis(100)).await;
    network.hold_incoming(false);
    let (verified, guard) = verified.await.unwrap();
    assert_eq!(verified.unwrap_err(), RecipeError::Lost(LostReason::NodeDeleted));
    assert_eq!(guard.ownership(), Ownership::Lost(LostReason::NodeDeleted));
}

async fn a_fenced_write_is_refused_after_a_deletion_that_was_not_told(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    other.create("/store", "old").await.unwrap();
    let guard = lock(&client).acquire().await.unwrap();
    guard.multi().set("/store", "mine", Version::ANY).commit().await.unwrap();
    network.hold_incoming(true);
    other.delete(&guard.path()).await.unwrap();
    let next = lock(&other).acquire().await.unwrap();
    next.multi().set("/store", "next", Version::ANY).commit().await.unwrap();
    let late = guard.multi().set("/store", "late", Version::ANY).commit();
    sleep(Duration::from_millis(100)).await;
    network.hold_incoming(false);
    assert_eq!(late.await.unwrap_err(), RecipeError::Lost(LostReason::NodeDeleted));
    assert_eq!(other.get("/store").await.unwrap().0, "next");
    next.release().await.unwrap();
}

async fn a_waiter_that_rejoins_gets_in_after_its_session_expired(server: &TestServer) {
    let network = server.network();
    let renewing = server.builder(&network).on_expiry(ExpiryPolicy::NewSession);
    let (holder, client) = (server.client().await, renewing.connect().await.unwrap());
    let held = lock(&holder).acquire().await.unwrap();
    let rejoining = lock(&client).rejoin(true);
    let waiter = tokio::spawn(async move { rejoining.acquire().await });
    until_nodes(&holder, 2).await;
    let old = client.session_id();
    network.silence(true);
    until_nodes(&holder, 1).await;
    // Somebody else comes meanwhile, and is ahead from now on.
    let between = lock(&holder).enqueue().await.unwrap();
    network.silence(false);
    until_nodes(&holder, 3).await;
    assert_ne!(client.session_id(), old);
    held.release().await.unwrap();
    let held = between.acquire().await.unwrap();
    sleep(Duration::from_millis(50)).await;
    assert!(!waiter.is_finished());
    held.release().await.unwrap();
    let guard = waiter.await.unwrap().unwrap();
    let now = lock(&holder).holder().await.unwrap().unwrap();
    assert_eq!((now.session, now.token), (client.session_id(), guard.token()));
    guard.release().await.unwrap();
}

async fn a_release_before_the_end_of_work_is_told_as_a_loss(server: &TestServer) {
    let client = server.client().await;
    let guard = lock(&client).acquire().await.unwrap();
    let (lost, ownership) = (guard.lost(), guard.watch());
    guard.release().await.unwrap();
    assert_eq!(lost.await, LostReason::Released);
    assert_eq!(*ownership.borrow(), Ownership::Lost(LostReason::Released));
}
