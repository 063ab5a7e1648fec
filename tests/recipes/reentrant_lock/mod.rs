//! The lock that its owner can take again, and the one that parts of a program share.

mod keys;
mod sharing;

use zk_client::Client;
use zk_recipes::{Lock, ReentrantLock};
use zk_test_kit::Case;

pub(crate) fn cases() -> Vec<Case> {
    [keys::cases(), sharing::cases()].concat()
}

const PATH: &str = "/locks/a";

fn lock(client: &Client) -> Lock {
    Lock::new(client, PATH).unwrap()
}

fn reentrant(client: &Client) -> ReentrantLock<&'static str> {
    ReentrantLock::new(lock(client))
}

async fn nodes(client: &Client) -> usize {
    lock(client).contenders().await.unwrap().len()
}
