//! Clients that go on with a new session after their old one has expired.

use zk_client::{
    AddWatchMode, Client, CreateMode, Error, EventType, ExpiryPolicy, Janitor, NodeEvent,
    SessionContinuity, SessionState, Watch, WatchItem, WatchStream,
};
use zk_test_kit::{Network, TestServer};

zk_test_kit::cases![
    a_new_session_takes_the_place_of_the_expired_one_under_the_same_handle,
    what_waited_in_the_old_session_fails_and_what_comes_later_is_done_in_the_new_one,
    one_shot_watches_tell_what_happened_between_the_sessions,
    a_stream_goes_on_in_the_new_session_behind_a_gap,
    a_handle_bound_to_the_old_session_does_nothing_in_the_new_one,
    an_ephemeral_node_of_the_old_session_is_not_taken_for_one_of_the_new,
    a_wait_goes_on_in_the_new_session,
    what_is_to_be_deleted_is_deleted_in_the_new_session,
    credentials_are_told_in_the_new_session,
    a_client_can_be_closed_in_its_new_session,
];

async fn renewing(server: &TestServer, network: &Network) -> Client {
    let builder = server.builder(network).on_expiry(ExpiryPolicy::NewSession);
    builder.connect().await.unwrap()
}

/// Silences a client until its session is over, as an ephemeral node of it tells.
async fn outlive(client: &Client, network: &Network, other: &Client) {
    client.create("/life", "").mode(CreateMode::Ephemeral).await.unwrap();
    network.silence(true);
    other.wait_until_absent("/life").await.unwrap();
}

/// Until the client knows of its new session.
async fn renewed(client: &Client, network: &Network) -> SessionState {
    let mut state = client.state();
    network.silence(false);
    let is_new = |state: &SessionState| {
        matches!(state, SessionState::Connected { session: SessionContinuity::New, .. })
    };
    let state = state.wait_for(|state| is_new(state) || state.is_over()).await.unwrap();
    *state
}

async fn expire(client: &Client, network: &Network, other: &Client) {
    outlive(client, network, other).await;
    assert!(renewed(client, network).await.is_connected());
}

async fn a_new_session_takes_the_place_of_the_expired_one_under_the_same_handle(
    server: &TestServer,
) {
    let (network, other) = (server.network(), server.client().await);
    let client = renewing(server, &network).await;
    let (first, mut state) = (client.session_id(), client.state());
    assert_eq!(client.generation().get(), 1);
    outlive(&client, &network, &other).await;
    network.refuse("a", true);
    network.silence(false);
    state.wait_for(|state| !state.is_connected()).await.unwrap();
    network.refuse("a", false);
    let renewing = |state: &SessionState| !matches!(state, SessionState::Disconnected { .. });
    let state = *state.wait_for(renewing).await.unwrap();
    // Whoever looks late finds the next state.
    if state != (SessionState::Renewing { expired: first }) {
        assert!(state.is_connected(), "{state:?}");
    }
    client.connected().await.unwrap();
    assert_eq!(client.generation().get(), 2);
    assert_ne!(client.session_id(), first);
    assert_eq!(client.exists("/life").await.unwrap(), None);
    client.create("/life", "").mode(CreateMode::Ephemeral).await.unwrap();
    let stat = other.exists("/life").await.unwrap().unwrap();
    assert_eq!(stat.ephemeral_owner, client.session_id());
    network.cut();
    client.sync("/").await.unwrap();
    let now = *client.state().borrow();
    let SessionState::Connected { session, generation, .. } = now else { panic!("{now:?}") };
    assert_eq!((session, generation.get()), (SessionContinuity::Same, 2));
}

