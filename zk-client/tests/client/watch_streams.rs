//! Persistent watches as streams, from the call to the last item.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use zk_client::AddWatchMode::{self, Persistent, PersistentRecursive};
use zk_client::{Client, Error, ErrorCode, EventType, SessionId, WatchItem, WatchStream};
use zk_proto::message::{
    AddWatchRequest, ErrorResponse, GetDataResponse, NoBody, RemoveWatchesRequest,
};
use zk_proto::op::Request;
use zk_proto::watch::WatcherType;
use zk_proto::{OpCode, Xid};

use crate::peer::{Peer, connected, connected_over};

fn add(path: &'static str, mode: AddWatchMode) -> Request {
    Request::AddWatch(AddWatchRequest { path: path.into(), mode })
}

fn removal(path: &'static str, watcher_type: WatcherType) -> Request {
    Request::RemoveWatches(RemoveWatchesRequest { path: path.into(), watcher_type })
}

/// Answers an addWatch, which must be the next request.
async fn confirm(peer: &mut Peer, expected: Request) {
    let (xid, request) = peer.request().await;
    assert_eq!(request, expected);
    peer.reply(xid, &ErrorResponse { err: ErrorCode::Ok }).await;
}

async fn watching(client: &Client, peer: &mut Peer, mode: AddWatchMode) -> WatchStream {
    let (stream, ()) = tokio::join!(client.watch("/a", mode), confirm(peer, add("/a", mode)));
    stream.unwrap()
}

/// The next item, in short.
async fn next(stream: &mut WatchStream) -> String {
    match stream.next().await {
        Some(Ok(WatchItem::Event(event))) => format!("{:?} {}", event.event_type, event.path),
        Some(Ok(item)) => format!("{item:?}"),
        Some(Err(error)) => error.to_string(),
        None => "none".into(),
    }
}

