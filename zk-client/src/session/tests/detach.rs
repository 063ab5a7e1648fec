//! A session that is left to somebody else, and one that was.

use std::time::Duration;

use zk_proto::message::{GetDataResponse, NoBody};
use zk_proto::{OpCode, Password, SessionId, Zxid};

use super::fixture::{DEADLINE, Desk, ID, T, create, get, options};
use crate::options::ExpiryPolicy;
use crate::saved_session::SavedSession;
use crate::session::{SessionOptions, SubmitError};

fn detach(desk: &mut Desk) {
    desk.session.detach(desk.now, "detach").unwrap();
}

fn resuming(on_expiry: ExpiryPolicy) -> Desk {
    let mut desk = Desk::with(SessionOptions { on_expiry, ..options() }, 3);
    desk.session.resume(SavedSession::new(ID, [9; 16], Zxid(0x500)));
    desk
}

#[test]
fn a_session_is_left_as_soon_as_everything_is_answered() {
    let mut desk = Desk::serving();
    desk.submit("a", create("/a"));
    detach(&mut desk);
    assert_eq!(desk.try_submit("b", get("/b")), Err(SubmitError::Closed));
    assert_eq!(desk.sent_ops(), [OpCode::Create2], "and no close");
    assert!(desk.outputs().is_empty());
    desk.reply(1, &NoBody {});
    assert_eq!(desk.outputs(), ["a: ok", "detach: ok"]);
    assert_eq!(desk.session.leave(), Ok(SavedSession::new(ID, [7; 16], Zxid(0x100))));
    assert_eq!(desk.outputs(), ["hang up", "closed"]);
    assert!(desk.is_finished() && desk.taken().is_empty());
    assert_eq!(desk.session.leave(), Err(SubmitError::Closed), "it is left once");
}

#[test]
fn without_anything_to_wait_for_a_session_is_left_at_once() {
    for connected in [true, false] {
        let mut desk = Desk::serving();
        if !connected {
            desk.disconnect();
            desk.outputs();
        }
        detach(&mut desk);
        assert_eq!(desk.outputs(), ["detach: ok"]);
        assert!(desk.session.leave().is_ok());
        assert_eq!(desk.outputs().last().unwrap(), "closed");
    }
}

#[test]
fn a_session_is_left_when_the_last_deadline_has_passed() {
    let mut desk = Desk::serving();
    desk.submit("a", create("/a"));
    desk.taken();
    desk.after(Duration::from_secs(1));
    detach(&mut desk);
    assert_eq!(
        desk.after(DEADLINE - Duration::from_secs(1)),
        ["a: Timeout(Unknown)", "detach: ok"]
    );
}

#[test]
fn a_read_is_repeated_on_the_next_connection_before_the_session_is_left() {
    let mut desk = Desk::serving();
    desk.submit("read", get("/a"));
    desk.submit("write", create("/a"));
    detach(&mut desk);
    desk.taken();
    desk.disconnect();
    assert_eq!(desk.outputs(), ["write: ConnectionLoss(Unknown)", "disconnected"]);
    desk.connect();
    desk.taken();
    desk.reply(3, &GetDataResponse::default());
    assert_eq!(desk.outputs(), ["read: ok", "detach: ok"]);
}

#[test]
fn a_session_that_turns_out_to_be_over_cannot_be_left() {
    for on_expiry in [ExpiryPolicy::Fail, ExpiryPolicy::NewSession] {
        let mut desk = Desk::with(SessionOptions { on_expiry, ..options() }, 1);
        desk.connect();
        desk.submit("a", get("/a"));
        detach(&mut desk);
        desk.disconnect();
        let outputs = ["hang up", "a: SessionExpired", "detach: SessionExpired", "expired"];
        assert_eq!(desk.refuse_session(), outputs);
    }
    let mut desk = Desk::new();
    assert_eq!(desk.session.detach(desk.now, "detach"), Err(SubmitError::Expired));
}

