//! The fair lock.

mod dialects;
mod endurance;
mod leaving;
mod losing;
mod lost_replies;
mod numbers;
mod permissions;
mod queueing;
mod random_faults;
mod revoking;
mod runtimes;
mod suspending;

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;
use zk_client::Client;
use zk_recipes::{Lock, LockGuard, RecipeError};
use zk_test_kit::Case;

pub(crate) fn cases() -> Vec<Case> {
    [
        dialects::cases(),
        endurance::cases(),
        leaving::cases(),
        losing::cases(),
        lost_replies::cases(),
        numbers::cases(),
        permissions::cases(),
        queueing::cases(),
        random_faults::cases(),
        revoking::cases(),
        runtimes::cases(),
        suspending::cases(),
    ]
    .concat()
}

const PATH: &str = "/locks/a";

fn lock(client: &Client) -> Lock {
    Lock::new(client, PATH).unwrap()
}

/// An acquire under way.
fn acquiring(client: &Client) -> JoinHandle<Result<LockGuard, RecipeError>> {
    let lock = lock(client);
    tokio::spawn(async move { lock.acquire().await })
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
