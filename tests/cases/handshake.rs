//! The first frame of a connection: what sessions are granted, taken over and refused.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::time::Instant;
use zk_client::{ErrorCode, SessionId, Zxid};
use zk_proto::frame::put_frame;
use zk_proto::jute::Reader;
use zk_proto::message::{ConnectRequest, ConnectResponse};
use zk_proto::{Decode, Password};
use zk_test_kit::request::{close_session, create_ephemeral, exists, ping};
use zk_test_kit::server::SESSION_TIMEOUT;
use zk_test_kit::{RawConnection, TestServer};

zk_test_kit::cases![
    sessions_differ_and_can_be_taken_up_again,
    an_id_begins_with_the_number_of_its_server_and_the_password_follows_from_it,
    the_right_password_takes_over_and_ends_the_old_connection,
    a_wrong_password_is_refused_and_ends_the_rightful_connection_all_the_same,
    a_session_that_is_unknown_or_closed_is_refused,
    timeouts_are_clamped_at_both_ends,
    a_session_taken_up_again_may_get_another_timeout,
    the_version_and_the_password_of_a_new_session_do_not_matter,
    a_client_that_has_seen_more_than_the_server_is_hung_up_on,
    garbage_instead_of_a_handshake_is_hung_up_on;
    in virtual time: [a_client_that_says_nothing_is_hung_up_on_after_ten_seconds];
    since [(3, 8, 0), (3, 9, 3)]: [the_read_only_byte_comes_back_only_to_those_who_sent_it];
];

async fn sessions_differ_and_can_be_taken_up_again(server: &TestServer) {
    let (first, granted) = session(server).await;
    let (_second, other) = session(server).await;
    assert_ne!(granted.session_id, other.session_id);
    assert_ne!(granted.passwd, other.passwd);
    assert_eq!(granted.passwd.as_bytes().len(), Password::LENGTH);
    assert_ne!(granted.passwd, Password::NONE);
    drop(first);
    let mut again = server.raw().await;
    assert_eq!(resume(&mut again, &granted).await, granted);
    again.succeed(&ping()).await;
}

async fn an_id_begins_with_the_number_of_its_server_and_the_password_follows_from_it(
    server: &TestServer,
) {
    for _ in 0..3 {
        let (_raw, granted) = session(server).await;
        let SessionId(id) = granted.session_id;
        assert_eq!(id >> 56, 1, "{id:#x}");
        assert_eq!(granted.passwd.as_bytes(), java_random_bytes(id ^ 0xb341_5c00), "{id:#x}");
    }
}

/// The first 16 bytes of `java.util.Random` with a seed.
fn java_random_bytes(seed: i64) -> [u8; 16] {
    const MULTIPLIER: u64 = 0x5_deec_e66d;
    const MASK: u64 = (1 << 48) - 1;
    let mut state = (seed.cast_unsigned() ^ MULTIPLIER) & MASK;
    let mut bytes = [0; 16];
    for word in bytes.chunks_exact_mut(4) {
        state = state.wrapping_mul(MULTIPLIER).wrapping_add(0xb) & MASK;
        word.copy_from_slice(&u32::try_from(state >> 16).unwrap().to_le_bytes());
    }
    bytes
}

async fn the_right_password_takes_over_and_ends_the_old_connection(server: &TestServer) {
    let (mut old, granted) = session(server).await;
    let path = server.path("/mine");
    old.succeed(&create_ephemeral(&path)).await;
    let mut new = server.raw().await;
    assert_eq!(resume(&mut new, &granted).await, granted);
    assert!(old.is_hung_up_on().await);
    new.succeed(&exists(&path)).await;
    new.succeed(&close_session()).await;
    let (mut other, _) = session(server).await;
    assert_eq!(other.ask(1, &exists(&path)).await.header.err, ErrorCode::NoNode);
}

