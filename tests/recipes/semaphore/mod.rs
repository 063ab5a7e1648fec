//! The semaphore.

mod acquiring;
mod leaving;
mod losing;
mod lost_replies;
mod mutex;
mod parting;
mod random_faults;
mod shared_count;
mod waking;

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use zk_client::Client;
use zk_recipes::{Permits, RecipeError, Semaphore};
use zk_test_kit::Case;

pub(crate) fn cases() -> Vec<Case> {
    [
        acquiring::cases(),
        leaving::cases(),
        losing::cases(),
        lost_replies::cases(),
        mutex::cases(),
        parting::cases(),
        random_faults::cases(),
        shared_count::cases(),
        waking::cases(),
    ]
    .concat()
}

const PATH: &str = "/semaphores/a";

fn semaphore(client: &Client, permits: u32) -> Semaphore {
    Semaphore::new(client, PATH).unwrap().permits(permits)
}

type Acquiring = JoinHandle<Result<Permits, RecipeError>>;

/// An acquire under way.
fn acquiring(semaphore: &Semaphore, count: u32) -> Acquiring {
    let semaphore = semaphore.clone();
    tokio::spawn(async move { semaphore.acquire(count).await })
}

/// How many permits are held, and how many contenders wait.
async fn nodes(client: &Client) -> (usize, usize) {
    let semaphore = semaphore(client, 1);
    let held = semaphore.participants().await.unwrap().len();
    (held, semaphore.waiting().await.unwrap().len())
}

async fn until_nodes(client: &Client, held: usize, waiting: usize) {
    while nodes(client).await != (held, waiting) {
        sleep(Duration::from_millis(10)).await;
    }
}

/// Permits that are not to be had yet.
async fn waits(waiter: &mut Acquiring) {
    assert!(timeout(Duration::from_millis(100), waiter).await.is_err(), "it got permits");
}
