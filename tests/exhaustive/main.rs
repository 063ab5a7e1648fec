//! Every call of the client, and the recipes, broken at every request and dropped at every poll:
//! see `zk_test_kit::exhaustive`. Only against the embedded server, in virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test may panic, and its name says what it is"
)]

mod barrier;
mod creates;
mod double_barrier;
mod election;
mod gather_queue;
mod lock;
mod multi_lock;
mod queue;
mod reads;
mod reentrant_lock;
mod rw_lock;
mod semaphore;
mod simple_lock;
mod steps;
mod watches;
mod writes;

use zk_client::{Client, Stat};

/// What the leader has.
async fn stat(observer: &Client, path: &str) -> Option<Stat> {
    observer.exists(path).await.unwrap()
}

/// Nothing is there before the client comes.
async fn nothing(_observer: Client) {}
