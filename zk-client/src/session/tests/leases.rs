//! What counts as a proof that the session is alive, and from when on.

use std::time::Duration;

use bytes::Bytes;
use zk_proto::message::{
    Create2Response, ErrorResponse, GetDataResponse, MultiResponse, MultiResult, NoBody,
    SyncRequest, SyncResponse,
};
use zk_proto::op::Request;
use zk_proto::{Encode, ErrorCode, OpCode};

use super::fixture::{Desk, ID, T, create, get, options};
use crate::session::output::Timer;
use crate::session::{SessionOptions, proof};

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_secs(2);

/// A session that serves, on servers with a tick that is known, and a deadline that is far away.
fn desk() -> Desk {
    desk_with(None)
}

fn desk_with(keep_lease: Option<Duration>) -> Desk {
    let request_timeout = T;
    let settings =
        SessionOptions { server_tick: Some(TICK), keep_lease, request_timeout, ..options() };
    let mut desk = Desk::with(settings, 3);
    desk.connect();
    desk
}

impl Desk {
    /// How long ago the sign of life was that the lease counts from.
    fn proven_ago(&self) -> Option<Duration> {
        self.session.proven_life().map(|life| self.now - life.proven_at)
    }

    fn ask(&mut self, xid: i32, request: Request, reply: &impl Encode) {
        self.submit("a", request);
        self.taken();
        self.reply(xid, reply);
        self.outputs();
    }

    fn write(&mut self, xid: i32) {
        self.ask(xid, create("/a"), &Create2Response::default());
    }
}

#[test]
fn a_session_is_proven_from_when_it_was_asked_for() {
    let mut desk = Desk::new();
    assert_eq!(desk.session.proven_life(), None);
    desk.shake_hands();
    let asked = desk.now;
    desk.now += SECOND;
    desk.grant(ID, Duration::from_secs(10));
    let life = desk.session.proven_life().unwrap();
    assert_eq!(life.proven_at, asked);
    assert_eq!(life.safe_until, asked + Duration::from_secs(9), "a tenth is for the clocks");
}

#[test]
fn pings_reads_and_syncs_prove_nothing() {
    let mut desk = desk();
    for round in 0..3 {
        desk.after(T / 3);
        desk.pong();
        desk.ask(round * 2 + 1, get("/a"), &GetDataResponse::default());
        let sync = Request::Sync(SyncRequest { path: "/".into() });
        desk.ask(round * 2 + 2, sync, &SyncResponse::default());
    }
    assert_eq!(desk.proven_ago(), Some(T));
}

#[test]
fn a_write_proves_what_was_answered_a_tick_before_it_was_sent() {
    let mut desk = desk();
    desk.after(5 * SECOND);
    desk.ask(1, get("/a"), &GetDataResponse::default());
    desk.after(TICK - Duration::from_millis(1));
    desk.write(2);
    assert_eq!(desk.proven_ago(), Some(5 * SECOND + TICK - Duration::from_millis(1)), "too soon");
    desk.after(Duration::from_millis(1));
    desk.write(3);
    assert_eq!(desk.proven_ago(), Some(TICK));
}

#[test]
fn a_sign_of_life_counts_from_its_sending_and_is_passed_on_from_its_answer() {
    let mut desk = desk();
    desk.after(5 * SECOND);
    desk.submit("slow", get("/a"));
    desk.taken();
    desk.after(3 * SECOND);
    desk.reply(1, &GetDataResponse::default());
    desk.after(SECOND);
    desk.write(2);
    assert_eq!(desk.proven_ago(), Some(9 * SECOND), "its answer was a second ago");
    desk.after(SECOND);
    desk.write(3);
    assert_eq!(desk.proven_ago(), Some(5 * SECOND));
}

#[test]
fn a_write_alone_proves_nothing_newer_than_what_was_before_it() {
    let mut desk = desk();
    desk.after(9 * SECOND);
    desk.write(1);
    assert_eq!(desk.proven_ago(), Some(9 * SECOND), "the follower may have kept it to itself");
    desk.after(TICK);
    desk.write(2);
    assert_eq!(desk.proven_ago(), Some(TICK), "the first one was a sign of life");
}

