//! What a server does with bytes that are no requests, or too many.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod client;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use client::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use zk_proto::frame::{DEFAULT_MAX_FRAME, put_frame};
use zk_proto::message::{CreateRequest, GetDataRequest, GetDataResponse, RequestHeader};
use zk_proto::{Acl, Decode, Encode, ErrorCode, OpCode, Xid};
use zk_server_lite::Server;

async fn memory_server() -> Server {
    Server::builder().memory_only().start().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_frame_end_the_connection_and_leave_the_session() {
    for nonsense in [
        &[0xff, 0xff, 0xff, 0xff][..],
        &[0x80, 0, 0, 0],
        &[0x7f, 0xff, 0xff, 0xff],
        &[0, 0, 0, 0],
        &[0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7],
        b"ruok",
    ] {
        let server = memory_server().await;
        let mut client = Client::memory(&server).await;
        client.stream.write_all(nonsense).await.unwrap();
        assert!(client.is_closed().await, "{nonsense:?}");
        assert_eq!((server.connection_count(), server.session_count()), (0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn garbage_before_a_session_ends_the_connection() {
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 4], &[0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0]]
    {
        let server = memory_server().await;
        let mut client = Client::raw(server.memory().connect().await.unwrap());
        client.stream.write_all(garbage).await.unwrap();
        assert!(client.is_closed().await, "{garbage:?}");
        assert_eq!(server.connection_count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_breaks_off_is_never_acted_upon() {
    let server = memory_server().await;
    let mut client = Client::memory(&server).await;
    let mut out = BytesMut::new();
    put_frame(&mut out, |out| request(1, OpCode::Create, &create("/a", b"x"), out));
    client.stream.write_all(&out[..out.len() - 1]).await.unwrap();
    client.stream.shutdown().await.unwrap();
    assert!(client.is_closed().await);
    assert_eq!((server.node_count(), server.session_count()), (4, 1));
}

#[tokio::test(start_paused = true)]
async fn a_frame_may_arrive_byte_by_byte() {
    let server = memory_server().await;
    let mut client = Client::memory(&server).await;
    let mut out = BytesMut::new();
    put_frame(&mut out, |out| request(1, OpCode::Create, &create("/a", b"x"), out));
    for byte in out {
        client.stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(client.reply().await.unwrap().0.err, ErrorCode::Ok);
    assert_eq!(server.node_count(), 5);
}

#[tokio::test(start_paused = true)]
async fn the_longest_frame_is_accepted_and_one_byte_more_is_not() {
    for (limit, server) in [
        (DEFAULT_MAX_FRAME, Server::builder().memory_only()),
        (1000, Server::builder().memory_only().max_frame(1000)),
    ] {
        let server = server.start().await.unwrap();
        let mut client = Client::memory(&server).await;
        let mut empty = BytesMut::new();
        request(1, OpCode::Create, &create("/a", b""), &mut empty);
        let data = vec![7; limit - empty.len()];
        client.create("/a", &data, 0).await.unwrap();
        let one_more = u32::try_from(limit + 1).unwrap();
        client.stream.write_all(&one_more.to_be_bytes()).await.unwrap();
        assert!(client.is_closed().await);
        assert_eq!((server.node_count(), server.session_count()), (5, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_not_read_from_and_loses_nothing() {
    let server = memory_server().await;
    let mut client = Client::memory(&server).await;
    client.create("/big", &vec![7; 1_000_000], 0).await.unwrap();

    // 20,000 requests are 460 KB, and their answers 20 GB.
    let mut out = BytesMut::new();
    for xid in 0..20_000 {
        put_frame(&mut out, |out| request(xid, OpCode::GetData, &get_data("/big"), out));
    }
    let whole = timeout(Duration::from_secs(3), client.stream.write_all(&out)).await;
    assert!(whole.is_err(), "the server has taken requests without end");
    let served = requests_served(&server).await;
    assert!(served < 10, "{served} answers of a megabyte wait in memory");

    for xid in 0..50 {
        let (header, mut body) = client.reply().await.unwrap();
        assert_eq!((header.xid, header.err), (Xid(xid), ErrorCode::Ok));
        let response = GetDataResponse::decode(&mut body).unwrap();
        assert_eq!(response.data.unwrap().len(), 1_000_000);
        let served = requests_served(&server).await;
        assert!(served < xid + 10, "{served} requests served, {xid} answers read");
    }
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_does_not_read_its_events_is_cut_off_and_keeps_its_session() {
    let server = memory_server().await;
    let (mut writer, mut watcher) = (Client::memory(&server).await, Client::memory(&server).await);
    // Events of 200 KB each, because that is how long the paths are.
    let long = "x".repeat(200_000);
    for number in 0..25 {
        let absent = watcher.exists(&format!("/{number}{long}"), true).await.unwrap_err();
        assert_eq!(absent, ErrorCode::NoNode);
    }
    for number in 0..25 {
        writer.create(&format!("/{number}{long}"), b"", 0).await.unwrap();
    }
    assert_eq!((server.connection_count(), server.session_count()), (1, 2));
    assert_eq!(server.watch_count(), 0);
    let mut rest = Vec::new();
    watcher.stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.len() < 4 * 1024 * 1024);
}

#[tokio::test(start_paused = true)]
async fn requests_that_arrive_together_are_answered_in_their_order() {
    let server = memory_server().await;
    let mut client = Client::memory(&server).await;
    let mut out = BytesMut::new();
    for xid in 0..500 {
        let path = format!("/{xid}");
        put_frame(&mut out, |out| request(xid, OpCode::Create, &create(&path, b"x"), out));
    }
    client.stream.write_all(&out).await.unwrap();
    for xid in 0..500 {
        assert_eq!(client.reply().await.unwrap().0.xid, Xid(xid));
    }
    assert_eq!(server.node_count(), 504);
}

async fn requests_served(server: &Server) -> i32 {
    let mut stream = server.memory().connect().await.unwrap();
    stream.write_all(b"srvr").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let line = answer.lines().find_map(|line| line.strip_prefix("Sent: ")).unwrap();
    line.parse().unwrap()
}

fn request(xid: i32, op: OpCode, body: &impl Encode, out: &mut BytesMut) {
    RequestHeader { xid: Xid(xid), op: op.code() }.encode(out);
    body.encode(out);
}

fn create(path: &str, data: &[u8]) -> CreateRequest {
    CreateRequest {
        path: path.into(),
        data: Some(Bytes::copy_from_slice(data)),
        acl: Some(Acl::open()),
        flags: 0,
    }
}

fn get_data(path: &str) -> GetDataRequest {
    GetDataRequest { path: path.into(), watch: false }
}
