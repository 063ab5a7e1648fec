//! With one permit it is a lock, that anybody may hold and is not re-entrant.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use zk_recipes::RecipeError;
use zk_test_kit::TestServer;

use super::{acquiring, semaphore, until_nodes, waits};

zk_test_kit::cases![
    one_permit_is_held_by_one_and_passed_on_in_order,
    it_is_not_re_entrant,
    the_permit_of_a_killed_holder_is_passed_on,
    a_permit_can_be_released_by_another_task,
];

async fn one_permit_is_held_by_one_and_passed_on_in_order(server: &TestServer) {
    let inside = Arc::new(AtomicUsize::new(0));
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let first = server.client().await;
    let held = semaphore(&first, 1).acquire(1).await.unwrap();
    let mut contenders = JoinSet::new();
    for number in 0..6 {
        let client = server.client().await;
        let (inside, order) = (Arc::clone(&inside), Arc::clone(&order));
        contenders.spawn(async move {
            let permit = semaphore(&client, 1).acquire(1).await.unwrap();
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
            sleep(Duration::from_millis(5)).await;
            order.lock().unwrap().push(number);
            assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
            permit.release().await.unwrap();
        });
        until_nodes(&first, 1, number + 1).await;
    }
    held.release().await.unwrap();
    contenders.join_all().await;
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4, 5]);
}

async fn it_is_not_re_entrant(server: &TestServer) {
    let client = server.client().await;
    let held = semaphore(&client, 1).acquire(1).await.unwrap();
    let again = semaphore(&client, 1).acquire_timeout(1, Duration::from_millis(200)).await;
    assert_eq!(again.unwrap_err(), RecipeError::Timeout);
    held.release().await.unwrap();
    semaphore(&client, 1).acquire(1).await.unwrap().release().await.unwrap();
}

async fn the_permit_of_a_killed_holder_is_passed_on(server: &TestServer) {
    let network = server.network();
    let (holder, other) = (server.client_on(&network).await, server.client().await);
    let held = semaphore(&holder, 1).acquire(1).await.unwrap();
    let mut waiter = acquiring(&semaphore(&other, 1), 1);
    until_nodes(&other, 1, 1).await;
    waits(&mut waiter).await;
    network.silence(true);
    let permit = waiter.await.unwrap().unwrap();
    assert!(permit.token() > held.token());
    assert!(!held.is_valid());
    network.silence(false);
    permit.release().await.unwrap();
}

async fn a_permit_can_be_released_by_another_task(server: &TestServer) {
    let client = server.client().await;
    let held = semaphore(&client, 1).acquire(1).await.unwrap();
    tokio::spawn(async move { held.release().await.unwrap() }).await.unwrap();
    semaphore(&client, 1).try_acquire(1).await.unwrap().release().await.unwrap();
}
