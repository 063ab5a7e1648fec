use zk_proto::AddWatchMode::{Persistent, PersistentRecursive};
use zk_proto::message::{AddWatchRequest, GetDataResponse, NoBody, SetWatches2};
use zk_proto::op::Request;
use zk_proto::watch::WatcherType;
use zk_proto::{AddWatchMode, ErrorCode, EventType, OpCode, Zxid};

use super::fixture::{DEADLINE, Desk, ID, T, get, options, watched_get};
use super::removals::remove;
use crate::session::SubmitError;

pub(super) fn add(path: &'static str, mode: AddWatchMode) -> Request {
    Request::AddWatch(AddWatchRequest { path: path.into(), mode })
}

/// What is sent, without the xids.
pub(super) fn sent(desk: &mut Desk) -> Vec<Request> {
    desk.sent().into_iter().map(|(_, request)| request).collect()
}

/// One who listens to `/a` in each mode, both confirmed by replies up to zxid 0x101.
fn with_both_modes() -> Desk {
    let mut desk = Desk::serving();
    desk.subscribe("node", "/a", Persistent);
    desk.subscribe("tree", "/a", PersistentRecursive);
    desk.taken();
    desk.reply(1, &NoBody {});
    desk.reply(2, &NoBody {});
    assert_eq!(desk.outputs(), ["node: ok", "tree: ok"]);
    desk
}

#[test]
fn a_watch_is_ready_when_the_server_has_confirmed_it_and_stays() {
    let mut desk = Desk::serving();
    desk.subscribe("a", "/a", Persistent);
    assert_eq!(sent(&mut desk), [add("/a", Persistent)]);
    assert!(desk.outputs().is_empty());
    desk.reply(1, &NoBody {});
    desk.event(0x201, EventType::NodeDataChanged, "/a");
    desk.event(-1, EventType::NodeChildrenChanged, "/a");
    desk.event(0x203, EventType::NodeDataChanged, "/b");
    assert_eq!(
        desk.outputs(),
        ["a: ok", "[1] hear NodeDataChanged /a 0x201", "[1] hear NodeChildrenChanged /a 0x0"]
    );
}

#[test]
fn a_recursive_watch_hears_of_all_below_but_not_of_lists_of_children() {
    let mut desk = with_both_modes();
    desk.event(1, EventType::NodeCreated, "/a/b/c");
    desk.event(2, EventType::NodeDataChanged, "/a");
    desk.event(3, EventType::NodeChildrenChanged, "/a");
    desk.event(4, EventType::NodeChildrenChanged, "/a/b");
    desk.event(5, EventType::NodeDeleted, "/ab");
    assert_eq!(
        desk.outputs(),
        [
            "[2] hear NodeCreated /a/b/c 0x1",
            "[1, 2] hear NodeDataChanged /a 0x2",
            "[1] hear NodeChildrenChanged /a 0x3"
        ]
    );
}

#[test]
fn a_recursive_watch_of_the_root_hears_of_everything() {
    let mut desk = Desk::serving();
    desk.subscribe("root", "/", PersistentRecursive);
    desk.taken();
    desk.reply(1, &NoBody {});
    desk.event(1, EventType::NodeCreated, "/a/b");
    desk.event(2, EventType::NodeDataChanged, "/");
    desk.event(3, EventType::NodeChildrenChanged, "/");
    assert_eq!(
        desk.outputs(),
        ["root: ok", "[1] hear NodeCreated /a/b 0x1", "[1] hear NodeDataChanged / 0x2"]
    );
}

#[test]
fn those_who_come_later_share_the_servers_watch_and_wait_for_it() {
    let mut desk = Desk::serving();
    desk.subscribe("first", "/a", Persistent);
    desk.subscribe("second", "/a", Persistent);
    assert_eq!(sent(&mut desk), [add("/a", Persistent)]);
    assert!(desk.outputs().is_empty(), "the second one does not run ahead");
    desk.reply(1, &NoBody {});
    assert_eq!(desk.outputs(), ["first: ok", "second: ok"]);
    desk.subscribe("third", "/a", Persistent);
    assert_eq!(desk.outputs(), ["third: ok"]);
    assert!(sent(&mut desk).is_empty());
    desk.event(1, EventType::NodeDeleted, "/a");
    assert_eq!(desk.outputs(), ["[1, 2, 3] hear NodeDeleted /a 0x1"]);
}

