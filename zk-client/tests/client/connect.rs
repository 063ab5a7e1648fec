//! From nothing to a session, or not.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::{Duration, Instant};
use zk_client::{
    Client, ConnectStringError, Error, HostPort, SessionContinuity, SessionId, SessionState,
    connect_with,
};

use crate::peer::{Peer, SESSION, connected, network};

#[tokio::test(start_paused = true)]
async fn a_session_is_granted_at_once() {
    let start = Instant::now();
    let (client, _peer, _listener) = connected(|builder| builder).await;
    assert_eq!(client.session_id(), SESSION);
    assert_eq!(client.session_timeout(), Duration::from_secs(30));
    // A driver that sleeps on a connection that it has not looked at wakes up by a timer.
    assert_eq!(Instant::now(), start);
}

#[tokio::test(start_paused = true)]
async fn the_wanted_timeout_is_asked_for_and_the_granted_one_counts() {
    let (connector, mut listener) = network(4096);
    let builder = Client::builder("zk").session_timeout(Duration::from_secs(7));
    let client = tokio::spawn(builder.connector(connector).connect());
    let mut peer = listener.accept().await;
    assert_eq!(peer.handshake().await.timeout, 7000);
    peer.answer_handshake(SESSION, 12_000).await;
    let client = client.await.unwrap().unwrap();
    assert_eq!(client.session_timeout(), Duration::from_secs(12));
}

#[tokio::test]
async fn a_connect_string_that_cannot_be_read_is_refused() {
    let error = Client::connect("zk:port").await.unwrap_err();
    let expected = ConnectStringError::BadPort("zk:port".into());
    assert_eq!(error, Error::BadConnectString(expected));
}