async fn what_waited_in_the_old_session_fails_and_what_comes_later_is_done_in_the_new_one(
    server: &TestServer,
) {
    let (network, other) = (server.network(), server.client().await);
    let client = renewing(server, &network).await;
    outlive(&client, &network, &other).await;
    let mut state = client.state();
    state.wait_for(|state| !state.is_connected()).await.unwrap();
    let (read, write) = (client.get("/").send(), client.create("/old", "").send());
    network.silence(false);
    assert_eq!(read.await, Err(Error::SessionExpired));
    assert_eq!(write.await, Err(Error::SessionExpired));
    // Whether there is a new session by now or not.
    client.create("/new", "").await.unwrap();
    assert_eq!(other.exists("/old").await.unwrap(), None);
    assert!(other.exists("/new").await.unwrap().is_some());
}

async fn one_shot_watches_tell_what_happened_between_the_sessions(server: &TestServer) {
    let (network, other) = (server.network(), server.client().await);
    let client = renewing(server, &network).await;
    let watches = watch_what_will_change(&client).await;
    let quiet = client.get("/quiet").watch().await.unwrap().1;
    outlive(&client, &network, &other).await;
    change_it(&other).await;
    assert!(renewed(&client, &network).await.is_connected());
    for (watch, event_type) in watches {
        assert_eq!(watch.await.unwrap().event_type, event_type);
    }
    other.set("/quiet", "no more").await.unwrap();
    assert_eq!(quiet.await.unwrap().event_type, EventType::NodeDataChanged);
}

/// Watches of each kind, with the events that [`change_it`] will bring.
async fn watch_what_will_change(client: &Client) -> [(Watch, EventType); 4] {
    for path in ["/data", "/deleted", "/parent", "/quiet"] {
        client.create(path, "").await.unwrap();
    }
    [
        (client.get("/data").watch().await.unwrap().1, EventType::NodeDataChanged),
        (client.get("/deleted").watch().await.unwrap().1, EventType::NodeDeleted),
        (client.children("/parent").watch().await.unwrap().1, EventType::NodeChildrenChanged),
        (client.exists("/created").watch().await.unwrap().1, EventType::NodeCreated),
    ]
}

async fn change_it(client: &Client) {
    client.set("/data", "new").await.unwrap();
    client.delete("/deleted").await.unwrap();
    client.create("/parent/child", "").await.unwrap();
    client.create("/created", "").await.unwrap();
}

/// The next event, and how many markers were before it.
async fn next_event(stream: &mut WatchStream) -> (usize, NodeEvent) {
    let mut markers = 0;
    loop {
        match stream.next().await.unwrap().unwrap() {
            WatchItem::Event(event) => return (markers, event),
            _ => markers += 1,
        }
    }
}

async fn a_stream_goes_on_in_the_new_session_behind_a_gap(server: &TestServer) {
    let (network, other) = (server.network(), server.client().await);
    let client = renewing(server, &network).await;
    client.create("/s", "").await.unwrap();
    let mut stream = client.watch("/s", AddWatchMode::PersistentRecursive).await.unwrap();
    outlive(&client, &network, &other).await;
    other.create("/s/missed", "").await.unwrap();
    assert!(renewed(&client, &network).await.is_connected());
    // The server has set it again before it answers this.
    client.sync("/").await.unwrap();
    other.create("/s/seen", "").await.unwrap();
    let (markers, event) = next_event(&mut stream).await;
    assert!(markers > 0);
    assert_eq!((event.event_type, &*event.path), (EventType::NodeCreated, "/s/seen"));
}

async fn a_handle_bound_to_the_old_session_does_nothing_in_the_new_one(server: &TestServer) {
    let (network, other) = (server.network(), server.client().await);
    let client = renewing(server, &network).await;
    let bound = client.bound_to_session();
    bound.create("/a", "").await.unwrap();
    let (_, watch) = bound.get("/a").watch().await.unwrap();
    let waiting = bound.wait_until_absent("/a").send();
    expire(&client, &network, &other).await;
    assert_eq!(watch.await.unwrap_err(), Error::SessionExpired);
    assert_eq!(waiting.await.unwrap_err(), Error::SessionExpired);
    refuses_everything(&bound).await;
    Janitor::of(&client).drain().await;
    assert_eq!(client.get("/a").await.unwrap().0, "");
    assert_eq!(client.bound_to_session().get("/a").await.unwrap().0, "");
    assert_eq!(client.exists("/b").await.unwrap(), None);
}

