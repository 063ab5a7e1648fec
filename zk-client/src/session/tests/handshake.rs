use zk_proto::message::{ConnectResponse, GetDataResponse, NoBody};
use zk_proto::{Encode, ErrorCode, Password, SessionId, Zxid};

use super::fixture::{DEADLINE, Desk, ID, T, create, get, options};
use crate::connect_string::HostPort;
use crate::session::output::Timer;
use crate::session::{Session, SessionOptions, SubmitError};
use std::time::Duration;

#[test]
fn a_new_session_is_asked_for_and_granted() {
    let mut desk = Desk::new();
    assert_eq!(desk.due(), Some((Duration::ZERO, Timer::Redial)));
    assert_eq!(desk.after(Duration::ZERO), ["dial"]);
    assert_eq!(desk.due(), Some((T / 3, Timer::Attempt)), "three hosts");
    desk.session.handle_connected(desk.now);
    let asked = desk.connect_request();
    assert_eq!(asked.session_id, SessionId::NONE);
    assert_eq!(asked.passwd, Password::NONE);
    assert_eq!(asked.last_zxid_seen, Zxid::ZERO);
    assert_eq!(asked.timeout, 30_000);
    assert_eq!(asked.read_only, Some(false));
    assert_eq!(desk.session.id(), SessionId::NONE);
    desk.grant(ID, Duration::from_secs(12));
    assert_eq!(desk.outputs(), ["connected"]);
    assert_eq!(desk.session.id(), ID);
    assert_eq!(desk.session.timeout(), Duration::from_secs(12));
}

#[test]
fn a_session_is_taken_up_again_with_its_id_its_password_and_what_was_seen() {
    let mut desk = Desk::serving();
    desk.submit("a", get("/a"));
    desk.taken();
    desk.reply_at(0x500, 1, ErrorCode::Ok, &GetDataResponse::default());
    desk.disconnect();
    let asked = desk.shake_hands();
    assert_eq!(asked.session_id, ID);
    assert_eq!(asked.passwd, Password::new([7; 16]));
    assert_eq!(asked.last_zxid_seen, Zxid(0x500));
    desk.grant(ID, T);
    assert_eq!(desk.outputs(), ["reconnected"]);
}

#[test]
fn requests_wait_for_the_session_and_are_sent_in_their_order() {
    let mut desk = Desk::new();
    desk.submit("a", create("/a"));
    desk.submit("b", get("/a"));
    desk.shake_hands();
    desk.submit("c", create("/c"));
    assert!(desk.taken().is_empty(), "the session is not granted yet");
    desk.grant(ID, T);
    let sent = desk.sent();
    let expected = [create("/a"), get("/a"), create("/c")];
    for (number, request) in (1..).zip(expected) {
        assert_eq!(sent[number - 1].0.0, i32::try_from(number).unwrap());
        assert_eq!(sent[number - 1].1, request);
    }
    assert_eq!(desk.outputs(), ["connected"]);
}

#[test]
fn a_request_that_nobody_waits_for_any_more_is_not_sent() {
    let mut desk = Desk::new();
    desk.submit("gone", create("/a"));
    desk.submit("b", create("/b"));
    desk.connect();
    let sent = desk.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].1, create("/b"));
}

#[test]
fn a_refused_session_has_expired_and_everything_fails() {
    let mut desk = Desk::serving();
    desk.submit("read", get("/a"));
    desk.submit("unsent", create("/a"));
    desk.disconnect();
    desk.submit("later", get("/a"));
    desk.shake_hands();
    desk.grant(SessionId::NONE, Duration::ZERO);
    assert_eq!(
        desk.outputs(),
        [
            "hang up",
            "read: SessionExpired",
            "unsent: SessionExpired",
            "later: SessionExpired",
            "expired"
        ]
    );
    assert!(desk.is_finished(), "no host is dialled any more");
    assert_eq!(desk.try_submit("d", get("/")), Err(SubmitError::Expired));
    assert_eq!(desk.session.close(desk.now, None), Err(SubmitError::Expired));
    assert!(desk.after(T * 10).is_empty());
}

