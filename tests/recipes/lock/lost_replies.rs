//! Connections that break around one request.

use std::time::Duration;

use tokio::time::sleep;
use zk_recipes::{Janitor, Released};
use zk_test_kit::TestServer;
use zk_test_kit::network::Moment;

use super::{acquiring, lock, nodes, until_nodes};

zk_test_kit::cases![
    the_lost_reply_of_a_create_leaves_no_second_node,
    a_connection_cut_at_any_request_neither_loses_nor_doubles_the_lock,
    a_waiter_cut_at_any_request_gets_its_turn,
    a_lost_release_is_told_and_can_be_repeated,
    a_waiter_survives_a_lost_connection,
    a_waiter_whose_questions_get_no_answer_in_time_waits_on,
];

async fn the_lost_reply_of_a_create_leaves_no_second_node(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    lock(&client).acquire().await.unwrap().release().await.unwrap();
    network.hold_incoming(true);
    let acquire = acquiring(&client);
    until_nodes(&other, 1).await;
    let created = lock(&other).contenders().await.unwrap();
    network.cut();
    network.hold_incoming(false);
    let guard = acquire.await.unwrap().unwrap();
    assert_eq!(lock(&other).contenders().await.unwrap(), created);
    assert_eq!(guard.path(), created[0].path);
    assert_eq!(guard.release().await.unwrap(), Released::Now);
    assert_eq!(nodes(&other).await, 0);
}

async fn a_connection_cut_at_any_request_neither_loses_nor_doubles_the_lock(server: &TestServer) {
    let other = server.client().await;
    for moment in [Moment::BeforeSending, Moment::BeforeReply] {
        for skip in 0.. {
            let network = server.network();
            let client = server.client_on(&network).await;
            network.cut_at_request(skip, moment);
            let mut guard = lock(&client).acquire().await.unwrap();
            assert_eq!(nodes(&other).await, 1, "cut {moment:?} after {skip} requests");
            while let Err(unconfirmed) = guard.release().await {
                guard = unconfirmed.guard;
            }
            assert_eq!(nodes(&other).await, 0, "cut {moment:?} after {skip} requests");
            if network.is_cut_pending() {
                assert!(skip > 3, "only {skip} requests were cut");
                break;
            }
        }
    }
}

async fn a_waiter_cut_at_any_request_gets_its_turn(server: &TestServer) {
    let holder = server.client().await;
    for moment in [Moment::BeforeSending, Moment::BeforeReply] {
        for skip in 0..8 {
            let network = server.network();
            let client = server.client_on(&network).await;
            let held = lock(&holder).acquire().await.unwrap();
            network.cut_at_request(skip, moment);
            let waiter = acquiring(&client);
            until_nodes(&holder, 2).await;
            sleep(Duration::from_millis(50)).await;
            let token = held.token();
            held.release().await.unwrap();
            let guard = waiter.await.unwrap().unwrap();
            assert!(guard.token() > token);
            drop(guard);
            Janitor::of(&client).drain().await;
            assert_eq!(nodes(&holder).await, 0, "cut {moment:?} after {skip} requests");
        }
    }
}

async fn a_lost_release_is_told_and_can_be_repeated(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let guard = lock(&client).acquire().await.unwrap();
    network.hold_incoming(true);
    let release = tokio::spawn(guard.release());
    until_nodes(&other, 0).await;
    network.cut();
    network.hold_incoming(false);
    let unconfirmed = release.await.unwrap().unwrap_err();
    assert!(unconfirmed.source.outcome_unknown());
    unconfirmed.guard.release().await.unwrap();
}

async fn a_waiter_survives_a_lost_connection(server: &TestServer) {
    let network = server.network();
    let (holder, client) = (server.client().await, server.client_on(&network).await);
    let held = lock(&holder).acquire().await.unwrap();
    let waiter = acquiring(&client);
    until_nodes(&holder, 2).await;
    sleep(Duration::from_millis(50)).await;
    network.refuse("a", true);
    network.cut();
    held.release().await.unwrap();
    network.refuse("a", false);
    waiter.await.unwrap().unwrap().release().await.unwrap();
}

async fn a_waiter_whose_questions_get_no_answer_in_time_waits_on(server: &TestServer) {
    let network = server.network();
    let (first, second) = (server.client().await, server.client().await);
    let operation = Duration::from_millis(200);
    let client = server.builder(&network).operation_timeout(operation).connect().await.unwrap();
    let held = lock(&first).acquire().await.unwrap();
    let ahead = lock(&second).enqueue().await.unwrap();
    let waiter = acquiring(&client);
    until_nodes(&first, 3).await;
    sleep(Duration::from_millis(50)).await;
    // Its predecessor leaves, and it cannot ask whether it is its turn.
    network.hold_outgoing(true);
    drop(ahead);
    until_nodes(&first, 2).await;
    sleep(operation * 3).await;
    assert!(!waiter.is_finished());
    network.hold_outgoing(false);
    sleep(operation).await;
    assert!(!waiter.is_finished(), "the lock is held");
    held.release().await.unwrap();
    waiter.await.unwrap().unwrap().release().await.unwrap();
}
