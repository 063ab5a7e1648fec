//! What happens to one member while another one opens the round, at each of the opener's requests.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::sleep;
use zk_client::Client;
use zk_recipes::{Janitor, RecipeError, Released};
use zk_test_kit::{Network, TestServer};

use super::{Entering, LIMIT, PATH, barrier, entering, nodes, until_nodes};

zk_test_kit::cases![
    ;
    in virtual time: [
        a_timeout_that_races_the_opening_never_splits_the_members,
        a_member_that_dies_while_the_round_opens_is_not_counted_or_is_seen_to_leave,
    ];
];

async fn a_timeout_that_races_the_opening_never_splits_the_members(server: &TestServer) {
    let client = server.client().await;
    let mut seen = BTreeSet::new();
    for requests in 0..12 {
        let first = tokio::spawn({
            let barrier = barrier(&client, 2);
            async move { barrier.enter_timeout("first", Duration::from_millis(300)).await }
        });
        let opener = Opener::stop_after(server, &client, requests).await;
        let is_open = is_open(&client).await;
        // The time of the first one is over while the other one is about to open, or has opened.
        let first = first.await.unwrap();
        opener.network.hold_outgoing(false);
        let second = opener.entering.await.unwrap();
        if is_open {
            assert_eq!(first.unwrap().members(), second.unwrap().members());
        } else {
            assert_eq!(first.unwrap_err(), RecipeError::Timeout, "after {requests} requests");
            assert_eq!(second.unwrap_err(), RecipeError::Timeout, "after {requests} requests");
        }
        seen.insert(is_open);
        until_quiet([&client, &opener.client]).await;
    }
    assert_eq!(seen.len(), 2, "nothing has raced");
}

async fn a_member_that_dies_while_the_round_opens_is_not_counted_or_is_seen_to_leave(
    server: &TestServer,
) {
    let client = server.client().await;
    let mut seen = BTreeSet::new();
    for requests in 0..12 {
        let first = entering(&barrier(&client, 2), "first");
        until_nodes(&client, 1).await;
        let name = client.children(PATH).await.unwrap().remove(0);
        let opener = Opener::stop_after(server, &client, requests).await;
        let is_open = is_open(&client).await;
        client.delete(&format!("{PATH}/{name}")).await.unwrap();
        opener.network.hold_outgoing(false);
        let second = opener.entering.await.unwrap();
        if is_open {
            assert_eq!(second.unwrap().leave_timeout(LIMIT).await, Ok(Released::Now));
        } else {
            assert_eq!(second.unwrap_err(), RecipeError::Timeout, "after {requests} requests");
        }
        drop(first.await.unwrap());
        seen.insert(is_open);
        until_quiet([&client, &opener.client]).await;
    }
    assert_eq!(seen.len(), 2, "nothing has raced");
}

/// The second one of two, whose requests are kept back from one of them on.
struct Opener {
    network: Network,
    client: Client,
    entering: Entering,
}

impl Opener {
    async fn stop_after(server: &TestServer, other: &Client, requests: usize) -> Self {
        until_nodes(other, 1).await;
        let network = server.network();
        let client = server.client_on(&network).await;
        network.hold_outgoing_behind(requests);
        let barrier = barrier(&client, 2);
        let limit = Duration::from_millis(800);
        let entering = tokio::spawn(async move { barrier.enter_timeout("second", limit).await });
        // Long enough for what was sent already.
        sleep(Duration::from_millis(50)).await;
        Self { network, client, entering }
    }
}

/// Whether a round is open, as the tree says it.
async fn is_open(client: &Client) -> bool {
    let (data, _) = client.get(PATH).await.unwrap();
    String::from_utf8(data.to_vec()).unwrap().contains("open")
}

async fn until_quiet(clients: [&Client; 2]) {
    for client in clients {
        Janitor::of(client).drain().await;
        assert_eq!(nodes(client).await, 0);
    }
    // The next round is to be gathered for.
    clients[0].set(PATH, "").await.unwrap();
}
