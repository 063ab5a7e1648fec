//! Holders and waiters that lose one of the nodes, or all.

use std::time::Duration;

use tokio::time::sleep;
use zk_client::Version;
use zk_recipes::{Janitor, Lock, LostReason, Ownership, RecipeError, Released};
use zk_test_kit::TestServer;
use zk_test_kit::network::Moment;

use super::{A, B, C, acquiring, at, multi, nodes};

zk_test_kit::cases![
    a_guard_is_lost_when_any_part_is_and_gives_back_the_rest,
    a_fenced_write_needs_all_parts,
    a_waiter_whose_node_in_a_free_queue_is_deleted_fails,
    the_lost_reply_of_the_multi_leaves_no_second_nodes,
    locks_cut_at_any_request_are_neither_lost_nor_doubled,
    a_lost_release_of_all_can_be_repeated;
    on embedded: [a_multi_lock_leaves_no_watch];
];

async fn a_guard_is_lost_when_any_part_is_and_gives_back_the_rest(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    for lost in [A, B, C] {
        for release in [true, false] {
            let guard = multi(&holder, &[A, B, C]).acquire().await.unwrap();
            other.delete(guard.node_of(lost).unwrap()).await.unwrap();
            assert_eq!(guard.lost().await, LostReason::NodeDeleted);
            assert!(!guard.is_valid());
            assert_eq!(nodes(&other).await, 2);
            if release {
                assert_eq!(guard.release().await.unwrap(), Released::AlreadyLost);
            } else {
                drop(guard);
                Janitor::of(&holder).drain().await;
            }
            assert_eq!(nodes(&other).await, 0, "the rest stays");
        }
    }
}

async fn a_fenced_write_needs_all_parts(server: &TestServer) {
    let network = server.network();
    let (holder, other) = (server.client_on(&network).await, server.client().await);
    other.create("/store", "old").await.unwrap();
    for lost in [A, B] {
        let guard = multi(&holder, &[A, B]).acquire().await.unwrap();
        let done = guard.multi().set("/store", "mine", Version::ANY).commit().await.unwrap();
        assert_eq!(done.len(), 1, "the checks are told: {done:?}");
        let wrong = guard.multi().check("/store", Version(77)).commit().await.unwrap_err();
        let RecipeError::Client(zk_client::Error::Multi { index, .. }) = wrong else {
            panic!("{wrong:?}")
        };
        assert_eq!(index, 0, "the checks are counted");
        assert_eq!(guard.ownership(), Ownership::Held);
        network.hold_incoming(true);
        other.delete(guard.node_of(lost).unwrap()).await.unwrap();
        let write = guard.multi().set("/store", "bad", Version::ANY).commit();
        sleep(Duration::from_millis(100)).await;
        network.hold_incoming(false);
        assert_eq!(write.await.unwrap_err(), RecipeError::Lost(LostReason::NodeDeleted));
        assert_eq!(other.get("/store").await.unwrap().0, "mine");
        guard.release().await.unwrap();
    }
}

async fn a_waiter_whose_node_in_a_free_queue_is_deleted_fails(server: &TestServer) {
    let (holder, client) = (server.client().await, server.client().await);
    let held = Lock::new(&holder, B).unwrap().acquire().await.unwrap();
    let waiter = acquiring(&client, &[A, B]);
    while at(&holder, B).await != 2 {
        sleep(Duration::from_millis(10)).await;
    }
    sleep(Duration::from_millis(50)).await;
    let ours = Lock::new(&holder, A).unwrap().holder().await.unwrap().unwrap();
    holder.delete(&ours.path).await.unwrap();
    held.release().await.unwrap();
    let error = waiter.await.unwrap().unwrap_err();
    assert_eq!(error, RecipeError::Lost(LostReason::NodeDeleted));
    Janitor::of(&client).drain().await;
    assert_eq!(nodes(&holder).await, 0);
}

async fn the_lost_reply_of_the_multi_leaves_no_second_nodes(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    multi(&client, &[A, B]).acquire().await.unwrap().release().await.unwrap();
    network.hold_incoming(true);
    let acquire = acquiring(&client, &[A, B]);
    while nodes(&other).await != 2 {
        sleep(Duration::from_millis(10)).await;
    }
    let created = Lock::new(&other, A).unwrap().contenders().await.unwrap();
    network.cut();
    network.hold_incoming(false);
    let guard = acquire.await.unwrap().unwrap();
    assert_eq!(Lock::new(&other, A).unwrap().contenders().await.unwrap(), created);
    assert_eq!(guard.node_of(A), Some(created[0].path.as_str()));
    assert_eq!(guard.token(), created[0].token);
    assert_eq!(guard.release().await.unwrap(), Released::Now);
    assert_eq!(nodes(&other).await, 0);
}

async fn locks_cut_at_any_request_are_neither_lost_nor_doubled(server: &TestServer) {
    let other = server.client().await;
    for moment in [Moment::BeforeSending, Moment::BeforeReply] {
        for skip in 0.. {
            let network = server.network();
            let client = server.client_on(&network).await;
            network.cut_at_request(skip, moment);
            let mut guard = multi(&client, &[A, B]).acquire().await.unwrap();
            assert_eq!(nodes(&other).await, 2, "cut {moment:?} after {skip} requests");
            while let Err(unconfirmed) = guard.release().await {
                guard = unconfirmed.guard;
            }
            assert_eq!(nodes(&other).await, 0, "cut {moment:?} after {skip} requests");
            if network.is_cut_pending() {
                assert!(skip > 4, "only {skip} requests were cut");
                break;
            }
        }
    }
}

async fn a_lost_release_of_all_can_be_repeated(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let guard = multi(&client, &[A, B]).acquire().await.unwrap();
    network.hold_incoming(true);
    let release = tokio::spawn(guard.release());
    while nodes(&other).await != 0 {
        sleep(Duration::from_millis(10)).await;
    }
    network.cut();
    network.hold_incoming(false);
    let unconfirmed = release.await.unwrap().unwrap_err();
    assert!(unconfirmed.source.outcome_unknown());
    assert!(unconfirmed.guard.paths().eq([A, B]));
    unconfirmed.guard.release().await.unwrap();
}

async fn a_multi_lock_leaves_no_watch(server: &TestServer) {
    let embedded = server.embedded().unwrap();
    let (holder, other) = (server.client().await, server.client().await);
    multi(&holder, &[A, B]).acquire().await.unwrap().release().await.unwrap();
    let before = embedded.watch_count();
    for _ in 0..20 {
        let guard = multi(&holder, &[A, B]).acquire().await.unwrap();
        let short = Duration::from_millis(20);
        let refused = multi(&other, &[B, C]).acquire_timeout(short).await;
        assert_eq!(refused.unwrap_err(), RecipeError::Timeout);
        guard.release().await.unwrap();
    }
    Janitor::of(&other).drain().await;
    sleep(Duration::from_millis(100)).await;
    other.sync("/").await.unwrap();
    assert_eq!(embedded.watch_count(), before);
}
