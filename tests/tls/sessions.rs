//! Sessions over TLS are like all others.

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use zk_client::{AddWatchMode, CreateMode, ErrorCode, Id, TlsConnector, WatchItem};
use zk_server_lite::ClientAuth;

use crate::place::{Place, dial};

#[tokio::test]
async fn a_session_survives_a_lost_connection_with_its_watches() {
    let place = Place::open().await;
    let client = place.client(place.options()).await;
    let other = place.client(place.options()).await;
    client.create("/member", "").mode(CreateMode::Ephemeral).await.unwrap();
    let (_, changed) = client.children("/").watch().await.unwrap();
    let session = client.session_id();
    place.server.drop_connections();
    // Only reads are repeated when a connection is lost.
    assert!(other.exists("/another").await.unwrap().is_none());
    other.create("/another", "").await.unwrap();
    changed.await.unwrap();
    assert!(client.exists("/member").await.unwrap().is_some());
    assert_eq!(client.session_id(), session);
    client.close().await.unwrap();
    assert!(other.exists("/member").await.unwrap().is_none());
}

#[tokio::test]
async fn chroots_and_streams_of_events_are_as_without() {
    let place = Place::open().await;
    let root = place.client(place.options()).await;
    root.create("/app", "").await.unwrap();
    let client = place.builder(place.options(), "/app").connect().await.unwrap();
    let mut events = client.watch("/", AddWatchMode::PersistentRecursive).await.unwrap();
    root.create("/app/node", "data").await.unwrap();
    let item = events.next().await.unwrap();
    let Ok(WatchItem::Event(event)) = item else { panic!("{item:?}") };
    assert_eq!(event.path, "/node");
    assert_eq!(client.get("/node").await.unwrap().0, "data");
}

#[tokio::test]
async fn large_data_passes_both_ways() {
    let place = Place::with(ClientAuth::None, |builder| builder.max_frame(4 << 20)).await;
    let client = place.builder(place.options(), "").max_request(4 << 20).connect().await.unwrap();
    for length in [1_000_000, (1 << 20) + 1, 3 << 20] {
        let data: Bytes = (0..length).map(|at: u32| at.to_be_bytes()[3]).collect();
        client.create("/large", data.clone()).await.unwrap();
        let (read, _) = client.get("/large").await.unwrap();
        assert!(read == data, "{length} bytes came back otherwise");
        client.delete("/large").await.unwrap();
    }
}

#[tokio::test]
async fn many_requests_in_flight_are_answered_each_by_its_own() {
    let place = Place::open().await;
    let client = place.client(place.options()).await;
    for round in 0..4 {
        let path = |number: u8| format!("/round-{round}-{number}");
        // Together they are more than a socket takes at once.
        let data = |number: u8| Bytes::from(vec![number; 8 * 1024]);
        let creates: Vec<_> =
            (0..=u8::MAX).map(|number| client.create(&path(number), data(number)).send()).collect();
        for create in creates {
            create.await.unwrap();
        }
        let gets: Vec<_> = (0..=u8::MAX).map(|number| client.get(&path(number)).send()).collect();
        for (number, get) in (0..=u8::MAX).zip(gets) {
            assert!(get.await.unwrap().0 == data(number), "{number}");
        }
    }
}

#[tokio::test]
async fn a_digest_goes_over_tls_too() {
    let place = Place::open().await;
    let builder = place.builder(place.options(), "").auth_digest("bob", "secret");
    let bob = builder.connect().await.unwrap();
    let eve = place.client(place.options()).await;
    bob.create("/bobs", "data").acl(zk_client::Acl::creator_all()).await.unwrap();
    assert_eq!(eve.get("/bobs").await.unwrap_err().code(), Some(ErrorCode::NoAuth));
    place.server.drop_connections();
    assert_eq!(bob.get("/bobs").await.unwrap().0, "data");
    assert_eq!(bob.get_acl("/bobs").await.unwrap().0[0].id, Id::digest("bob", "secret"));
}

#[tokio::test]
async fn a_connection_that_is_given_up_says_farewell() {
    // A peer that speaks TLS and nothing else, to see what comes last.
    let place = Place::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let own = place.authority.server(&["localhost"]);
    let acceptor = crate::settings::acceptor(&own);
    let peer = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        let mut rest = Vec::new();
        // An end without `close_notify` would be an error.
        stream.read_to_end(&mut rest).await.map(|_| rest)
    });
    let connector = TlsConnector::new(place.options()).unwrap();
    drop(dial(&connector, "localhost", port).await.unwrap());
    assert_eq!(peer.await.unwrap().unwrap(), b"");
}
