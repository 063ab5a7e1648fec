//! Servers that have lost their ensemble, and servers that have seen less than the client.

use std::time::Duration;

use bytes::BufMut;
use zk_proto::message::{Create2Response, GetDataResponse, NoBody, ReplyHeader};
use zk_proto::{
    AddWatchMode, Encode, ErrorCode, EventType, OpCode, Password, SessionId, Xid, Zxid,
};

use super::fixture::{Desk, ID, T, create, get, options, watched_get};
use crate::connect_string::HostPort;
use crate::session::output::Timer;
use crate::session::{Output, SessionOptions, Source};

const MILLI: Duration = Duration::from_millis(1);
/// Than any pause before the third question.
const LONGER_THAN_THE_FIRST_PAUSES: Duration = Duration::from_millis(400);
const THROW_AWAY: SessionId = SessionId(0x99);

fn desk() -> Desk {
    Desk::with(SessionOptions { allow_read_only: true, request_timeout: T, ..options() }, 3)
}

/// On a read-only server, with nothing left to look at.
fn read_only() -> Desk {
    let mut desk = desk();
    desk.shake_hands();
    desk.grant_read_only(THROW_AWAY, T);
    assert_eq!(desk.outputs(), ["connected read-only"]);
    desk
}

impl Desk {
    fn trouble(&self) -> String {
        self.session.last_trouble().unwrap().to_string()
    }

    /// The port that is dialled next.
    fn dialled(&mut self) -> u16 {
        self.session.handle_timeout(self.now);
        loop {
            match self.session.poll_output() {
                Output::Dial(endpoint) => return endpoint.host.port,
                Output::Wait(_) | Output::Finished => panic!("nothing is dialled"),
                _ => {}
            }
        }
    }
}

#[test]
fn a_read_only_server_is_asked_for_a_session_only_if_it_will_do() {
    assert_eq!(Desk::new().shake_hands().read_only, Some(false));
    assert_eq!(desk().shake_hands().read_only, Some(true));
}

#[test]
fn a_session_of_a_read_only_server_is_not_taken_where_it_will_not_do() {
    let mut desk = Desk::new();
    desk.shake_hands();
    desk.grant_read_only(THROW_AWAY, T);
    assert_eq!(desk.outputs(), ["hang up"]);
    assert_eq!(desk.trouble(), "the server is read-only");
}

#[test]
fn reads_are_answered_and_writes_refused_without_giving_up_the_connection() {
    let mut desk = read_only();
    desk.submit("read", get("/a"));
    desk.submit("write", create("/a"));
    desk.taken();
    desk.reply(1, &GetDataResponse::default());
    desk.refuse(2, ErrorCode::NotReadOnly);
    assert_eq!(desk.outputs(), ["read: ok", "write: Server(NotReadOnly)"]);
    assert_eq!(desk.session.proven_life(), None, "nobody keeps that session alive");
}

#[test]
fn a_throw_away_session_is_not_taken_up_again_and_the_next_one_is_a_new_generation() {
    let mut desk = read_only();
    let before = desk.session.generation();
    desk.disconnect();
    assert_eq!(desk.outputs(), ["disconnected"]);
    let asked = desk.shake_hands();
    assert_eq!((asked.session_id, asked.passwd), (SessionId::NONE, Password::NONE));
    assert_eq!(asked.read_only, Some(true));
    desk.grant(ID, T);
    assert_eq!(desk.outputs(), ["connected as generation 2"]);
    assert!(desk.session.generation() > before);
    assert!(desk.session.proven_life().is_some());
    desk.disconnect();
    let asked = desk.shake_hands();
    assert_eq!((asked.session_id, asked.read_only), (ID, Some(false)));
}

#[test]
fn every_throw_away_session_is_a_generation_of_its_own() {
    let mut desk = read_only();
    let first = desk.session.generation();
    desk.disconnect();
    desk.shake_hands();
    desk.grant_read_only(SessionId(0x9a), T);
    assert_eq!(desk.outputs(), ["connected read-only"]);
    assert_eq!(desk.session.generation().get(), first.get() + 1);
}

#[test]
fn a_session_of_the_ensemble_is_not_over_because_a_read_only_server_says_so() {
    for (id, timeout) in [(SessionId::NONE, Duration::ZERO), (ID, T), (THROW_AWAY, T)] {
        let mut desk = desk();
        desk.connect();
        desk.disconnect();
        desk.shake_hands();
        desk.outputs();
        desk.grant_read_only(id, timeout);
        assert_eq!(desk.outputs(), ["hang up"]);
        assert_eq!(desk.trouble(), "the server is read-only");
        assert_eq!(desk.session.id(), ID);
    }
}

