//! One-shot watches, from the read that sets them to their event or their end.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use zk_client::{Client, Error, ErrorCode, EventType, SessionId, Watch};
use zk_proto::message::{GetChildrenResponse, GetDataResponse, NoBody, RemoveWatchesRequest};
use zk_proto::op::Request;
use zk_proto::watch::WatcherType;

use crate::peer::{Peer, connected};

async fn watch_data(client: &Client, peer: &mut Peer, path: &str) -> Watch {
    let watched = client.get(path).watch().send();
    let (xid, request) = peer.request().await;
    assert!(matches!(request, Request::GetData(get) if get.watch));
    peer.reply(xid, &GetDataResponse::default()).await;
    watched.await.unwrap().1
}

#[tokio::test(start_paused = true)]
async fn a_watch_resolves_with_its_event() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let watch = watch_data(&client, &mut peer, "/a").await;
    let children = client.children("/a").watch().send();
    let (xid, _) = peer.request().await;
    peer.reply(xid, &GetChildrenResponse::default()).await;
    let (_, children) = children.await.unwrap();
    peer.event(EventType::NodeDataChanged, "/a").await;
    let event = watch.await.unwrap();
    assert_eq!((event.event_type, &*event.path), (EventType::NodeDataChanged, "/a"));
    peer.event(EventType::NodeChildrenChanged, "/a").await;
    assert_eq!(children.await.unwrap().event_type, EventType::NodeChildrenChanged);
}

#[tokio::test(start_paused = true)]
async fn a_watch_on_a_node_that_does_not_exist_waits_for_it() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let exists = client.exists("/a").watch().send();
    let (xid, _) = peer.request().await;
    peer.refuse(xid, ErrorCode::NoNode).await;
    let (stat, watch) = exists.await.unwrap();
    assert_eq!(stat, None);
    peer.event(EventType::NodeCreated, "/a").await;
    assert_eq!(watch.await.unwrap().event_type, EventType::NodeCreated);
}

#[tokio::test(start_paused = true)]
async fn a_watch_survives_a_reconnect() {
    let (client, mut peer, mut listener) = connected(|builder| builder).await;
    peer.zxid = 0x333;
    let watch = watch_data(&client, &mut peer, "/a").await;
    drop(peer);
    let mut peer = listener.grant().await;
    let (xid, request) = peer.request().await;
    let Request::SetWatches(again) = request else { panic!("{request:?}") };
    assert_eq!(again.relative_zxid.0, 0x333);
    assert_eq!(again.data_watches, ["/a"]);
    // It has changed in between.
    peer.event(EventType::NodeDataChanged, "/a").await;
    peer.reply(xid, &NoBody {}).await;
    assert_eq!(watch.await.unwrap().path, "/a");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_was_dropped_is_not_set_again() {
    let (client, mut peer, mut listener) = connected(|builder| builder).await;
    drop(watch_data(&client, &mut peer, "/a").await);
    let (xid, request) = peer.request().await;
    assert_eq!(request, removal("/a", WatcherType::Data));
    peer.reply(xid, &NoBody {}).await;
    let kept = watch_data(&client, &mut peer, "/b").await;
    drop(peer);
    let mut peer = listener.grant().await;
    let (_, request) = peer.request().await;
    let Request::SetWatches(again) = request else { panic!("{request:?}") };
    assert_eq!(again.data_watches, ["/b"]);
    drop(kept);
}

#[tokio::test(start_paused = true)]
async fn the_last_watch_that_is_dropped_is_removed_and_one_that_has_fired_is_not() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let first = watch_data(&client, &mut peer, "/a").await;
    let second = watch_data(&client, &mut peer, "/a").await;
    let fired = watch_data(&client, &mut peer, "/b").await;
    peer.event(EventType::NodeDeleted, "/b").await;
    fired.await.unwrap();
    drop(first);
    drop(client.children("/c").watch().send());
    let (xid, _) = peer.request().await;
    peer.reply(xid, &GetChildrenResponse::default()).await;
    let (xid, request) = peer.request().await;
    assert_eq!(request, removal("/c", WatcherType::Children), "dropped before it was set");
    peer.reply(xid, &NoBody {}).await;
    drop(second);
    // An event is under way while the removal is.
    peer.event(EventType::NodeDataChanged, "/a").await;
    let (xid, request) = peer.request().await;
    assert_eq!(request, removal("/a", WatcherType::Data));
    peer.refuse(xid, ErrorCode::NoWatcher).await;
    let (read, ()) = tokio::join!(client.get("/a"), async {
        let (xid, _) = peer.request().await;
        peer.reply(xid, &GetDataResponse::default()).await;
    });
    read.unwrap();
}

fn removal(path: &'static str, watcher_type: WatcherType) -> Request {
    Request::RemoveWatches(RemoveWatchesRequest { path: path.into(), watcher_type })
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_with_its_session() {
    let (client, mut peer, mut listener) = connected(|builder| builder).await;
    let watch = watch_data(&client, &mut peer, "/a").await;
    drop(peer);
    let mut peer = listener.accept().await;
    peer.handshake().await;
    peer.answer_handshake(SessionId::NONE, 0).await;
    assert_eq!(watch.await.unwrap_err(), Error::SessionExpired);

    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let watch = watch_data(&client, &mut peer, "/a").await;
    let (closed, ()) = tokio::join!(client.close(), peer.close());
    assert_eq!(closed, Ok(()));
    assert_eq!(watch.await.unwrap_err(), Error::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_watch_does_not_keep_the_session_open() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let mut watch = pin!(watch_data(&client, &mut peer, "/a").await);
    assert!(watch.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(client);
    peer.close().await;
    assert_eq!(watch.await.unwrap_err(), Error::Closed);
}