async fn a_wrong_password_is_refused_and_ends_the_rightful_connection_all_the_same(
    server: &TestServer,
) {
    let (mut rightful, granted) = session(server).await;
    let path = server.path("/mine");
    rightful.succeed(&create_ephemeral(&path)).await;
    let wrong = ConnectResponse { passwd: Password::new([7; 16]), ..granted.clone() };
    let mut intruder = server.raw().await;
    assert_refused(resume(&mut intruder, &wrong).await);
    assert!(intruder.is_hung_up_on().await);
    assert!(rightful.is_hung_up_on().await);
    // The session has not suffered.
    let mut again = server.raw().await;
    assert_eq!(resume(&mut again, &granted).await, granted);
    again.succeed(&exists(&path)).await;
}

async fn a_session_that_is_unknown_or_closed_is_refused(server: &TestServer) {
    let (mut raw, granted) = session(server).await;
    let unknown = ConnectResponse { session_id: SessionId(0x1234_5678), ..granted.clone() };
    let mut stranger = server.raw().await;
    assert_refused(resume(&mut stranger, &unknown).await);
    assert!(stranger.is_hung_up_on().await);

    raw.succeed(&close_session()).await;
    assert!(raw.is_hung_up_on().await);
    let mut late = server.raw().await;
    assert_refused(resume(&mut late, &granted).await);
    assert!(late.is_hung_up_on().await);
}

async fn timeouts_are_clamped_at_both_ends(server: &TestServer) {
    // Two ticks and twenty.
    for (wanted, expected) in [
        (i32::MIN, 400),
        (-1, 400),
        (0, 400),
        (399, 400),
        (400, 400),
        (1234, 1234),
        (4000, 4000),
        (4001, 4000),
        (i32::MAX, 4000),
    ] {
        let mut raw = server.raw().await;
        let request = ConnectRequest { timeout: wanted, ..ConnectRequest::default() };
        let granted = raw.handshake(request).await.unwrap();
        assert_eq!(granted.timeout, expected, "{wanted}");
    }
}

async fn a_session_taken_up_again_may_get_another_timeout(server: &TestServer) {
    let (_raw, granted) = session(server).await;
    for (wanted, expected) in [(1000, 1000), (3000, 3000), (0, 400), (60_000, 4000)] {
        let mut again = server.raw().await;
        let (id, passwd) = (granted.session_id, granted.passwd.clone());
        let wanted = Duration::from_millis(wanted);
        let resumed = again.resume_session(wanted, id, passwd).await.unwrap();
        assert_eq!(resumed, ConnectResponse { timeout: expected, ..granted.clone() });
    }
}

/// 3.9.0 to 3.9.2 always sent it.
async fn the_read_only_byte_comes_back_only_to_those_who_sent_it(server: &TestServer) {
    for (read_only, length, expected) in
        [(None, 36, None), (Some(false), 37, Some(false)), (Some(true), 37, Some(false))]
    {
        for (session_id, timeout) in [(SessionId::NONE, 4000), (SessionId(0x1234_5678), 0)] {
            let mut raw = server.raw().await;
            let request = ConnectRequest {
                timeout: 4000,
                session_id,
                read_only,
                ..ConnectRequest::default()
            };
            raw.send_frame(&request).await;
            let frame = raw.frame().await.unwrap();
            assert_eq!(frame.len(), length);
            let granted = decode(frame);
            assert_eq!((granted.timeout, granted.read_only), (timeout, expected));
        }
    }
}

async fn the_version_and_the_password_of_a_new_session_do_not_matter(server: &TestServer) {
    for version in [0, 1, 5, -1] {
        for password in [None, Some(&[][..]), Some(&[1, 2, 3]), Some(&[9; 16]), Some(&[9; 64])] {
            let mut raw = server.raw().await;
            raw.send_bytes(&connect_frame(version, 4000, password)).await;
            let granted = decode(raw.frame().await.unwrap());
            assert_eq!((granted.protocol_version, granted.timeout), (0, 4000));
            raw.succeed(&ping()).await;
        }
    }
}

