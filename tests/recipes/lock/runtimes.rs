//! Guards that are dropped where there is no runtime, or one that comes to its end.

use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use zk_recipes::{Janitor, LockGuard, LostReason, MultiLock, SimpleLock};
use zk_test_kit::TestServer;

use super::{PATH, lock, nodes, until_nodes};

zk_test_kit::cases![
    a_guard_dropped_outside_of_a_runtime_releases_the_lock,
    a_guard_dropped_by_a_panic_releases_the_lock,
    a_guard_dropped_while_its_runtime_shuts_down_does_no_harm,
    a_guard_that_outlives_its_runtime_knows_that_it_is_over,
];

async fn a_guard_dropped_outside_of_a_runtime_releases_the_lock(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let guard = lock(&client).acquire().await.unwrap();
    let waiting = lock(&client).enqueue().await.unwrap();
    let shared = super::Lock::new(&client, "/locks/shared").unwrap();
    let shared = shared.acquire().await.unwrap().share();
    let several = MultiLock::new(&client, ["/locks/b", "/locks/c"]).unwrap();
    let several = several.acquire().await.unwrap();
    let simple = SimpleLock::new(&client, "/simple").unwrap().acquire().await.unwrap();
    thread::spawn(move || drop((guard, waiting, shared, several, simple))).join().unwrap();
    Janitor::of(&client).drain().await;
    assert_eq!(nodes(&other).await, 0);
    for empty in ["/locks/shared", "/locks/b", "/locks/c", "/_w_simple"] {
        assert_eq!(other.children(empty).await.unwrap().len(), 0, "{empty}");
    }
    assert_eq!(other.exists("/simple").await.unwrap(), None);
}

async fn a_guard_dropped_by_a_panic_releases_the_lock(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let guard = lock(&client).acquire().await.unwrap();
    let panics = tokio::spawn(async move {
        let _guard = guard;
        tokio::task::yield_now().await;
        // Without the hook, which would print it.
        std::panic::resume_unwind(Box::new("as planned"));
    });
    assert!(panics.await.unwrap_err().is_panic());
    lock(&other).acquire().await.unwrap().release().await.unwrap();
    Janitor::of(&client).drain().await;
    assert_eq!(nodes(&other).await, 0);
}

/// A guard of a client that lives on a runtime of its own, and the runtime.
fn on_another_runtime(
    builder: zk_client::ClientBuilder,
) -> (tokio::runtime::Runtime, zk_client::Client, LockGuard) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (client, guard) = runtime.block_on(async {
        let client = builder.connect().await.unwrap();
        let guard = lock(&client).acquire().await.unwrap();
        (client, guard)
    });
    (runtime, client, guard)
}

async fn a_guard_dropped_while_its_runtime_shuts_down_does_no_harm(server: &TestServer) {
    let other = server.client().await;
    let builder = server.builder(&server.network());
    // Somebody has to answer meanwhile.
    let shut_down = tokio::task::spawn_blocking(move || {
        let (runtime, client, guard) = on_another_runtime(builder);
        let waiting = runtime.block_on(async { lock(&client).enqueue().await.unwrap() });
        runtime.spawn(async move {
            let _held = (guard, waiting, client);
            std::future::pending::<()>().await;
        });
        runtime.shutdown_timeout(Duration::from_secs(10));
    });
    shut_down.await.unwrap();
    // The lock is free when the session is over, at the latest.
    until_nodes(&other, 0).await;
    lock(&other).acquire().await.unwrap().release().await.unwrap();
}

async fn a_guard_that_outlives_its_runtime_knows_that_it_is_over(server: &TestServer) {
    let other = server.client().await;
    let builder = server.builder(&server.network());
    let outlives = tokio::task::spawn_blocking(move || {
        let (runtime, client, guard) = on_another_runtime(builder);
        runtime.shutdown_timeout(Duration::from_secs(10));
        (client, guard)
    });
    let (client, guard) = outlives.await.unwrap();
    assert!(guard.verify().await.is_err());
    let reason = tokio::time::timeout(Duration::from_secs(20), guard.lost()).await;
    assert_eq!(reason, Ok(LostReason::SessionClosed));
    assert!(!guard.is_valid());
    assert!(guard.path().starts_with(PATH));
    drop(guard);
    drop(client);
    until_nodes(&other, 0).await;
}
