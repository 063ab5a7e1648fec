use bytes::{BufMut, BytesMut};
use zk_proto::frame::put_frame;
use zk_proto::message::{GetDataResponse, NoBody, ReplyHeader};
use zk_proto::{Encode, ErrorCode, EventType, Xid, Zxid};

use super::fixture::{Desk, T, create, get, watched_get};
use crate::error::Violation;
use crate::session::{Table, Trouble};

/// A reply of 5,000 bytes, which is over the limit.
fn long(xid: i32, err: ErrorCode) -> BytesMut {
    let mut wire = BytesMut::new();
    put_frame(&mut wire, |out| {
        let start = out.len();
        ReplyHeader { xid: Xid(xid), zxid: Zxid(0x500), err }.encode(out);
        out.put_bytes(0xff, 5000 - (out.len() - start));
    });
    wire
}

const TOO_LARGE: &str = "huge: ReplyTooLarge { length: 5000, limit: 4096 }";

#[test]
fn a_reply_that_is_too_large_fails_its_request_alone_wherever_it_is_cut() {
    let mut wire = long(1, ErrorCode::Ok);
    put_frame(&mut wire, |out| {
        ReplyHeader { xid: Xid(2), ..ReplyHeader::default() }.encode(out);
        GetDataResponse::default().encode(out);
    });
    for cut in [1, 4, 19, 20, 21, 3000, 5003, 5004, 5005, wire.len() - 1] {
        let mut desk = Desk::serving();
        desk.submit("huge", get("/huge"));
        desk.submit("read", get("/a"));
        desk.taken();
        let mut buffer = BytesMut::from(&wire[..cut]);
        desk.session.handle_bytes(desk.now, &mut buffer);
        assert!(buffer.len() < 100, "cut at {cut}, {} bytes are kept", buffer.len());
        buffer.put_slice(&wire[cut..]);
        desk.session.handle_bytes(desk.now, &mut buffer);
        assert_eq!(desk.outputs(), [TOO_LARGE, "read: ok"], "cut at {cut}");
        assert!(buffer.is_empty());
    }
}

#[test]
fn a_write_whose_reply_is_too_large_is_a_proof_of_what_was_seen() {
    let mut desk = Desk::serving();
    desk.submit("huge", create("/huge"));
    desk.taken();
    desk.receive_bytes(&long(1, ErrorCode::Ok));
    assert_eq!(desk.outputs(), [TOO_LARGE]);
    desk.disconnect();
    assert_eq!(desk.shake_hands().last_zxid_seen, Zxid(0x500));
}

#[test]
fn a_refusal_is_told_however_long_it_is() {
    let mut desk = Desk::serving();
    desk.submit("huge", get("/huge"));
    desk.taken();
    desk.receive_bytes(&long(1, ErrorCode::NoAuth));
    assert_eq!(desk.outputs(), ["huge: Server(NoAuth)"]);
}

#[test]
fn the_watch_of_a_reply_that_is_too_large_is_set_and_can_be_forgotten() {
    let mut desk = Desk::serving();
    desk.watch("huge", watched_get("/huge"));
    desk.watch("gone", watched_get("/gone"));
    desk.taken();
    desk.receive_bytes(&long(1, ErrorCode::Ok));
    desk.receive_bytes(&long(2, ErrorCode::Ok));
    desk.outputs();
    desk.event(1, EventType::NodeDataChanged, "/huge");
    assert_eq!(desk.outputs(), ["huge hears NodeDataChanged /huge"]);
    desk.forget("/gone", Table::Data);
    assert_eq!(desk.sent().len(), 1, "the server is asked to remove it");
}

#[test]
fn the_end_of_a_request_that_is_overdue_is_dropped_too() {
    let mut desk = Desk::serving();
    desk.submit("huge", get("/huge"));
    desk.taken();
    desk.after(super::fixture::DEADLINE);
    desk.submit("read", get("/a"));
    desk.taken();
    desk.receive_bytes(&long(1, ErrorCode::Ok));
    desk.reply(2, &GetDataResponse::default());
    assert_eq!(desk.outputs(), ["read: ok"]);
}

#[test]
fn a_close_is_confirmed_by_a_reply_of_any_length() {
    let mut desk = Desk::serving();
    desk.close("close");
    desk.taken();
    desk.receive_bytes(&long(1, ErrorCode::Ok));
    assert_eq!(desk.outputs(), ["close: ok", "hang up", "closed"]);
}

#[test]
fn deadlines_and_heartbeats_go_on_while_a_reply_is_dropped_and_silence_ends_it() {
    let mut desk = Desk::serving();
    desk.submit("huge", get("/huge"));
    desk.taken();
    desk.receive_bytes(&long(1, ErrorCode::Ok)[..100]);
    desk.submit("read", get("/a"));
    assert_eq!(desk.outputs(), [TOO_LARGE]);
    assert_eq!(desk.after(super::fixture::DEADLINE), ["read: Timeout(Unknown)"]);
    desk.taken();
    desk.after(T / 3);
    assert!(!desk.taken().is_empty(), "a ping");
    desk.receive_bytes(&[0; 100]);
    assert_eq!(desk.after(T / 3), ["hang up", "disconnected"], "it never became whole");
    desk.connect();
    desk.submit("next", get("/a"));
    desk.taken();
    desk.reply(3, &GetDataResponse::default());
    assert_eq!(desk.outputs(), ["next: ok"]);
}

/// What begins with these bytes is no reply to the read in flight that could be dropped.
#[track_caller]
fn check(begin: &[u8], outputs: &[&str], violation: &Violation) {
    let mut desk = Desk::serving();
    desk.submit("read", get("/a"));
    desk.taken();
    desk.submit("unsent", create("/a"));
    desk.receive_bytes(begin);
    assert_eq!(desk.outputs(), outputs);
    let Some(Trouble::Violation(seen)) = desk.session.last_trouble() else {
        panic!("no violation");
    };
    assert_eq!(seen, violation);
    desk.connect();
    let again = desk.sent();
    assert_eq!(again.last().map(|(_, request)| request), Some(&create("/a")));
}

#[test]
fn a_length_that_no_reply_has_breaks_the_connection_and_fails_the_oldest_request() {
    for (begin, length) in [(b"HTTP", 0x4854_5450), (b"\x15\x03\x03\0", 0x1503_0300)] {
        check(
            begin,
            &[
                &format!("read: ReplyTooLarge {{ length: {length}, limit: 4096 }}"),
                "hang up",
                "disconnected",
            ],
            &Violation::FrameTooLong { length, limit: 4096 },
        );
    }
}

#[test]
fn a_long_frame_that_answers_something_else_breaks_the_connection() {
    let ended = ["hang up", "disconnected"];
    let violation = Violation::UnexpectedXid { got: Xid(2), expected: Some(Xid(1)) };
    check(&long(2, ErrorCode::Ok), &ended, &violation);
    for special in [Xid::NOTIFICATION, Xid::PING, Xid::AUTH] {
        let violation = Violation::FrameTooLong { length: 5000, limit: 4096 };
        check(&long(special.0, ErrorCode::Ok), &ended, &violation);
    }
}

#[test]
fn a_long_reply_cannot_be_the_answer_to_what_was_not_sent() {
    let mut desk = Desk::serving();
    desk.submit("unsent", create("/a"));
    desk.receive_bytes(&long(1, ErrorCode::Ok));
    assert_eq!(desk.outputs(), ["hang up", "disconnected"]);
    desk.connect();
    assert_eq!(desk.sent()[0].1, create("/a"));
    desk.reply(2, &NoBody {});
    assert_eq!(desk.outputs(), ["unsent: ok"]);
}
