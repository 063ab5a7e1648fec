//! Waiting for a node to come or go, and reading all children at once.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use zk_client::{Delivery, Error, ErrorCode};
use zk_test_kit::TestServer;
use zk_test_kit::network::Moment;

zk_test_kit::cases![
    a_wait_ends_when_the_node_comes_and_when_it_goes,
    a_wait_that_is_over_already_takes_one_request,
    a_wait_goes_on_through_lost_connections_and_ends_in_time,
    children_come_with_their_data,
    children_that_vanish_meanwhile_are_left_out,
];

async fn a_wait_ends_when_the_node_comes_and_when_it_goes(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let mut comes = client.wait_until_exists("/a").send();
    assert!(timeout(Duration::from_millis(100), &mut comes).await.is_err());
    let stat = other.create("/a", "").await.unwrap().stat;
    assert_eq!(comes.await.unwrap(), stat);

    let mut goes = client.wait_until_absent("/a").send();
    for _ in 0..3 {
        assert!(timeout(Duration::from_millis(50), &mut goes).await.is_err());
        other.set("/a", "x").await.unwrap();
    }
    other.delete("/a").await.unwrap();
    goes.await.unwrap();
}

async fn a_wait_that_is_over_already_takes_one_request(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let stat = client.create("/a", "").await.unwrap().stat;
    let before = network.counts().requests;
    assert_eq!(client.wait_until_exists("/a").await.unwrap(), stat);
    client.wait_until_absent("/b").await.unwrap();
    assert_eq!(network.counts().requests, before + 2);
    let bad = client.wait_until_exists("b").await.unwrap_err();
    assert!(matches!(bad, Error::BadPath { .. }));
}

async fn a_wait_goes_on_through_lost_connections_and_ends_in_time(server: &TestServer) {
    let other = server.client().await;
    for moment in [Moment::BeforeSending, Moment::BeforeReply] {
        for skip in 0..3 {
            let path = format!("/n-{moment:?}-{skip}");
            let network = server.network();
            let client = server.client_on(&network).await;
            network.cut_at_request(skip, moment);
            let waiting = {
                let (client, path) = (client.clone(), path.clone());
                tokio::spawn(async move { client.wait_until_exists(&path).await })
            };
            sleep(Duration::from_millis(50)).await;
            network.cut();
            let stat = other.create(&path, "").await.unwrap().stat;
            assert_eq!(waiting.await.unwrap().unwrap(), stat);
        }
    }
    let late = other.wait_until_exists("/never").timeout(Duration::from_millis(200)).await;
    assert_eq!(late.unwrap_err(), Error::Timeout { delivery: Delivery::NotSent });
}

async fn children_come_with_their_data(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    client.create("/a", "").await.unwrap();
    assert_eq!(client.children_with_data("/a").await.unwrap(), []);
    let created: Vec<_> = (0..100)
        .map(|number| client.create(&format!("/a/{number:03}"), number.to_string()).send())
        .collect();
    let mut stats = Vec::new();
    for created in created {
        stats.push(created.await.unwrap().stat);
    }
    for (batch, requests) in [(16, 1 + 7), (7, 1 + 15), (1000, 1 + 1), (0, 1 + 100)] {
        let before = network.counts().requests;
        let mut children = client.children_with_data("/a").batch(batch).await.unwrap();
        assert_eq!(network.counts().requests - before, requests, "batches of {batch}");
        children.sort_by(|one, two| one.name.cmp(&two.name));
        assert_eq!(children.len(), 100);
        for (number, child) in children.iter().enumerate() {
            assert_eq!(child.name, format!("{number:03}"));
            assert_eq!(
                (&child.data[..], child.stat),
                (number.to_string().as_bytes(), stats[number])
            );
        }
    }
    let missing = client.children_with_data("/missing").await.unwrap_err();
    assert_eq!(missing.code(), Some(ErrorCode::NoNode));
}

async fn children_that_vanish_meanwhile_are_left_out(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    other.create("/a", "").await.unwrap();
    for name in ["x", "y", "z"] {
        other.create(&format!("/a/{name}"), name).await.unwrap();
    }
    let listing = client.children_with_data("/a").send();
    // The listing has reached the server when a request behind it is answered; its children are
    // asked for when the call is polled.
    client.sync("/").await.unwrap();
    other.delete("/a/y").await.unwrap();
    let mut names: Vec<_> = listing.await.unwrap().into_iter().map(|child| child.name).collect();
    names.sort();
    assert_eq!(names, ["x", "z"]);
}
