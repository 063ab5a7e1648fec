//! What becomes of everything when the session expires and a new one takes its place.

use std::time::Duration;

use zk_proto::message::{
    AuthPacket, CreateRequest, GetDataResponse, NoBody, Secret, SetWatches, SetWatches2,
};
use zk_proto::op::Request;
use zk_proto::{AddWatchMode, ErrorCode, EventType, OpCode, Password, SessionId, Xid, Zxid};

use super::fixture::{DEADLINE, Desk, ID, T, create, get, options, watched_get};
use crate::options::ExpiryPolicy;
use crate::session::output::Timer;
use crate::session::{End, SessionOptions, SubmitError};

const OTHER: SessionId = SessionId(0x99);

/// A session that serves, and is followed by another one.
fn serving() -> Desk {
    let mut desk =
        Desk::with(SessionOptions { on_expiry: ExpiryPolicy::NewSession, ..options() }, 3);
    desk.connect();
    desk
}

/// The next connection gets a new session. Returns what came out.
fn renewed(desk: &mut Desk) -> Vec<String> {
    let request = desk.shake_hands();
    assert_eq!((request.session_id, request.passwd), (SessionId::NONE, Password::NONE));
    desk.grant(OTHER, T);
    desk.outputs()
}

#[test]
fn a_new_session_takes_the_place_of_an_expired_one() {
    let mut desk = serving();
    desk.disconnect();
    assert_eq!(desk.refuse_session(), ["hang up", "renewing 0x77"]);
    assert_eq!((desk.session.id(), desk.session.generation().get()), (SessionId::NONE, 2));
    let (pause, why) = desk.due().unwrap();
    assert!(pause > Duration::ZERO && why == Timer::Redial, "{pause:?} {why:?}");
    assert_eq!(renewed(&mut desk), ["connected as generation 2"]);
    assert_eq!(desk.session.id(), OTHER);
    desk.disconnect();
    assert_eq!(desk.shake_hands().session_id, OTHER);
    desk.grant(OTHER, T);
    assert_eq!(desk.outputs(), ["reconnected"]);
}

#[test]
fn a_server_that_has_seen_less_is_not_asked_for_the_new_session_either() {
    let mut desk = serving();
    desk.submit("a", create("/a"));
    desk.taken();
    desk.reply_at(0x900, 1, ErrorCode::Ok, &NoBody {});
    desk.disconnect();
    desk.refuse_session();
    assert_eq!(desk.shake_hands().last_zxid_seen, Zxid(0x900));
}

#[test]
fn what_was_asked_in_the_old_session_fails_and_what_is_asked_later_waits_for_the_new_one() {
    let mut desk = serving();
    desk.submit("sent write", create("/a"));
    desk.submit("sent read", get("/a"));
    desk.taken();
    desk.submit("unsent", create("/b"));
    desk.disconnect();
    desk.submit("late", get("/b"));
    assert_eq!(desk.outputs(), ["sent write: ConnectionLoss(Unknown)", "disconnected"]);
    assert_eq!(
        desk.refuse_session(),
        [
            "hang up",
            "sent read: SessionExpired",
            "unsent: SessionExpired",
            "late: SessionExpired",
            "renewing 0x77",
        ]
    );
    desk.submit("new", create("/c"));
    assert_eq!(renewed(&mut desk), ["connected as generation 2"]);
    let sent = desk.sent();
    let [(xid, Request::Create2(CreateRequest { path, .. }))] = &*sent else {
        panic!("{sent:?}");
    };
    assert_eq!(&**path, "/c");
    assert!(xid.0 > 3, "no number of the old session is used again");
    let xid = xid.0;
    desk.reply(xid, &NoBody {});
    assert_eq!(desk.outputs(), ["new: ok"]);
}

#[test]
fn a_reply_of_the_old_session_is_not_taken_for_one_of_the_new() {
    let mut desk = serving();
    desk.submit("old", get("/a"));
    desk.taken();
    desk.disconnect();
    desk.refuse_session();
    // What is still on its way from the old connection.
    desk.reply(1, &GetDataResponse::default());
    desk.submit("new", get("/b"));
    renewed(&mut desk);
    desk.taken();
    desk.reply(1, &GetDataResponse::default());
    assert_eq!(desk.outputs(), ["hang up", "disconnected"], "a reply that answers nothing");
}

