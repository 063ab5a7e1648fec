//! Credentials on the wire: what is told to whom, when, and what a refusal means.

use std::time::Duration;

use bytes::Bytes;
use zk_client::{AuthFailure, Client, Error, ErrorCode, SessionState};
use zk_proto::message::{AuthPacket, GetDataResponse, NoBody, Secret};
use zk_proto::op::Request;
use zk_proto::{OpCode, Xid};

use crate::peer::{Listener, Peer, connected, network};

fn packet(scheme: &'static str, auth: &'static str) -> Request {
    let auth = Secret(Some(Bytes::from_static(auth.as_bytes())));
    Request::Auth(AuthPacket { auth_type: 0, scheme: scheme.into(), auth })
}

/// Reads a credential and accepts it.
async fn accept(peer: &mut Peer, expected: Request) {
    assert_eq!(peer.next().await.unwrap(), (Xid::AUTH, expected));
    peer.reply(Xid::AUTH, &NoBody {}).await;
}

/// A client that is bob, and a peer that has let him in.
async fn bob() -> (Client, Peer, Listener) {
    let (connector, mut listener) = network(64 * 1024);
    let builder = Client::builder("zk1,zk2").connector(connector).auth_digest("bob", "pw");
    let served = async {
        let mut peer = listener.grant().await;
        accept(&mut peer, packet("digest", "bob:pw")).await;
        peer
    };
    let (client, peer) = tokio::join!(builder.connect(), served);
    (client.unwrap(), peer, listener)
}

#[tokio::test(start_paused = true)]
async fn after_a_reconnect_credentials_go_before_watches_and_these_before_requests() {
    let (client, mut peer, mut listener) = bob().await;
    let watched = client.get("/a").watch().send();
    let (xid, _) = peer.request().await;
    peer.reply(xid, &GetDataResponse::default()).await;
    let (_, _watch) = watched.await.unwrap();
    let (added, ()) = tokio::join!(
        client.add_auth("digest", "eve:pw"),
        accept(&mut peer, packet("digest", "eve:pw"))
    );
    added.unwrap();
    drop(peer);
    let mut state = client.state();
    state.wait_for(|state| !state.is_connected()).await.unwrap();
    let read = client.get("/b").send();

    let mut peer = listener.accept().await;
    peer.handshake().await;
    peer.grant().await;
    for credential in ["bob:pw", "eve:pw"] {
        assert_eq!(peer.next().await.unwrap(), (Xid::AUTH, packet("digest", credential)));
    }
    assert_eq!(peer.ops().await, [OpCode::SetWatches, OpCode::GetData]);
    assert!(!client.state().borrow().is_connected(), "nothing is accepted yet");
    peer.reply(Xid::AUTH, &NoBody {}).await;
    peer.reply(Xid::AUTH, &NoBody {}).await;
    state.wait_for(|state| state.is_connected()).await.unwrap();
    peer.reply(Xid(2), &NoBody {}).await;
    peer.reply(Xid(3), &GetDataResponse::default()).await;
    read.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connect_with_wrong_credentials_says_so() {
    let (connector, mut listener) = network(64 * 1024);
    let builder = Client::builder("zk1,zk2").connector(connector).auth("nobody", "knows");
    let served = async {
        let mut peer = listener.grant().await;
        peer.next().await.unwrap();
        peer.refuse(Xid::AUTH, ErrorCode::AuthFailed).await;
        peer
    };
    let (client, _peer) = tokio::join!(builder.connect(), served);
    assert_eq!(client.unwrap_err(), REFUSED);
    assert!(listener.is_deserted().await);
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_ends_the_client() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let watched = client.get("/a").watch().send();
    let (xid, _) = peer.request().await;
    peer.reply(xid, &GetDataResponse::default()).await;
    let (_, watch) = watched.await.unwrap();
    let read = client.get("/b").send();
    let refused = client.add_auth("digest", "bob:wrong").send();
    let served = async {
        peer.request().await;
        assert_eq!(peer.next().await.unwrap().0, Xid::AUTH);
        peer.refuse(Xid::AUTH, ErrorCode::AuthFailed).await;
    };
    let (refused, ()) = tokio::join!(refused, served);
    assert_eq!(refused.unwrap_err(), REFUSED);
    assert_eq!(read.await.unwrap_err(), REFUSED);
    assert_eq!(watch.await.unwrap_err(), REFUSED);
    client
        .state()
        .wait_for(|state| matches!(state, SessionState::AuthFailed { .. }))
        .await
        .unwrap();
    let error = client.get("/c").await.unwrap_err();
    assert_eq!(error, REFUSED);
    assert!(error.is_session_over() && !error.outcome_unknown() && !error.is_retriable());
    client.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_is_added_without_a_connection_waits_for_one() {
    let (client, peer, mut listener) = connected(|builder| builder).await;
    drop(peer);
    client.state().wait_for(|state| !state.is_connected()).await.unwrap();
    let added = client.add_auth("digest", "bob:pw").send();
    let served = async {
        let mut peer = listener.grant().await;
        accept(&mut peer, packet("digest", "bob:pw")).await;
        peer
    };
    let (added, _peer) = tokio::join!(added, served);
    added.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_accepts_lets_the_connect_time_out() {
    let (connector, mut listener) = network(64 * 1024);
    let builder = Client::builder("zk1")
        .connector(connector)
        .connect_timeout(Duration::from_secs(3))
        .auth_digest("bob", "pw");
    let (client, _peer) = tokio::join!(builder.connect(), listener.grant());
    assert!(matches!(client.unwrap_err(), Error::Connect { .. }));
}

#[tokio::test(start_paused = true)]
async fn what_proves_an_identity_is_never_shown() {
    let (connector, _listener) = network(64 * 1024);
    let builder = Client::builder("zk1").connector(connector).auth_digest("bob", "secret");
    assert!(!format!("{builder:?}").contains("secret"));
    let (client, _peer, _listener) = connected(|builder| builder).await;
    let call = client.add_auth("digest", "bob:secret");
    assert!(!format!("{call:?}").contains("secret"));
    assert!(!format!("{:?}", call.send()).contains("secret"));
}

const REFUSED: Error = Error::AuthFailed { reason: AuthFailure::CredentialRefused };