#[test]
fn a_read_only_server_without_sessions_of_its_own_is_understood() {
    let mut desk = desk();
    desk.shake_hands();
    let header = ReplyHeader { xid: Xid(0), zxid: Zxid(0x100), err: ErrorCode::NotReadOnly };
    desk.receive(|out| header.encode(out));
    assert_eq!(desk.outputs(), ["hang up"]);
    assert_eq!(desk.trouble(), "the server is read-only, and gives out no sessions");
}

#[test]
fn what_waits_goes_on_to_the_writable_server() {
    let mut desk = read_only();
    desk.watch("watch", watched_get("/a"));
    desk.taken();
    desk.reply_at(0x80, 1, ErrorCode::Ok, &GetDataResponse::default());
    desk.submit("read", get("/a"));
    desk.submit("write", create("/a"));
    desk.taken();
    desk.disconnect();
    desk.submit("later", create("/b"));
    assert_eq!(desk.outputs(), ["watch: ok", "write: ConnectionLoss(Unknown)", "disconnected"]);
    desk.connect();
    assert_eq!(desk.sent_ops(), [OpCode::SetWatches, OpCode::GetData, OpCode::Create2]);
    desk.reply(4, &NoBody {});
    desk.reply(5, &GetDataResponse::default());
    desk.reply(6, &Create2Response::default());
    desk.event(0x200, EventType::NodeDataChanged, "/a");
    assert_eq!(desk.outputs(), ["read: ok", "later: ok", "watch hears NodeDataChanged /a"]);
}

#[test]
fn a_writable_server_is_looked_for_in_pauses_that_grow_to_a_minute() {
    let mut desk = read_only();
    let mut pause = 100 * MILLI;
    let mut asked = Vec::new();
    for _ in 0..14 {
        let from = desk.now;
        loop {
            let (due, why) = desk.due().unwrap();
            if why == Timer::Search {
                desk.now += due;
                break;
            }
            desk.after(due);
            desk.taken();
            desk.pong();
        }
        assert_eq!(desk.now - from, pause);
        let outputs = desk.after(Duration::ZERO);
        assert_eq!(outputs.len(), 1, "{outputs:?}");
        asked.extend(outputs);
        assert!(desk.after(MILLI).is_empty(), "one at a time");
        desk.now -= MILLI;
        desk.session.handle_probed(desk.now, false);
        pause = (pause * 2).min(Duration::from_secs(60));
    }
    assert_eq!(asked[..3], asked[3..6], "{asked:?}");
    asked.sort_unstable();
    asked.dedup();
    assert_eq!(asked, ["ask 1", "ask 2", "ask 3"]);
}

#[test]
fn the_connection_moves_at_once_to_the_writable_server_that_was_found() {
    for skip in 0..3 {
        let mut desk = read_only();
        for _ in 0..skip {
            desk.after(LONGER_THAN_THE_FIRST_PAUSES);
            desk.session.handle_probed(desk.now, false);
        }
        let asked = desk.after(LONGER_THAN_THE_FIRST_PAUSES);
        desk.session.handle_probed(desk.now, true);
        assert_eq!(desk.trouble(), "a writable server was found");
        assert_eq!(asked, [format!("ask {}", desk.dialled())]);
    }
}

#[test]
fn an_answer_that_comes_too_late_changes_nothing() {
    let mut desk = read_only();
    assert_eq!(desk.after(100 * MILLI).len(), 1);
    desk.disconnect();
    desk.outputs();
    desk.session.handle_probed(desk.now, true);
    assert!(desk.outputs().is_empty());
    desk.connect();
    desk.session.handle_probed(desk.now, true);
    assert!(desk.outputs().is_empty(), "a session of the ensemble stays where it is");
    assert_eq!(desk.due().unwrap().1, Timer::Heartbeat, "and nothing is looked for");
}

#[test]
fn a_throw_away_session_is_closed_on_its_server_or_not_at_all() {
    let mut desk = read_only();
    desk.close("closed");
    assert_eq!(desk.sent_ops(), [OpCode::CloseSession]);
    assert_ne!(desk.due().unwrap().1, Timer::Search, "it will not be needed");
    desk.reply(1, &NoBody {});
    assert_eq!(desk.outputs(), ["closed: ok", "hang up", "closed"]);

    let mut desk = read_only();
    desk.close("closed");
    desk.taken();
    desk.disconnect();
    assert_eq!(desk.outputs(), ["disconnected", "closed: ok", "closed"]);

    let mut desk = read_only();
    desk.disconnect();
    desk.outputs();
    desk.close("closed");
    assert_eq!(desk.outputs(), ["closed: ok", "closed"]);
}

