//! How a session ends at its client's wish.

use tokio::time::{Duration, Instant};
use zk_client::{Delivery, Error, ErrorCode, SessionId, SessionState};
use zk_proto::message::{NoBody, SetDataResponse};
use zk_proto::op::Request;

use crate::peer::connected;

#[tokio::test(start_paused = true)]
async fn a_close_waits_for_what_was_sent_before_and_for_the_server() {
    let (client, mut peer, mut listener) = connected(|builder| builder).await;
    let write = client.set("/a", "x").send();
    let closing = tokio::spawn({
        let client = client.clone();
        async move { client.close().await }
    });
    let (xid, _) = peer.request().await;
    let (close, request) = peer.request().await;
    assert!(matches!(request, Request::CloseSession(_)));
    assert_eq!(client.get("/").await.unwrap_err(), Error::Closed, "at once");
    peer.reply(xid, &SetDataResponse::default()).await;
    write.await.unwrap();
    assert!(!closing.is_finished());
    peer.reply(close, &NoBody {}).await;
    closing.await.unwrap().unwrap();
    assert_eq!(*client.state().borrow(), SessionState::Closed);
    assert!(peer.next().await.is_none());
    assert!(listener.is_deserted().await);
    assert_eq!(client.close().await, Ok(()), "closed already");
}

#[tokio::test(start_paused = true)]
async fn a_second_close_waits_for_the_first_one() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.close().await }
    });
    let (xid, _) = peer.request().await;
    first.abort();
    let second = tokio::spawn(async move { client.close().await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!second.is_finished());
    peer.reply(xid, &NoBody {}).await;
    assert_eq!(second.await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_close_goes_on() {
    let (client, peer, mut listener) = connected(|builder| builder).await;
    let closing = tokio::spawn({
        let client = client.clone();
        async move { client.close().await }
    });
    tokio::task::yield_now().await;
    closing.abort();
    peer.close().await;
    client.state().wait_for(|state| *state == SessionState::Closed).await.unwrap();
    assert!(listener.is_deserted().await);
}

#[tokio::test(start_paused = true)]
async fn a_close_without_a_connection_finds_another_server() {
    let (client, peer, mut listener) = connected(|builder| builder).await;
    drop(peer);
    client.state().wait_for(|state| !state.is_connected()).await.unwrap();
    let serve = async { listener.grant().await.close().await };
    let (closed, ()) = tokio::join!(client.close(), serve);
    assert_eq!(closed, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_close_whose_reply_is_lost_finds_the_session_over() {
    let (client, mut peer, mut listener) = connected(|builder| builder).await;
    let serve = async {
        let (_, request) = peer.request().await;
        assert!(matches!(request, Request::CloseSession(_)));
        drop(peer);
        let mut peer = listener.accept().await;
        peer.handshake().await;
        peer.answer_handshake(SessionId::NONE, 0).await;
    };
    let (closed, ()) = tokio::join!(client.close(), serve);
    assert_eq!(closed, Ok(()));
    assert_eq!(*client.state().borrow(), SessionState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_close_that_no_server_confirms_ends_in_time() {
    let (client, mut peer, mut listener) =
        connected(|builder| builder.operation_timeout(Duration::from_secs(5))).await;
    let start = Instant::now();
    let serve = async { peer.ignore().await };
    let (closed, ()) = tokio::join!(client.close(), serve);
    assert_eq!(closed, Err(Error::Timeout { delivery: Delivery::Unknown }));
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    assert_eq!(*client.state().borrow(), SessionState::Closed);
    assert!(listener.is_deserted().await);
}

#[tokio::test(start_paused = true)]
async fn a_refused_close_is_told() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let serve = async {
        let (xid, _) = peer.request().await;
        peer.refuse(xid, ErrorCode::ThrottledOp).await;
    };
    let (closed, ()) = tokio::join!(client.close(), serve);
    assert_eq!(closed.unwrap_err().code(), Some(ErrorCode::ThrottledOp));
}

#[tokio::test(start_paused = true)]
async fn a_close_is_not_held_up_by_too_many_requests() {
    let (client, mut peer, _listener) = connected(|builder| builder.max_pending(2)).await;
    let _reads = (client.get("/a").send(), client.get("/b").send());
    assert_eq!(client.get("/c").await.unwrap_err(), Error::TooManyRequests);
    let serve = async {
        for _ in 0..2 {
            let (xid, _) = peer.request().await;
            peer.refuse(xid, ErrorCode::NoNode).await;
        }
        peer.close().await;
    };
    let (closed, ()) = tokio::join!(client.close(), serve);
    assert_eq!(closed, Ok(()));
}
