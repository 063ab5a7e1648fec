//! Frames that are none, and clients that do not read: they end their own connection at most.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use tokio::time::timeout;
use zk_client::{Client, CreateMode, ErrorCode};
use zk_proto::frame::{DEFAULT_MAX_FRAME, put_frame};
use zk_proto::message::{ConnectResponse, GetDataResponse, RequestHeader};
use zk_proto::{Encode, Xid};
use zk_test_kit::request::{create, create_ephemeral, exists, get};
use zk_test_kit::server::SESSION_TIMEOUT;
use zk_test_kit::{RawConnection, TestServer};

zk_test_kit::cases![
    an_impossible_length_ends_the_connection,
    the_longest_frame_is_read_and_one_byte_more_is_not,
    a_frame_without_room_for_a_header_ends_the_connection,
    a_client_that_hangs_up_within_a_frame_keeps_its_session,
    a_request_before_a_bad_frame_is_done,
    a_session_outlives_a_bad_frame_with_all_it_has,
    a_client_that_does_not_read_disturbs_nobody_and_loses_nothing,
];

async fn an_impossible_length_ends_the_connection(server: &TestServer) {
    for length in [-1, i32::MIN, MAX_FRAME + 1, i32::MAX, i32::from_be_bytes(*b"ruok")] {
        let mut stranger = server.raw().await;
        // As first bytes, these would be a four letter word.
        if length != i32::from_be_bytes(*b"ruok") {
            stranger.send_bytes(&length.to_be_bytes()).await;
            assert!(stranger.is_hung_up_on().await, "{length}");
        }
        let (mut raw, granted) = session(server).await;
        raw.send_bytes(&length.to_be_bytes()).await;
        assert!(raw.is_hung_up_on().await, "{length}");
        assert!(server.resumes(&granted).await, "{length}");
    }
    server.assert_serves().await;
}

async fn the_longest_frame_is_read_and_one_byte_more_is_not(server: &TestServer) {
    let (mut raw, _) = session(server).await;
    // What is behind the body does not matter, but for its length.
    let request = exists("/");
    let mut frame = BytesMut::new();
    put_frame(&mut frame, |out| {
        RequestHeader { xid: Xid(1), op: request.op_code().code() }.encode(out);
        request.encode(out);
        out.put_bytes(0xff, DEFAULT_MAX_FRAME - out.len() + 4);
    });
    assert_eq!(frame.len(), 4 + DEFAULT_MAX_FRAME);
    raw.send_bytes(&frame).await;
    assert_eq!(raw.reply().await.unwrap().header.err, ErrorCode::Ok);
    raw.send_bytes(&(MAX_FRAME + 1).to_be_bytes()).await;
    assert!(raw.is_hung_up_on().await);
    server.assert_serves().await;
}

async fn a_frame_without_room_for_a_header_ends_the_connection(server: &TestServer) {
    for length in 0..8_u8 {
        let (mut raw, granted) = session(server).await;
        let mut frame = vec![0, 0, 0, length];
        frame.extend(std::iter::repeat_n(1, length.into()));
        raw.send_bytes(&frame).await;
        assert!(raw.is_hung_up_on().await, "{length}");
        assert!(server.resumes(&granted).await, "{length}");
    }
    server.assert_serves().await;
}

async fn a_client_that_hangs_up_within_a_frame_keeps_its_session(server: &TestServer) {
    for part in [&[0, 0][..], &[0, 0, 1, 0], &[0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 3, 0]] {
        let (mut raw, granted) = session(server).await;
        raw.send_bytes(part).await;
        drop(raw);
        assert!(server.resumes(&granted).await);
    }
    for part in [&[0][..], &[0, 0, 0, 45], &[0, 0, 0, 45, 0, 0, 0, 0]] {
        let mut stranger = server.raw().await;
        stranger.send_bytes(part).await;
    }
    server.assert_serves().await;
}

async fn a_request_before_a_bad_frame_is_done(server: &TestServer) {
    let client = server.client().await;
    let (mut raw, _) = session(server).await;
    let request = create(&server.path("/a"));
    let mut out = BytesMut::new();
    put_frame(&mut out, |out| {
        RequestHeader { xid: Xid(1), op: request.op_code().code() }.encode(out);
        request.encode(out);
    });
    out.put_bytes(0xff, 64);
    raw.send_bytes(&out).await;
    // Its reply may still come, or not.
    raw.rest().await;
    assert!(client.exists("/a").await.unwrap().is_some());
    server.assert_serves().await;
}

async fn a_session_outlives_a_bad_frame_with_all_it_has(server: &TestServer) {
    let client = server.client().await;
    let (mut raw, granted) = session(server).await;
    raw.succeed(&create_ephemeral(&server.path("/mine"))).await;
    for _ in 0..3 {
        raw.send_bytes(&[0x80, 0, 0, 0]).await;
        assert!(raw.is_hung_up_on().await);
        let mut again = server.raw().await;
        let (id, passwd) = (granted.session_id, granted.passwd.clone());
        let resumed = again.resume_session(SESSION_TIMEOUT, id, passwd).await;
        assert_eq!(resumed.as_ref(), Some(&granted));
        let mine = client.exists("/mine").await.unwrap().unwrap();
        assert_eq!(mine.ephemeral_owner, granted.session_id);
        raw = again;
    }
}

async fn a_client_that_does_not_read_disturbs_nobody_and_loses_nothing(server: &TestServer) {
    let client = server.client().await;
    let data = vec![7_u8; 1_000_000];
    client.create("/large", data.clone()).await.unwrap();
    // A real server keeps all replies in memory, and has not much of it.
    let asked = if server.is_real() { 20 } else { 100 };
    let mut lazy = server.raw_session().await;
    let sent_before = sent(server).await;
    let requests: Vec<_> = (1..=asked).map(|xid| (xid, get(&server.path("/large")))).collect();
    lazy.send_all(&requests).await;
    timeout(Duration::from_secs(10), busy(&client)).await.expect("others have to wait");
    if server.embedded().is_some() {
        // No more than fits into the buffers on the way.
        let replies = sent(server).await - sent_before - BUSY;
        assert!(replies < asked / 2, "{replies} replies wait for a client that does not read");
    }
    for xid in 1..=asked {
        let reply = lazy.reply().await.unwrap();
        assert_eq!(reply.header.xid, Xid(xid));
        let read = reply.decode::<GetDataResponse>().data;
        assert!(read.is_some_and(|read| read == data), "other data came back");
    }
}

/// What a client does that is not to wait for others: [`BUSY`] requests.
async fn busy(client: &Client) {
    for round in 0..BUSY / 2 {
        let create = client.create("/n-", "").mode(CreateMode::PersistentSequential);
        create.await.unwrap();
        let children = client.children("/").await.unwrap();
        assert_eq!(children.len(), usize::try_from(round).unwrap() + 2);
    }
}

/// How many frames the server has sent, by its own account.
async fn sent(server: &TestServer) -> i32 {
    let srvr = server.four_letter_word("srvr").await;
    let sent = srvr.lines().find_map(|line| line.strip_prefix("Sent: "));
    sent.unwrap().parse().unwrap()
}

async fn session(server: &TestServer) -> (RawConnection, ConnectResponse) {
    let mut raw = server.raw().await;
    let granted = raw.open_session(SESSION_TIMEOUT).await;
    (raw, granted)
}

const BUSY: i32 = 100;
const MAX_FRAME: i32 = 0xf_ffff;