#[tokio::test(start_paused = true)]
async fn a_failed_connect_tells_what_the_last_attempt_ran_into() {
    let start = Instant::now();
    let connector = connect_with(|_: HostPort| async {
        Err::<tokio::io::DuplexStream, _>(io::Error::other("no route"))
    });
    let builder = Client::builder("zk1,zk2").connect_timeout(Duration::from_secs(3));
    let error = builder.connector(connector).connect().await.unwrap_err();
    assert_eq!(error, Error::Connect { reason: "no route".into() });
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_nobody_answers_ends_with_the_operation_timeout() {
    let start = Instant::now();
    let connector =
        connect_with(|_: HostPort| std::future::pending::<io::Result<tokio::io::DuplexStream>>());
    let builder = Client::builder("zk1,zk2")
        .session_timeout(Duration::from_secs(4))
        .operation_timeout(Duration::from_secs(10));
    let error = builder.connector(connector).connect().await.unwrap_err();
    let reason = "the server was silent for too long".into();
    assert_eq!(error, Error::Connect { reason });
    assert_eq!(start.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_accepts_and_is_mute_is_left_for_the_next_one() {
    let (connector, mut listener) = network(4096);
    let client = tokio::spawn(Client::builder("zk1,zk2").connector(connector).connect());
    let mut mute = listener.accept().await;
    mute.handshake().await;
    let answering = listener.grant().await;
    assert_ne!(mute.host, answering.host);
    assert!(client.await.unwrap().is_ok());
    assert!(mute.next().await.is_none(), "the client has hung up");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_hangs_up_is_left_for_the_next_one() {
    let (connector, mut listener) = network(4096);
    let client = tokio::spawn(Client::builder("zk1,zk2,zk3").connector(connector).connect());
    drop(listener.accept().await);
    let mut second = listener.accept().await;
    second.handshake().await;
    // A server that is behind what the client has seen hangs up like this.
    drop(second);
    listener.grant().await;
    assert!(client.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_new_sessions_makes_the_connect_fail() {
    let (connector, mut listener) = network(4096);
    let builder = Client::builder("zk").connect_timeout(Duration::from_secs(1));
    let client = tokio::spawn(builder.connector(connector).connect());
    let refusing = tokio::spawn(async move {
        loop {
            let mut peer = listener.accept().await;
            peer.handshake().await;
            peer.answer_handshake(SessionId::NONE, 0).await;
        }
    });
    let error = client.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
    refusing.abort();
}

#[tokio::test(start_paused = true)]
async fn a_dropped_connect_ends_the_attempt() {
    let (connector, mut listener) = network(4096);
    let connecting = tokio::spawn(Client::builder("zk").connector(connector).connect());
    let mut peer = listener.accept().await;
    peer.handshake().await;
    connecting.abort();
    assert!(connecting.await.unwrap_err().is_cancelled());
    assert!(peer.next().await.is_none());
    assert!(listener.is_deserted().await);
}

#[tokio::test(start_paused = true)]
async fn a_failed_connect_leaves_nobody_dialling() {
    let (connector, mut listener) = network(4096);
    let builder = Client::builder("zk").connect_timeout(Duration::from_secs(1));
    let error = builder.connector(connector).connect().await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }));
    drop(listener.accept().await);
    assert!(listener.is_deserted().await);
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_panics_is_a_failed_connect() {
    let connector = connect_with(|_: HostPort| async {
        if true {
            panic!("a connector's own fault");
        }
        Err::<tokio::io::DuplexStream, _>(io::Error::other("unreachable"))
    });
    let error = Client::builder("zk").connector(connector).connect().await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_panics_later_ends_the_client() {
    let (dialled, mut arrivals) = tokio::sync::mpsc::channel(1);
    let first = AtomicBool::new(true);
    let connector = connect_with(move |_: HostPort| {
        assert!(first.swap(false, Ordering::Relaxed), "a connector's own fault");
        let dialled = dialled.clone();
        async move {
            let (ours, theirs) = tokio::io::duplex(4096);
            dialled.send(theirs).await.map_err(io::Error::other)?;
            Ok::<_, io::Error>(ours)
        }
    });
    let client = tokio::spawn(Client::builder("zk").connector(connector).connect());
    let mut peer = Peer::new(arrivals.recv().await.unwrap());
    peer.handshake().await;
    peer.grant().await;
    let client = client.await.unwrap().unwrap();
    let read = client.get("/a").send();
    peer.request().await;
    drop(peer);
    assert_eq!(read.await.unwrap_err(), Error::Closed);
    assert_eq!(*client.state().borrow(), SessionState::Closed);
    assert_eq!(client.get("/a").await.unwrap_err(), Error::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_state_follows_the_session() {
    let (client, peer, mut listener) = connected(|builder| builder).await;
    let mut state = client.state();
    assert!(matches!(
        *state.borrow_and_update(),
        SessionState::Connected { session: SessionContinuity::New, .. }
    ));
    let lost = Instant::now();
    drop(peer);
    state.changed().await.unwrap();
    assert_eq!(*state.borrow_and_update(), SessionState::Disconnected { since: lost });
    let peer = listener.grant().await;
    state.changed().await.unwrap();
    let timeout = Duration::from_secs(30);
    let (generation, session) = (client.generation(), SessionContinuity::Same);
    let again = SessionState::Connected { session_id: SESSION, timeout, generation, session };
    assert_eq!((*state.borrow_and_update(), generation.get()), (again, 1));
    drop(peer);
    let mut refusing = listener.accept().await;
    refusing.handshake().await;
    refusing.answer_handshake(SessionId::NONE, 0).await;
    state.wait_for(|state| *state == SessionState::Expired).await.unwrap();
    assert_eq!(client.get("/").await.unwrap_err(), Error::SessionExpired);
    assert!(listener.is_deserted().await);
}

#[tokio::test(start_paused = true)]
async fn two_clients_of_one_process_have_a_session_each() {
    let (one, mut peer_one, _listener_one) = connected(|builder| builder).await;
    let (two, mut peer_two, _listener_two) = connected(|builder| builder).await;
    let replies = (one.exists("/one").send(), two.exists("/two").send());
    assert!(format!("{:?}", peer_one.request().await).contains("/one"));
    assert!(format!("{:?}", peer_two.request().await).contains("/two"));
    drop(one);
    drop(replies);
    let (close, _) = peer_one.request().await;
    peer_one.reply(close, &zk_proto::message::NoBody {}).await;
    assert!(two.state().borrow().is_connected());
}
