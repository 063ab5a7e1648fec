//! Kazoo's recipes, by themselves and together with ours.

use std::time::Duration;

use zk_recipes::{Lock, RecipeError};

use crate::stage::{Stage, cases};

cases! {
    any: [
        kazoo_locks_in_order_and_shares_semaphores_and_read_locks,
        kazoo_elects_the_next_leader_when_the_session_of_the_first_ends,
        kazoo_counts_together,
        kazoo_joins_and_leaves_a_party,
        kazoo_waits_at_barriers,
        kazoo_queues_by_priority_and_gives_back_what_was_not_consumed,
        kazoo_takes_a_lock_that_ours_waits_for,
        kazoo_waits_for_a_lock_that_ours_holds,
    ],
    embedded: [a_lock_of_kazoo_is_ours_when_its_session_expires],
}

async fn kazoo_locks_in_order_and_shares_semaphores_and_read_locks(stage: Stage) {
    let lines = [
        "taken: True",
        "in line: ['c0', 'c1', 'c2', 'main']",
        "busy: False",
        "busy for long: LockTimeout",
        "at once at most: 1 in order: True",
        "lease: True",
        "lease: True",
        "no lease: False",
        "lease: True",
        "read: True",
        "read: True",
        "no write: False",
        "write: True",
    ];
    stage.kazoo("locks.py").expect_rest(&lines).await;
}

async fn kazoo_elects_the_next_leader_when_the_session_of_the_first_ends(stage: Stage) {
    let lines = [
        "contenders: ['anna', 'bob']",
        "leaders: ['anna']",
        "next: True ['anna', 'bob']",
        "contenders: ['bob']",
    ];
    stage.kazoo("election.py").expect_rest(&lines).await;
}

async fn kazoo_counts_together(stage: Stage) {
    let lines = ["counter: 157", "fraction: 1.75"];
    stage.kazoo("counter.py").expect_rest(&lines).await;
}

async fn kazoo_joins_and_leaves_a_party(stage: Stage) {
    let lines = ["['anna', 'bob'] 2", "['bob']", "['anna', 'bob']", "['bob']", "['bob']"];
    stage.kazoo("party.py").expect_rest(&lines).await;
}

async fn kazoo_waits_at_barriers(stage: Stage) {
    let lines = [
        "without a barrier: True",
        "behind it: False",
        "lifted: True",
        "through: [True]",
        "entered: 2 3",
        "left: ['one', 'two']",
    ];
    stage.kazoo("barriers.py").expect_rest(&lines).await;
}

async fn kazoo_queues_by_priority_and_gives_back_what_was_not_consumed(stage: Stage) {
    let lines = [
        "length: 4",
        "b'urgent' b'first' b'second' b'late' None",
        "b'a'",
        "b'b'",
        "consumed: True",
        "empty: None",
        "given back: b'b'",
        "consumed: True 0",
        "waited for: [b'c']",
    ];
    stage.kazoo("queues.py").expect_rest(&lines).await;
}

async fn kazoo_takes_a_lock_that_ours_waits_for(stage: Stage) {
    let client = stage.ours().await;
    let lock = Lock::new(&client, "/kazoo-shared-1").unwrap();
    let mut kazoo = stage.kazoo_on("shared_lock.py", "/kazoo-shared-1");
    kazoo.ask("acquire", &["acquired: True"]).await;

    assert!(matches!(lock.try_acquire().await, Err(RecipeError::Contended)));
    let waiting = lock.enqueue().await.unwrap();
    assert_eq!(lock.contenders().await.unwrap().len(), 2);
    kazoo.ask("release", &["released: True"]).await;
    let guard = waiting.acquire().await.unwrap();
    kazoo.ask("try", &["acquired: False"]).await;
    guard.release().await.unwrap();
    kazoo.ask("try", &["acquired: True"]).await;
    kazoo.say("end").await;
    kazoo.expect_rest(&[]).await;
    client.close().await.unwrap();
}

async fn kazoo_waits_for_a_lock_that_ours_holds(stage: Stage) {
    let client = stage.ours().await;
    let lock = Lock::new(&client, "/kazoo-shared-2").unwrap();
    let guard = lock.acquire().await.unwrap();
    let mut kazoo = stage.kazoo_on("shared_lock.py", "/kazoo-shared-2");
    kazoo.say("acquire").await;
    while lock.contenders().await.unwrap().len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    guard.release().await.unwrap();
    kazoo.expect_line("acquired: True").await;
    assert!(matches!(lock.try_acquire().await, Err(RecipeError::Contended)));
    kazoo.ask("release", &["released: True"]).await;
    lock.try_acquire().await.unwrap().release().await.unwrap();
    kazoo.say("end").await;
    kazoo.expect_rest(&[]).await;
    client.close().await.unwrap();
}

async fn a_lock_of_kazoo_is_ours_when_its_session_expires(stage: Stage) {
    let client = stage.ours().await;
    let lock = Lock::new(&client, "/kazoo-shared-3").unwrap();
    let mut kazoo = stage.kazoo_on("shared_lock.py", "/kazoo-shared-3");
    kazoo.ask("acquire", &["acquired: True"]).await;
    let holder = lock.contenders().await.unwrap().remove(0);

    let waiting = lock.enqueue().await.unwrap();
    assert!(stage.server().expire_session(holder.session));
    waiting.acquire().await.unwrap().release().await.unwrap();
    client.close().await.unwrap();
}
