//! The end of the sequence numbers: order and exclusion do not depend on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use zk_client::Client;
use zk_recipes::{Dialect, Lock};
use zk_test_kit::{Seed, TestServer};

use super::{PATH, lock, nodes};

zk_test_kit::cases![;
    on embedded: [
        contenders_get_in_in_the_order_of_their_creation_while_numbers_stick,
        contenders_get_in_in_the_order_of_their_creation_while_numbers_turn_negative,
        no_two_hold_at_once_whatever_the_numbers_are,
        the_numbers_begin_anew_with_the_parent,
    ];
];

/// Has the next node at the lock get this number.
fn preset(server: &TestServer, next: i32) {
    assert!(server.embedded().unwrap().set_child_counter(&server.path(PATH), next));
}

async fn number_of(lock: &Lock, path: &str) -> i32 {
    let contenders = lock.contenders().await.unwrap();
    contenders.iter().find(|contender| contender.path == path).unwrap().sequence
}

/// Enqueues with these numbers, `None` for the one that comes, and lets them in one after the other.
async fn in_creation_order(server: &TestServer, dialect: Dialect, numbers: &[Option<i32>]) {
    let client = server.client().await;
    let lock = lock(&client).dialect(dialect);
    lock.acquire().await.unwrap().release().await.unwrap();
    let mut waiting = Vec::new();
    let mut given = Vec::new();
    for number in numbers {
        if let Some(number) = number {
            preset(server, *number);
        }
        let own = server.client().await;
        let place = super::lock(&own).dialect(dialect).enqueue().await.unwrap();
        given.push(number_of(&lock, &place.path()).await);
        assert_eq!(place.ahead().is_none(), waiting.is_empty(), "{given:?}");
        let expected = waiting.len();
        assert_eq!(place.position().await.unwrap(), expected, "{given:?}");
        waiting.push(place);
    }
    let asked: Vec<_> =
        numbers.iter().zip(&given).map(|(asked, got)| asked.unwrap_or(*got)).collect();
    assert_eq!(asked, given);
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let inside = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    let count = waiting.len();
    for (number, place) in waiting.into_iter().enumerate() {
        let (order, inside) = (Arc::clone(&order), Arc::clone(&inside));
        tasks.spawn(async move {
            let guard = place.acquire().await.unwrap();
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two owners");
            order.lock().unwrap().push(number);
            sleep(Duration::from_millis(5)).await;
            inside.fetch_sub(1, Ordering::SeqCst);
            guard.release().await.unwrap();
        });
    }
    tasks.join_all().await;
    assert_eq!(*order.lock().unwrap(), (0..count).collect::<Vec<_>>(), "{given:?}");
}

async fn contenders_get_in_in_the_order_of_their_creation_while_numbers_stick(server: &TestServer) {
    for dialect in [Dialect::Curator, Dialect::Kazoo] {
        let mut numbers = vec![None; 9];
        numbers[0] = Some(i32::MAX - 3);
        in_creation_order(server, dialect, &numbers).await;
    }
}

async fn contenders_get_in_in_the_order_of_their_creation_while_numbers_turn_negative(
    server: &TestServer,
) {
    let numbers = [
        0x7fff_0000 - 1,
        0x7fff_0000,
        i32::MAX - 1,
        i32::MAX,
        i32::MIN,
        i32::MIN + 1,
        i32::MAX,
        i32::MIN,
        i32::MAX,
    ];
    for dialect in [Dialect::Curator, Dialect::Kazoo] {
        in_creation_order(server, dialect, &numbers.map(Some)).await;
    }
}

async fn no_two_hold_at_once_whatever_the_numbers_are(server: &TestServer) {
    let seed = Seed::pick();
    let first = server.client().await;
    lock(&first).acquire().await.unwrap().release().await.unwrap();
    preset(server, 0x7fff_0000 - 40);
    let inside = Arc::new(AtomicUsize::new(0));
    let acquired = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for number in 0..8 {
        let (client, mut random) = (server.client().await, seed.random(number));
        let (inside, acquired) = (Arc::clone(&inside), Arc::clone(&acquired));
        tasks.spawn(async move {
            for _ in 0..20 {
                sleep(Duration::from_micros(random.u64(..3_000))).await;
                let limit = Duration::from_millis(random.u64(1..60));
                let Ok(guard) = lock(&client).acquire_timeout(limit).await else { continue };
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two owners");
                sleep(Duration::from_micros(random.u64(..3_000))).await;
                inside.fetch_sub(1, Ordering::SeqCst);
                acquired.fetch_add(1, Ordering::SeqCst);
                if random.bool() {
                    guard.release().await.unwrap();
                }
            }
        });
    }
    // Now from before the part that is not trusted, now from its end, and from behind it.
    let mut random = seed.random(99);
    for _ in 0..30 {
        sleep(Duration::from_millis(5)).await;
        let near = [i32::MAX, i32::MAX - 2, i32::MIN, i32::MIN + 3];
        preset(server, near[random.usize(..near.len())]);
    }
    tasks.join_all().await;
    assert!(acquired.load(Ordering::SeqCst) >= 40, "{acquired:?} got in");
    let limit = Duration::from_secs(10);
    lock(&first).acquire_timeout(limit).await.unwrap().release().await.unwrap();
    assert_eq!(nodes(&first).await, 0);
}

async fn the_numbers_begin_anew_with_the_parent(server: &TestServer) {
    let client: Client = server.client().await;
    let guard = lock(&client).acquire().await.unwrap();
    let token = guard.token();
    guard.release().await.unwrap();
    preset(server, i32::MAX);
    let guard = lock(&client).acquire().await.unwrap();
    assert!(guard.path().ends_with("2147483647"), "{}", guard.path());
    assert!(guard.token() > token);
    let token = guard.token();
    guard.release().await.unwrap();
    client.delete(PATH).await.unwrap();
    let guard = lock(&client).acquire().await.unwrap();
    assert!(guard.path().ends_with("-lock-0000000000"), "{}", guard.path());
    assert!(guard.token() > token);
    guard.release().await.unwrap();
}
