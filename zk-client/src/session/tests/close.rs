use std::time::Duration;

use zk_proto::message::NoBody;
use zk_proto::{ErrorCode, OpCode, SessionId};

use super::fixture::{DEADLINE, Desk, ID, T, create, get};
use crate::session::output::Timer;
use crate::session::{End, SubmitError};

#[test]
fn requests_before_a_close_are_answered_and_later_ones_refused() {
    let mut desk = Desk::serving();
    desk.submit("a", create("/a"));
    desk.close("close");
    let refused = desk.try_submit("b", create("/b"));
    assert_eq!(refused, Err(SubmitError::Closed));
    assert_eq!(desk.sent_ops(), [OpCode::Create2, OpCode::CloseSession]);
    desk.reply(1, &NoBody {});
    desk.reply(2, &NoBody {});
    assert_eq!(desk.outputs(), ["a: ok", "close: ok", "hang up", "closed"]);
    assert!(desk.is_finished());
    assert_eq!(desk.session.ended(), Some(End::Closed));
}

#[test]
fn a_second_close_hears_the_same_and_can_only_shorten_the_time() {
    let mut desk = Desk::serving();
    desk.close("first");
    desk.close("second");
    assert_eq!(desk.sent().len(), 1);
    desk.reply(1, &NoBody {});
    assert_eq!(desk.outputs(), ["first: ok", "second: ok", "hang up", "closed"]);
    let late = desk.session.close(desk.now, Some("third"));
    assert_eq!(late, Err(SubmitError::Closed));

    let mut desk = Desk::serving();
    desk.close("first");
    let short = Duration::from_millis(10);
    desk.session.close_within(desk.now, Some("second"), short).unwrap();
    desk.session.close_within(desk.now, Some("third"), DEADLINE * 9).unwrap();
    assert_eq!(desk.due(), Some((short, Timer::Request)));
    desk.taken();
    let unknown = |who| format!("{who}: Timeout(Unknown)");
    let all = ["first", "second", "third"].map(unknown);
    assert_eq!(desk.after(short), [&all[..], &["hang up".into(), "closed".into()]].concat());
}

#[test]
fn a_close_may_take_longer_than_a_request_and_no_longer_than_it_is_given() {
    let mut desk = Desk::serving();
    desk.session.close_within(desk.now, Some("close"), DEADLINE * 2).unwrap();
    assert!(desk.after(DEADLINE).is_empty());
    // The shell has not written it yet.
    assert_eq!(desk.after(DEADLINE), ["close: Timeout(NotSent)", "hang up", "closed"]);
    assert!(desk.taken().is_empty());
}

#[test]
fn a_close_that_the_shell_or_a_credential_cuts_short_says_so() {
    let mut desk = Desk::serving();
    desk.close("close");
    desk.taken();
    desk.session.abandon();
    assert_eq!(desk.outputs(), ["hang up", "close: Closed", "closed"]);
}

#[test]
fn without_a_session_there_is_nothing_to_close() {
    for connecting in [false, true] {
        let mut desk = Desk::new();
        if connecting {
            desk.dial();
        }
        desk.submit("a", get("/a"));
        desk.close("close");
        let mut expected = vec!["a: Closed", "close: ok", "closed"];
        if connecting {
            expected.insert(0, "hang up");
        }
        assert_eq!(desk.outputs(), expected);
        assert!(desk.is_finished());
    }
}

#[test]
fn a_close_without_a_connection_waits_for_one() {
    let mut desk = Desk::serving();
    desk.disconnect();
    desk.submit("a", create("/a"));
    desk.close("close");
    desk.connect();
    assert_eq!(desk.sent_ops(), [OpCode::Create2, OpCode::CloseSession]);
    desk.reply(1, &NoBody {});
    desk.reply(2, &NoBody {});
    assert_eq!(desk.outputs(), ["a: ok", "close: ok", "hang up", "closed"]);
}