async fn refuses_everything(bound: &Client) {
    let over = Err(Error::SessionExpired);
    assert_eq!(bound.set("/a", "x").await.map(|_| ()), over);
    assert_eq!(bound.create("/b", "").protected().await.map(|_| ()), over);
    assert_eq!(bound.delete("/a").guaranteed().await, over);
    assert_eq!(bound.connected().await, over);
    assert_eq!(bound.close().await, over, "the new session is none of its business");
    assert_eq!(bound.generation().get(), 1);
}

async fn an_ephemeral_node_of_the_old_session_is_not_taken_for_one_of_the_new(server: &TestServer) {
    let (network, other) = (server.network(), server.client().await);
    let client = renewing(server, &network).await;
    client.create("/q", "").await.unwrap();
    client.create("/life", "").mode(CreateMode::Ephemeral).await.unwrap();
    // The node is created, but nobody here is told; and then the session ends.
    let (_, appears) = other.children("/q").watch().await.unwrap();
    network.hold_incoming(true);
    let create = client.create("/q/n-", "").mode(CreateMode::EphemeralSequential);
    let create = tokio::spawn(create.protected().send());
    appears.await.unwrap();
    let old = other.children("/q").await.unwrap();
    network.silence(true);
    network.cut();
    network.hold_incoming(false);
    other.wait_until_absent("/life").await.unwrap();
    network.silence(false);
    match create.await.unwrap() {
        Ok(created) => {
            assert_eq!(created.stat.ephemeral_owner, client.session_id());
            assert!(!old.iter().any(|name| created.path.ends_with(&**name)), "{created:?}");
            assert_eq!(other.children("/q").await.unwrap().len(), 1);
        }
        // Its time may have been up before there was a new session.
        Err(error) => assert!(error.outcome_unknown(), "{error:?}"),
    }
}

async fn a_wait_goes_on_in_the_new_session(server: &TestServer) {
    let (network, other) = (server.network(), server.client().await);
    let client = renewing(server, &network).await;
    let waiting = tokio::spawn(client.wait_until_exists("/later").send());
    expire(&client, &network, &other).await;
    other.create("/later", "").await.unwrap();
    waiting.await.unwrap().unwrap();
}

async fn what_is_to_be_deleted_is_deleted_in_the_new_session(server: &TestServer) {
    let (network, other) = (server.network(), server.client().await);
    let client = renewing(server, &network).await;
    client.create("/unwanted", "").await.unwrap();
    outlive(&client, &network, &other).await;
    client.state().wait_for(|state| !state.is_connected()).await.unwrap();
    Janitor::of(&client).delete("/unwanted").unwrap();
    assert!(renewed(&client, &network).await.is_connected());
    other.wait_until_absent("/unwanted").await.unwrap();
    Janitor::of(&client).drain().await;
}

async fn credentials_are_told_in_the_new_session(server: &TestServer) {
    let (network, other) = (server.network(), server.client().await);
    let client = renewing(server, &network).await;
    client.add_auth("digest", "user:password").await.unwrap();
    client.create("/mine", "secret").acl(zk_client::Acl::creator_all()).await.unwrap();
    expire(&client, &network, &other).await;
    assert_eq!(client.get("/mine").await.unwrap().0, "secret");
    assert!(other.get("/mine").await.is_err());
}

async fn a_client_can_be_closed_in_its_new_session(server: &TestServer) {
    let (network, other) = (server.network(), server.client().await);
    let client = renewing(server, &network).await;
    expire(&client, &network, &other).await;
    client.create("/mine", "").mode(CreateMode::Ephemeral).await.unwrap();
    client.close().await.unwrap();
    assert_eq!(other.exists("/mine").await.unwrap(), None);
    assert_eq!(client.get("/").await, Err(Error::Closed));
}
