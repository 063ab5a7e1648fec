//! Who gets the locks, and what it costs.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use zk_client::{ErrorCode, Version};
use zk_recipes::{Dialect, Lock, MultiLock, Parents, RecipeError, Released};
use zk_test_kit::{TestServer, drop_after_polls};

use super::{A, B, C, acquiring, at, multi, nodes};

zk_test_kit::cases![
    free_locks_are_acquired_in_one_round_trip,
    paths_count_once_and_none_is_refused,
    two_with_opposite_orders_do_not_deadlock,
    a_multi_lock_and_a_plain_lock_exclude_each_other,
    a_plain_lock_that_waits_behind_one_of_two_gets_in_when_both_are_released,
    trying_leaves_nothing_when_one_is_held,
    a_multi_lock_has_kazoos_names_where_it_is_told_to,
    parents_that_are_required_are_not_made,
    a_timed_out_multi_lock_leaves_no_node,
    a_multi_lock_dropped_at_any_moment_leaves_no_node,
];

async fn free_locks_are_acquired_in_one_round_trip(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    multi(&client, &[A, B]).acquire().await.unwrap().release().await.unwrap();
    if server.version().await < (3, 8, 2) {
        return;
    }
    let before = network.counts().requests;
    network.hold_incoming(true);
    let acquire = acquiring(&client, &[A, B]);
    // The multi and two listings leave before any reply is there.
    while network.counts().requests < before + 3 {
        sleep(Duration::from_millis(5)).await;
    }
    network.hold_outgoing(true);
    network.hold_incoming(false);
    let guard = acquire.await.unwrap().unwrap();
    assert_eq!(network.counts().requests, before + 3);
    network.hold_outgoing(false);
    sleep(Duration::from_millis(50)).await;
    let watched = network.counts().requests;
    assert_eq!(guard.release().await.unwrap(), Released::Now);
    assert_eq!(network.counts().requests, watched + 1, "a release is one request");
}

async fn paths_count_once_and_none_is_refused(server: &TestServer) {
    let client = server.client().await;
    let none: [&str; 0] = [];
    let refused = MultiLock::new(&client, none).unwrap_err();
    assert!(matches!(refused, RecipeError::BadArguments { .. }), "{refused:?}");
    assert!(MultiLock::new(&client, ["/a", "b"]).is_err());
    let lock = multi(&client, &[B, A, B, A]).data("ada");
    assert_eq!(lock.paths(), [A, B]);
    let guard = lock.acquire().await.unwrap();
    assert_eq!((at(&client, A).await, at(&client, B).await), (1, 1));
    assert!(guard.paths().eq([A, B]));
    for path in [A, B] {
        let holder = Lock::new(&client, path).unwrap().holder().await.unwrap().unwrap();
        assert_eq!(guard.node_of(path), Some(holder.path.as_str()));
        assert_eq!(guard.token_of(path), Some(holder.token));
        assert_eq!(holder.data, "ada");
    }
    assert_eq!((guard.node_of(C), guard.token_of(C)), (None, None));
    guard.release().await.unwrap();
    assert_eq!(nodes(&client).await, 0);
}

async fn two_with_opposite_orders_do_not_deadlock(server: &TestServer) {
    let (one, two) = (server.client().await, server.client().await);
    let mut last = None;
    for _ in 0..20 {
        let (first, second) = (acquiring(&one, &[A, B, C]), acquiring(&two, &[C, B, A]));
        let together = async {
            tokio::join!(async { first.await.unwrap().unwrap().release().await.unwrap() }, async {
                let guard = second.await.unwrap().unwrap();
                let token = guard.token();
                guard.release().await.unwrap();
                token
            },)
        };
        let (_, token) = timeout(Duration::from_secs(20), together).await.expect("a deadlock");
        assert!(Some(token) > last);
        last = Some(token);
    }
    assert_eq!(nodes(&one).await, 0);
}

async fn a_multi_lock_and_a_plain_lock_exclude_each_other(server: &TestServer) {
    let (many, single) = (server.client().await, server.client().await);
    let plain = Lock::new(&single, B).unwrap();
    let held = plain.acquire().await.unwrap();
    let mut waiter = acquiring(&many, &[A, B]);
    assert!(timeout(Duration::from_millis(100), &mut waiter).await.is_err());
    // Its place at the free one is taken.
    assert_eq!((at(&single, A).await, at(&single, B).await), (1, 2));
    held.release().await.unwrap();
    let guard = waiter.await.unwrap().unwrap();
    assert_eq!(plain.try_acquire().await.unwrap_err(), RecipeError::Contended);
    guard.verify().await.unwrap();
    guard.release().await.unwrap();
    plain.try_acquire().await.unwrap().release().await.unwrap();
}