#[test]
fn a_close_whose_reply_is_lost_is_asked_for_again() {
    let mut desk = Desk::serving();
    desk.submit("w", create("/a"));
    desk.close("close");
    desk.taken();
    desk.disconnect();
    assert_eq!(desk.outputs(), ["w: ConnectionLoss(Unknown)", "disconnected"]);
    desk.connect();
    assert_eq!(desk.sent_ops(), [OpCode::CloseSession]);
    desk.reply(3, &NoBody {});
    assert_eq!(desk.outputs(), ["close: ok", "hang up", "closed"]);
}

#[test]
fn a_session_that_turns_out_to_be_over_is_closed() {
    let mut desk = Desk::serving();
    desk.close("close");
    desk.taken();
    desk.disconnect();
    desk.outputs();
    desk.shake_hands();
    desk.grant(SessionId::NONE, Duration::ZERO);
    assert_eq!(desk.outputs(), ["hang up", "close: ok", "closed"]);
    assert_eq!(desk.session.ended(), Some(End::Closed));
    assert_eq!(desk.try_submit("a", get("/")), Err(SubmitError::Closed));
}

#[test]
fn a_close_that_takes_too_long_leaves_the_session_to_expire() {
    let mut desk = Desk::serving();
    desk.close("close");
    desk.taken();
    assert_eq!(desk.after(DEADLINE), ["close: Timeout(Unknown)", "hang up", "closed"]);
    assert!(desk.is_finished());

    let mut desk = Desk::serving();
    desk.disconnect();
    desk.close("close");
    desk.outputs();
    let outputs = desk.after(DEADLINE);
    assert_eq!(outputs, ["close: Timeout(NotSent)", "closed"]);
    assert!(desk.is_finished());
}

#[test]
fn a_close_that_nobody_waits_for_is_carried_out_all_the_same() {
    let mut desk = Desk::serving();
    desk.session.close(desk.now, None).unwrap();
    assert_eq!(desk.sent_ops(), [OpCode::CloseSession]);
    desk.disconnect();
    desk.connect();
    assert_eq!(desk.sent_ops(), [OpCode::CloseSession]);
    desk.reply(2, &NoBody {});
    assert_eq!(desk.outputs(), ["hang up", "closed"]);
}

#[test]
fn a_refused_close_ends_the_client_and_says_so() {
    let mut desk = Desk::serving();
    desk.close("close");
    desk.taken();
    desk.refuse(1, ErrorCode::ThrottledOp);
    assert_eq!(desk.outputs(), ["close: Server(ThrottledOp)", "hang up", "closed"]);
}

#[test]
fn a_reply_that_is_too_large_does_not_lose_a_close() {
    let mut desk = Desk::serving();
    desk.close("close");
    desk.taken();
    desk.receive_bytes(&i32::MAX.to_be_bytes());
    assert_eq!(desk.outputs(), ["hang up", "disconnected"]);
    desk.connect();
    assert_eq!(desk.sent_ops(), [OpCode::CloseSession]);
}

#[test]
fn a_shell_that_goes_away_leaves_nothing_owed_and_no_doubt_about_writes() {
    let mut desk = Desk::serving();
    desk.submit("read", get("/a"));
    desk.submit("sent", create("/a"));
    desk.taken();
    desk.submit("unsent", create("/b"));
    desk.session.abandon();
    assert_eq!(
        desk.outputs(),
        ["hang up", "read: Closed", "sent: ConnectionLoss(Unknown)", "unsent: Closed", "closed"]
    );
    desk.session.abandon();
    assert!(desk.outputs().is_empty());
    assert!(desk.is_finished());
}

#[test]
fn an_ended_session_takes_no_notice_of_what_still_happens() {
    let mut desk = Desk::serving();
    desk.session.abandon();
    desk.outputs();
    desk.disconnect();
    desk.session.handle_connected(desk.now);
    desk.receive_bytes(&[0; 100]);
    desk.after(T);
    desk.grant(ID, T);
    assert!(desk.outputs().is_empty());
    assert!(desk.taken().is_empty());
    assert!(desk.is_finished());
}
