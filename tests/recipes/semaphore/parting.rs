//! Permits that are split and merged.

use std::time::Duration;

use tokio::time::sleep;
use zk_recipes::{LostReason, Ownership, Released, Semaphore};
use zk_test_kit::TestServer;

use super::{nodes, semaphore};

zk_test_kit::cases![
    split_permits_are_held_and_released_by_themselves,
    what_is_split_off_outlives_the_rest,
    merged_permits_are_held_and_released_together,
    each_part_knows_of_the_loss_of_its_own_leases,
    a_loss_that_was_waited_for_before_is_that_of_what_is_left,
    only_permits_of_one_semaphore_and_session_are_merged,
    parts_are_suspended_and_held_again_like_the_whole,
];

async fn settled() {
    sleep(Duration::from_millis(50)).await;
}

async fn split_permits_are_held_and_released_by_themselves(server: &TestServer) {
    let client = server.client().await;
    let mut held = semaphore(&client, 5).acquire(5).await.unwrap();
    let all = held.paths();
    for count in [0, 5, 6, u32::MAX] {
        assert!(held.split(count).is_none());
    }
    let two = held.split(2).unwrap();
    assert_eq!((held.count(), two.count()), (3, 2));
    assert_eq!([held.paths(), two.paths()].concat(), all);
    assert_eq!(held.token(), two.token());
    assert_eq!(two.release().await.unwrap(), Released::Now);
    settled().await;
    assert_eq!(held.ownership(), Ownership::Held);
    assert_eq!(nodes(&client).await, (3, 0));
}

async fn what_is_split_off_outlives_the_rest(server: &TestServer) {
    let client = server.client().await;
    let mut held = semaphore(&client, 5).acquire(3).await.unwrap();
    let one = held.split(1).unwrap();
    drop(held);
    settled().await;
    assert_eq!(one.ownership(), Ownership::Held);
    one.verify().await.unwrap();
    assert_eq!(nodes(&client).await, (1, 0));
    assert_eq!(one.release().await.unwrap(), Released::Now);
}

async fn merged_permits_are_held_and_released_together(server: &TestServer) {
    let client = server.client().await;
    let mut first = semaphore(&client, 5).acquire(2).await.unwrap();
    let second = semaphore(&client, 5).acquire(1).await.unwrap();
    let (token, lost) = (first.token(), second.lost());
    assert!(second.token() > token);
    assert!(first.merge(second).is_ok());
    assert_eq!(lost.await, LostReason::Released);
    assert_eq!((first.count(), first.token()), (3, token));
    settled().await;
    assert_eq!(first.ownership(), Ownership::Held);
    first.verify().await.unwrap();
    assert_eq!(first.release().await.unwrap(), Released::Now);
    assert_eq!(nodes(&client).await, (0, 0));
}

async fn each_part_knows_of_the_loss_of_its_own_leases(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    for is_rest in [false, true] {
        let mut held = semaphore(&client, 4).acquire(4).await.unwrap();
        let part = held.split(2).unwrap();
        let (loses, stays) = if is_rest { (&held, &part) } else { (&part, &held) };
        other.delete(&loses.paths()[1]).await.unwrap();
        assert_eq!(loses.lost().await, LostReason::NodeDeleted);
        settled().await;
        assert_eq!(stays.ownership(), Ownership::Held);
        stays.verify().await.unwrap();
        // Together again, all is lost.
        assert!(held.merge(part).is_ok());
        assert_eq!(held.lost().await, LostReason::NodeDeleted);
        assert_eq!(held.release().await.unwrap(), Released::AlreadyLost);
        assert_eq!(nodes(&client).await, (0, 0));
    }
}

async fn a_loss_that_was_waited_for_before_is_that_of_what_is_left(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let mut held = semaphore(&client, 4).acquire(2).await.unwrap();
    let mut lost = Box::pin(held.lost());
    let part = held.split(1).unwrap();
    other.delete(&part.paths()[0]).await.unwrap();
    assert_eq!(part.lost().await, LostReason::NodeDeleted);
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut lost).await.is_err());
    let added = semaphore(&client, 4).acquire(1).await.unwrap();
    let path = added.paths().remove(0);
    assert!(held.merge(added).is_ok());
    other.delete(&path).await.unwrap();
    assert_eq!(lost.await, LostReason::NodeDeleted);
}

async fn only_permits_of_one_semaphore_and_session_are_merged(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let mut held = semaphore(&client, 4).acquire(1).await.unwrap();
    let elsewhere = Semaphore::new(&client, "/semaphores/b").unwrap();
    let refused = held.merge(elsewhere.acquire(1).await.unwrap()).unwrap_err();
    assert_eq!(refused.ownership(), Ownership::Held);
    let refused = held.merge(semaphore(&other, 4).acquire(2).await.unwrap()).unwrap_err();
    assert_eq!((refused.count(), held.count()), (2, 1));
    assert_eq!(refused.release().await.unwrap(), Released::Now);
    assert_eq!(held.release().await.unwrap(), Released::Now);
}

async fn parts_are_suspended_and_held_again_like_the_whole(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let mut held = semaphore(&client, 4).acquire(3).await.unwrap();
    let mut ownership = held.watch();
    network.refuse("a", true);
    network.cut();
    ownership.wait_for(|now| matches!(now, Ownership::Suspended { .. })).await.unwrap();
    let part = held.split(1).unwrap();
    let suspended = |now: &Ownership| matches!(now, Ownership::Suspended { .. });
    part.watch().wait_for(suspended).await.unwrap();
    network.refuse("a", false);
    ownership.wait_for(|now| *now == Ownership::Held).await.unwrap();
    part.watch().wait_for(|now| *now == Ownership::Held).await.unwrap();
    assert!(held.merge(part).is_ok());
    // A lease that hears of the loss late is suspended for a moment once more.
    held.watch().wait_for(|now| *now == Ownership::Held).await.unwrap();
    assert_eq!(held.release().await.unwrap(), Released::Now);
}
