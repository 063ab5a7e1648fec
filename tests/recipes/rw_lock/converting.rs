//! Writers that become readers, and readers that become writers.

use std::time::Duration;

use tokio::time::sleep;
use zk_client::{Client, CreateMode};
use zk_recipes::{
    ConversionError, Dialect, Janitor, LostReason, Ownership, ReadGuard, RecipeError, Released,
    RwLock, WriteGuard,
};
use zk_test_kit::{TestServer, drop_after_polls};

use super::{PATH, Reading, Writing, lock, nodes, reading, until_nodes, waits, writing};

zk_test_kit::cases![
    a_downgraded_writer_lets_the_readers_behind_it_in_and_keeps_a_writer_out,
    a_writer_just_behind_a_downgraded_one_stays_out,
    a_downgraded_writer_keeps_its_number_in_both_dialects,
    the_loss_of_a_downgraded_writer_is_that_of_its_read_node,
    a_lone_reader_becomes_the_writer,
    a_reader_that_became_the_writer_keeps_others_out,
    a_reader_is_refused_while_others_are_there_and_reads_on,
    two_readers_that_try_at_once_do_not_wait_for_each_other,
    only_one_reader_at_a_time_is_let_try,
    conversions_there_and_back_keep_the_lock,
    conversions_cancelled_at_any_moment_leave_nothing,
];

async fn children(server: &TestServer) -> Vec<String> {
    let client = server.client().await;
    client.children(PATH).await.unwrap().iter().map(ToString::to_string).collect()
}

/// A reader, a writer and a reader behind somebody who holds.
async fn queue_up(holder: &Client, other: &Client) -> (Reading, Writing, Reading) {
    let reader = reading(&lock(other));
    until_nodes(holder, 2).await;
    let writer = writing(&lock(other));
    until_nodes(holder, 3).await;
    let late = reading(&lock(other));
    until_nodes(holder, 4).await;
    (reader, writer, late)
}

async fn a_downgraded_writer_lets_the_readers_behind_it_in_and_keeps_a_writer_out(
    server: &TestServer,
) {
    let (holder, other) = (server.client().await, server.client().await);
    let written = lock(&holder).write().await.unwrap();
    let (reader, mut writer, mut late) = queue_up(&holder, &other).await;
    let lost = written.lost();
    let read = written.downgrade().await.unwrap();
    assert_eq!(lost.await, LostReason::Released);
    let shared = reader.await.unwrap().unwrap();
    assert_eq!(nodes(&holder).await, 4);
    waits(&mut late).await;
    shared.release().await.unwrap();
    waits(&mut writer).await;
    assert_eq!(read.ownership(), Ownership::Held);
    assert_eq!(read.release().await.unwrap(), Released::Now);
    drop(writer.await.unwrap().unwrap());
    drop(late.await.unwrap().unwrap());
    until_nodes(&holder, 0).await;
}

async fn a_writer_just_behind_a_downgraded_one_stays_out(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let written = lock(&holder).write().await.unwrap();
    let mut writer = writing(&lock(&other));
    until_nodes(&holder, 2).await;
    // It has its watches.
    waits(&mut writer).await;
    let read = written.downgrade().await.unwrap();
    waits(&mut writer).await;
    read.verify().await.unwrap();
    read.release().await.unwrap();
    writer.await.unwrap().unwrap().release().await.unwrap();
}

async fn a_downgraded_writer_keeps_its_number_in_both_dialects(server: &TestServer) {
    let client = server.client().await;
    for (dialect, path, kind) in
        [(Dialect::Curator, "/rw/c", "-__READ__"), (Dialect::Kazoo, "/rw/k", "__rlock__")]
    {
        let lock = RwLock::new(&client, path).unwrap().dialect(dialect).data("me");
        lock.write().await.unwrap().release().await.unwrap();
        let written = lock.write().await.unwrap();
        let token = written.token();
        let [before] = <[_; 1]>::try_from(lock.contenders().await.unwrap()).unwrap();
        let read = written.downgrade().await.unwrap();
        let [after] = <[_; 1]>::try_from(lock.readers().await.unwrap()).unwrap();
        assert_eq!(lock.writers().await.unwrap(), []);
        assert_eq!((after.sequence, after.session), (before.sequence, before.session));
        assert_eq!(after.data, "me");
        assert!(after.name().contains(kind), "{after:?}");
        assert_eq!((after.path, after.token), (read.path(), read.token()));
        assert!(read.token() > token, "it is the token of its own node");
        read.release().await.unwrap();
    }
}

async fn the_loss_of_a_downgraded_writer_is_that_of_its_read_node(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let read = lock(&holder).write().await.unwrap().downgrade().await.unwrap();
    sleep(Duration::from_millis(50)).await;
    assert_eq!(read.ownership(), Ownership::Held);
    other.delete(&read.path()).await.unwrap();
    assert_eq!(read.lost().await, LostReason::NodeDeleted);
    assert_eq!(read.release().await.unwrap(), Released::AlreadyLost);
}