#[test]
fn watches_go_on_and_streams_hear_of_a_gap() {
    let mut desk = serving();
    desk.watch("one-shot", watched_get("/a"));
    desk.subscribe("stream", "/s", AddWatchMode::PersistentRecursive);
    desk.taken();
    desk.reply(1, &GetDataResponse::default());
    desk.reply(2, &NoBody {});
    assert_eq!(desk.outputs(), ["one-shot: ok", "stream: ok"]);
    desk.disconnect();
    desk.refuse_session();
    assert_eq!(renewed(&mut desk), ["[1] hear of a gap", "connected as generation 2"]);
    let again = SetWatches2 {
        relative_zxid: Zxid(0x101),
        data_watches: vec!["/a".into()],
        persistent_recursive_watches: vec!["/s".into()],
        ..SetWatches2::default()
    };
    let sent = desk.sent();
    let [(xid, request)] = &*sent else { panic!("{sent:?}") };
    assert_eq!(*request, Request::SetWatches2(again));
    let xid = xid.0;
    // What was missed comes before the answer.
    desk.event(-1, EventType::NodeDataChanged, "/a");
    desk.reply(xid, &NoBody {});
    desk.event(0x120, EventType::NodeCreated, "/s/x");
    assert_eq!(
        desk.outputs(),
        ["one-shot hears NodeDataChanged /a", "[1] hear NodeCreated /s/x 0x120"]
    );
}

#[test]
fn what_is_bound_ends_with_its_session_and_leaves_the_rest_alone() {
    let mut desk = serving();
    for (ticket, path) in [("bound", "/a"), ("free", "/a"), ("bound alone", "/b")] {
        desk.watch(ticket, watched_get(path));
    }
    let bound = desk.subscribe("first", "/s", AddWatchMode::Persistent);
    let alone = desk.subscribe("alone", "/t", AddWatchMode::Persistent);
    desk.session.bind_subscriber(bound);
    desk.session.bind_subscriber(alone);
    desk.taken();
    for xid in 1..=5 {
        desk.reply(xid, &NoBody {});
    }
    desk.subscribe("second", "/s", AddWatchMode::Persistent);
    desk.outputs();
    let of_old = desk.session.generation();
    assert_eq!(desk.session.check_bound(Some(of_old)), Ok(()));
    desk.disconnect();
    assert_eq!(desk.refuse_session(), ["hang up", "[1, 2] hear of the end", "renewing 0x77"]);
    assert_eq!(desk.session.check_bound(Some(of_old)), Err(SubmitError::Expired));
    assert_eq!(desk.session.check_bound(None), Ok(()));
    assert_eq!(desk.session.check_bound(Some(desk.session.generation())), Ok(()));
    assert_eq!(renewed(&mut desk), ["[3] hear of a gap", "connected as generation 2"]);
    let sent = desk.sent();
    let [(_, Request::SetWatches2(again))] = &*sent else { panic!("{sent:?}") };
    assert_eq!(
        (&*again.data_watches, &*again.persistent_watches),
        (&["/a".into()][..], &["/s".into()][..])
    );
    desk.unsubscribe("/s", AddWatchMode::Persistent, bound);
}

#[test]
fn who_waits_for_a_stream_or_a_credential_has_asked_in_the_old_session() {
    let mut desk = serving();
    desk.disconnect();
    desk.subscribe("stream", "/s", AddWatchMode::Persistent);
    let packet = AuthPacket {
        auth_type: 0,
        scheme: "digest".into(),
        auth: Secret(Some("user:password".into())),
    };
    desk.session.add_auth(desk.now, packet, Some("credential")).unwrap();
    assert_eq!(
        desk.refuse_session(),
        ["hang up", "credential: SessionExpired", "stream: SessionExpired", "renewing 0x77"]
    );
    assert!(renewed(&mut desk).is_empty(), "the credential is told all the same");
    assert_eq!(desk.sent_ops(), [OpCode::Auth]);
    desk.reply(Xid::AUTH.0, &NoBody {});
    assert_eq!(desk.outputs(), ["connected as generation 2"]);
}