#[test]
fn a_ping_is_a_sign_of_life_from_when_it_was_sent() {
    let mut desk = desk();
    desk.after(T / 3);
    assert_eq!(desk.sent_ops(), [OpCode::Ping]);
    desk.after(SECOND);
    desk.pong();
    desk.after(TICK);
    desk.write(1);
    assert_eq!(desk.proven_ago(), Some(SECOND + TICK));
}

#[test]
fn a_renewal_is_proven_by_the_first_write_behind_it() {
    let mut desk = desk();
    desk.after(5 * SECOND);
    desk.ask(1, get("/a"), &GetDataResponse::default());
    desk.disconnect();
    desk.shake_hands();
    let asked = desk.now;
    desk.after(SECOND);
    desk.grant(ID, T);
    desk.outputs();
    let before = desk.proven_ago().unwrap();
    assert!(before > 6 * SECOND, "a leader that was deposed may have granted it: {before:?}");
    desk.after(SECOND);
    desk.write(2);
    assert_eq!(desk.session.proven_life().unwrap().proven_at, asked);
}

#[test]
fn signs_of_life_end_with_their_connection() {
    let mut desk = desk();
    desk.after(5 * SECOND);
    desk.ask(1, get("/a"), &GetDataResponse::default());
    let answered = desk.now;
    desk.disconnect();
    desk.connect();
    let renewed = desk.now;
    desk.after(TICK * 2);
    desk.write(2);
    let proven = desk.session.proven_life().unwrap().proven_at;
    assert!(proven == renewed && proven > answered, "not the one that another server was told of");
}

#[test]
fn a_refusal_proves_as_much_as_success_if_it_was_committed() {
    let proves = |request: Request, zxid: i64, err: ErrorCode| {
        let mut desk = desk();
        desk.after(5 * SECOND);
        desk.submit("a", request);
        desk.taken();
        desk.after(SECOND);
        desk.reply_at(zxid, 1, err, &NoBody {});
        desk.after(TICK);
        desk.submit("b", create("/b"));
        desk.taken();
        desk.reply_at(zxid, 2, err, &NoBody {});
        desk.proven_ago() == Some(SECOND + TICK)
    };
    for err in [
        ErrorCode::Ok,
        ErrorCode::NoNode,
        ErrorCode::NodeExists,
        ErrorCode::BadVersion,
        ErrorCode::NotEmpty,
        ErrorCode::NoAuth,
        ErrorCode::NoChildrenForEphemerals,
    ] {
        assert!(proves(create("/a"), 0x100, err), "{err:?}");
    }
    for err in [
        ErrorCode::NotReadOnly,
        ErrorCode::ThrottledOp,
        ErrorCode::SessionExpired,
        ErrorCode::SessionMoved,
        ErrorCode::Unimplemented,
        ErrorCode::MarshallingError,
    ] {
        assert!(!proves(create("/a"), 0x100, err), "{err:?}");
    }
    assert!(!proves(create("/a"), 0, ErrorCode::NoAuth), "the follower has said so on its own");
}

#[test]
fn a_multi_proves_by_what_came_of_its_parts() {
    let error = |err| MultiResult::Error(ErrorResponse { err });
    let proves = |results: Vec<MultiResult>| {
        let mut desk = desk();
        desk.after(5 * SECOND);
        desk.ask(1, get("/a"), &GetDataResponse::default());
        desk.after(TICK);
        desk.ask(2, proof(), &MultiResponse { results });
        desk.proven_ago() == Some(TICK)
    };
    assert!(proves(vec![MultiResult::Check(NoBody {})]));
    assert!(proves(vec![error(ErrorCode::NoAuth)]), "`/` need not be readable");
    assert!(proves(vec![error(ErrorCode::Ok), error(ErrorCode::NoNode)]));
    assert!(!proves(vec![error(ErrorCode::SessionExpired)]));
    assert!(!proves(vec![error(ErrorCode::SessionMoved), error(ErrorCode::RuntimeInconsistency)]));
    assert!(!proves(Vec::new()), "without parts nobody has looked at the session");
}

