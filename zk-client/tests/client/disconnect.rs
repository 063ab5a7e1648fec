//! What becomes of requests when a connection is lost.

use bytes::Bytes;
use tokio::time::{Duration, Instant};
use zk_client::{Delivery, Error, SessionId};
use zk_proto::message::{Create2Response, GetDataResponse};
use zk_proto::op::Request;
use zk_proto::{ErrorCode, OpCode};

use crate::peer::{PASSWORD, SESSION, connected};

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_cut_short_leaves_reads_alive_and_writes_in_doubt() {
    let (client, mut peer, mut listener) = connected(|builder| builder).await;
    let read = client.get("/read").send();
    let write = client.create("/write", "").send();
    let (xid, _) = peer.request().await;
    peer.request().await;
    let body = GetDataResponse { data: Some(Bytes::from_static(b"hello")), ..Default::default() };
    let reply = peer.reply_frame(xid, ErrorCode::Ok, &body);
    peer.write(&reply[..reply.len() / 2]).await;
    drop(peer);
    let unknown = Error::ConnectionLoss { delivery: Delivery::Unknown };
    let error = write.await.unwrap_err();
    assert_eq!(error, unknown);
    assert!(error.outcome_unknown() && !error.is_retriable());

    let mut peer = listener.accept().await;
    let asked = peer.handshake().await;
    assert_eq!(asked.session_id, SESSION);
    assert_eq!(asked.passwd.as_bytes(), PASSWORD);
    peer.grant().await;
    let (xid, request) = peer.request().await;
    assert_eq!(request.op_code(), OpCode::GetData);
    peer.reply(xid, &body).await;
    assert_eq!(read.await.unwrap().0, "hello");
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_without_a_connection_waits_for_one() {
    let (client, peer, mut listener) = connected(|builder| builder).await;
    drop(peer);
    let mut state = client.state();
    state.wait_for(|state| !state.is_connected()).await.unwrap();
    let write = client.create("/a", "").send();
    let read = client.get("/a").send();
    let mut peer = listener.grant().await;
    let (xid, _) = peer.request().await;
    peer.reply(xid, &Create2Response { path: "/a".into(), ..Default::default() }).await;
    assert_eq!(write.await.unwrap().path, "/a");
    let (xid, _) = peer.request().await;
    peer.reply(xid, &GetDataResponse::default()).await;
    assert!(read.await.unwrap().0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn requests_time_out_each_at_its_own_time() {
    let settings =
        |builder: zk_client::ClientBuilder| builder.operation_timeout(Duration::from_secs(5));
    let (client, mut peer, _listener) = connected(settings).await;
    let start = Instant::now();
    let first = client.create("/a", "").send();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let second = client.get("/a").send();
    let timeout = Error::Timeout { delivery: Delivery::Unknown };
    assert_eq!(first.await.unwrap_err(), timeout);
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    assert_eq!(second.await.unwrap_err(), timeout);
    assert_eq!(start.elapsed(), Duration::from_secs(7));
    // The late replies are taken for what they are.
    let third = client.get("/a").send();
    for _ in 0..3 {
        let (xid, _) = peer.request().await;
        peer.reply(xid, &GetDataResponse::default()).await;
    }
    third.await.unwrap();
    assert!(client.state().borrow().is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_request_has_half_a_minute_unless_something_else_was_said() {
    let (client, _peer, _listener) = connected(|builder| builder).await;
    let start = Instant::now();
    assert!(matches!(client.get("/a").await, Err(Error::Timeout { .. })));
    assert_eq!(start.elapsed(), Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn without_a_connection_a_request_times_out_as_not_sent() {
    let settings =
        |builder: zk_client::ClientBuilder| builder.operation_timeout(Duration::from_secs(5));
    let (client, peer, listener) = connected(settings).await;
    drop(peer);
    drop(listener);
    client.state().wait_for(|state| !state.is_connected()).await.unwrap();
    let start = Instant::now();
    let error = client.create("/a", "").await.unwrap_err();
    assert_eq!(error, Error::Timeout { delivery: Delivery::NotSent });
    assert!(error.is_retriable() && !error.outcome_unknown());
    assert_eq!(start.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn an_expired_session_fails_everything() {
    let (client, mut peer, mut listener) = connected(|builder| builder).await;
    let read = client.get("/a").send();
    peer.request().await;
    drop(peer);
    let mut peer = listener.accept().await;
    peer.handshake().await;
    peer.answer_handshake(SessionId::NONE, 0).await;
    let error = read.await.unwrap_err();
    assert_eq!(error, Error::SessionExpired);
    assert!(error.is_session_over());
    assert_eq!(client.create("/a", "").await.unwrap_err(), Error::SessionExpired);
    assert_eq!(client.close().await, Ok(()), "over already");
}

#[tokio::test(start_paused = true)]
async fn time_that_has_no_end_is_no_trouble() {
    let (client, mut peer, mut listener) = connected(|builder| {
        builder
            .operation_timeout(Duration::MAX)
            .connect_timeout(Duration::MAX)
            .session_timeout(Duration::MAX)
    })
    .await;
    let read = client.get("/a").send();
    peer.request().await;
    drop(peer);
    let mut peer = listener.grant().await;
    let (xid, request) = peer.request().await;
    assert!(matches!(request, Request::GetData(_)));
    peer.reply(xid, &GetDataResponse::default()).await;
    read.await.unwrap();
}