#[test]
fn a_credential_that_the_new_session_is_refused_for_ends_the_client() {
    let mut desk = serving();
    let packet = AuthPacket { auth_type: 0, scheme: "digest".into(), auth: Secret(None) };
    desk.session.add_auth(desk.now, packet, None).unwrap();
    desk.taken();
    desk.reply(Xid::AUTH.0, &NoBody {});
    desk.disconnect();
    desk.refuse_session();
    renewed(&mut desk);
    desk.submit("a", get("/a"));
    desk.refuse(Xid::AUTH.0, ErrorCode::AuthFailed);
    assert_eq!(desk.outputs(), ["hang up", "a: AuthFailed(CredentialRefused)", "auth failed"]);
    assert!(matches!(desk.session.ended(), Some(End::AuthFailed(_))));
}

#[test]
fn a_session_that_expires_before_it_was_told_of_counts_too() {
    let mut desk = serving();
    let packet = AuthPacket { auth_type: 0, scheme: "digest".into(), auth: Secret(None) };
    desk.session.add_auth(desk.now, packet, None).unwrap();
    desk.disconnect();
    desk.refuse_session();
    // Granted, and lost before the credential was accepted.
    assert!(renewed(&mut desk).is_empty());
    desk.submit("in the second", create("/a"));
    desk.taken();
    desk.disconnect();
    assert_eq!(desk.outputs(), ["in the second: ConnectionLoss(Unknown)"]);
    assert_eq!(desk.shake_hands().session_id, OTHER);
    desk.grant(SessionId::NONE, Duration::ZERO);
    assert_eq!(desk.outputs(), ["hang up", "renewing 0x99"]);
    desk.shake_hands();
    desk.grant(ID, T);
    desk.reply(Xid::AUTH.0, &NoBody {});
    assert_eq!(desk.outputs(), ["connected as generation 3"]);
}

#[test]
fn a_server_that_refuses_a_new_session_is_at_fault_and_others_are_tried() {
    let mut desk = serving();
    desk.disconnect();
    desk.refuse_session();
    desk.shake_hands();
    desk.grant(SessionId::NONE, Duration::ZERO);
    assert_eq!(desk.outputs(), ["hang up"]);
    assert_eq!(renewed(&mut desk), ["connected as generation 2"]);
}

#[test]
fn a_close_while_a_session_is_renewed_has_nothing_to_wait_for() {
    let mut desk = serving();
    desk.disconnect();
    desk.refuse_session();
    desk.submit("a", get("/a"));
    desk.shake_hands();
    desk.close("close");
    assert_eq!(desk.outputs(), ["hang up", "a: Closed", "close: ok", "closed"]);
    assert!(desk.is_finished());
}

#[test]
fn a_close_is_content_with_an_expired_session_and_asks_for_no_new_one() {
    let mut desk = serving();
    desk.disconnect();
    desk.close("close");
    assert_eq!(desk.refuse_session(), ["hang up", "close: ok", "closed"]);
    assert!(desk.is_finished());
}

#[test]
fn requests_of_the_new_session_have_their_whole_time() {
    let mut desk = serving();
    desk.disconnect();
    desk.submit("old", get("/a"));
    desk.refuse_session();
    desk.submit("new", get("/a"));
    assert_eq!(desk.after(DEADLINE - Duration::from_millis(1)), ["dial"]);
    let late = desk.after(Duration::from_millis(1));
    assert_eq!(late.first().unwrap(), "new: Timeout(NotSent)", "{late:?}");
}

#[test]
fn many_watches_are_set_again_in_the_new_session_in_batches() {
    let mut desk = Desk::with(
        SessionOptions {
            on_expiry: ExpiryPolicy::NewSession,
            max_pending: 10_000,
            max_outgoing: 10_000_000,
            ..options()
        },
        1,
    );
    desk.connect();
    let watches = 5000;
    for number in 1..=watches {
        let path = format!("/a/long/enough/path/that/a/batch/is/full/{number:06}");
        let read = zk_proto::message::GetDataRequest { path: path.into(), watch: true };
        desk.watch("watch", Request::GetData(read));
        desk.taken();
        desk.reply(number, &GetDataResponse::default());
    }
    desk.disconnect();
    desk.refuse_session();
    renewed(&mut desk);
    let sent = desk.sent();
    assert!(sent.len() > 1);
    let set = sent.iter().map(|(_, request)| match request {
        Request::SetWatches(SetWatches { data_watches, .. }) => data_watches.len(),
        other => panic!("{other:?}"),
    });
    assert_eq!(set.sum::<usize>(), usize::try_from(watches).unwrap());
}