#[test]
fn those_who_wait_for_a_watch_do_not_hear_of_what_comes_before_it() {
    let mut desk = Desk::serving();
    desk.subscribe("tree", "/", PersistentRecursive);
    desk.subscribe("node", "/a", Persistent);
    desk.taken();
    desk.reply(1, &NoBody {});
    desk.event(1, EventType::NodeCreated, "/a");
    assert_eq!(desk.outputs(), ["tree: ok", "[1] hear NodeCreated /a 0x1"]);
}

#[test]
fn a_watch_that_is_refused_fails_all_who_wait_for_it() {
    let mut desk = Desk::serving();
    desk.subscribe("first", "/a", Persistent);
    desk.subscribe("second", "/a", Persistent);
    desk.taken();
    desk.refuse(1, ErrorCode::ThrottledOp);
    assert_eq!(desk.outputs(), ["first: Server(ThrottledOp)", "second: Server(ThrottledOp)"]);
    assert_eq!(desk.session.watches.count(), (0, 0));
    desk.subscribe("again", "/a", Persistent);
    // What it may have left on the server goes before it is asked for again.
    assert_eq!(sent(&mut desk), [remove("/a", WatcherType::Persistent), add("/a", Persistent)]);
}

#[test]
fn a_connection_on_which_a_watch_cannot_be_asked_for_again_is_given_up() {
    let mut desk = Desk::serving();
    desk.subscribe("tree", "/a", PersistentRecursive);
    desk.taken();
    desk.reply(1, &NoBody {});
    desk.subscribe("node", "/a", Persistent);
    assert_eq!(sent(&mut desk), [add("/a", Persistent), add("/a", PersistentRecursive)]);
    desk.reply(2, &NoBody {});
    desk.refuse(3, ErrorCode::ThrottledOp);
    let outputs = desk.outputs();
    assert!(outputs.contains(&"hang up".to_owned()), "{outputs:?}");
}

#[test]
fn after_a_reconnect_watches_are_set_again_and_a_gap_is_told_before_anything_else() {
    let mut desk = with_both_modes();
    desk.watch("once", watched_get("/b"));
    desk.taken();
    desk.reply_at(0x300, 3, ErrorCode::Ok, &GetDataResponse::default());
    desk.event(0x400, EventType::NodeDataChanged, "/a");
    desk.outputs();
    desk.disconnect();
    desk.submit("read", get("/a"));
    assert_eq!(desk.outputs(), ["disconnected"]);
    desk.shake_hands();
    desk.grant(ID, T);
    let again = Request::SetWatches2(SetWatches2 {
        relative_zxid: Zxid(0x300),
        data_watches: vec!["/b".into()],
        persistent_watches: vec!["/a".into()],
        persistent_recursive_watches: vec!["/a".into()],
        ..SetWatches2::default()
    });
    let (xids, requests): (Vec<_>, Vec<_>) = desk.sent().into_iter().unzip();
    assert_eq!(requests, [again, get("/a")]);
    // The first event of the new connection, before the reply to setWatches2.
    desk.event(-1, EventType::NodeDataChanged, "/b");
    desk.reply_at(0x400, xids[0].0, ErrorCode::Ok, &NoBody {});
    desk.event(0x500, EventType::NodeDataChanged, "/a");
    assert_eq!(
        desk.outputs(),
        [
            "[1, 2] hear of a gap",
            "reconnected",
            "once hears NodeDataChanged /b",
            "[1, 2] hear NodeDataChanged /a 0x500"
        ]
    );
}

#[test]
fn each_new_connection_is_a_gap_even_if_its_watches_were_never_set() {
    let mut desk = with_both_modes();
    for _ in 0..2 {
        desk.disconnect();
        desk.shake_hands();
        desk.grant(ID, T);
        assert_eq!(desk.outputs(), ["disconnected", "[1, 2] hear of a gap", "reconnected"][1..]);
        assert_eq!(desk.sent_ops(), [OpCode::SetWatches2]);
    }
}

