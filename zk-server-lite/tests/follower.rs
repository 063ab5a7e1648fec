//! A server that follows another one and lags, over memory, in virtual time.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod client;

use std::time::Duration;

use client::Client;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};
use zk_proto::message::{
    CreateRequest, DeleteRequest, GetChildrenRequest, NoBody, SetDataRequest, SyncRequest,
};
use zk_proto::{Acl, ByteString, Decode, ErrorCode, OpCode, SessionId, Version, Xid, Zxid};
use zk_server_lite::{Follower, Server};

async fn pair() -> (Server, Follower) {
    let builder = Server::builder().memory_only().tick_time(Duration::from_secs(2));
    let server = builder.start().await.unwrap();
    let follower = server.follower();
    (server, follower)
}

async fn client_of(follower: &Follower) -> Client {
    let stream = follower.memory().connect().await.unwrap();
    Client::connect(stream, SessionId::NONE, &[0; 16]).await
}

async fn take_up(follower: &Follower, before: &Client) -> Client {
    let stream = follower.memory().connect().await.unwrap();
    Client::connect(stream, before.session, &before.password).await
}

/// Nothing more is done until time passes.
async fn settle() {
    for _ in 0..20 {
        yield_now().await;
    }
}

fn create(path: &str, flags: i32) -> CreateRequest {
    CreateRequest { path: path.into(), data: None, acl: Some(Acl::open()), flags }
}

fn sync(path: &str) -> SyncRequest {
    SyncRequest { path: path.into() }
}

#[tokio::test(start_paused = true)]
async fn at_any_lag_a_follower_has_the_digest_that_the_leader_had() {
    let (server, follower) = pair().await;
    follower.hold();
    let mut digests = vec![(server.last_zxid(), server.digest())];
    let mut client = Client::memory(&server).await;
    digests.push((server.last_zxid(), server.digest()));
    for number in 0..30 {
        let path = format!("/n{}", number % 7);
        let _ = match number % 5 {
            0 | 1 => client.create(&path, b"x", number % 2).await,
            2 => client.create("/s-", b"y", 3).await,
            3 => {
                let set = SetDataRequest { path: path.into(), data: None, version: Version::ANY };
                client.call::<zk_proto::Stat>(OpCode::SetData, &set).await.map(drop)
            }
            _ => {
                let delete = DeleteRequest { path: path.into(), version: Version::ANY };
                client.call::<NoBody>(OpCode::Delete, &delete).await.map(drop)
            }
        };
        digests.push((server.last_zxid(), server.digest()));
    }
    assert!(server.expire_session(client.session));
    digests.push((server.last_zxid(), server.digest()));
    assert_eq!(follower.behind(), digests.len() - 1);
    for (zxid, digest) in digests {
        follower.catch_up_to(zxid);
        assert_eq!((follower.last_zxid(), follower.digest()), (zxid, digest));
    }
    assert_eq!(follower.behind(), 0);
}

