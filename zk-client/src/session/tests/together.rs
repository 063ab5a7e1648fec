//! What happens where two things come together that are simple each on its own.

use std::time::Duration;

use zk_proto::message::{GetDataResponse, NoBody, SetWatches};
use zk_proto::op::Request;
use zk_proto::{AddWatchMode, ErrorCode, EventType, OpCode, SessionId, Xid, Zxid};

use super::fixture::{Desk, ID, T, create, get, options, watched_get};
use crate::options::ExpiryPolicy;
use crate::saved_session::SavedSession;
use crate::session::{Phase, SessionOptions};

/// A path, and the name of who watches it.
fn long_path(number: usize, length: usize) -> &'static str {
    Box::leak(format!("/{number:0length$}").into_boxed_str())
}

fn roomy() -> SessionOptions {
    SessionOptions { max_pending: 1000, max_outgoing: 1_000_000, ..options() }
}

fn with_watches(paths: &[&'static str]) -> Desk {
    let mut desk = Desk::with(SessionOptions { max_request: 8192, max_reply: 8192, ..roomy() }, 3);
    desk.connect();
    for path in paths {
        desk.watch(path, watched_get(path));
        let xid = desk.sent()[0].0;
        desk.reply_at(0x200, xid.0, ErrorCode::Ok, &GetDataResponse::default());
    }
    desk.outputs();
    desk
}

fn reconnect(desk: &mut Desk) -> Vec<(Xid, Zxid)> {
    desk.disconnect();
    desk.connect();
    let set = desk.sent().into_iter().map(|(xid, request)| match request {
        Request::SetWatches(SetWatches { relative_zxid, .. }) => (xid, relative_zxid),
        other => panic!("{other:?}"),
    });
    set.collect()
}

#[test]
fn watches_that_were_not_set_again_in_time_are_told_what_they_have_missed_on_the_next_connection() {
    let paths: Vec<_> = (0..150).map(|number| long_path(number, 900)).collect();
    let mut desk = with_watches(&paths);
    let batches = reconnect(&mut desk);
    assert_eq!(batches.len(), 2);
    // Whatever was changed up to 0x300 is still to be told to the watches of the second one.
    desk.reply_at(0x300, batches[0].0.0, ErrorCode::Ok, &NoBody {});
    let batches = reconnect(&mut desk);
    assert!(batches.iter().all(|(_, relative)| *relative == Zxid(0x200)), "{batches:?}");
    for (xid, _) in batches {
        desk.reply_at(0x300, xid.0, ErrorCode::Ok, &NoBody {});
    }
    assert!(reconnect(&mut desk).iter().all(|(_, relative)| *relative == Zxid(0x300)));
}

#[test]
fn events_that_are_held_back_are_bounded() {
    let path = long_path(0, 4000);
    let mut desk = with_watches(&[path]);
    let batches = reconnect(&mut desk);
    assert_eq!(batches.len(), 1);
    let mut most = 0;
    for _ in 0..3000 {
        desk.event(-1, EventType::NodeDataChanged, path);
        let Phase::Serving(serving) = &desk.session.phase else { panic!("it serves") };
        most = most.max(serving.early_events.len() * path.len());
    }
    assert!((1..5 * 1024 * 1024).contains(&most), "{most}");
    let heard = desk.outputs();
    assert_eq!(heard, [format!("{path} hears NodeDataChanged {path}")], "nothing is lost");
    desk.reply_at(0x300, batches[0].0.0, ErrorCode::Ok, &NoBody {});
    assert!(desk.outputs().is_empty());
}

#[test]
fn a_session_without_an_id_is_resumed_as_the_new_one_that_it_is() {
    let mut desk = Desk::new();
    desk.session.resume(SavedSession::new(SessionId::NONE, [0; 16], Zxid::ZERO));
    assert_eq!(desk.shake_hands().session_id, SessionId::NONE);
    desk.grant(ID, T);
    assert_eq!(desk.outputs(), ["connected"]);
}

#[test]
fn proofs_that_are_not_answered_do_not_pile_up() {
    let every = Duration::from_millis(10);
    let mut desk = Desk::with(SessionOptions { keep_lease: Some(every), ..options() }, 3);
    desk.connect();
    let mut sent = Vec::new();
    for _ in 0..300 {
        desk.after(every);
        sent.extend(desk.sent());
    }
    let proofs = sent.iter().filter(|(_, request)| request.op_code() == OpCode::Multi);
    assert_eq!(proofs.count(), 100, "as many as may be pending");
    assert!(desk.due().unwrap().0 > Duration::ZERO, "and nothing is due all the time");
    desk.refuse(sent[0].0.0, ErrorCode::NoNode);
    desk.after(every);
    assert_eq!(desk.sent_ops(), [OpCode::Multi]);
}

#[test]
fn what_is_for_the_next_session_only_does_not_go_to_a_read_only_server() {
    let options =
        SessionOptions { on_expiry: ExpiryPolicy::NewSession, allow_read_only: true, ..options() };
    let mut desk = Desk::with(options, 3);
    desk.connect();
    desk.disconnect();
    assert_eq!(desk.refuse_session().last().unwrap(), "renewing 0x77");
    desk.submit("bound write", create("/a"));
    desk.submit("bound read", get("/a"));
    desk.submit("read", get("/a"));
    let bound = desk.subscribe("bound stream", "/a", AddWatchMode::Persistent);
    desk.session.bind_subscriber(bound);
    let _ = desk.subscribe("stream", "/a", AddWatchMode::Persistent);
    desk.shake_hands();
    desk.grant_read_only(SessionId(0x99), T);
    assert_eq!(
        desk.outputs(),
        [
            "bound write: SessionExpired",
            "bound read: SessionExpired",
            "bound stream: SessionExpired",
            "connected read-only"
        ]
    );
    assert_eq!(desk.sent_ops(), [OpCode::AddWatch, OpCode::GetData]);
}

#[test]
fn times_without_end_are_no_fault() {
    let ever = Duration::MAX;
    let mut desk = Desk::with(
        SessionOptions {
            timeout: ever,
            request_timeout: ever,
            server_tick: Some(ever),
            keep_lease: Some(ever),
            ..options()
        },
        3,
    );
    desk.connect();
    for xid in 1..3 {
        desk.submit("a", create("/a"));
        desk.taken();
        desk.refuse(xid, ErrorCode::NodeExists);
        desk.after(Duration::from_secs(1));
    }
    assert!(desk.session.proven_life().is_some());
    assert_eq!(desk.session.close_within(desk.now, None, ever), Ok(()));
    assert!(desk.due().is_some());
}