async fn a_lone_reader_becomes_the_writer(server: &TestServer) {
    let holder = server.client().await;
    let read = lock(&holder).read().await.unwrap();
    let (token, lost) = (read.token(), read.lost());
    let written = read.try_upgrade().await.unwrap();
    assert_eq!(lost.await, LostReason::Released);
    assert!(written.token() > token);
    assert_eq!(format!("{PATH}/{}", children(server).await.join(",")), written.path());
    sleep(Duration::from_millis(50)).await;
    assert_eq!(written.ownership(), Ownership::Held);
    assert_eq!(written.release().await.unwrap(), Released::Now);
    assert_eq!(children(server).await, Vec::<String>::new());
}

async fn a_reader_that_became_the_writer_keeps_others_out(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let written = lock(&holder).read().await.unwrap().try_upgrade().await.unwrap();
    assert_eq!(lock(&other).try_read().await.unwrap_err(), RecipeError::Contended);
    let mut reader = reading(&lock(&other));
    waits(&mut reader).await;
    assert_eq!(written.release().await.unwrap(), Released::Now);
    reader.await.unwrap().unwrap().release().await.unwrap();
    assert_eq!(children(server).await, Vec::<String>::new());
}

async fn refused(upgraded: Result<WriteGuard, ConversionError<ReadGuard>>) -> ReadGuard {
    let ConversionError { guard, source } = upgraded.unwrap_err();
    assert_eq!(source, RecipeError::Contended);
    guard.verify().await.unwrap();
    assert_eq!(guard.ownership(), Ownership::Held);
    guard
}

async fn a_reader_is_refused_while_others_are_there_and_reads_on(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let read = lock(&holder).read().await.unwrap();
    let shared = lock(&other).read().await.unwrap();
    let read = refused(read.try_upgrade().await).await;
    assert_eq!(children(server).await.len(), 2);
    shared.release().await.unwrap();
    let writer = writing(&lock(&other));
    until_nodes(&holder, 2).await;
    let read = refused(read.try_upgrade().await).await;
    assert_eq!(children(server).await.len(), 2);
    read.release().await.unwrap();
    writer.await.unwrap().unwrap().release().await.unwrap();
}

async fn two_readers_that_try_at_once_do_not_wait_for_each_other(server: &TestServer) {
    let (one, two) = (server.client().await, server.client().await);
    for _ in 0..10 {
        let (first, second) = (lock(&one).read().await.unwrap(), lock(&two).read().await.unwrap());
        let (first, second) = tokio::join!(first.try_upgrade(), second.try_upgrade());
        // Each sees the other one's read node, whoever is faster.
        let (first, second) = (refused(first).await, refused(second).await);
        assert_eq!(children(server).await.len(), 2);
        second.release().await.unwrap();
        first.try_upgrade().await.unwrap().release().await.unwrap();
    }
}

async fn only_one_reader_at_a_time_is_let_try(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let read = lock(&holder).read().await.unwrap();
    let mark = format!("{PATH}/__UPGR__");
    other.create(&mark, "").mode(CreateMode::Ephemeral).await.unwrap();
    let read = refused(read.try_upgrade().await).await;
    // It is not ours to delete.
    assert!(other.exists(&mark).await.unwrap().is_some());
    other.close().await.unwrap();
    read.try_upgrade().await.unwrap().release().await.unwrap();
    assert_eq!(children(server).await, Vec::<String>::new());
}

async fn conversions_there_and_back_keep_the_lock(server: &TestServer) {
    let (holder, other) = (server.client().await, server.client().await);
    let mut written = lock(&holder).write().await.unwrap();
    let mut token = written.token();
    for _ in 0..5 {
        let read = written.downgrade().await.unwrap();
        assert_eq!(lock(&other).try_write().await.unwrap_err(), RecipeError::Contended);
        lock(&other).try_read().await.unwrap().release().await.unwrap();
        written = read.try_upgrade().await.unwrap();
        assert!(written.token() > token);
        token = written.token();
        assert_eq!(children(server).await.len(), 1);
    }
    written.release().await.unwrap();
}

async fn conversions_cancelled_at_any_moment_leave_nothing(server: &TestServer) {
    let client = server.client().await;
    for is_upgrade in [false, true] {
        for polls in 1.. {
            let finished = if is_upgrade {
                let read = lock(&client).read().await.unwrap();
                drop_after_polls(read.try_upgrade(), polls).await.is_some()
            } else {
                let written = lock(&client).write().await.unwrap();
                drop_after_polls(written.downgrade(), polls).await.is_some()
            };
            Janitor::of(&client).drain().await;
            assert_eq!(children(server).await.len(), 0, "after {polls} polls");
            if finished {
                break;
            }
        }
    }
}