#[tokio::test(start_paused = true)]
async fn reads_are_stale_until_a_sync_has_come_back() {
    let (server, follower) = pair().await;
    let (mut writer, mut reader) = (Client::memory(&server).await, client_of(&follower).await);
    follower.lag_until_asked(Duration::from_secs(3600));
    writer.create("/a", b"", 0).await.unwrap();
    assert_eq!(reader.exists("/a", false).await.unwrap_err(), ErrorCode::NoNode);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(reader.exists("/a", false).await.unwrap_err(), ErrorCode::NoNode);
    let path: ByteString = reader.call(OpCode::Sync, &sync("/a")).await.unwrap();
    assert_eq!(path, "/a");
    reader.exists("/a", false).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_is_held_answers_reads_and_pings_and_no_write() {
    let (server, follower) = pair().await;
    let mut client = client_of(&follower).await;
    follower.hold();
    client.send(OpCode::Ping, &NoBody {}).await;
    assert_eq!(client.reply().await.unwrap().0.xid, Xid::PING);
    let created = client.send(OpCode::Create, &create("/a", 0)).await;
    // What comes behind a write is answered behind it, and reads it.
    let read = client.send(OpCode::GetChildren, &children("/")).await;
    let set = SetDataRequest { path: "/a".into(), data: None, version: Version::ANY };
    let set = client.send(OpCode::SetData, &set).await;
    assert!(timeout(Duration::from_secs(5), client.frame()).await.is_err());
    // The leader has done both writes.
    assert_eq!((server.node_count(), follower.behind()), (5, 2));
    let zxid = server.last_zxid();
    follower.catch_up_to(Zxid(zxid.0 - 1));
    assert_eq!(client.reply().await.unwrap().0.xid, created);
    let (header, mut reader) = client.reply().await.unwrap();
    assert_eq!((header.xid, header.zxid), (read, Zxid(zxid.0 - 1)));
    assert!(Vec::<ByteString>::decode(&mut reader).unwrap().contains(&"a".into()));
    assert!(timeout(Duration::from_secs(5), client.frame()).await.is_err());
    follower.release();
    let (header, _) = client.reply().await.unwrap();
    assert_eq!((header.xid, header.zxid, header.err), (set, zxid, ErrorCode::Ok));
}

#[tokio::test(start_paused = true)]
async fn an_event_comes_when_the_follower_takes_the_change_and_before_what_shows_it() {
    let (server, follower) = pair().await;
    let (mut writer, mut watcher) = (Client::memory(&server).await, client_of(&follower).await);
    follower.hold();
    watcher.exists("/a", true).await.unwrap_err();
    assert_eq!((follower.watch_count(), server.watch_count()), (1, 0));
    writer.create("/a", b"", 0).await.unwrap();
    assert!(timeout(Duration::from_secs(5), watcher.frame()).await.is_err());
    watcher.send(OpCode::Sync, &sync("/a")).await;
    settle().await;
    follower.catch_up();
    let (event, _) = watcher.reply().await.unwrap();
    assert_eq!((event.xid, event.zxid), (Xid::NOTIFICATION, server.last_zxid()));
    assert_eq!(watcher.reply().await.unwrap().0.xid, Xid(2));
    assert_eq!(follower.watch_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_seen_more_is_hung_up_on_and_keeps_its_session() {
    let (server, follower) = pair().await;
    follower.hold();
    let mut client = Client::memory(&server).await;
    client.create("/a", b"", 1).await.unwrap();
    let stream = follower.memory().connect().await.unwrap();
    let mut ahead = Client::raw(stream);
    ahead.send_connect(server.last_zxid(), client.session, &client.password).await;
    assert!(ahead.is_closed().await);
    client.exists("/a", false).await.unwrap();
    follower.catch_up();
    let stream = follower.memory().connect().await.unwrap();
    let mut level = Client::raw(stream);
    level.send_connect(server.last_zxid(), client.session, &client.password).await;
    assert!(level.frame().await.is_some());
    assert!(client.is_closed().await);
}

#[tokio::test(start_paused = true)]
async fn a_session_moves_to_and_fro_and_its_stale_connections_are_refused() {
    let (server, follower) = pair().await;
    let other = server.follower();
    let mut first = Client::memory(&server).await;
    first.create("/e", b"", 1).await.unwrap();
    let mut second = take_up(&follower, &first).await;
    assert_eq!(second.session, first.session);
    assert!(first.is_closed().await);
    second.create("/f", b"", 1).await.unwrap();
    let mut third = take_up(&other, &second).await;
    // The server before does not know so far; what it is asked to write is refused.
    second.send(OpCode::Create, &create("/g", 1)).await;
    assert!(second.is_closed().await);
    assert_eq!(third.exists("/g", false).await.unwrap_err(), ErrorCode::NoNode);
    third.create("/h", b"", 1).await.unwrap();
    let stream = server.memory().connect().await.unwrap();
    let mut back = Client::connect(stream, third.session, &third.password).await;
    back.create("/i", b"", 1).await.unwrap();
    third.send(OpCode::Create, &create("/j", 1)).await;
    assert!(third.is_closed().await);
    assert_eq!((server.session_count(), server.node_count()), (1, 8));
}

#[tokio::test(start_paused = true)]
async fn a_session_of_a_follower_lives_by_its_pings_and_ends_at_the_leader() {
    let (server, follower) = pair().await;
    let mut client = client_of(&follower).await;
    client.create("/e", b"", 1).await.unwrap();
    for _ in 0..10 {
        sleep(Duration::from_secs(9)).await;
        client.send(OpCode::Ping, &NoBody {}).await;
        assert_eq!(client.reply().await.unwrap().0.xid, Xid::PING);
    }
    follower.hold();
    sleep(Duration::from_secs(20)).await;
    assert_eq!((server.session_count(), server.node_count()), (0, 4));
    // The follower does not know yet.
    client.exists("/e", false).await.unwrap();
    client.send(OpCode::Create, &create("/f", 0)).await;
    assert_eq!(follower.connection_count(), 1);
    // But it asks the leader, who does.
    assert_eq!(take_up(&follower, &client).await.session, SessionId::NONE);
    assert_eq!(follower.connection_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_session_closes_its_connection_when_the_follower_takes_it() {
    let (server, follower) = pair().await;
    let mut client = client_of(&follower).await;
    follower.hold();
    assert!(server.expire_session(client.session));
    let write = client.send(OpCode::Create, &create("/f", 0)).await;
    settle().await;
    client.send(OpCode::Ping, &NoBody {}).await;
    assert!(timeout(Duration::from_secs(1), client.frame()).await.is_err());
    assert_eq!((write, server.node_count()), (Xid(1), 4));
    follower.release();
    assert!(client.is_closed().await);
}

#[tokio::test(start_paused = true)]
async fn a_new_session_begins_when_the_follower_knows_of_it() {
    let (server, follower) = pair().await;
    follower.lag_time(Duration::from_secs(3));
    let stream = follower.memory().connect().await.unwrap();
    let begun = tokio::time::Instant::now();
    let mut client = Client::connect(stream, SessionId::NONE, &[0; 16]).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(3));
    client.send(OpCode::CloseSession, &NoBody {}).await;
    let (header, _) = client.reply().await.unwrap();
    assert_eq!((header.err, begun.elapsed()), (ErrorCode::Ok, Duration::from_secs(6)));
    assert!(client.is_closed().await);
    assert_eq!(server.session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_follower_stays_so_many_transactions_behind() {
    let (server, follower) = pair().await;
    let mut client = Client::memory(&server).await;
    settle().await;
    follower.lag_transactions(2);
    for number in 0..5 {
        client.create(&format!("/{number}"), b"", 0).await.unwrap();
    }
    settle().await;
    assert_eq!(follower.last_zxid(), Zxid(server.last_zxid().0 - 2));
    follower.shutdown().await;
    client.create("/goes-on", b"", 0).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_write_that_cannot_be_read_is_answered_in_its_turn() {
    let (server, follower) = pair().await;
    let mut client = client_of(&follower).await;
    follower.hold();
    client.send(OpCode::Create, &create("/a", 0)).await;
    client.send(OpCode::Delete, &NoBody {}).await;
    settle().await;
    follower.release();
    assert_eq!(client.reply().await.unwrap().0.xid, Xid(1));
    let (header, _) = client.reply().await.unwrap();
    assert_eq!((header.xid, header.err), (Xid(2), ErrorCode::MarshallingError));
    assert_eq!(server.node_count(), 5);
}

fn children(path: &str) -> GetChildrenRequest {
    GetChildrenRequest { path: path.into(), watch: false }
}
