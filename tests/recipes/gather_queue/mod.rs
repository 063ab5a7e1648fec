//! The queue that starts when so many members are there.

mod observing;
mod random_faults;
mod running;
mod starting;

use std::time::Duration;

use tokio::time::sleep;
use zk_client::Client;
use zk_recipes::{GatherQueue, Order, Seat};
use zk_test_kit::Case;

pub(crate) fn cases() -> Vec<Case> {
    [observing::cases(), random_faults::cases(), running::cases(), starting::cases()].concat()
}

const PATH: &str = "/queues/g";
/// More than any round takes that can start.
const LIMIT: Duration = Duration::from_secs(30);

fn queue(client: &Client, parties: usize) -> GatherQueue {
    GatherQueue::new(client, PATH, parties).unwrap()
}

/// A round of one client, in the order in which they took their seats.
async fn seated(queue: &GatherQueue, parties: usize) -> Vec<Seat> {
    let mut seats = Vec::new();
    for number in 0..parties {
        seats.push(queue.join(number.to_string()).await.unwrap());
    }
    seats
}

/// What the members say of themselves, in their order.
fn payloads(order: &Order) -> Vec<String> {
    order.members.iter().map(|one| String::from_utf8(one.payload.to_vec()).unwrap()).collect()
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