async fn a_client_that_has_seen_more_than_the_server_is_hung_up_on(server: &TestServer) {
    let (mut raw, granted) = session(server).await;
    for (session_id, passwd) in [
        (SessionId::NONE, Password::NONE),
        (granted.session_id, granted.passwd.clone()),
        (granted.session_id, Password::NONE),
    ] {
        let mut ahead = server.raw().await;
        let request = ConnectRequest {
            last_zxid_seen: Zxid(i64::MAX),
            timeout: 4000,
            session_id,
            passwd,
            ..ConnectRequest::default()
        };
        assert_eq!(ahead.handshake(request).await, None);
    }
    // The session's own connection was left alone.
    let last = raw.succeed(&ping()).await.header.zxid;
    let mut level = server.raw().await;
    let request = ConnectRequest { last_zxid_seen: last, ..ConnectRequest::default() };
    assert!(level.handshake(request).await.is_some());
}

async fn garbage_instead_of_a_handshake_is_hung_up_on(server: &TestServer) {
    let mut huge_password = connect_frame(0, 4000, Some(&[1; 16]));
    huge_password[28..32].copy_from_slice(&i32::MAX.to_be_bytes());
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        &[0; 4],
        &[0, 0, 0, 3, 1, 2, 3],
        &[0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &huge_password,
    ] {
        let mut raw = server.raw().await;
        raw.send_bytes(garbage).await;
        assert!(raw.is_hung_up_on().await, "{garbage:?}");
    }
    // Nothing but ones can be read: a session that nobody knows.
    let mut raw = server.raw().await;
    raw.send_bytes(&[0, 0, 0, 44]).await;
    raw.send_bytes(&[0xff; 44]).await;
    let refused = decode(raw.frame().await.unwrap());
    assert_eq!((refused.timeout, refused.session_id), (0, SessionId::NONE));
    server.assert_serves().await;
}

/// Nobody wants to wait for so long in real time.
async fn a_client_that_says_nothing_is_hung_up_on_after_ten_seconds(server: &TestServer) {
    for said in [&[][..], &[0, 0], &[0, 0, 0, 44], &[0, 0, 0, 44, 0, 0, 0, 0, 0]] {
        let mut raw = server.raw().await;
        let begun = Instant::now();
        raw.send_bytes(said).await;
        assert!(raw.rest().await.is_empty());
        let waited = begun.elapsed();
        assert!(
            waited >= Duration::from_secs(10) && waited < Duration::from_secs(11),
            "{waited:?}"
        );
    }
    server.assert_serves().await;
}

async fn session(server: &TestServer) -> (RawConnection, ConnectResponse) {
    let mut raw = server.raw().await;
    let granted = raw.open_session(SESSION_TIMEOUT).await;
    assert_eq!(u128::try_from(granted.timeout).unwrap(), SESSION_TIMEOUT.as_millis());
    (raw, granted)
}

async fn resume(raw: &mut RawConnection, granted: &ConnectResponse) -> ConnectResponse {
    let (id, passwd) = (granted.session_id, granted.passwd.clone());
    raw.resume_session(SESSION_TIMEOUT, id, passwd).await.expect("the server hangs up")
}

fn assert_refused(response: ConnectResponse) {
    let refusal = ConnectResponse { read_only: Some(false), ..ConnectResponse::default() };
    assert_eq!(response, refusal);
    assert_eq!((response.timeout, response.passwd.as_bytes()), (0, &[0; 16][..]));
}

/// A `ConnectRequest` of a new session, with any password.
fn connect_frame(version: i32, timeout: i32, password: Option<&[u8]>) -> BytesMut {
    let mut out = BytesMut::new();
    put_frame(&mut out, |out| {
        out.put_i32(version);
        out.put_i64(0);
        out.put_i32(timeout);
        out.put_i64(0);
        out.put_i32(password.map_or(-1, |password| i32::try_from(password.len()).unwrap()));
        out.put_slice(password.unwrap_or_default());
        out.put_u8(0);
    });
    out
}

fn decode(frame: Bytes) -> ConnectResponse {
    ConnectResponse::decode(&mut Reader::new(frame)).unwrap()
}