#[test]
fn no_proof_is_asked_of_a_read_only_server() {
    let keep_lease = Some(Duration::from_secs(1));
    let settings = SessionOptions { allow_read_only: true, keep_lease, ..options() };
    let mut desk = Desk::with(settings, 3);
    desk.shake_hands();
    desk.grant_read_only(THROW_AWAY, T);
    desk.outputs();
    desk.after(Duration::from_secs(2));
    assert!(desk.taken().is_empty());
}

#[test]
fn a_client_that_all_servers_hang_up_on_says_that_they_may_have_seen_less() {
    let mut desk = Desk::serving();
    desk.submit("a", get("/a"));
    desk.taken();
    desk.reply_at(0x500, 1, ErrorCode::Ok, &GetDataResponse::default());
    desk.disconnect();
    desk.outputs();
    assert_eq!(desk.trouble(), "the server hung up");
    let may = "may have seen less than this client, whose last zxid is 0x500, \
               be read-only, not be ready, or want TLS on this port";
    let mut pauses = Vec::new();
    for attempt in 1..=12 {
        pauses.push(desk.due().unwrap().0);
        desk.shake_hands();
        desk.disconnect();
        assert!(desk.outputs().is_empty());
        let who = if attempt < 3 {
            "the server hung up on the handshake; it"
        } else {
            "every server hung up on the handshake; they"
        };
        assert_eq!(desk.trouble(), format!("{who} {may}"));
    }
    let rounds: Vec<_> = pauses.iter().skip(3).step_by(3).collect();
    assert!(rounds.iter().all(|pause| **pause >= 50 * MILLI), "it does not spin: {pauses:?}");
    assert!(rounds[2] >= &(200 * MILLI), "and waits longer each round: {pauses:?}");
    desk.connect();
    assert!(desk.session.last_trouble().is_none());
}

#[test]
fn a_client_that_has_seen_nothing_does_not_say_that_others_have_seen_less() {
    let mut desk = Desk::new();
    desk.shake_hands();
    desk.disconnect();
    assert_eq!(
        desk.trouble(),
        "the server hung up on the handshake; it may be read-only, not be ready, or want TLS on \
         this port"
    );
    desk.dial();
    desk.disconnect();
    assert_eq!(desk.trouble(), "the server hung up", "it did not even connect");
}

#[test]
fn bytes_that_only_look_like_the_refusal_of_a_session_break_the_protocol() {
    let mut desk = desk();
    desk.shake_hands();
    desk.receive(|out| out.put_slice(&[0; 16]));
    assert!(desk.trouble().starts_with("the server broke the protocol"), "{}", desk.trouble());
}

/// Nobody keeps its session, so that nothing could be bound to it.
#[test]
fn what_is_bound_to_a_session_to_come_is_not_asked_of_a_read_only_server() {
    let mut desk = Desk::with(SessionOptions { allow_read_only: true, ..options() }, 3);
    desk.submit("bound read", get("/a"));
    desk.submit("read", get("/b"));
    let subscriber = desk.subscribe("bound stream", "/c", AddWatchMode::Persistent);
    desk.session.bind_subscriber(subscriber);
    desk.shake_hands();
    desk.grant_read_only(SessionId(1), T);
    let expected =
        ["bound read: SessionExpired", "bound stream: SessionExpired", "connected read-only"];
    assert_eq!(desk.outputs(), expected);
    let sent = desk.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].1, get("/b"));
}

#[test]
fn a_writable_server_that_has_left_the_list_meanwhile_is_not_gone_to() {
    let mut desk = read_only();
    let (due, why) = desk.due().unwrap();
    assert_eq!(why, Timer::Search);
    assert_eq!(desk.after(due).len(), 1);
    desk.session.update_hosts(desk.now, vec![HostPort::new("new", 1)], Source::User);
    desk.session.handle_probed(desk.now, true);
    assert_eq!(desk.outputs(), [] as [&str; 0]);
    let mut outputs = Vec::new();
    while !outputs.contains(&"hang up".to_owned()) {
        let (due, _) = desk.due().unwrap();
        outputs = desk.after(due);
    }
    desk.session.handle_timeout(desk.now);
    assert!(matches!(desk.session.poll_output(), Output::Dial(found) if found.host.host == "new"));
}
