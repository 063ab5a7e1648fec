//! Who gets the lock, together with whom.

use std::time::Duration;

use tokio::task::JoinSet;
use zk_recipes::{Dialect, RecipeError, Released, RwLock};
use zk_test_kit::TestServer;

use super::{PATH, Writing, lock, nodes, reading, until_nodes, waits, writing};

zk_test_kit::cases![
    readers_hold_together_and_a_writer_waits_for_all_of_them,
    nobody_reads_or_writes_while_another_writes,
    a_reader_does_not_overtake_a_writer_that_waits,
    contenders_get_in_in_their_order,
    a_writer_waits_for_its_own_reader,
    trying_never_waits_and_leaves_nothing,
    a_try_is_refused_by_a_writer_that_only_waits,
    readers_and_writers_are_counted_by_kind,
    tokens_of_writers_grow,
];

async fn readers_hold_together_and_a_writer_waits_for_all_of_them(server: &TestServer) {
    let (one, two, three) = (server.client().await, server.client().await, server.client().await);
    let first = lock(&one).read().await.unwrap();
    let second = lock(&two).read().await.unwrap();
    // Not re-entrant: the same client once more is one more reader.
    let again = lock(&one).read().await.unwrap();
    assert_eq!(nodes(&one).await, 3);
    let mut writer = writing(&lock(&three));
    until_nodes(&one, 4).await;
    again.release().await.unwrap();
    first.release().await.unwrap();
    waits(&mut writer).await;
    assert_eq!(second.release().await.unwrap(), Released::Now);
    writer.await.unwrap().unwrap().release().await.unwrap();
    assert_eq!(nodes(&one).await, 0);
}

async fn nobody_reads_or_writes_while_another_writes(server: &TestServer) {
    let (one, two) = (server.client().await, server.client().await);
    let held = lock(&one).write().await.unwrap();
    let limit = Duration::from_millis(200);
    for client in [&one, &two] {
        assert_eq!(lock(client).read_timeout(limit).await.unwrap_err(), RecipeError::Timeout);
        assert_eq!(lock(client).write_timeout(limit).await.unwrap_err(), RecipeError::Timeout);
    }
    assert_eq!(held.release().await.unwrap(), Released::Now);
    lock(&two).read().await.unwrap().release().await.unwrap();
}

async fn a_reader_does_not_overtake_a_writer_that_waits(server: &TestServer) {
    let (one, two, three) = (server.client().await, server.client().await, server.client().await);
    let first = lock(&one).read().await.unwrap();
    let writer = writing(&lock(&two));
    until_nodes(&one, 2).await;
    let mut late = reading(&lock(&three));
    until_nodes(&one, 3).await;
    waits(&mut late).await;
    first.release().await.unwrap();
    let written = writer.await.unwrap().unwrap();
    waits(&mut late).await;
    written.release().await.unwrap();
    late.await.unwrap().unwrap().release().await.unwrap();
}

async fn contenders_get_in_in_their_order(server: &TestServer) {
    let client = server.client().await;
    for (dialect, path) in [(Dialect::Curator, "/rw/curator"), (Dialect::Kazoo, "/rw/kazoo")] {
        let lock = RwLock::new(&client, path).unwrap().dialect(dialect);
        let until = async |count| {
            while lock.contenders().await.unwrap().len() != count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let first = lock.write().await.unwrap();
        let mut reader = reading(&lock);
        until(2).await;
        let mut last = writing(&lock);
        until(3).await;
        let order: Vec<_> =
            lock.contenders().await.unwrap().into_iter().map(|node| node.path).collect();
        assert_eq!(order[0], first.path());
        waits(&mut reader).await;
        first.release().await.unwrap();
        let read = reader.await.unwrap().unwrap();
        assert_eq!(order[1], read.path());
        waits(&mut last).await;
        read.release().await.unwrap();
        let written = last.await.unwrap().unwrap();
        assert_eq!(order[2], written.path());
        written.release().await.unwrap();
        assert_eq!(lock.contenders().await.unwrap(), []);
    }
}

async fn a_writer_waits_for_its_own_reader(server: &TestServer) {
    let client = server.client().await;
    let read = lock(&client).read().await.unwrap();
    let refused = lock(&client).write_timeout(Duration::from_millis(300)).await;
    assert_eq!(refused.unwrap_err(), RecipeError::Timeout);
    until_nodes(&client, 1).await;
    read.release().await.unwrap();
    lock(&client).write().await.unwrap().release().await.unwrap();
}

async fn trying_never_waits_and_leaves_nothing(server: &TestServer) {
    let (one, two) = (server.client().await, server.client().await);
    let read = lock(&one).try_read().await.unwrap();
    let also = lock(&two).try_read().await.unwrap();
    assert_eq!(lock(&two).try_write().await.unwrap_err(), RecipeError::Contended);
    assert_eq!(nodes(&one).await, 2);
    drop((read, also));
    until_nodes(&one, 0).await;
    lock(&one).try_write().await.unwrap().release().await.unwrap();
    assert_eq!(nodes(&one).await, 0);
}

async fn a_try_is_refused_by_a_writer_that_only_waits(server: &TestServer) {
    let (one, two) = (server.client().await, server.client().await);
    let read = lock(&one).read().await.unwrap();
    let writer = writing(&lock(&two));
    until_nodes(&one, 2).await;
    // The writer only waits, but is before it.
    assert_eq!(lock(&one).try_read().await.unwrap_err(), RecipeError::Contended);
    read.release().await.unwrap();
    let written = writer.await.unwrap().unwrap();
    assert_eq!(lock(&one).try_read().await.unwrap_err(), RecipeError::Contended);
    assert_eq!(nodes(&one).await, 1);
    written.release().await.unwrap();
}

async fn readers_and_writers_are_counted_by_kind(server: &TestServer) {
    const READERS: usize = 20;
    const WRITERS: usize = 8;
    let client = server.client().await;
    let lock = lock(&client);
    let mut read = Vec::new();
    for _ in 0..READERS {
        read.push(lock.read().await.unwrap());
    }
    let writers: Vec<_> = (0..WRITERS).map(|_| writing(&lock)).collect();
    until_nodes(&client, READERS + WRITERS).await;
    let readers = lock.readers().await.unwrap();
    assert_eq!(readers.len(), READERS);
    assert!(
        readers
            .iter()
            .map(|node| &node.path)
            .eq(&read.iter().map(|r| r.path()).collect::<Vec<_>>())
    );
    assert_eq!(lock.writers().await.unwrap().len(), WRITERS);
    drop(read);
    // Whoever is first is to go first.
    let leaves = |writer: Writing| async { drop(writer.await.unwrap().unwrap()) };
    writers.into_iter().map(leaves).collect::<JoinSet<_>>().join_all().await;
    until_nodes(&client, 0).await;
    client.create(&format!("{PATH}/notes"), "").await.unwrap();
    assert_eq!(lock.contenders().await.unwrap(), []);
}

async fn tokens_of_writers_grow(server: &TestServer) {
    let client = server.client().await;
    let mut last = None;
    for _ in 0..3 {
        lock(&client).read().await.unwrap().release().await.unwrap();
        let guard = lock(&client).write().await.unwrap();
        assert!(Some(guard.token()) > last);
        last = Some(guard.token());
        guard.verify().await.unwrap();
        guard.release().await.unwrap();
    }
}
