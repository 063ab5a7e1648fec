//! Numbers near the end of the counter.

use zk_recipes::{Ownership, RecipeError};
use zk_test_kit::TestServer;

use super::{PATH, lock, reading, until_nodes, waits, writing};

zk_test_kit::cases![;
    on embedded: [
        the_order_survives_the_end_of_the_counter,
        a_writer_whose_number_tells_no_place_stays_a_writer,
        a_reader_becomes_the_writer_near_the_end_of_the_counter,
    ];
];

/// The next node below the lock gets this number.
async fn preset(server: &TestServer, next: i32) {
    let client = server.client().await;
    client.create("/locks", "").await.unwrap();
    client.create(PATH, "").await.unwrap();
    assert!(server.embedded().unwrap().set_child_counter(&server.path(PATH), next));
}

async fn the_order_survives_the_end_of_the_counter(server: &TestServer) {
    let client = server.client().await;
    preset(server, i32::MAX - 2).await;
    let lock = lock(&client);
    let first = lock.write().await.unwrap();
    let mut readers = Vec::new();
    for number in 0..3 {
        readers.push(reading(&lock));
        until_nodes(&client, 2 + number).await;
    }
    let mut writer = writing(&lock);
    until_nodes(&client, 5).await;
    let mut late = reading(&lock);
    until_nodes(&client, 6).await;
    waits(&mut readers[2]).await;
    first.release().await.unwrap();
    let mut guards = Vec::new();
    for reader in readers {
        guards.push(reader.await.unwrap().unwrap());
    }
    waits(&mut writer).await;
    assert!(guards.iter().all(|guard| guard.ownership() == Ownership::Held));
    drop(guards);
    let written = writer.await.unwrap().unwrap();
    waits(&mut late).await;
    written.release().await.unwrap();
    late.await.unwrap().unwrap().release().await.unwrap();
}

async fn a_writer_whose_number_tells_no_place_stays_a_writer(server: &TestServer) {
    let client = server.client().await;
    preset(server, i32::MAX - 1).await;
    let written = lock(&client).write().await.unwrap();
    let refused = written.downgrade().await.unwrap_err();
    assert_eq!(refused.source, RecipeError::SequenceExhausted { parent: PATH.to_owned() });
    assert_eq!(refused.guard.ownership(), Ownership::Held);
    refused.guard.verify().await.unwrap();
    assert_eq!(lock(&client).writers().await.unwrap().len(), 1);
    refused.guard.release().await.unwrap();
}

async fn a_reader_becomes_the_writer_near_the_end_of_the_counter(server: &TestServer) {
    let client = server.client().await;
    // The last number that tells a place, and those behind it.
    for next in [0x7fff_0000 - 1, i32::MAX - 1, i32::MAX] {
        if next == 0x7fff_0000 - 1 {
            preset(server, next).await;
        } else {
            server.embedded().unwrap().set_child_counter(&server.path(PATH), next);
        }
        let read = lock(&client).read().await.unwrap();
        let written = read.try_upgrade().await.unwrap();
        let mut other = reading(&lock(&client));
        waits(&mut other).await;
        written.release().await.unwrap();
        other.await.unwrap().unwrap().release().await.unwrap();
        assert_eq!(client.children(PATH).await.unwrap().len(), 0);
    }
}
