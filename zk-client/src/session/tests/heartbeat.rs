use std::time::Duration;

use zk_proto::OpCode;
use zk_proto::message::GetDataResponse;

use super::fixture::{Desk, ID, T, get};
use crate::session::output::Timer;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_ping_is_sent_when_nothing_was_sent_for_a_third_of_the_timeout() {
    let mut desk = Desk::serving();
    assert_eq!(desk.due(), Some((T / 3, Timer::Heartbeat)));
    assert!(desk.after(T / 3 - SECOND).is_empty());
    assert!(desk.taken().is_empty(), "not yet");
    desk.after(SECOND);
    assert_eq!(desk.sent_ops(), [OpCode::Ping]);
    desk.pong();
    assert_eq!(desk.due(), Some((T / 3, Timer::Heartbeat)));
}

#[test]
fn a_request_takes_the_place_of_a_ping() {
    let mut desk = Desk::serving();
    desk.after(T / 3 - SECOND);
    desk.submit("a", get("/a"));
    desk.sent();
    desk.reply(1, &GetDataResponse::default());
    desk.after(SECOND);
    assert!(desk.taken().is_empty());
    desk.outputs();
    assert_eq!(desk.due(), Some((T / 3 - SECOND, Timer::Heartbeat)));
}

#[test]
fn a_request_that_was_refused_does_not_take_the_place_of_a_ping() {
    let mut desk = Desk::serving();
    desk.after(T / 3 - SECOND);
    let long = "/long".repeat(1024);
    assert!(desk.try_submit("a", get(long.leak())).is_err());
    desk.after(SECOND);
    assert_eq!(desk.sent_ops(), [OpCode::Ping]);
}

#[test]
fn only_one_ping_is_in_flight() {
    let mut desk = Desk::serving();
    desk.after(T / 3);
    assert_eq!(desk.sent_ops(), [OpCode::Ping]);
    desk.after(T / 3 - SECOND);
    assert!(desk.taken().is_empty());
    assert_eq!(desk.due(), Some((SECOND, Timer::Silence)));
}

#[test]
fn anything_that_is_heard_puts_off_the_end_of_a_connection() {
    let mut desk = Desk::serving();
    desk.submit("a", get("/a"));
    desk.taken();
    desk.after(T / 3);
    desk.reply(1, &GetDataResponse::default());
    assert_eq!(desk.outputs(), Vec::<String>::new(), "it was overdue");
    assert!(desk.after(T / 3).is_empty());
    assert!(desk.after(T / 3 - SECOND).is_empty());
    assert_eq!(desk.after(SECOND), ["hang up", "disconnected"]);
}

#[test]
fn after_silence_for_two_thirds_the_next_host_is_dialled() {
    let mut desk = Desk::serving();
    desk.after(T / 3);
    assert_eq!(desk.after(T / 3), ["hang up", "disconnected"]);
    assert!(desk.session.last_trouble().is_some());
    let (pause, why) = desk.due().unwrap();
    assert_eq!(why, Timer::Redial);
    assert!(pause >= Duration::from_millis(50) && pause <= Duration::from_millis(100));
    assert_eq!(desk.after(pause), ["dial"]);
    desk.session.handle_connected(desk.now);
    assert_eq!(desk.connect_request().session_id, ID);
}

#[test]
fn a_ping_that_was_lost_with_its_connection_is_not_waited_for() {
    let mut desk = Desk::serving();
    desk.after(T / 3);
    desk.disconnect();
    desk.connect();
    desk.after(T / 3);
    assert_eq!(desk.sent_ops(), [OpCode::Ping]);
}
