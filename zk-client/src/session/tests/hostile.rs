use bytes::{BufMut, BytesMut};
use zk_proto::message::{GetDataResponse, NoBody};
use zk_proto::{SessionId, Xid};

use super::fixture::{Desk, ID, T, create, get};
use crate::error::Violation;
use crate::session::Trouble;

/// Requests in flight when the server breaks the protocol: the connection ends, the session does
/// not, and the requests fare as with any lost connection.
#[track_caller]
fn check(break_it: impl FnOnce(&mut Desk), expected: impl FnOnce(&Violation) -> bool) {
    let mut desk = Desk::serving();
    desk.submit("read", get("/a"));
    desk.submit("write", create("/a"));
    desk.taken();
    break_it(&mut desk);
    assert_eq!(desk.outputs(), ["hang up", "write: ConnectionLoss(Unknown)", "disconnected"]);
    match desk.session.last_trouble() {
        Some(Trouble::Violation(violation)) if expected(violation) => {}
        trouble => panic!("{trouble:?}"),
    }
    desk.connect();
    assert_eq!(desk.sent()[0].1, get("/a"));
    desk.reply(3, &GetDataResponse::default());
    assert_eq!(desk.outputs(), ["read: ok"]);
}

#[test]
fn a_reply_to_another_request_than_the_oldest_breaks_the_connection() {
    check(
        |desk| desk.reply(2, &NoBody {}),
        |violation| *violation == Violation::UnexpectedXid { got: Xid(2), expected: Some(Xid(1)) },
    );
}

#[test]
fn a_wrong_reply_does_not_move_what_was_seen() {
    let mut desk = Desk::serving();
    desk.reply(9, &NoBody {});
    assert_eq!(desk.shake_hands().last_zxid_seen.0, 0);
}

#[test]
fn a_reply_to_nothing_breaks_the_connection() {
    let mut desk = Desk::serving();
    desk.reply(1, &NoBody {});
    assert_eq!(desk.outputs(), ["hang up", "disconnected"]);
}

#[test]
fn a_reply_to_what_was_not_sent_breaks_the_connection() {
    let mut desk = Desk::serving();
    desk.submit("unsent", create("/a"));
    desk.reply(1, &NoBody {});
    assert_eq!(desk.outputs(), ["hang up", "disconnected"]);
    desk.connect();
    assert_eq!(desk.sent()[0].1, create("/a"));
}

#[test]
fn a_pong_without_a_ping_breaks_the_connection() {
    check(Desk::pong, |violation| {
        matches!(violation, Violation::UnexpectedXid { got: Xid::PING, expected: None })
    });
}

#[test]
fn a_header_that_is_cut_short_breaks_the_connection() {
    check(
        |desk| desk.receive(|out| out.put_i32(1)),
        |violation| matches!(violation, Violation::Undecodable(_)),
    );
}

#[test]
fn an_event_that_cannot_be_read_breaks_the_connection() {
    check(
        |desk| {
            desk.receive(|out| {
                out.put_i32(-1);
                out.put_i64(1);
                out.put_i32(0);
                out.put_i32(77);
            });
        },
        |violation| matches!(violation, Violation::Undecodable(_)),
    );
}

#[test]
fn a_frame_of_negative_length_breaks_the_connection() {
    check(
        |desk| desk.receive_bytes(&[0xff; 4]),
        |violation| *violation == Violation::NegativeFrame,
    );
}

#[test]
fn an_empty_frame_breaks_the_connection() {
    check(|desk| desk.receive(|_| ()), |violation| matches!(violation, Violation::Undecodable(_)));
}

#[test]
fn an_event_that_nobody_waits_for_is_no_fault() {
    let mut desk = Desk::serving();
    desk.event(1, zk_proto::EventType::NodeDeleted, "/nobody");
    assert!(desk.outputs().is_empty());
    desk.event(1, zk_proto::EventType::None, "");
    assert!(desk.outputs().is_empty());
}

#[test]
fn another_session_than_the_one_asked_for_is_not_taken() {
    let mut desk = Desk::serving();
    desk.disconnect();
    desk.shake_hands();
    desk.grant(SessionId(0x78), T);
    assert_eq!(desk.outputs(), ["hang up"]);
    assert_eq!(desk.session.id(), ID);
    assert_eq!(desk.shake_hands().session_id, ID);
}

#[test]
fn a_new_session_that_is_refused_is_asked_for_again() {
    let mut desk = Desk::new();
    desk.shake_hands();
    desk.grant(SessionId::NONE, std::time::Duration::ZERO);
    assert_eq!(desk.outputs(), ["hang up"]);
    assert_eq!(desk.connect().session_id, SessionId::NONE);
    assert_eq!(desk.session.id(), ID);
}

#[test]
fn a_handshake_that_cannot_be_read_or_is_too_long_is_given_up() {
    let mut long = BytesMut::new();
    long.put_i32(i32::MAX);
    let mut short = BytesMut::new();
    short.put_i32(3);
    short.put_bytes(0, 3);
    for answer in [long, short] {
        let mut desk = Desk::new();
        desk.submit("waits", create("/a"));
        desk.shake_hands();
        desk.receive_bytes(&answer);
        assert_eq!(desk.outputs(), ["hang up"]);
        desk.connect();
        assert_eq!(desk.sent().len(), 1);
    }
}

#[test]
fn bytes_behind_a_broken_frame_are_not_looked_at() {
    let mut desk = Desk::serving();
    let mut wire = BytesMut::from(&[0xff; 4][..]);
    wire.extend_from_slice(&[0; 100]);
    desk.session.handle_bytes(desk.now, &mut wire);
    assert_eq!(desk.outputs(), ["hang up", "disconnected"]);
    desk.session.handle_bytes(desk.now, &mut wire);
    assert!(desk.outputs().is_empty());
}
