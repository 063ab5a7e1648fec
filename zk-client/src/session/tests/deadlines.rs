use std::time::Duration;

use zk_proto::ErrorCode;
use zk_proto::message::GetDataResponse;

use super::fixture::{DEADLINE, Desk, ID, T, create, get, watched_get};
use crate::session::output::Timer;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_request_in_flight_times_out_and_its_late_reply_is_swallowed() {
    let mut desk = Desk::serving();
    desk.submit("slow", create("/a"));
    desk.taken();
    assert_eq!(desk.due(), Some((DEADLINE, Timer::Request)));
    assert!(desk.after(DEADLINE - SECOND).is_empty());
    desk.submit("fresh", create("/b"));
    desk.taken();
    assert_eq!(desk.after(SECOND), ["slow: Timeout(Unknown)"]);
    desk.reply(1, &GetDataResponse::default());
    assert!(desk.outputs().is_empty());
    desk.reply(2, &GetDataResponse::default());
    assert_eq!(desk.outputs(), ["fresh: ok"]);
}

#[test]
fn a_request_that_waits_for_a_connection_times_out_as_not_sent() {
    let mut desk = Desk::serving();
    desk.disconnect();
    desk.submit("a", create("/a"));
    desk.after(SECOND);
    desk.submit("b", create("/b"));
    desk.outputs();
    desk.disconnect();
    assert_eq!(
        desk.after(DEADLINE - SECOND)
            .iter()
            .filter(|output| output.starts_with("a:"))
            .collect::<Vec<_>>(),
        ["a: Timeout(NotSent)"]
    );
    desk.disconnect();
    desk.connect();
    assert_eq!(desk.sent()[0].1, create("/b"));
}

#[test]
fn a_request_times_out_as_unknown_when_its_bytes_are_yet_to_be_taken() {
    let mut desk = Desk::serving();
    desk.submit("a", create("/a"));
    assert_eq!(desk.after(DEADLINE), ["a: Timeout(Unknown)"]);
    // The shell can write again: nobody could call them back.
    assert_eq!(desk.sent()[0].1, create("/a"));
}

#[test]
fn a_deadline_counts_from_the_submission_across_reconnects() {
    let mut desk = Desk::serving();
    desk.submit("a", get("/a"));
    desk.taken();
    desk.after(SECOND);
    desk.disconnect();
    desk.connect();
    desk.taken();
    let left = desk.due().unwrap();
    assert_eq!(left.1, Timer::Request);
    assert!(left.0 <= DEADLINE - SECOND);
    assert_eq!(desk.after(left.0), ["a: Timeout(Unknown)"]);
}

#[test]
fn a_request_that_has_timed_out_is_not_sent_again() {
    let mut desk = Desk::serving();
    desk.submit("a", get("/a"));
    desk.taken();
    desk.after(DEADLINE);
    desk.disconnect();
    desk.connect();
    assert!(desk.taken().is_empty());
}

#[test]
fn a_watch_whose_request_has_timed_out_is_not_kept() {
    let mut desk = Desk::serving();
    desk.watch("a", watched_get("/a"));
    desk.taken();
    desk.after(DEADLINE);
    desk.reply(1, &GetDataResponse::default());
    assert_eq!(desk.session.watches.count(), (0, 0));
}

#[test]
fn deadlines_pass_in_one_go_when_the_shell_comes_late() {
    let mut desk = Desk::serving();
    for ticket in ["a", "b", "c"] {
        desk.submit(ticket, create("/a"));
        desk.after(SECOND);
    }
    desk.taken();
    assert_eq!(
        desk.after(DEADLINE),
        ["a: Timeout(Unknown)", "b: Timeout(Unknown)", "c: Timeout(Unknown)"]
    );
    assert_eq!(desk.due().unwrap().1, Timer::Heartbeat);
    for xid in 1..=3 {
        desk.refuse(xid, ErrorCode::NoNode);
    }
    assert!(desk.outputs().is_empty());
}

#[test]
fn requests_behind_set_watches_have_their_deadlines() {
    let mut desk = Desk::serving();
    desk.watch("w", watched_get("/w"));
    desk.taken();
    desk.reply(1, &GetDataResponse::default());
    desk.disconnect();
    desk.submit("a", create("/a"));
    desk.shake_hands();
    desk.grant(ID, T);
    desk.taken();
    desk.outputs();
    let (left, why) = desk.due().unwrap();
    assert_eq!(why, Timer::Request);
    assert_eq!(desk.after(left), ["a: Timeout(Unknown)"]);
    assert_eq!(desk.due().unwrap().1, Timer::Heartbeat);
}
