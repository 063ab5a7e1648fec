//! The barrier that is closed as long as its node is there.

mod setting;
mod waiting;

use tokio::task::JoinHandle;
use zk_client::Client;
use zk_recipes::{Barrier, RecipeError};
use zk_test_kit::Case;

pub(crate) fn cases() -> Vec<Case> {
    [setting::cases(), waiting::cases()].concat()
}

const PATH: &str = "/barriers/a";

fn barrier(client: &Client) -> Barrier {
    Barrier::new(client, PATH).unwrap()
}

/// A wait under way.
fn waiting(client: &Client) -> JoinHandle<Result<(), RecipeError>> {
    let barrier = barrier(client);
    tokio::spawn(async move { barrier.wait().await })
}
