//! Servers that break the protocol.

use bytes::BufMut;
use zk_client::{Error, Violation};
use zk_proto::message::{ExistsResponse, GetDataResponse};
use zk_proto::{ErrorCode, Xid};

use crate::peer::{connected, framed};

#[tokio::test(start_paused = true)]
async fn a_body_that_cannot_be_read_fails_its_request_and_the_session_lives_on() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let list = client.children("/").send();
    let stat = client.exists("/").send();
    let (xid, _) = peer.request().await;
    // Two thousand million names are announced.
    let absurd = peer.reply_frame(xid, ErrorCode::Ok, &i32::MAX);
    peer.write(&absurd).await;
    let (xid, _) = peer.request().await;
    peer.reply(xid, &ExistsResponse::default()).await;
    let error = list.await.unwrap_err();
    assert!(matches!(error, Error::Protocol(Violation::Undecodable(_))), "{error:?}");
    assert!(stat.await.unwrap().is_some());
    assert!(client.state().borrow().is_connected());
}

#[tokio::test(start_paused = true)]
async fn after_a_reply_to_something_else_reads_are_asked_again_elsewhere() {
    let (client, mut peer, mut listener) = connected(|builder| builder).await;
    let read = client.get("/a").send();
    let (xid, _) = peer.request().await;
    peer.reply(Xid(xid.0 + 1), &GetDataResponse::default()).await;
    let mut next = listener.grant().await;
    assert!(peer.next().await.is_none());
    assert_ne!(next.host, peer.host);
    let (xid, _) = next.request().await;
    next.reply(xid, &GetDataResponse::default()).await;
    read.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reply_over_the_limit_fails_its_request_alone_and_keeps_the_connection() {
    let (client, mut peer, _listener) = connected(|builder| builder.max_reply(1000)).await;
    let huge = client.get("/huge").send();
    let small = client.get("/small").send();
    let (xid, _) = peer.request().await;
    let data = Some(vec![b'x'; 1_000_000].into());
    let body = GetDataResponse { data, ..GetDataResponse::default() };
    let length = 16 + 4 + 1_000_000 + 68;
    peer.reply(xid, &body).await;
    assert_eq!(huge.await.unwrap_err(), Error::ReplyTooLarge { length, limit: 1000 });
    let (xid, _) = peer.request().await;
    peer.reply(xid, &GetDataResponse::default()).await;
    small.await.unwrap();
    let next = client.get("/next").send();
    let (xid, _) = peer.request().await;
    peer.reply(xid, &GetDataResponse::default()).await;
    next.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_length_that_no_reply_has_fails_the_oldest_request_and_the_connection() {
    let (client, mut peer, mut listener) = connected(|builder| builder.max_reply(1000)).await;
    let huge = client.get("/huge").send();
    let small = client.get("/small").send();
    peer.request().await;
    peer.request().await;
    peer.write(&i32::MAX.to_be_bytes()).await;
    let length = usize::try_from(i32::MAX).unwrap();
    assert_eq!(huge.await.unwrap_err(), Error::ReplyTooLarge { length, limit: 1000 });
    let mut peer = listener.grant().await;
    let (xid, request) = peer.request().await;
    assert!(format!("{request:?}").contains("/small"));
    peer.reply(xid, &GetDataResponse::default()).await;
    small.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn garbage_ends_a_connection_and_not_the_session() {
    let (client, mut peer, mut listener) = connected(|builder| builder).await;
    let garbage = framed(|out| out.put_slice(b"\x00\x00HTTP/1.1 400 Bad Request\r\n\r\n"));
    for wire in [&garbage[..], &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], &[0; 12], &[0xff; 64]] {
        peer.write(wire).await;
        assert!(peer.next().await.is_none());
        peer = listener.grant().await;
        client.state().wait_for(zk_client::SessionState::is_connected).await.unwrap();
    }
    let read = client.exists("/").send();
    let (xid, _) = peer.request().await;
    peer.refuse(xid, ErrorCode::NoNode).await;
    assert_eq!(read.await.unwrap(), None);
}
