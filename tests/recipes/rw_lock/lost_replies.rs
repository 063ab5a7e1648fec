//! Connections that break around one request.

use zk_recipes::{Ownership, Released, RwLock};
use zk_test_kit::TestServer;
use zk_test_kit::network::Moment;

use super::{PATH, lock, nodes};

zk_test_kit::cases![
    a_downgrade_cut_at_any_request_keeps_the_lock,
    an_upgrade_cut_at_any_request_keeps_the_lock,
    a_lost_release_is_told_and_can_be_repeated,
];

async fn a_downgrade_cut_at_any_request_keeps_the_lock(server: &TestServer) {
    let other = server.client().await;
    for moment in [Moment::BeforeSending, Moment::BeforeReply] {
        for skip in 0.. {
            let network = server.network();
            let client = server.client_on(&network).await;
            let written = lock(&client).write().await.unwrap();
            network.cut_at_request(skip, moment);
            let read = written.downgrade().await.unwrap();
            assert_eq!(lock(&other).writers().await.unwrap(), [], "cut {moment:?} after {skip}");
            assert_eq!(lock(&other).readers().await.unwrap()[0].path, read.path());
            let is_over = network.is_cut_pending();
            settle(read.release().await.map_err(|error| error.guard.release()), &other).await;
            if is_over {
                assert!(skip > 0, "nothing was cut");
                break;
            }
        }
    }
}

async fn an_upgrade_cut_at_any_request_keeps_the_lock(server: &TestServer) {
    let other = server.client().await;
    for moment in [Moment::BeforeSending, Moment::BeforeReply] {
        for skip in 0.. {
            let network = server.network();
            let client = server.client_on(&network).await;
            let read = lock(&client).read().await.unwrap();
            network.cut_at_request(skip, moment);
            let written = read.try_upgrade().await.unwrap();
            assert_eq!(other.children(PATH).await.unwrap().len(), 1, "{moment:?} after {skip}");
            assert_eq!(lock(&other).writers().await.unwrap()[0].path, written.path());
            let is_over = network.is_cut_pending();
            settle(written.release().await.map_err(|error| error.guard.release()), &other).await;
            if is_over {
                assert!(skip > 3, "only {skip} requests were cut");
                break;
            }
        }
    }
}

/// A release that may have been cut, too, is done at the second attempt.
async fn settle<E: std::fmt::Debug>(
    released: Result<Released, impl Future<Output = Result<Released, E>>>,
    other: &zk_client::Client,
) {
    if let Err(again) = released {
        again.await.unwrap();
    }
    assert_eq!(nodes(other).await, 0);
}

async fn a_lost_release_is_told_and_can_be_repeated(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let lock: RwLock = lock(&client);
    let (first, second) = (lock.read().await.unwrap(), lock.read().await.unwrap());
    network.hold_incoming(true);
    let release = tokio::spawn(first.release());
    super::until_nodes(&other, 1).await;
    network.cut();
    network.hold_incoming(false);
    let unconfirmed = release.await.unwrap().unwrap_err();
    assert!(unconfirmed.source.outcome_unknown());
    unconfirmed.guard.release().await.unwrap();
    let mut ownership = second.watch();
    ownership.wait_for(|now| *now == Ownership::Held).await.unwrap();
    assert_eq!(second.release().await.unwrap(), Released::Now);
}
