//! What keeps a session alive, what ends it, and what survives a lost connection.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use zk_client::{
    Client, CreateMode, Delivery, Error, EventType, SessionContinuity, SessionState, Watch,
};
use zk_test_kit::{Network, TestServer};

zk_test_kit::cases![
    heartbeats_keep_an_idle_session_alive,
    a_silent_session_is_expired_and_its_ephemerals_go,
    a_silent_session_ends_between_its_timeout_and_a_tick_later_without_a_word,
    a_closed_session_takes_its_ephemerals_along,
    a_lost_connection_keeps_the_session_and_its_ephemerals,
    the_next_server_of_the_list_takes_over_when_one_falls_silent,
    a_write_whose_reply_was_lost_says_so,
    a_read_survives_a_lost_connection,
    a_watch_tells_what_happened_while_the_connection_was_lost,
    requests_submitted_while_disconnected_are_sent_afterwards,
];

async fn heartbeats_keep_an_idle_session_alive(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let session = client.session_id();
    client.create("/mine", "").mode(CreateMode::Ephemeral).await.unwrap();
    sleep(client.session_timeout() * 3).await;
    assert!(network.counts().pings >= 8, "{:?}", network.counts());
    let stat = client.exists("/mine").await.unwrap().unwrap();
    assert_eq!(stat.ephemeral_owner, session);
    assert_eq!(network.dialled().len(), 1);
}

async fn a_silent_session_is_expired_and_its_ephemerals_go(server: &TestServer) {
    let other = server.client().await;
    let network = server.network();
    let client = server.client_on(&network).await;
    client.create("/mine", "").mode(CreateMode::Ephemeral).await.unwrap();
    let (stat, gone) = other.exists("/mine").watch().await.unwrap();
    assert_eq!(stat.unwrap().ephemeral_owner, client.session_id());
    let silent_since = Instant::now();
    network.silence(true);
    assert_eq!(gone.await.unwrap().event_type, EventType::NodeDeleted);
    let lived = silent_since.elapsed();
    let timeout = client.session_timeout();
    // Counted from the last heartbeat, and rounded up to a tick.
    assert!(lived > timeout / 2 && lived < timeout * 2, "{lived:?}");

    let mut state = client.state();
    network.silence(false);
    state.wait_for(|state| *state == SessionState::Expired).await.unwrap();
    assert_eq!(client.get("/").await, Err(Error::SessionExpired));
}

async fn a_silent_session_ends_between_its_timeout_and_a_tick_later_without_a_word(
    server: &TestServer,
) {
    for (timeout, late) in [(400, 600), (500, 700), (600, 800)] {
        let mut raw = server.raw().await;
        let begin = Instant::now();
        let timeout = Duration::from_millis(timeout);
        let granted = raw.open_session(timeout).await;
        assert_eq!(u128::try_from(granted.timeout).unwrap(), timeout.as_millis());
        assert_eq!(raw.frame().await, None);
        let lasted = begin.elapsed();
        assert!(lasted >= timeout, "{lasted:?} of {timeout:?}");
        if server.has_virtual_time() {
            assert!(lasted <= Duration::from_millis(late), "{lasted:?} of {timeout:?}");
        }
        assert!(!server.resumes(&granted).await);
    }
}

async fn a_closed_session_takes_its_ephemerals_along(server: &TestServer) {
    let other = server.client().await;
    let client = server.client().await;
    client.create("/mine", "").mode(CreateMode::Ephemeral).await.unwrap();
    client.create("/stays", "").await.unwrap();
    client.close().await.unwrap();
    assert_eq!(client.get("/stays").await, Err(Error::Closed));
    assert_eq!(other.exists("/mine").await.unwrap(), None);
    assert!(other.exists("/stays").await.unwrap().is_some());
}

async fn a_lost_connection_keeps_the_session_and_its_ephemerals(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let session = client.session_id();
    client.create("/mine", "").mode(CreateMode::Ephemeral).await.unwrap();
    for _ in 0..3 {
        network.cut();
        let stat = client.exists("/mine").await.unwrap().unwrap();
        assert_eq!(stat.ephemeral_owner, session);
    }
    assert_eq!(client.session_id(), session);
    assert_eq!(network.dialled().len(), 4);
    assert!(matches!(
        *client.state().borrow(),
        SessionState::Connected { session: SessionContinuity::Same, .. }
    ));
}