fn is_idle(stream: &mut WatchStream) -> bool {
    pin!(stream.next()).poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

/// All that the client has read by now is told.
async fn sync(client: &Client, peer: &mut Peer) {
    let (read, ()) = tokio::join!(client.get("/sync"), async {
        let (xid, request) = peer.request().await;
        assert!(matches!(request, Request::GetData(_)), "{request:?}");
        peer.reply(xid, &GetDataResponse::default()).await;
    });
    read.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stream_tells_every_event_in_order() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let mut stream = watching(&client, &mut peer, PersistentRecursive).await;
    assert!(is_idle(&mut stream));
    peer.event(EventType::NodeCreated, "/a/b").await;
    peer.event(EventType::NodeChildrenChanged, "/a").await;
    peer.event(EventType::NodeDeleted, "/a/b").await;
    assert_eq!(next(&mut stream).await, "NodeCreated /a/b");
    assert_eq!(next(&mut stream).await, "NodeDeleted /a/b");
    sync(&client, &mut peer).await;
    assert!(is_idle(&mut stream));
}

#[tokio::test(start_paused = true)]
async fn paths_go_out_with_the_chroot_and_come_back_without_it() {
    let (connector, mut listener) = crate::peer::network(64 * 1024);
    let builder = Client::builder("zk1/app").connector(connector);
    let (client, mut peer) = tokio::join!(builder.connect(), listener.grant());
    let client = client.unwrap();
    for (path, outward) in [("/", "/app"), ("/a", "/app/a")] {
        let expected = add(outward, PersistentRecursive);
        let (stream, ()) =
            tokio::join!(client.watch(path, PersistentRecursive), confirm(&mut peer, expected));
        let mut stream = stream.unwrap();
        peer.event(EventType::NodeCreated, "/app/a/b").await;
        assert_eq!(next(&mut stream).await, "NodeCreated /a/b");
        drop(stream);
        let (xid, request) = peer.request().await;
        assert_eq!(request, removal(outward, WatcherType::PersistentRecursive));
        peer.reply(xid, &NoBody {}).await;
    }
    let error = client.watch("bad", Persistent).await.unwrap_err();
    assert!(matches!(error, Error::BadPath { path, .. } if path == "bad"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_the_operation_and_the_node() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let (refused, ()) = tokio::join!(client.watch("/a", Persistent), async {
        let (xid, _) = peer.request().await;
        peer.refuse(xid, ErrorCode::Unimplemented).await;
    });
    let error = refused.unwrap_err();
    let told =
        Error::Server { op: OpCode::AddWatch, path: "/a".into(), code: ErrorCode::Unimplemented };
    assert_eq!(error, told);
    sync(&client, &mut peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_told_before_the_first_event_of_a_new_connection() {
    let (client, mut peer, mut listener) = connected(|builder| builder).await;
    let mut stream = watching(&client, &mut peer, Persistent).await;
    peer.event(EventType::NodeDataChanged, "/a").await;
    drop(peer);
    let mut peer = listener.grant().await;
    let (xid, request) = peer.request().await;
    let Request::SetWatches2(again) = request else { panic!("{request:?}") };
    assert_eq!(again.persistent_watches, ["/a"]);
    peer.event(EventType::NodeDeleted, "/a").await;
    peer.reply(xid, &NoBody {}).await;
    assert_eq!(next(&mut stream).await, "NodeDataChanged /a");
    assert_eq!(next(&mut stream).await, "Gap");
    assert_eq!(next(&mut stream).await, "NodeDeleted /a");
}

/// Whoever reads again when told of a gap has missed nothing: the read is behind the watch.
#[tokio::test(start_paused = true)]
async fn a_read_that_answers_to_a_gap_is_behind_the_watch() {
    let (client, mut peer, mut listener) = connected(|builder| builder).await;
    let mut stream = watching(&client, &mut peer, Persistent).await;
    let reader = tokio::spawn(async move {
        assert_eq!(next(&mut stream).await, "Gap");
        client.get("/a").await
    });
    drop(peer);
    let mut peer = listener.grant().await;
    let (xid, request) = peer.request().await;
    assert!(matches!(request, Request::SetWatches2(_)), "{request:?}");
    peer.reply(xid, &NoBody {}).await;
    let (xid, request) = peer.request().await;
    assert!(matches!(request, Request::GetData(_)), "{request:?}");
    peer.reply(xid, &GetDataResponse::default()).await;
    reader.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_thousand_streams_of_one_path_are_one_watch_of_the_server() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let first = client.watch("/a", Persistent).send();
    let mut others: Vec<_> = (0..999).map(|_| client.watch("/a", Persistent).send()).collect();
    assert!(pin!(&mut others[0]).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    confirm(&mut peer, add("/a", Persistent)).await;
    let mut streams = vec![first.await.unwrap()];
    for other in others {
        streams.push(other.await.unwrap());
    }
    streams.push(client.watch("/a", Persistent).await.unwrap());
    peer.event(EventType::NodeDataChanged, "/a").await;
    for stream in &mut streams {
        assert_eq!(next(stream).await, "NodeDataChanged /a");
    }
    let last = streams.pop();
    drop(streams);
    sync(&client, &mut peer).await;
    drop(last);
    let (_, request) = peer.request().await;
    assert_eq!(request, removal("/a", WatcherType::Persistent));
}

#[tokio::test(start_paused = true)]
async fn whoever_reads_too_slowly_is_told_and_hears_what_comes_later() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let (slow, ()) = tokio::join!(
        client.watch("/a", PersistentRecursive).capacity(3),
        confirm(&mut peer, add("/a", PersistentRecursive))
    );
    let mut slow = slow.unwrap();
    let mut fast = client.watch("/a", PersistentRecursive).await.unwrap();
    for path in ["/a/1", "/a/2", "/a/3", "/a/4", "/a/5"] {
        peer.event(EventType::NodeCreated, path).await;
        assert_eq!(next(&mut fast).await, format!("NodeCreated {path}"));
    }
    assert_eq!(next(&mut slow).await, "Lagged");
    peer.event(EventType::NodeCreated, "/a/6").await;
    for path in ["/a/4", "/a/5", "/a/6"] {
        assert_eq!(next(&mut slow).await, format!("NodeCreated {path}"));
    }
    assert!(is_idle(&mut slow));
}

/// A reader that never reads holds up nobody, and memory is bounded by its capacity.
#[tokio::test(start_paused = true)]
async fn a_flood_of_events_does_not_hold_up_requests() {
    let (client, mut peer, _listener) = connected_over(1024 * 1024, |builder| builder).await;
    let mut stream = watching(&client, &mut peer, PersistentRecursive).await;
    for _ in 0..10_000 {
        peer.event(EventType::NodeDataChanged, "/a/b").await;
    }
    sync(&client, &mut peer).await;
    assert_eq!(next(&mut stream).await, "Lagged");
    let mut events = 0;
    while !is_idle(&mut stream) {
        events += 1;
    }
    assert!(events > 0 && events <= 1024, "{events}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_its_session_after_all_that_came_before() {
    let (client, mut peer, mut listener) = connected(|builder| builder).await;
    let mut stream = watching(&client, &mut peer, Persistent).await;
    peer.event(EventType::NodeDataChanged, "/a").await;
    drop(peer);
    let mut peer = listener.accept().await;
    peer.handshake().await;
    peer.answer_handshake(SessionId::NONE, 0).await;
    assert_eq!(next(&mut stream).await, "NodeDataChanged /a");
    assert_eq!(stream.next().await, Some(Err(Error::SessionExpired)));
    assert_eq!(stream.next().await, None);
    assert_eq!(client.watch("/a", Persistent).await.unwrap_err(), Error::SessionExpired);
    drop(stream);
}

#[tokio::test(start_paused = true)]
async fn a_stream_does_not_keep_the_session_open() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let mut stream = watching(&client, &mut peer, Persistent).await;
    assert!(is_idle(&mut stream));
    drop(client);
    peer.close().await;
    assert_eq!(stream.next().await, Some(Err(Error::Closed)));
    assert_eq!(stream.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_new_stream_while_the_watch_is_removed_sets_it_anew() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    drop(watching(&client, &mut peer, Persistent).await);
    let again = client.watch("/a", Persistent).send();
    let (xid, request) = peer.request().await;
    assert_eq!(request, removal("/a", WatcherType::Persistent));
    peer.reply(xid, &NoBody {}).await;
    confirm(&mut peer, add("/a", Persistent)).await;
    let mut again = again.await.unwrap();
    peer.event(EventType::NodeDataChanged, "/a").await;
    assert_eq!(next(&mut again).await, "NodeDataChanged /a");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_without_a_connection_is_not_set_again() {
    let (client, mut peer, mut listener) = connected(|builder| builder).await;
    let stream = watching(&client, &mut peer, Persistent).await;
    drop(peer);
    client.state().wait_for(|state| !state.is_connected()).await.unwrap();
    drop(stream);
    let mut peer = listener.grant().await;
    sync(&client, &mut peer).await;
}

/// Wherever the wish for a stream is given up, the server is left with what is wanted.
#[tokio::test(start_paused = true)]
async fn a_stream_may_be_dropped_at_any_moment() {
    for moment in 0..6 {
        let (client, mut peer, _listener) = connected(|builder| builder).await;
        let mut reply = Some(client.watch("/a", Persistent).send());
        let mut stream = None;
        let mut asked: Option<Xid> = None;
        for step in 0..6 {
            if step == moment {
                drop((reply.take(), stream.take()));
            }
            match step {
                1 => {
                    let (xid, request) = peer.request().await;
                    assert_eq!(request, add("/a", Persistent));
                    asked = Some(xid);
                }
                2 => peer.event(EventType::NodeDeleted, "/a").await,
                3 => peer.reply(asked.unwrap(), &ErrorResponse { err: ErrorCode::Ok }).await,
                4 => {
                    if let Some(reply) = &mut reply {
                        stream = Some(Pin::new(reply).await.unwrap());
                    }
                }
                _ => {}
            }
        }
        drop((reply, stream));
        let (xid, request) = peer.request().await;
        assert_eq!(request, removal("/a", WatcherType::Persistent), "dropped at {moment}");
        peer.refuse(xid, ErrorCode::NoWatcher).await;
        sync(&client, &mut peer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_cannot_be_had_in_time_is_an_error() {
    let (client, peer, _listener) = connected(|builder| builder).await;
    drop(peer);
    let error = client.watch("/a", Persistent).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_a_stream() {
    use futures_core::Stream;
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let mut stream = watching(&client, &mut peer, Persistent).await;
    peer.event(EventType::NodeDataChanged, "/a").await;
    sync(&client, &mut peer).await;
    let polled = Pin::new(&mut stream).poll_next(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Ready(Some(Ok(WatchItem::Event(_))))));
}
