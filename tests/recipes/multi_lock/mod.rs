//! Several locks that are held together.

mod holding;
mod losing;
mod mixing;

use tokio::task::JoinHandle;
use zk_client::Client;
use zk_recipes::{Lock, MultiGuard, MultiLock, RecipeError};
use zk_test_kit::Case;

pub(crate) fn cases() -> Vec<Case> {
    [holding::cases(), losing::cases(), mixing::cases()].concat()
}

const A: &str = "/locks/a";
const B: &str = "/locks/b";
const C: &str = "/locks/c";

fn multi(client: &Client, paths: &[&str]) -> MultiLock {
    MultiLock::new(client, paths).unwrap()
}

/// An acquire under way.
fn acquiring(client: &Client, paths: &[&str]) -> JoinHandle<Result<MultiGuard, RecipeError>> {
    let lock = multi(client, paths);
    tokio::spawn(async move { lock.acquire().await })
}

/// Contenders at one path.
async fn at(client: &Client, path: &str) -> usize {
    Lock::new(client, path).unwrap().contenders().await.unwrap().len()
}

/// Contenders at all paths.
async fn nodes(client: &Client) -> usize {
    at(client, A).await + at(client, B).await + at(client, C).await
}