async fn the_next_server_of_the_list_takes_over_when_one_falls_silent(server: &TestServer) {
    let network = server.network();
    let client = server.builder_for(&network, "a:1,b:2").connect().await.unwrap();
    let session = client.session_id();
    let first = network.dialled().first().unwrap().clone();
    let second = if first == "a" { "b" } else { "a" };

    let mut state = client.state();
    let silent_since = Instant::now();
    network.silence(true);
    state.wait_for(|state| !state.is_connected()).await.unwrap();
    let noticed = silent_since.elapsed();
    assert!(noticed <= client.session_timeout() * 3 / 4, "noticed after {noticed:?}");
    network.refuse(&first, true);
    network.silence(false);
    state.wait_for(SessionState::is_connected).await.unwrap();
    assert_eq!(client.session_id(), session);
    assert_eq!(network.dialled().last().unwrap(), second);
}

async fn a_write_whose_reply_was_lost_says_so(server: &TestServer) {
    let other = server.client().await;
    let network = server.network();
    let client = server.client_on(&network).await;
    let (_, created) = other.exists("/a").watch().await.unwrap();
    network.hold_incoming(true);
    let write = client.create("/a", "").send();
    created.await.unwrap();
    network.cut();
    network.hold_incoming(false);
    let error = write.await.unwrap_err();
    assert_eq!(error, Error::ConnectionLoss { delivery: Delivery::Unknown });
    assert!(error.outcome_unknown() && !error.is_retriable());
    assert!(client.exists("/a").await.unwrap().is_some());
}

async fn a_read_survives_a_lost_connection(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    client.create("/a", "data").await.unwrap();
    network.hold_incoming(true);
    let reads: Vec<_> = (0..10).map(|_| client.get("/a").send()).collect();
    sleep(Duration::from_millis(50)).await;
    network.cut();
    network.hold_incoming(false);
    for read in reads {
        assert_eq!(read.await.unwrap().0, "data");
    }
}

async fn a_watch_tells_what_happened_while_the_connection_was_lost(server: &TestServer) {
    let other = server.client().await;
    let network = server.network();
    let client = server.client_on(&network).await;
    for path in ["/data", "/deleted", "/parent", "/quiet"] {
        client.create(path, "").await.unwrap();
    }
    let watches = watch_what_will_change(&client).await;
    let mut quiet = client.get("/quiet").watch().await.unwrap().1;

    disconnect(&client, &network).await;
    change_it(&other).await;
    network.refuse("a", false);

    for (watch, event_type, path) in watches {
        let event = watch.await.unwrap();
        assert_eq!((event.event_type, &*event.path), (event_type, path));
    }
    assert!(timeout(Duration::from_millis(100), &mut quiet).await.is_err());
    other.set("/quiet", "no more").await.unwrap();
    assert_eq!(quiet.await.unwrap().event_type, EventType::NodeDataChanged);
}

/// Watches of each kind, with the events that [`change_it`] will bring.
async fn watch_what_will_change(client: &Client) -> [(Watch, EventType, &'static str); 4] {
    let (_, data) = client.get("/data").watch().await.unwrap();
    let (_, deleted) = client.get("/deleted").watch().await.unwrap();
    let (_, children) = client.children("/parent").watch().await.unwrap();
    let (absent, created) = client.exists("/created").watch().await.unwrap();
    assert_eq!(absent, None);
    [
        (data, EventType::NodeDataChanged, "/data"),
        (deleted, EventType::NodeDeleted, "/deleted"),
        (children, EventType::NodeChildrenChanged, "/parent"),
        (created, EventType::NodeCreated, "/created"),
    ]
}

async fn change_it(client: &Client) {
    client.set("/data", "new").await.unwrap();
    client.delete("/deleted").await.unwrap();
    client.create("/parent/child", "").await.unwrap();
    client.create("/created", "").await.unwrap();
}

async fn requests_submitted_while_disconnected_are_sent_afterwards(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    disconnect(&client, &network).await;
    let create = client.create("/a", "").send();
    let read = client.get("/a").send();
    network.refuse("a", false);
    create.await.unwrap();
    read.await.unwrap();
}

/// Breaks the connection, and lets none be made until `a` is no longer refused.
async fn disconnect(client: &Client, network: &Network) {
    let mut state = client.state();
    network.refuse("a", true);
    network.cut();
    state.wait_for(|state| !state.is_connected()).await.unwrap();
}
