//! Those who watch and do not take part.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use zk_recipes::RecipeError;
use zk_recipes::election::{LeaderInfo, Observer};
use zk_test_kit::TestServer;

use super::{PATH, election, joined, leading, renewing, until_ids};

zk_test_kit::cases![
    an_observer_is_told_each_leader_and_that_there_is_none,
    an_observer_of_a_missing_path_waits_for_it,
    an_observer_survives_a_lost_connection_and_a_new_session,
    an_observer_ends_with_its_client,
    what_followers_do_costs_an_observer_nothing,
    a_dropped_wait_loses_nothing,
    an_observer_is_a_stream;
    on embedded: [
        a_dropped_observer_of_nobody_leaves_no_watch,
        a_dropped_observer_of_a_leader_leaves_no_watch,
    ];
];

async fn next(observer: &mut Observer) -> Option<LeaderInfo> {
    let item = timeout(Duration::from_secs(20), observer.next()).await.expect("nothing is told");
    item.unwrap().unwrap()
}

async fn next_id(observer: &mut Observer) -> Option<String> {
    next(observer).await.map(|leader| leader.id)
}

async fn an_observer_is_told_each_leader_and_that_there_is_none(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let mut observer = election(&other, "").observe();
    assert_eq!(next(&mut observer).await, None);
    let (a, leadership) = leading(&election(&client, "a").payload("host:1")).await;
    let info = next(&mut observer).await.unwrap();
    assert_eq!((info.id.as_str(), &info.payload[..]), ("a", &b"host:1"[..]));
    assert_eq!((info.term, info.path), (leadership.term(), leadership.path()));
    assert_eq!(info.session, client.session_id());
    let b = joined(&election(&client, "b")).await;
    drop(leadership);
    assert_eq!(next_id(&mut observer).await.as_deref(), Some("b"));
    until_ids(&client, &["b", "a"]).await;
    drop(b);
    assert_eq!(next_id(&mut observer).await.as_deref(), Some("a"));
    a.leave(Default::default()).await.unwrap();
    assert_eq!(next(&mut observer).await, None);
}

async fn an_observer_of_a_missing_path_waits_for_it(server: &TestServer) {
    let client = server.client().await;
    let mut observer = election(&client, "").observe();
    assert_eq!(next(&mut observer).await, None);
    // Steps that bring no leader are not told.
    client.create(PATH, "").with_parents().await.unwrap();
    client.create(&format!("{PATH}/notes"), "").await.unwrap();
    assert!(timeout(Duration::from_millis(300), observer.next()).await.is_err());
    client.delete_recursive(PATH).await.unwrap();
    let _a = joined(&election(&client, "a")).await;
    assert_eq!(next_id(&mut observer).await.as_deref(), Some("a"));
}

async fn an_observer_survives_a_lost_connection_and_a_new_session(server: &TestServer) {
    let network = server.network();
    let (watching, client) = (renewing(server, &network).await, server.client().await);
    let mut observer = election(&watching, "").observe();
    assert_eq!(next(&mut observer).await, None);
    let (a, _) = leading(&election(&client, "a")).await;
    assert_eq!(next_id(&mut observer).await.as_deref(), Some("a"));
    let b = joined(&election(&client, "b")).await;
    network.refuse("a", true);
    network.cut();
    drop(a);
    until_ids(&client, &["b"]).await;
    network.refuse("a", false);
    assert_eq!(next_id(&mut observer).await.as_deref(), Some("b"));
    // Now for longer than its session lives.
    let session = watching.session_id();
    network.silence(true);
    sleep(zk_test_kit::server::SESSION_TIMEOUT * 2).await;
    drop(b);
    let _c = joined(&election(&client, "c")).await;
    network.silence(false);
    assert_eq!(next_id(&mut observer).await.as_deref(), Some("c"));
    assert_ne!(watching.session_id(), session);
}

async fn an_observer_ends_with_its_client(server: &TestServer) {
    let client = server.client().await;
    let mut observer = election(&client, "").observe();
    assert_eq!(next(&mut observer).await, None);
    client.close().await.unwrap();
    let error = observer.next().await.unwrap().unwrap_err();
    assert!(matches!(error, RecipeError::Client(_)), "{error:?}");
    assert!(observer.next().await.is_none());
    assert!(observer.next().await.is_none());
}

async fn what_followers_do_costs_an_observer_nothing(server: &TestServer) {
    let network = server.network();
    let (watching, client) = (server.client_on(&network).await, server.client().await);
    let (a, _leadership) = leading(&election(&client, "a")).await;
    let mut observer = election(&watching, "").observe();
    assert_eq!(next_id(&mut observer).await.as_deref(), Some("a"));
    let before = network.counts();
    for _ in 0..5 {
        let follower = joined(&election(&client, "b")).await;
        follower.leave(Default::default()).await.unwrap();
    }
    assert!(timeout(Duration::from_millis(200), observer.next()).await.is_err());
    assert_eq!(network.counts().requests, before.requests);
    assert_eq!(network.counts().events, before.events);
    let _b = joined(&election(&client, "b")).await;
    a.leave(Default::default()).await.unwrap();
    assert_eq!(next_id(&mut observer).await.as_deref(), Some("b"));
    let counts = network.counts();
    let cost = (counts.events - before.events, counts.requests - before.requests);
    assert_eq!(cost, (1, 2));
}

async fn a_dropped_wait_loses_nothing(server: &TestServer) {
    let client = server.client().await;
    let mut observer = election(&client, "").observe();
    let mut seen = Vec::new();
    let mut candidates = Vec::new();
    for round in 0..200 {
        if round % 20 == 0 {
            candidates.push(election(&client, "a").join());
        }
        if let Some(item) = zk_test_kit::drop_after_polls(observer.next(), round % 3).await {
            seen.push(item.unwrap().unwrap().is_some());
        }
    }
    candidates.clear();
    while seen.last() != Some(&false) || seen.len() < 3 {
        seen.push(next(&mut observer).await.is_some());
    }
    assert!(seen.contains(&true), "{seen:?}");
}

async fn an_observer_is_a_stream(server: &TestServer) {
    let client = server.client().await;
    let mut observer = election(&client, "").observe();
    let item = poll_stream(&mut observer).await;
    assert_eq!(item.unwrap().unwrap(), None);
}

async fn poll_stream(observer: &mut Observer) -> Option<<Observer as futures_core::Stream>::Item> {
    use futures_core::Stream;
    std::future::poll_fn(|cx| Pin::new(&mut *observer).poll_next(cx)).await
}

async fn watches(server: &TestServer) -> usize {
    sleep(Duration::from_millis(100)).await;
    server.embedded().unwrap().watch_count()
}

async fn a_dropped_observer_of_nobody_leaves_no_watch(server: &TestServer) {
    let client = server.client().await;
    for with_path in [false, true] {
        if with_path {
            client.create(PATH, "").with_parents().await.unwrap();
        }
        let mut observer = election(&client, "").observe();
        assert_eq!(next(&mut observer).await, None);
        assert_eq!(watches(server).await, 1);
        drop(observer);
        assert_eq!(watches(server).await, 0);
    }
}

async fn a_dropped_observer_of_a_leader_leaves_no_watch(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let (_a, _leadership) = leading(&election(&other, "a")).await;
    let before = watches(server).await;
    let mut observer = election(&client, "").observe();
    assert_eq!(next_id(&mut observer).await.as_deref(), Some("a"));
    assert_eq!(watches(server).await, before + 1);
    drop(observer);
    assert_eq!(watches(server).await, before);
}