async fn a_plain_lock_that_waits_behind_one_of_two_gets_in_when_both_are_released(
    server: &TestServer,
) {
    let (many, single) = (server.client().await, server.client().await);
    let guard = multi(&many, &[A, B]).acquire().await.unwrap();
    let behind = Lock::new(&single, A).unwrap().enqueue().await.unwrap();
    assert_eq!(behind.ahead().map(|name| format!("{A}/{name}")).as_deref(), guard.node_of(A));
    let waiter = tokio::spawn(behind.acquire());
    // One more has two ahead at one path, and one at the other.
    let third = acquiring(&server.client().await, &[A, B]);
    while at(&many, A).await != 3 {
        sleep(Duration::from_millis(10)).await;
    }
    guard.release().await.unwrap();
    let held = waiter.await.unwrap().unwrap();
    sleep(Duration::from_millis(100)).await;
    assert!(!third.is_finished(), "two hold at once");
    held.release().await.unwrap();
    third.await.unwrap().unwrap().release().await.unwrap();
}

async fn trying_leaves_nothing_when_one_is_held(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let held = Lock::new(&holder, B).unwrap().acquire().await.unwrap();
    for _ in 0..3 {
        let refused = multi(&other, &[A, B, C]).try_acquire().await.unwrap_err();
        assert_eq!(refused, RecipeError::Contended);
    }
    assert_eq!(nodes(&holder).await, 1);
    held.release().await.unwrap();
    let guard = multi(&other, &[A, B, C]).try_acquire().await.unwrap();
    assert_eq!(nodes(&holder).await, 3);
    guard.release().await.unwrap();
}

async fn a_multi_lock_has_kazoos_names_where_it_is_told_to(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let guard = multi(&client, &[A, B]).dialect(Dialect::Kazoo).acquire().await.unwrap();
    let (_, name) = guard.node_of(A).unwrap().rsplit_once('/').unwrap();
    assert!(name.contains("__lock__") && !name.starts_with("_c_"), "{name}");
    let plain = Lock::new(&other, B).unwrap().dialect(Dialect::Kazoo);
    assert_eq!(plain.try_acquire().await.unwrap_err(), RecipeError::Contended);
    guard.release().await.unwrap();
    plain.try_acquire().await.unwrap().release().await.unwrap();
}

async fn parents_that_are_required_are_not_made(server: &TestServer) {
    let client = server.client().await;
    client.create(A, "").with_parents().await.unwrap();
    let strict = multi(&client, &[A, "/locks/deep/b"]).parents(Parents::Required);
    let refused = strict.acquire().await.unwrap_err();
    let RecipeError::Client(refused) = refused else { panic!("{refused:?}") };
    assert_eq!(refused.code(), Some(ErrorCode::NoNode));
    assert_eq!(at(&client, A).await, 0);
    assert_eq!(client.exists("/locks/deep").await.unwrap(), None);
    client.create("/locks/deep/b", "").with_parents().await.unwrap();
    let guard = strict.acquire().await.unwrap();
    guard.multi().set(A, "x", Version::ANY).commit().await.unwrap();
    guard.release().await.unwrap();
}

async fn a_timed_out_multi_lock_leaves_no_node(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let held = Lock::new(&holder, A).unwrap().acquire().await.unwrap();
    let refused = multi(&other, &[A, B]).acquire_timeout(Duration::from_millis(200)).await;
    assert_eq!(refused.unwrap_err(), RecipeError::Timeout);
    zk_recipes::Janitor::of(&other).drain().await;
    assert_eq!(nodes(&holder).await, 1);
    held.release().await.unwrap();
}

async fn a_multi_lock_dropped_at_any_moment_leaves_no_node(server: &TestServer) {
    let (holder, client) = (server.client().await, server.client().await);
    for held in [false, true] {
        let lock = Lock::new(&holder, B).unwrap();
        let guard = if held { Some(lock.acquire().await.unwrap()) } else { None };
        for polls in 1.. {
            let acquire = multi(&client, &[A, B, C]);
            let finished = drop_after_polls(acquire.acquire(), polls).await.is_some();
            zk_recipes::Janitor::of(&client).drain().await;
            assert_eq!(nodes(&holder).await, usize::from(held), "after {polls} polls");
            if finished || (held && polls > 12) {
                break;
            }
        }
        drop(guard);
        zk_recipes::Janitor::of(&holder).drain().await;
    }
}
