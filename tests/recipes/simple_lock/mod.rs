//! The lock that is one node.

mod breaking;
mod leaving;
mod mixing;
mod taking;

use tokio::task::JoinHandle;
use zk_client::Client;
use zk_recipes::{RecipeError, SimpleGuard, SimpleLock};
use zk_test_kit::Case;

pub(crate) fn cases() -> Vec<Case> {
    [breaking::cases(), leaving::cases(), mixing::cases(), taking::cases()].concat()
}

const PATH: &str = "/simple/a";
/// What stays beside it.
const WITNESSES: &str = "/simple/_w_a";

fn lock(client: &Client) -> SimpleLock {
    SimpleLock::new(client, PATH).unwrap()
}

/// An acquire under way.
fn acquiring(client: &Client) -> JoinHandle<Result<SimpleGuard, RecipeError>> {
    let lock = lock(client);
    tokio::spawn(async move { lock.acquire().await })
}

/// The lock and the witnesses of holders.
async fn nodes(client: &Client) -> usize {
    let lock = client.exists(PATH).await.unwrap();
    let witnesses = client.children(WITNESSES).await.unwrap_or_default();
    usize::from(lock.is_some()) + witnesses.len()
}
