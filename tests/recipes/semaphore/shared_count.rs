//! A number of permits that is the value of a node, as Curator's `SharedCount` has it.

use std::time::Duration;

use zk_client::{Client, ErrorCode};
use zk_recipes::{RecipeError, Semaphore};
use zk_test_kit::TestServer;

use super::{Acquiring, PATH, acquiring, until_nodes, waits};

zk_test_kit::cases![
    a_raise_wakes_a_waiter_at_once,
    a_lower_count_takes_nothing_away,
    more_than_there_are_is_waited_for,
    the_count_is_four_bytes_as_curator_has_them,
    a_count_that_is_none_is_told,
    a_count_that_is_spoilt_or_deleted_ends_the_waiting,
];

const COUNT: &str = "/counts/a";

fn semaphore(client: &Client) -> Semaphore {
    Semaphore::new(client, PATH).unwrap().shared_count(COUNT).unwrap()
}

async fn a_raise_wakes_a_waiter_at_once(server: &TestServer) {
    let (one, two) = (server.client().await, server.client().await);
    semaphore(&one).set_permits(1).await.unwrap();
    let held = semaphore(&one).acquire(1).await.unwrap();
    let mut waiter = acquiring(&semaphore(&two), 1);
    until_nodes(&one, 1, 1).await;
    waits(&mut waiter).await;
    semaphore(&one).set_permits(2).await.unwrap();
    let permit = waiter.await.unwrap().unwrap();
    assert_eq!(semaphore(&one).available().await.unwrap(), 0);
    permit.release().await.unwrap();
    held.release().await.unwrap();
}

async fn a_lower_count_takes_nothing_away(server: &TestServer) {
    let (one, two) = (server.client().await, server.client().await);
    semaphore(&one).set_permits(3).await.unwrap();
    let mut held = semaphore(&one).acquire(3).await.unwrap();
    semaphore(&two).set_permits(1).await.unwrap();
    held.verify().await.unwrap();
    assert_eq!(semaphore(&two).available().await.unwrap(), 0);
    let mut waiter = acquiring(&semaphore(&two), 1);
    until_nodes(&one, 3, 1).await;
    for _ in 0..2 {
        held.split(1).unwrap().release().await.unwrap();
        waits(&mut waiter).await;
    }
    held.release().await.unwrap();
    waiter.await.unwrap().unwrap().release().await.unwrap();
}

async fn more_than_there_are_is_waited_for(server: &TestServer) {
    let client = server.client().await;
    semaphore(&client).set_permits(0).await.unwrap();
    let refused = semaphore(&client).acquire_timeout(1, Duration::from_millis(200)).await;
    assert_eq!(refused.unwrap_err(), RecipeError::Timeout);
    assert_eq!(semaphore(&client).try_acquire(1).await.unwrap_err(), RecipeError::Contended);
    let mut waiter = acquiring(&semaphore(&client), 5);
    until_nodes(&client, 0, 1).await;
    waits(&mut waiter).await;
    semaphore(&client).set_permits(4).await.unwrap();
    waits(&mut waiter).await;
    semaphore(&client).set_permits(5).await.unwrap();
    waiter.await.unwrap().unwrap().release().await.unwrap();
}

async fn the_count_is_four_bytes_as_curator_has_them(server: &TestServer) {
    let client = server.client().await;
    semaphore(&client).set_permits(0x0102).await.unwrap();
    assert_eq!(client.get(COUNT).await.unwrap().0, &[0, 0, 1, 2][..]);
    client.set(COUNT, vec![0, 0, 0, 3]).await.unwrap();
    assert_eq!(semaphore(&client).available().await.unwrap(), 3);
    client.set(COUNT, vec![0xff; 4]).await.unwrap();
    assert_eq!(semaphore(&client).available().await.unwrap(), 0);
    let refused = semaphore(&client).set_permits(u32::MAX).await.unwrap_err();
    assert!(matches!(refused, RecipeError::BadArguments { .. }), "{refused:?}");
}

async fn a_count_that_is_none_is_told(server: &TestServer) {
    let client = server.client().await;
    let missing = |error| match error {
        RecipeError::Client(error) => assert_eq!(error.code(), Some(ErrorCode::NoNode)),
        error => panic!("{error:?}"),
    };
    missing(semaphore(&client).acquire(1).await.unwrap_err());
    missing(semaphore(&client).available().await.unwrap_err());
    client.create(COUNT, "3").with_parents().await.unwrap();
    for refused in [
        semaphore(&client).acquire(1).await.unwrap_err(),
        semaphore(&client).try_acquire(1).await.unwrap_err(),
        semaphore(&client).available().await.unwrap_err(),
    ] {
        assert!(
            matches!(&refused, RecipeError::Codec { path, .. } if path == COUNT),
            "{refused:?}"
        );
    }
    until_nodes(&client, 0, 0).await;
    semaphore(&client).set_permits(1).await.unwrap();
    semaphore(&client).acquire(1).await.unwrap().release().await.unwrap();
}

/// Somebody who waits while the count is 1 and the permit held.
async fn waiter(one: &Client, two: &Client) -> Acquiring {
    semaphore(one).set_permits(1).await.unwrap();
    let mut waiter = acquiring(&semaphore(two), 1);
    until_nodes(one, 1, 1).await;
    waits(&mut waiter).await;
    waiter
}

async fn a_count_that_is_spoilt_or_deleted_ends_the_waiting(server: &TestServer) {
    let (one, two) = (server.client().await, server.client().await);
    semaphore(&one).set_permits(1).await.unwrap();
    let held = semaphore(&one).acquire(1).await.unwrap();
    let spoilt = waiter(&one, &two).await;
    one.set(COUNT, "very many").await.unwrap();
    let refused = spoilt.await.unwrap().unwrap_err();
    assert!(matches!(&refused, RecipeError::Codec { path, .. } if path == COUNT), "{refused:?}");
    until_nodes(&one, 1, 0).await;
    let deleted = waiter(&one, &two).await;
    one.delete(COUNT).await.unwrap();
    let refused = deleted.await.unwrap().unwrap_err();
    let RecipeError::Client(error) = refused else { panic!("{refused:?}") };
    assert_eq!(error.code(), Some(ErrorCode::NoNode));
    until_nodes(&one, 1, 0).await;
    held.release().await.unwrap();
}
