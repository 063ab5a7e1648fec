//! The barrier that members enter together and leave together.

mod curators;
mod entering;
mod leaving;
mod races;
mod random_faults;
mod strict;

use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;
use zk_client::Client;
use zk_recipes::{DoubleBarrier, Inside, RecipeError};
use zk_test_kit::{Case, TestServer};

pub(crate) fn cases() -> Vec<Case> {
    [
        curators::cases(),
        entering::cases(),
        leaving::cases(),
        races::cases(),
        random_faults::cases(),
        strict::cases(),
    ]
    .concat()
}

const PATH: &str = "/barriers/d";
/// More than any round takes that can open.
const LIMIT: Duration = Duration::from_secs(30);

fn barrier(client: &Client, parties: usize) -> DoubleBarrier {
    DoubleBarrier::new(client, PATH, parties).unwrap()
}

/// An enter under way.
type Entering = JoinHandle<Result<Inside, RecipeError>>;

fn entering(barrier: &DoubleBarrier, payload: &'static str) -> Entering {
    let barrier = barrier.clone();
    tokio::spawn(async move { barrier.enter_timeout(payload, LIMIT).await })
}

/// A round of clients of their own, in the order in which they came.
async fn enter_all(server: &TestServer, parties: usize) -> Vec<(Client, Inside)> {
    let mut members = JoinSet::new();
    for _ in 0..parties {
        let client = server.client().await;
        let barrier = barrier(&client, parties);
        members.spawn(async move {
            let inside = barrier.enter_timeout("", LIMIT).await.unwrap();
            (client, inside)
        });
    }
    let mut members = members.join_all().await;
    members.sort_by_key(|(_, inside)| place(inside));
    members
}

fn place(inside: &Inside) -> usize {
    let own = inside.path();
    inside.members().iter().position(|one| own.ends_with(&one.name)).unwrap()
}

async fn nodes(client: &Client) -> usize {
    client.children(PATH).await.unwrap_or_default().len()
}

/// Waits until `count` nodes are there.
async fn until_nodes(client: &Client, count: usize) {
    while nodes(client).await != count {
        sleep(Duration::from_millis(10)).await;
    }
}
