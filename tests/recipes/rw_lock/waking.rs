//! Whom a release wakes.

use std::time::Duration;

use tokio::time::sleep;
use zk_client::Client;
use zk_test_kit::{Network, TestServer};

use super::{PATH, Reading, lock, reading, until_nodes, waits, writing};

zk_test_kit::cases![
    a_writers_release_wakes_its_readers_and_nobody_else,
    a_readers_release_wakes_the_writer_just_behind_it_and_nobody_else,
    a_writers_downgrade_wakes_its_readers_and_nobody_else,
    a_free_lock_is_acquired_in_one_round_trip,
];

/// A waiter's events so far.
fn events(network: &Network) -> usize {
    network.counts().events
}

/// Long enough for what is on its way to come.
async fn settled() {
    sleep(Duration::from_millis(100)).await;
}

/// Readers behind somebody who holds, each on a way of its own.
async fn queue_up(server: &TestServer, holder: &Client, count: usize) -> Vec<(Network, Reading)> {
    let mut readers = Vec::new();
    for number in 0..count {
        let network = server.network();
        let client = server.client_on(&network).await;
        readers.push((network, reading(&lock(&client))));
        until_nodes(holder, 2 + number).await;
    }
    readers
}

async fn a_writers_release_wakes_its_readers_and_nobody_else(server: &TestServer) {
    let holder = server.client().await;
    let held = lock(&holder).write().await.unwrap();
    let readers = queue_up(server, &holder, 4).await;
    let networks = [server.network(), server.network()];
    let mut writer = writing(&lock(&server.client_on(&networks[0]).await));
    until_nodes(&holder, 6).await;
    let mut late = reading(&lock(&server.client_on(&networks[1]).await));
    until_nodes(&holder, 7).await;
    settled().await;
    held.release().await.unwrap();
    let mut guards = Vec::new();
    for (network, reader) in readers {
        guards.push(reader.await.unwrap().unwrap());
        assert_eq!(events(&network), 1);
    }
    waits(&mut writer).await;
    waits(&mut late).await;
    assert_eq!(networks.each_ref().map(events), [0, 0]);
}

async fn a_readers_release_wakes_the_writer_just_behind_it_and_nobody_else(server: &TestServer) {
    let holder = server.client().await;
    let first = lock(&holder).read().await.unwrap();
    let second = lock(&holder).read().await.unwrap();
    let networks = [server.network(), server.network(), server.network()];
    let mut writer = writing(&lock(&server.client_on(&networks[0]).await));
    until_nodes(&holder, 3).await;
    let next = writing(&lock(&server.client_on(&networks[1]).await));
    until_nodes(&holder, 4).await;
    let late = reading(&lock(&server.client_on(&networks[2]).await));
    until_nodes(&holder, 5).await;
    first.release().await.unwrap();
    settled().await;
    assert_eq!(networks.each_ref().map(events), [0, 0, 0]);
    waits(&mut writer).await;
    second.release().await.unwrap();
    let written = writer.await.unwrap().unwrap();
    settled().await;
    assert_eq!(networks.each_ref().map(events), [1, 0, 0]);
    drop(written);
    drop(next.await.unwrap().unwrap());
    drop(late.await.unwrap().unwrap());
}

async fn a_writers_downgrade_wakes_its_readers_and_nobody_else(server: &TestServer) {
    let holder = server.client().await;
    let held = lock(&holder).write().await.unwrap();
    let networks = [server.network(), server.network()];
    let reader = reading(&lock(&server.client_on(&networks[0]).await));
    until_nodes(&holder, 2).await;
    let mut writer = writing(&lock(&server.client_on(&networks[1]).await));
    until_nodes(&holder, 3).await;
    settled().await;
    let read = held.downgrade().await.unwrap();
    let other = reader.await.unwrap().unwrap();
    waits(&mut writer).await;
    assert_eq!(networks.each_ref().map(events), [1, 0]);
    other.release().await.unwrap();
    waits(&mut writer).await;
    read.release().await.unwrap();
    writer.await.unwrap().unwrap().release().await.unwrap();
}

async fn a_free_lock_is_acquired_in_one_round_trip(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    // A parent that does not go while nobody is there, as a container might.
    client.create(PATH, "").with_parents().await.unwrap();
    for is_writer in [true, false] {
        settled().await;
        let before = network.counts().requests;
        network.hold_incoming(true);
        let (mut writer, mut reader) = (None, None);
        if is_writer {
            writer = Some(writing(&lock(&client)));
        } else {
            reader = Some(reading(&lock(&client)));
        }
        // Both requests leave before any reply is there, and nothing that leaves later is needed.
        while network.counts().requests < before + 2 {
            sleep(Duration::from_millis(5)).await;
        }
        network.hold_outgoing(true);
        network.hold_incoming(false);
        let writer = match writer {
            Some(writer) => Some(writer.await.unwrap().unwrap()),
            None => None,
        };
        let reader = match reader {
            Some(reader) => Some(reader.await.unwrap().unwrap()),
            None => None,
        };
        assert_eq!(network.counts().requests, before + 2);
        network.hold_outgoing(false);
        drop((writer, reader));
        until_nodes(&client, 0).await;
    }
}