#[test]
fn a_session_that_nobody_waits_to_take_over_is_closed() {
    let mut desk = Desk::serving();
    desk.submit("a", get("/a"));
    desk.session.detach(desk.now, "gone detach").unwrap();
    desk.taken();
    desk.reply(1, &GetDataResponse::default());
    assert_eq!(desk.outputs(), ["a: ok"]);
    assert_eq!(desk.sent_ops(), [OpCode::CloseSession]);
    desk.reply(2, &NoBody {});
    assert_eq!(desk.outputs(), ["hang up", "closed"]);
}

#[test]
fn a_session_is_closed_when_whoever_was_to_leave_it_goes_before_they_have() {
    for answered in [true, false] {
        let mut desk = Desk::serving();
        if !answered {
            desk.submit("a", get("/a"));
        }
        detach(&mut desk);
        desk.outputs();
        assert_eq!(desk.session.leave().is_err(), !answered);
        if answered {
            desk.outputs();
            desk.session.not_left(desk.now);
            assert!(desk.is_finished() && desk.taken().is_empty(), "it is left");
            continue;
        }
        desk.session.not_left(desk.now);
        assert_eq!(desk.sent_ops(), [OpCode::GetData, OpCode::CloseSession]);
    }
    let mut desk = Desk::serving();
    detach(&mut desk);
    assert_eq!(desk.outputs(), ["detach: ok"]);
    desk.session.not_left(desk.now);
    assert_eq!(desk.sent_ops(), [OpCode::CloseSession]);
    assert_eq!(desk.session.leave(), Err(SubmitError::Closed));
}

#[test]
fn a_session_that_is_about_to_be_left_lives_until_it_is_and_can_be_closed() {
    let mut desk = Desk::serving();
    detach(&mut desk);
    assert_eq!(desk.outputs(), ["detach: ok"]);
    desk.after(T / 3);
    assert_eq!(desk.taken().len(), 12, "a ping");
    desk.disconnect();
    desk.connect();
    assert_eq!(desk.try_submit("b", get("/b")), Err(SubmitError::Closed));
    desk.close("close");
    assert_eq!(desk.sent_ops(), [OpCode::CloseSession]);
    assert_eq!(desk.session.leave(), Err(SubmitError::Closed));

    let mut desk = Desk::serving();
    desk.submit("a", get("/a"));
    detach(&mut desk);
    desk.close("close");
    assert_eq!(desk.outputs(), ["detach: Closed"]);
}

#[test]
fn a_resumed_session_asks_for_itself_and_for_a_server_that_has_seen_as_much() {
    let mut desk = resuming(ExpiryPolicy::Fail);
    desk.submit("a", get("/a"));
    let request = desk.shake_hands();
    assert_eq!((request.session_id, request.last_zxid_seen), (ID, Zxid(0x500)));
    assert_eq!(request.passwd, Password::new([9; 16]));
    desk.grant(ID, T);
    assert_eq!(desk.outputs(), ["reconnected"]);
    assert_eq!(desk.sent_ops(), [OpCode::GetData]);
    assert_eq!(desk.session.generation().get(), 1);
}

#[test]
fn a_resumed_session_that_is_over_ends_the_client_or_is_followed_by_a_first_one() {
    let mut desk = resuming(ExpiryPolicy::Fail);
    assert_eq!(desk.refuse_session(), ["hang up", "expired"]);

    let mut desk = resuming(ExpiryPolicy::NewSession);
    assert_eq!(desk.refuse_session(), ["hang up"]);
    let request = desk.shake_hands();
    assert_eq!((request.session_id, request.passwd), (SessionId::NONE, Password::NONE));
    desk.grant(ID, T);
    assert_eq!(desk.outputs(), ["connected"], "as generation 1");
}

#[test]
fn a_foreign_session_is_not_taken_for_the_resumed_one() {
    let mut desk = resuming(ExpiryPolicy::NewSession);
    desk.shake_hands();
    desk.grant(SessionId(0x1234), T);
    assert_eq!(desk.outputs(), ["hang up"]);
    assert_eq!(desk.shake_hands().session_id, ID);
}
