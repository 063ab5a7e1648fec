//! The read/write lock.

mod converting;
mod layout;
mod leaving;
mod losing;
mod lost_replies;
mod overflow;
mod queueing;
mod random_faults;
mod waking;

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use zk_client::Client;
use zk_recipes::{ReadGuard, RecipeError, RwLock, WriteGuard};
use zk_test_kit::Case;

pub(crate) fn cases() -> Vec<Case> {
    [
        converting::cases(),
        layout::cases(),
        leaving::cases(),
        losing::cases(),
        lost_replies::cases(),
        overflow::cases(),
        queueing::cases(),
        random_faults::cases(),
        waking::cases(),
    ]
    .concat()
}

const PATH: &str = "/locks/rw";

fn lock(client: &Client) -> RwLock {
    RwLock::new(client, PATH).unwrap()
}

type Reading = JoinHandle<Result<ReadGuard, RecipeError>>;
type Writing = JoinHandle<Result<WriteGuard, RecipeError>>;

/// A reader that is about to get in.
fn reading(lock: &RwLock) -> Reading {
    let lock = lock.clone();
    tokio::spawn(async move { lock.read().await })
}

/// A writer that is about to get in.
fn writing(lock: &RwLock) -> Writing {
    let lock = lock.clone();
    tokio::spawn(async move { lock.write().await })
}

async fn nodes(client: &Client) -> usize {
    lock(client).contenders().await.unwrap().len()
}

/// Waits until `count` contenders are in the tree.
async fn until_nodes(client: &Client, count: usize) {
    while nodes(client).await != count {
        sleep(Duration::from_millis(10)).await;
    }
}

/// A place in the queue that is behind somebody.
async fn waits<T>(waiter: &mut JoinHandle<T>) {
    assert!(timeout(Duration::from_millis(100), waiter).await.is_err(), "it got in");
}
