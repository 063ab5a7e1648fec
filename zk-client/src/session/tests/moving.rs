//! Another list of hosts under a live session.

use std::time::Duration;

use zk_proto::message::{GetDataResponse, NoBody};

use super::fixture::{Desk, ID, T, create, get, options};
use crate::connect_string::HostPort;
use crate::session::output::Timer;
use crate::session::{Output, SessionOptions, Source};

/// Takes a list in which the present server is not, so that the session must move.
fn take_other_hosts(desk: &mut Desk) {
    let hosts = vec![HostPort::new("new", 1)];
    desk.session.update_hosts(desk.now, hosts, Source::User);
}

/// Lets the moment pass that a move is put off by.
fn begin_to_move(desk: &mut Desk) -> Vec<String> {
    take_other_hosts(desk);
    let (due, why) = desk.due().unwrap();
    assert!(due <= Duration::from_secs(1));
    assert_eq!(why, Timer::Move);
    desk.after(due)
}

fn is_dialling_new(desk: &mut Desk) -> bool {
    desk.session.handle_timeout(desk.now);
    matches!(desk.session.poll_output(), Output::Dial(endpoint) if endpoint.host.host == "new")
}

#[test]
fn a_quiet_session_moves_at_once() {
    let mut desk = Desk::serving();
    assert_eq!(begin_to_move(&mut desk), ["hang up", "disconnected"]);
    assert!(is_dialling_new(&mut desk));
    desk.session.handle_connected(desk.now);
    assert_eq!(desk.connect_request().session_id, ID);
    desk.grant(ID, T);
    assert_eq!(desk.outputs(), ["reconnected"]);
}

#[test]
fn a_move_waits_for_replies_and_requests_wait_for_the_move() {
    let mut desk = Desk::serving();
    desk.submit("w1", create("/1"));
    desk.submit("r1", get("/1"));
    desk.taken();
    assert!(begin_to_move(&mut desk).is_empty());
    desk.submit("w2", create("/2"));
    assert!(desk.taken().is_empty(), "nothing more is asked of the old server");
    desk.reply(1, &NoBody {});
    assert_eq!(desk.outputs(), ["w1: ok"]);
    desk.reply(2, &GetDataResponse::default());
    assert_eq!(desk.outputs(), ["r1: ok", "hang up", "disconnected"]);
    assert!(is_dialling_new(&mut desk));
    desk.session.handle_connected(desk.now);
    desk.connect_request();
    desk.grant(ID, T);
    assert_eq!(desk.outputs(), ["reconnected"]);
    assert_eq!(desk.sent()[0].1, create("/2"));
}

#[test]
fn a_server_that_does_not_answer_holds_up_a_move_for_a_limited_time() {
    let mut desk = Desk::with(SessionOptions { request_timeout: T, ..options() }, 3);
    desk.connect();
    desk.submit("w", create("/1"));
    desk.submit("r", get("/1"));
    desk.taken();
    begin_to_move(&mut desk);
    let before = desk.now;
    let mut outputs = Vec::new();
    while !outputs.contains(&"hang up".to_owned()) {
        let (due, _) = desk.due().unwrap();
        outputs.extend(desk.after(due));
    }
    assert!(desk.now - before <= Duration::from_secs(5));
    assert!(outputs.contains(&"w: ConnectionLoss(Unknown)".to_owned()), "{outputs:?}");
    assert!(!outputs.iter().any(|output| output.contains("r: ")), "a read goes again");
}

#[test]
fn a_close_ends_a_move_and_everything_is_answered_before_it() {
    let mut desk = Desk::serving();
    desk.submit("w1", create("/1"));
    desk.taken();
    begin_to_move(&mut desk);
    desk.submit("w2", create("/2"));
    desk.close("close");
    assert_eq!(desk.sent().len(), 2, "the write and the close");
    for xid in 1..=3 {
        desk.reply(xid, &NoBody {});
    }
    assert_eq!(desk.outputs()[..2], ["w1: ok", "w2: ok"]);
    assert!(desk.is_finished() || !desk.outputs().contains(&"disconnected".to_owned()));
}

#[test]
fn a_session_whose_server_is_still_named_does_not_move() {
    let mut desk = Desk::serving();
    let hosts = (1..=3).rev().map(|port| HostPort::new("zk", port)).collect();
    desk.session.update_hosts(desk.now, hosts, Source::User);
    assert!(desk.outputs().is_empty());
    assert_eq!(desk.due(), Some((T / 3, Timer::Heartbeat)));
}

#[test]
fn without_a_connection_the_next_round_is_of_the_new_list() {
    let mut desk = Desk::new();
    take_other_hosts(&mut desk);
    assert!(is_dialling_new(&mut desk), "before the first attempt");
    let mut desk = Desk::new();
    assert_eq!(desk.dial(), ["dial"]);
    take_other_hosts(&mut desk);
    assert_eq!(desk.outputs(), ["hang up"]);
    assert!(is_dialling_new(&mut desk), "instead of the attempt at one that is not named");
}
