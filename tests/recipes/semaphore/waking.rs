//! Whom a release wakes, and what an acquire costs.

use std::time::Duration;

use tokio::time::sleep;
use zk_client::Client;
use zk_recipes::Permits;
use zk_test_kit::{Network, TestServer};

use super::{Acquiring, PATH, acquiring, semaphore, until_nodes, waits};

zk_test_kit::cases![
    a_release_that_is_not_enough_wakes_only_the_first_who_waits,
    a_release_wakes_only_the_first_who_waits_and_him_once,
    free_permits_are_acquired_with_four_requests,
    a_release_is_one_request,
];

async fn settled() {
    sleep(Duration::from_millis(100)).await;
}

/// Four who want two permits each, behind somebody who has all four.
async fn queue_up(server: &TestServer, holder: &Client) -> Vec<(Network, Acquiring)> {
    let mut waiters = Vec::new();
    for number in 0..4 {
        let network = server.network();
        let client = server.client_on(&network).await;
        waiters.push((network, acquiring(&semaphore(&client, 4), 2)));
        until_nodes(holder, 4, number + 1).await;
    }
    waiters
}

async fn got((_, acquiring): &mut (Network, Acquiring)) -> Permits {
    acquiring.await.unwrap().unwrap()
}

fn events(waiters: &[(Network, Acquiring)]) -> Vec<usize> {
    waiters.iter().map(|(network, _)| network.counts().events).collect()
}

async fn a_release_that_is_not_enough_wakes_only_the_first_who_waits(server: &TestServer) {
    let holder = server.client().await;
    let held = semaphore(&holder, 4).acquire(3).await.unwrap();
    let last = semaphore(&holder, 4).acquire(1).await.unwrap();
    let mut waiters = queue_up(server, &holder).await;
    settled().await;
    last.release().await.unwrap();
    settled().await;
    assert_eq!(events(&waiters), [1, 0, 0, 0]);
    waits(&mut waiters[0].1).await;
    held.release().await.unwrap();
    let (first, second) = (got(&mut waiters[0]).await, got(&mut waiters[1]).await);
    settled().await;
    drop((first, second));
    drop((got(&mut waiters[2]).await, got(&mut waiters[3]).await));
}

async fn a_release_wakes_only_the_first_who_waits_and_him_once(server: &TestServer) {
    let holder = server.client().await;
    let held = semaphore(&holder, 4).acquire(4).await.unwrap();
    let mut waiters = queue_up(server, &holder).await;
    settled().await;
    // Four leases, and one event.
    held.release().await.unwrap();
    let (first, second) = (got(&mut waiters[0]).await, got(&mut waiters[1]).await);
    settled().await;
    // The places of the first two have gone, too. The next one waits for permits, the last for him.
    assert_eq!(events(&waiters), [1 + 1, 1 + 1, 1, 0]);
    waits(&mut waiters[2].1).await;
    first.release().await.unwrap();
    let third = got(&mut waiters[2]).await;
    settled().await;
    assert_eq!(events(&waiters)[2..], [2 + 1, 1]);
    drop((second, third));
    drop(got(&mut waiters[3]).await);
}

async fn free_permits_are_acquired_with_four_requests(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let semaphore = semaphore(&client, 20);
    // The parents are there, and do not go as containers might.
    client.create(&format!("{PATH}/locks"), "").with_parents().await.unwrap();
    let stays = semaphore.acquire(1).await.unwrap();
    settled().await;
    let is_told = server.has_change_of(&[(3, 7, 2), (3, 8, 2), (3, 9, 0)]).await;
    for count in [1, 5] {
        let before = network.counts().requests;
        let acquire = acquiring(&semaphore, count);
        let permits = acquire.await.unwrap().unwrap();
        settled().await;
        // Place and listing, look, write; and a watch for each lease that nobody waits for.
        let watches = usize::try_from(count).unwrap();
        // A lease is looked at where a multi does not tell what it has created (ZOOKEEPER-4026).
        let looks = usize::from(!is_told);
        assert_eq!(network.counts().requests - before, 4 + looks + watches);
        permits.release().await.unwrap();
    }
    stays.release().await.unwrap();
}

async fn a_release_is_one_request(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let permits = semaphore(&client, 9).acquire(7).await.unwrap();
    settled().await;
    let before = network.counts().requests;
    permits.release().await.unwrap();
    settled().await;
    assert_eq!(network.counts().requests, before + 1);
}
