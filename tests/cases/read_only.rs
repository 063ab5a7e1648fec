//! Servers that have lost their ensemble, servers that have seen less than their client, and how
//! long a session is certain to live. The servers of these cases are embedded ones of their own.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use zk_client::{
    Client, ClientBuilder, CreateMode, Error, ErrorCode, HostPort, SessionContinuity, SessionState,
    connect_with,
};
use zk_server_lite::{FourLetterWords, Server};
use zk_test_kit::TestServer;

zk_test_kit::cases![
    a_lease_never_outlives_its_session,
    a_lease_that_is_kept_goes_on_and_is_lost_with_the_server;
    in virtual time: [
        a_read_only_server_is_read_from_until_a_writable_one_is_found,
        a_read_only_server_is_passed_over_unless_it_will_do,
        servers_that_have_seen_less_are_skipped_and_said_to_have,
    ];
];

const TICK: Duration = Duration::from_millis(200);
const TIMEOUT: Duration = Duration::from_secs(4);

/// Two servers, `a` and `b`, that know nothing of each other.
struct Two(Arc<[Server; 2]>);

impl Two {
    async fn start() -> Self {
        let start = || {
            let builder = Server::builder().memory_only().tick_time(TICK);
            builder.four_letter_words(FourLetterWords::ALL).start()
        };
        Self(Arc::new([start().await.unwrap(), start().await.unwrap()]))
    }

    fn builder(&self) -> ClientBuilder {
        let servers = Arc::clone(&self.0);
        let connector = connect_with(move |host: HostPort| {
            let memory = servers[usize::from(host.host == "b")].memory();
            async move { memory.connect().await }
        });
        Client::builder("a:1,b:1").connector(connector).session_timeout(TIMEOUT)
    }

    /// A client of the first server alone.
    async fn first(&self) -> Client {
        let memory = self.0[0].memory();
        let connector = connect_with(move |_: HostPort| {
            let memory = memory.clone();
            async move { memory.connect().await }
        });
        let builder = Client::builder("a:1").connector(connector).session_timeout(TIMEOUT);
        builder.connect().await.unwrap()
    }
}

async fn a_read_only_server_is_read_from_until_a_writable_one_is_found(_: &TestServer) {
    let servers = Two::start().await;
    servers.0.iter().for_each(|server| server.set_read_only(true));
    let client = servers.builder().allow_read_only_server(true).connect().await.unwrap();
    let mut state = client.state();
    assert!(matches!(*state.borrow(), SessionState::ConnectedReadOnly { .. }));
    let generation = client.generation();
    assert_eq!(client.children("/").await.unwrap(), ["zookeeper"]);
    let refused = client.create("/a", "").await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::NotReadOnly));
    assert!(refused.is_retriable() && !refused.outcome_unknown());
    assert_eq!(client.lease().safe_until(), None);
    let created = client.exists("/a").watch().await.unwrap().1;

    servers.0[1].set_read_only(false);
    let state = *state.wait_for(SessionState::is_connected).await.unwrap();
    let SessionState::Connected { session, .. } = state else { panic!("{state:?}") };
    assert_eq!(session, SessionContinuity::New);
    assert!(client.generation() > generation);
    client.create("/a", "").await.unwrap();
    created.await.unwrap();
    assert_eq!(servers.0[1].session_count(), 1);
    client.close().await.unwrap();
}

async fn a_read_only_server_is_passed_over_unless_it_will_do(_: &TestServer) {
    let servers = Two::start().await;
    servers.0[0].set_read_only(true);
    for allowed in [false, true] {
        let client = servers.builder().allow_read_only_server(allowed).connect().await.unwrap();
        client.state().wait_for(SessionState::is_connected).await.unwrap();
        client.create("/a", "").await.unwrap();
        client.delete("/a").await.unwrap();
        client.close().await.unwrap();
    }
    servers.0[1].set_read_only(true);
    let short = servers.builder().connect_timeout(Duration::from_secs(2));
    let Err(Error::Connect { reason }) = short.connect().await else { panic!() };
    assert!(reason.contains("read-only"), "{reason}");
}

async fn servers_that_have_seen_less_are_skipped_and_said_to_have(_: &TestServer) {
    let servers = Two::start().await;
    let client = servers.first().await;
    client.create("/a", "").await.unwrap();
    let saved = client.detach().await.unwrap();
    // The first one may be gone for a while; the other one has seen less, whatever happens.
    servers.0[0].set_read_only(true);
    let short = servers.builder().resume(saved.clone()).connect_timeout(Duration::from_secs(2));
    let Err(Error::Connect { reason }) = short.connect().await else { panic!() };
    assert!(reason.contains("every server hung up on the handshake"), "{reason}");
    assert!(reason.contains("seen less than this client, whose last zxid is 0x"), "{reason}");

    servers.0[0].set_read_only(false);
    for _ in 0..5 {
        let client = servers.builder().resume(saved.clone()).connect().await.unwrap();
        assert!(client.exists("/a").await.unwrap().is_some());
        client.detach().await.unwrap();
    }
}

async fn a_lease_never_outlives_its_session(server: &TestServer) {
    let network = server.network();
    let builder = server.builder(&network).server_tick(TICK);
    let client = builder.connect().await.unwrap();
    client.create("/mine", "").mode(CreateMode::Ephemeral).await.unwrap();
    sleep(TICK * 2).await;
    let lease = client.prove_session().await.unwrap();
    assert!(lease.is_safe(Instant::now()));
    assert!(lease.remaining(Instant::now()) > client.session_timeout() / 2);
    let other = server.client().await;
    let (_, gone) = other.exists("/mine").watch().await.unwrap();
    network.silence(true);
    client.lease_lost().await;
    let lost = Instant::now();
    assert!(other.exists("/mine").await.unwrap().is_some(), "it was lost in time");
    gone.await.unwrap();
    assert!(lost < Instant::now());
    assert!(!client.lease().is_safe(Instant::now()));
}

async fn a_lease_that_is_kept_goes_on_and_is_lost_with_the_server(server: &TestServer) {
    let network = server.network();
    let every = Duration::from_millis(500);
    let builder = server.builder(&network).server_tick(TICK).keep_lease(every);
    let client = builder.connect().await.unwrap();
    let kept = client.session_timeout() * 2;
    assert!(tokio::time::timeout(kept, client.lease_lost()).await.is_err(), "nobody asked");
    assert_eq!(network.counts().pings, 0, "proofs are signs of life, too");
    network.silence(true);
    client.lease_lost().await;
}