#[test]
fn whoever_comes_without_a_connection_waits_for_one() {
    let mut desk = with_both_modes();
    desk.disconnect();
    desk.subscribe("shares", "/a", Persistent);
    desk.subscribe("new", "/b", PersistentRecursive);
    desk.subscribe("newer", "/b", Persistent);
    assert_eq!(desk.outputs(), ["disconnected"]);
    desk.connect();
    let sent = sent(&mut desk);
    let (again, rest) = sent.split_first().unwrap();
    assert_eq!(again.op_code(), OpCode::SetWatches2);
    assert_eq!(rest, [add("/b", Persistent), add("/b", PersistentRecursive)]);
    desk.reply(3, &NoBody {});
    assert_eq!(desk.outputs(), ["shares: ok"]);
    desk.reply(4, &NoBody {});
    desk.reply(5, &NoBody {});
    assert_eq!(desk.outputs(), ["newer: ok", "new: ok"]);
}

#[test]
fn a_watch_whose_confirmation_was_lost_is_asked_for_again_without_a_gap() {
    let mut desk = Desk::serving();
    desk.subscribe("a", "/a", Persistent);
    desk.taken();
    desk.disconnect();
    desk.shake_hands();
    desk.grant(ID, T);
    assert_eq!(desk.outputs(), ["reconnected"]);
    assert_eq!(sent(&mut desk), [add("/a", Persistent)]);
    desk.reply(2, &NoBody {});
    assert_eq!(desk.outputs(), ["a: ok"]);
}

#[test]
fn whoever_waits_for_too_long_is_told_and_leaves_nothing() {
    let mut desk = Desk::serving();
    desk.disconnect();
    desk.subscribe("a", "/a", Persistent);
    desk.outputs();
    assert_eq!(desk.after(DEADLINE), ["a: Timeout(NotSent)", "dial"]);
    assert_eq!(desk.session.watches.count(), (0, 0));

    let mut desk = Desk::serving();
    desk.subscribe("a", "/a", Persistent);
    desk.taken();
    assert_eq!(desk.due(), Some((DEADLINE, super::super::output::Timer::Request)));
    assert_eq!(desk.after(DEADLINE), ["a: Timeout(Unknown)"]);
    assert_eq!(desk.sent_ops(), [OpCode::RemoveWatches], "the server may have it");
}

#[test]
fn the_end_of_the_session_fails_those_who_wait() {
    let mut desk = with_both_modes();
    desk.disconnect();
    desk.subscribe("a", "/a", Persistent);
    desk.outputs();
    desk.shake_hands();
    desk.grant(zk_proto::SessionId::NONE, std::time::Duration::ZERO);
    assert_eq!(desk.outputs(), ["hang up", "a: SessionExpired", "expired"]);
    assert_eq!(desk.session.watches.count(), (0, 0));
}

#[test]
fn limits_hold_for_watches_too() {
    let mut desk = Desk::with(crate::session::SessionOptions { max_pending: 3, ..options() }, 1);
    desk.connect();
    desk.subscribe("a", "/a", Persistent);
    desk.subscribe("b", "/a", Persistent);
    // Two who wait, and the request that both wait for.
    let refused = desk.session.subscribe(desk.now, "/a".into(), Persistent, "c");
    assert_eq!(refused, Err(SubmitError::TooManyRequests));
    let long = format!("/{}", "x".repeat(2000)).into();
    let mut desk = Desk::serving();
    let refused = desk.session.subscribe(desk.now, long, Persistent, "long");
    assert!(matches!(refused, Err(SubmitError::RequestTooLarge { limit: 1024, .. })));
}

/// Before 3.9, what is set last on a path is all that there is.
#[test]
fn the_mode_that_tells_most_is_always_set_last() {
    let mut desk = Desk::serving();
    desk.subscribe("tree", "/a", PersistentRecursive);
    desk.subscribe("node", "/a", Persistent);
    assert_eq!(
        sent(&mut desk),
        [add("/a", PersistentRecursive), add("/a", Persistent), add("/a", PersistentRecursive)]
    );
    for xid in 1..=3 {
        desk.reply(xid, &NoBody {});
    }
    assert_eq!(desk.outputs(), ["tree: ok", "node: ok"]);
    desk.watch("once", watched_get("/a"));
    desk.taken();
    desk.reply(4, &GetDataResponse::default());
    assert_eq!(sent(&mut desk)[0], add("/a", Persistent));
}
