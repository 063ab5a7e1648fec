//! Connections that break around one request.

use zk_recipes::{Janitor, Released};
use zk_test_kit::TestServer;
use zk_test_kit::network::Moment;

use super::{acquiring, nodes, semaphore, until_nodes};

zk_test_kit::cases![
    a_connection_cut_at_any_request_neither_loses_nor_doubles_permits,
    a_waiter_cut_at_any_request_gets_its_permits,
    a_lost_release_is_told_and_can_be_repeated,
];

async fn a_connection_cut_at_any_request_neither_loses_nor_doubles_permits(server: &TestServer) {
    let other = server.client().await;
    for moment in [Moment::BeforeSending, Moment::BeforeReply] {
        for skip in 0.. {
            let network = server.network();
            let client = server.client_on(&network).await;
            network.cut_at_request(skip, moment);
            let mut permits = semaphore(&client, 3).acquire(2).await.unwrap();
            assert_eq!(nodes(&other).await, (2, 0), "cut {moment:?} after {skip} requests");
            while let Err(unconfirmed) = permits.release().await {
                permits = unconfirmed.guard;
            }
            assert_eq!(nodes(&other).await, (0, 0), "cut {moment:?} after {skip} requests");
            if network.is_cut_pending() {
                assert!(skip > 4, "only {skip} requests were cut");
                break;
            }
        }
    }
}

async fn a_waiter_cut_at_any_request_gets_its_permits(server: &TestServer) {
    let holder = server.client().await;
    for moment in [Moment::BeforeSending, Moment::BeforeReply] {
        for skip in 0..10 {
            let network = server.network();
            let client = server.client_on(&network).await;
            let held = semaphore(&holder, 3).acquire(2).await.unwrap();
            network.cut_at_request(skip, moment);
            let mut waiter = acquiring(&semaphore(&client, 3), 2);
            until_nodes(&holder, 2, 1).await;
            super::waits(&mut waiter).await;
            held.release().await.unwrap();
            let permits = waiter.await.unwrap().unwrap();
            assert_eq!(nodes(&holder).await, (2, 0), "cut {moment:?} after {skip} requests");
            drop(permits);
            Janitor::of(&client).drain().await;
            assert_eq!(nodes(&holder).await, (0, 0), "cut {moment:?} after {skip} requests");
        }
    }
}

async fn a_lost_release_is_told_and_can_be_repeated(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let permits = semaphore(&client, 3).acquire(3).await.unwrap();
    network.hold_incoming(true);
    let release = tokio::spawn(permits.release());
    until_nodes(&other, 0, 0).await;
    network.cut();
    network.hold_incoming(false);
    let unconfirmed = release.await.unwrap().unwrap_err();
    assert!(unconfirmed.source.outcome_unknown());
    assert_eq!(unconfirmed.guard.count(), 3);
    assert_eq!(unconfirmed.guard.release().await.unwrap(), Released::AlreadyLost);
}
