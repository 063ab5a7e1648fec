//! Curator's recipes together with ours of the same layout; the mutex is in [`curator`](crate::curator).

use std::time::Duration;

use zk_client::Client;
use zk_recipes::{
    Barrier, BarrierMode, DoubleBarrier, RecipeError, Released, RwLock, Semaphore, SimpleQueue,
};

use crate::curator::{end, talk};
use crate::stage::{Stage, cases};

cases! {
    any: [
        ours_and_curator_read_together_and_write_alone,
        curator_reads_on_beside_a_writer_of_ours_that_became_a_reader,
        ours_reads_on_beside_a_writer_of_curator_that_became_a_reader,
        ours_and_curator_share_the_permits_of_a_semaphore,
        ours_and_curator_wait_at_each_others_barrier,
        ours_and_curator_enter_and_leave_a_double_barrier_together,
        ours_and_curator_queue_in_one_order,
    ],
    embedded: [],
}

/// Waits until a node has so many children.
async fn until_children(client: &Client, path: &str, count: i32) {
    let has = |stat: zk_client::Stat| stat.num_children == count;
    while !client.exists(path).await.unwrap().is_some_and(has) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn ours_and_curator_read_together_and_write_alone(stage: Stage) {
    let path = "/curator-ours-rw";
    let client = stage.ours().await;
    let lock = RwLock::new(&client, path).unwrap();
    let mut curator = talk(&stage).await;
    let ours = lock.read().await.unwrap();
    curator.ask(&format!("a read {path} acquire"), &["a acquired _c_"]).await;
    curator.ask(&format!("b write {path} try 100"), &["b not acquired"]).await;
    assert!(matches!(lock.try_write().await, Err(RecipeError::Contended)));
    assert_eq!(lock.readers().await.unwrap().len(), 2);

    // A writer in line keeps readers behind it waiting, of both kinds.
    curator.say(&format!("b write {path} acquire")).await;
    until_children(&client, path, 3).await;
    assert_eq!(lock.writers().await.unwrap().len(), 1);
    assert!(matches!(lock.try_read().await, Err(RecipeError::Contended)));
    curator.ask(&format!("c read {path} try 100"), &["c not acquired"]).await;
    assert_eq!(ours.release().await.unwrap(), Released::Now);
    curator.ask(&format!("a read {path} release"), &["a released"]).await;
    curator.expect("b acquired _c_").await;
    assert!(matches!(lock.try_read().await, Err(RecipeError::Contended)));

    let next = lock.clone();
    let writing = tokio::spawn(async move { next.write().await.unwrap() });
    until_children(&client, path, 2).await;
    curator.ask(&format!("b write {path} release"), &["b released"]).await;
    let ours = writing.await.unwrap();
    curator.ask(&format!("a read {path} try 100"), &["a not acquired"]).await;
    curator.say(&format!("a read {path} acquire")).await;
    until_children(&client, path, 2).await;
    assert_eq!(ours.release().await.unwrap(), Released::Now);
    curator.expect("a acquired _c_").await;
    end(curator).await;
    client.close().await.unwrap();
}

async fn curator_reads_on_beside_a_writer_of_ours_that_became_a_reader(stage: Stage) {
    let path = "/curator-ours-downgrade";
    let client = stage.ours().await;
    let lock = RwLock::new(&client, path).unwrap();
    let mut curator = talk(&stage).await;
    let writer = lock.write().await.unwrap();
    curator.say(&format!("a read {path} acquire")).await;
    until_children(&client, path, 2).await;
    curator.say(&format!("b write {path} acquire")).await;
    until_children(&client, path, 3).await;
    let reader = writer.downgrade().await.unwrap();
    curator.expect("a acquired _c_").await;
    curator.ask(&format!("c write {path} try 100"), &["c not acquired"]).await;
    curator.ask(&format!("a read {path} release"), &["a released"]).await;
    // The one that waits does so for ours, which has the lower number.
    curator.ask(&format!("c read {path} try 100"), &["c not acquired"]).await;
    assert_eq!(reader.release().await.unwrap(), Released::Now);
    curator.expect("b acquired _c_").await;
    end(curator).await;
    client.close().await.unwrap();
}

async fn ours_reads_on_beside_a_writer_of_curator_that_became_a_reader(stage: Stage) {
    let path = "/curator-ours-downgrade-2";
    let client = stage.ours().await;
    let lock = RwLock::new(&client, path).unwrap();
    let mut curator = talk(&stage).await;
    curator.ask(&format!("a write {path} acquire"), &["a acquired _c_"]).await;
    curator.ask(&format!("a read {path} acquire"), &["a acquired _c_"]).await;
    let next = lock.clone();
    let reading = tokio::spawn(async move { next.read().await.unwrap() });
    until_children(&client, path, 3).await;
    assert!(!reading.is_finished());
    curator.ask(&format!("a write {path} release"), &["a released"]).await;
    let reader = reading.await.unwrap();
    assert!(matches!(lock.try_write().await, Err(RecipeError::Contended)));
    curator.ask(&format!("a read {path} release"), &["a released"]).await;
    assert_eq!(reader.release().await.unwrap(), Released::Now);
    lock.try_write().await.unwrap().release().await.unwrap();
    end(curator).await;
    client.close().await.unwrap();
}

async fn ours_and_curator_share_the_permits_of_a_semaphore(stage: Stage) {
    let path = "/curator-ours-semaphore";
    let client = stage.ours().await;
    let semaphore = Semaphore::new(&client, path).unwrap().permits(3);
    let mut curator = talk(&stage).await;
    let mut ours = semaphore.acquire(2).await.unwrap();
    curator.ask(&format!("a semaphore {path} try 3 2 100"), &["a not acquired"]).await;
    curator.ask(&format!("a semaphore {path} try 3 1 10000"), &["a leases 1"]).await;
    assert!(matches!(semaphore.try_acquire(1).await, Err(RecipeError::Contended)));
    assert_eq!(semaphore.available().await.unwrap(), 0);
    let participants = semaphore.participants().await.unwrap();
    let names: Vec<&str> = participants.iter().map(zk_recipes::Contender::name).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    curator.ask(&format!("a semaphore {path} participants"), &[&sorted.join(" ")]).await;

    // Curator waits at the head of the queue, ours behind it.
    curator.say(&format!("b semaphore {path} acquire 3 1")).await;
    let queue = format!("{path}/locks");
    until_children(&client, &queue, 1).await;
    let next = semaphore.clone();
    let waiting = tokio::spawn(async move { next.acquire(2).await.unwrap() });
    until_children(&client, &queue, 2).await;
    let one = ours.split(1).unwrap();
    assert_eq!(one.release().await.unwrap(), Released::Now);
    curator.expect_line("b leases 1").await;
    assert_eq!(ours.release().await.unwrap(), Released::Now);
    curator.ask(&format!("a semaphore {path} release"), &["a leases 0"]).await;
    let both = waiting.await.unwrap();
    curator.ask(&format!("a semaphore {path} try 3 1 100"), &["a not acquired"]).await;
    assert_eq!(both.release().await.unwrap(), Released::Now);
    curator.ask(&format!("a semaphore {path} try 3 2 10000"), &["a leases 2"]).await;
    end(curator).await;
    assert_eq!(semaphore.available().await.unwrap(), 3);
    client.close().await.unwrap();
}

async fn ours_and_curator_wait_at_each_others_barrier(stage: Stage) {
    let path = "/curator-ours-barrier";
    let client = stage.ours().await;
    let barrier = Barrier::new(&client, path).unwrap();
    let mut curator = talk(&stage).await;
    curator.ask(&format!("a barrier {path} set"), &["a set"]).await;
    assert!(barrier.is_set().await.unwrap());
    let behind = barrier.clone();
    let waiting = tokio::spawn(async move { behind.wait().await });
    let limit = Duration::from_millis(100);
    assert!(matches!(barrier.wait_timeout(limit).await, Err(RecipeError::Timeout)));
    assert!(!waiting.is_finished());
    curator.ask(&format!("a barrier {path} remove"), &["a removed"]).await;
    waiting.await.unwrap().unwrap();

    barrier.set().await.unwrap();
    curator.ask(&format!("a barrier {path} wait 100"), &["a not through"]).await;
    curator.say(&format!("a barrier {path} wait")).await;
    assert!(barrier.lift().await.unwrap());
    curator.expect_line("a through").await;
    end(curator).await;
    client.close().await.unwrap();
}

async fn ours_and_curator_enter_and_leave_a_double_barrier_together(stage: Stage) {
    let path = "/curator-ours-double";
    let client = stage.ours().await;
    let barrier = DoubleBarrier::new(&client, path, 3).unwrap().mode(BarrierMode::Curator);
    let mut curator = talk(&stage).await;
    curator.say(&format!("a double {path} enter 3")).await;
    until_children(&client, path, 1).await;
    let entering = tokio::spawn(async move { barrier.enter("ours").await.unwrap() });
    until_children(&client, path, 2).await;
    assert!(!entering.is_finished());
    curator.say(&format!("b double {path} enter 3")).await;
    let inside = entering.await.unwrap();
    curator.expect("entered").await;
    curator.expect("entered").await;
    // The three, and the one that says ready.
    until_children(&client, path, 4).await;

    curator.say(&format!("a double {path} leave")).await;
    let leaving = tokio::spawn(async move { inside.leave().await.unwrap() });
    curator.say(&format!("b double {path} leave")).await;
    curator.expect("left").await;
    curator.expect("left").await;
    assert_eq!(leaving.await.unwrap(), Released::Now);
    end(curator).await;
    client.close().await.unwrap();
}

async fn ours_and_curator_queue_in_one_order(stage: Stage) {
    let path = "/curator-ours-queue";
    let client = stage.ours().await;
    let queue = SimpleQueue::new(&client, path).unwrap();
    let mut curator = talk(&stage).await;
    curator.ask(&format!("a queue {path} offer one"), &["a offered true"]).await;
    queue.offer("two").await.unwrap();
    curator.ask(&format!("a queue {path} offer three"), &["a offered true"]).await;
    queue.offer("four").await.unwrap();
    assert_eq!(queue.len().await.unwrap(), 4);
    assert_eq!(queue.poll().await.unwrap().unwrap(), "one");
    curator.ask(&format!("a queue {path} peek"), &["a item two"]).await;
    curator.ask(&format!("a queue {path} poll"), &["a item two"]).await;
    assert_eq!(queue.take().await.unwrap(), "three");
    curator.ask(&format!("a queue {path} take"), &["a item four"]).await;
    curator.ask(&format!("a queue {path} poll"), &["a nothing"]).await;
    assert_eq!(queue.poll().await.unwrap(), None);

    curator.say(&format!("a queue {path} take")).await;
    queue.offer("five").await.unwrap();
    curator.expect_line("a item five").await;
    let taking = tokio::spawn(async move { queue.take().await.unwrap() });
    curator.ask(&format!("a queue {path} offer six"), &["a offered true"]).await;
    assert_eq!(taking.await.unwrap(), "six");
    end(curator).await;
    client.close().await.unwrap();
}