#[test]
fn a_reply_that_comes_too_late_for_its_request_proves_nothing() {
    let mut desk = Desk::with(SessionOptions { server_tick: Some(TICK), ..options() }, 3);
    desk.connect();
    desk.after(3 * SECOND);
    desk.ask(1, get("/a"), &GetDataResponse::default());
    desk.after(TICK);
    desk.submit("late", create("/a"));
    desk.taken();
    desk.after(options().request_timeout);
    desk.reply(2, &Create2Response::default());
    assert_eq!(desk.proven_ago(), Some(5 * SECOND + options().request_timeout));
}

#[test]
fn the_shortest_timeout_that_was_ever_granted_counts() {
    let mut desk = desk();
    for granted in [T / 2, T * 2] {
        desk.disconnect();
        desk.shake_hands();
        desk.grant(ID, granted);
        desk.outputs();
    }
    let life = desk.session.proven_life().unwrap();
    assert_eq!(life.safe_until - life.proven_at, T / 2 - T / 20);
}

#[test]
fn without_a_tick_a_third_of_the_timeout_is_left_for_passing_it_on() {
    let mut desk = Desk::with(SessionOptions { request_timeout: T, ..options() }, 3);
    desk.connect();
    desk.after(5 * SECOND);
    desk.write(1);
    desk.after(T / 3 - SECOND);
    desk.write(2);
    assert_eq!(desk.proven_ago(), Some(5 * SECOND + T / 3 - SECOND));
    desk.after(SECOND);
    desk.write(3);
    assert_eq!(desk.proven_ago(), Some(T / 3));
}

#[test]
fn a_session_that_is_over_is_not_proven() {
    let mut desk = desk();
    desk.disconnect();
    assert!(desk.session.proven_life().is_some(), "it lives on without a connection");
    desk.shake_hands();
    desk.grant(zk_proto::SessionId::NONE, Duration::ZERO);
    assert_eq!(desk.session.proven_life(), None);
}

#[test]
fn a_lease_that_is_kept_counts_from_two_rounds_and_a_tick_ago_at_most() {
    let mut desk = desk_with(Some(3 * SECOND));
    let mut xid = 0;
    for round in 0..20 {
        assert_eq!(desk.due(), Some((3 * SECOND, Timer::Proof)));
        desk.after(3 * SECOND);
        assert_eq!(
            desk.sent(),
            [(
                zk_proto::Xid({
                    xid += 1;
                    xid
                }),
                proof()
            )],
            "and no ping"
        );
        desk.reply(xid, &MultiResponse { results: vec![MultiResult::Check(NoBody {})] });
        assert!(desk.outputs().is_empty(), "nobody waits for it");
        let ago = desk.proven_ago().unwrap();
        assert!(ago <= 3 * SECOND, "{ago:?} in round {round}");
    }
}

#[test]
fn a_write_of_somebody_takes_the_place_of_a_proof_and_a_read_does_not() {
    let mut desk = desk_with(Some(3 * SECOND));
    desk.after(2 * SECOND);
    desk.ask(1, get("/a"), &GetDataResponse::default());
    assert_eq!(desk.due(), Some((SECOND, Timer::Proof)));
    desk.write(2);
    assert_eq!(desk.due(), Some((3 * SECOND, Timer::Proof)));
}

#[test]
fn no_proof_is_sent_without_a_connection_or_behind_a_close() {
    let mut desk = desk_with(Some(3 * SECOND));
    desk.after(3 * SECOND);
    assert_eq!(desk.sent_ops(), [OpCode::Multi]);
    desk.disconnect();
    assert_eq!(desk.outputs(), ["disconnected"], "nobody waits for the one that was lost");
    desk.after(SECOND);
    assert!(desk.taken().is_empty());
    desk.disconnect();
    desk.connect();
    assert!(desk.taken().is_empty(), "it is not sent again");
    desk.close("closed");
    desk.taken();
    desk.after(4 * SECOND);
    assert!(desk.taken().is_empty());
}

#[test]
fn thousands_of_requests_leave_few_signs_of_life() {
    let mut desk = desk();
    for xid in 1..=2000 {
        desk.after(Duration::from_millis(50));
        desk.ask(
            xid,
            get("/a"),
            &GetDataResponse { data: Some(Bytes::new()), ..Default::default() },
        );
    }
    desk.write(2001);
    assert!(desk.proven_ago().unwrap() <= TICK + TICK / 8 + Duration::from_millis(50));
}