#[test]
fn either_no_timeout_or_no_id_means_that_the_session_is_over() {
    for (id, timeout) in [(ID, Duration::ZERO), (SessionId::NONE, T)] {
        let mut desk = Desk::serving();
        desk.disconnect();
        desk.shake_hands();
        desk.outputs();
        desk.grant(id, timeout);
        assert_eq!(desk.outputs(), ["hang up", "expired"]);
    }
}

#[test]
fn a_server_that_leaves_the_read_only_byte_out_is_understood() {
    let mut desk = Desk::new();
    desk.shake_hands();
    let response = ConnectResponse {
        timeout: 30_000,
        session_id: ID,
        passwd: Password::new([7; 16]),
        read_only: None,
        ..ConnectResponse::default()
    };
    desk.receive(|out| response.encode(out));
    assert_eq!(desk.outputs(), ["connected"]);
    assert_eq!(desk.session.id(), ID);
}

#[test]
fn a_host_that_does_not_answer_is_given_up_for_the_next_one() {
    let mut desk = Desk::new();
    desk.dial();
    assert_eq!(desk.after(T / 3), ["hang up"]);
    assert_eq!(desk.dial(), ["dial"]);
    // Connected, and mute.
    desk.session.handle_connected(desk.now);
    assert_eq!(desk.after(T / 3), ["hang up"]);
    assert_eq!(
        desk.session.last_trouble().unwrap().to_string(),
        "the server was silent for too long"
    );
}

#[test]
fn three_hosts_are_tried_within_the_third_that_is_left_to_save_a_session() {
    let mut desk = Desk::serving();
    let lost = desk.now;
    desk.disconnect();
    for _ in 0..3 {
        assert_eq!(desk.dial(), ["dial"]);
        let (attempt, timer) = desk.due().unwrap();
        assert_eq!(timer, Timer::Attempt);
        desk.after(attempt);
    }
    assert!(desk.now - lost <= T / 3 + Duration::from_millis(100));
}

#[test]
fn a_late_connection_is_ignored() {
    let mut desk = Desk::new();
    desk.dial();
    desk.after(T / 3);
    desk.session.handle_connected(desk.now);
    assert!(desk.taken().is_empty());
}

#[test]
fn huge_and_tiny_times_are_no_trouble() {
    let extremes = [Duration::MAX, Duration::ZERO, Duration::from_nanos(1)];
    for timeout in extremes {
        for request_timeout in extremes {
            let settings = SessionOptions { timeout, request_timeout, ..options() };
            let mut desk = Desk::with(settings, 1);
            desk.submit("a", get("/a"));
            desk.shake_hands();
            desk.grant(ID, Duration::from_millis(i32::MAX as u64));
            let _ = desk.try_submit("b", create("/b"));
            desk.outputs();
            desk.after(DEADLINE);
            desk.disconnect();
            desk.dial();
            desk.session.close(desk.now, Some("c")).unwrap();
            desk.after(T);
        }
    }
}

#[test]
fn the_same_seed_makes_the_same_session() {
    let run = |seed| {
        let settings = SessionOptions { seed, ..options() };
        let hosts = (1..=9).map(|port| HostPort::new("zk", port)).collect();
        let now = tokio::time::Instant::now().into_std();
        let mut session = Session::<&str, &str>::new(settings, hosts, now);
        let mut shown = Vec::new();
        for second in 0..100 {
            let now = now + Duration::from_secs(second);
            session.handle_timeout(now);
            if second % 3 == 0 {
                session.handle_disconnected(now, crate::session::Trouble::HungUp);
            }
            loop {
                match session.poll_output() {
                    crate::session::Output::Wait(due) => {
                        shown.push(format!("{:?}", due.map(|(at, why)| (at - now, why))));
                        break;
                    }
                    output => shown.push(format!("{output:?}")),
                }
            }
        }
        shown
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn numbers_of_requests_begin_again_at_one_when_they_run_out() {
    let mut desk = Desk::serving();
    desk.session.pending.set_last_xid(i32::MAX - 1);
    desk.submit("last", create("/a"));
    desk.submit("first", create("/b"));
    let xids: Vec<_> = desk.sent().iter().map(|(xid, _)| xid.0).collect();
    assert_eq!(xids, [i32::MAX, 1]);
    desk.reply(i32::MAX, &NoBody {});
    desk.reply(1, &NoBody {});
    assert_eq!(desk.outputs(), ["last: ok", "first: ok"]);
}
