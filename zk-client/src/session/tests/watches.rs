use zk_proto::message::{ExistsResponse, GetChildrenResponse, GetDataResponse, NoBody, SetWatches};
use zk_proto::op::Request;
use zk_proto::{ErrorCode, EventType, Zxid};

use super::fixture::{Desk, ID, T, create, get, watched_children, watched_exists, watched_get};

/// Watches of all three kinds, set by replies up to zxid 0x200.
fn with_watches() -> Desk {
    let mut desk = Desk::serving();
    desk.watch("data", watched_get("/d"));
    desk.watch("found", watched_exists("/f"));
    desk.watch("absent", watched_exists("/x"));
    desk.watch("child", watched_children("/c"));
    desk.taken();
    desk.reply(1, &GetDataResponse::default());
    desk.reply(2, &ExistsResponse::default());
    desk.refuse(3, ErrorCode::NoNode);
    desk.reply_at(0x200, 4, ErrorCode::Ok, &GetChildrenResponse::default());
    desk.outputs();
    desk
}

#[test]
fn what_a_watch_hears_follows_from_the_outcome_that_set_it() {
    let mut desk = with_watches();
    desk.event(0x201, EventType::NodeCreated, "/x");
    desk.event(0x202, EventType::NodeDataChanged, "/d");
    desk.event(0x203, EventType::NodeDeleted, "/f");
    desk.event(0x204, EventType::NodeChildrenChanged, "/c");
    assert_eq!(
        desk.outputs(),
        [
            "absent hears NodeCreated /x",
            "data hears NodeDataChanged /d",
            "found hears NodeDeleted /f",
            "child hears NodeChildrenChanged /c"
        ]
    );
}

#[test]
fn a_watch_fires_once_and_only_for_its_node_and_kind() {
    let mut desk = with_watches();
    desk.event(0x201, EventType::NodeDataChanged, "/c");
    desk.event(0x202, EventType::NodeChildrenChanged, "/d");
    desk.event(0x203, EventType::NodeDataChanged, "/");
    assert!(desk.outputs().is_empty());
    desk.event(0x204, EventType::NodeDataChanged, "/d");
    desk.event(0x205, EventType::NodeDataChanged, "/d");
    assert_eq!(desk.outputs(), ["data hears NodeDataChanged /d"]);
}

#[test]
fn a_failed_read_sets_no_watch() {
    let mut desk = Desk::serving();
    desk.watch("a", watched_get("/a"));
    desk.watch("b", watched_children("/a"));
    desk.watch("c", watched_exists("/a"));
    desk.taken();
    desk.refuse(1, ErrorCode::NoNode);
    desk.refuse(2, ErrorCode::NoAuth);
    desk.refuse(3, ErrorCode::NoAuth);
    assert_eq!(desk.session.watches.count(), (0, 0));
}

#[test]
fn an_event_comes_before_the_reply_that_was_behind_it() {
    let mut desk = with_watches();
    desk.submit("set", create("/y"));
    desk.taken();
    desk.event(0x201, EventType::NodeDataChanged, "/d");
    desk.reply(5, &NoBody {});
    assert_eq!(desk.outputs(), ["data hears NodeDataChanged /d", "set: ok"]);
}

#[test]
fn watches_are_set_again_before_anything_else_relative_to_the_last_reply() {
    let mut desk = with_watches();
    desk.submit("read", get("/a"));
    desk.taken();
    desk.submit("write", create("/a"));
    // Others of the same transaction may be lost; but no server that is behind it will do.
    desk.event(0x300, EventType::NodeDataChanged, "/d");
    desk.disconnect();
    desk.outputs();
    let asked = desk.shake_hands();
    assert_eq!(asked.last_zxid_seen, Zxid(0x300));
    desk.grant(ID, T);
    assert_eq!(desk.outputs(), ["reconnected"]);
    let sent: Vec<_> = desk.sent().into_iter().map(|(_, r)| r).collect();
    let again = SetWatches {
        relative_zxid: Zxid(0x200),
        data_watches: vec!["/f".into()],
        exist_watches: vec!["/x".into()],
        child_watches: vec!["/c".into()],
    };
    assert_eq!(sent, [Request::SetWatches(again), get("/a"), create("/a")]);
    desk.event(-1, EventType::NodeCreated, "/x");
    desk.reply(7, &NoBody {});
    desk.reply(8, &GetDataResponse::default());
    assert_eq!(desk.outputs(), ["absent hears NodeCreated /x", "read: ok"]);
}

#[test]
fn a_connection_on_which_the_watches_cannot_be_set_is_given_up() {
    let mut desk = with_watches();
    desk.disconnect();
    desk.connect();
    desk.taken();
    desk.refuse(5, ErrorCode::ThrottledOp);
    assert_eq!(desk.outputs(), ["hang up", "disconnected"]);
    desk.connect();
    assert!(matches!(desk.sent()[0].1, Request::SetWatches(_)));
}

#[test]
fn without_watches_nothing_is_set_again() {
    let mut desk = Desk::serving();
    desk.watch("gone", watched_get("/a"));
    desk.taken();
    desk.reply(1, &GetDataResponse::default());
    desk.disconnect();
    desk.connect();
    assert!(desk.taken().is_empty());
}

#[test]
fn what_was_missed_is_told_when_the_watches_are_set_again_and_not_before() {
    let mut desk = with_watches();
    desk.disconnect();
    desk.shake_hands();
    desk.grant(ID, T);
    desk.taken();
    desk.outputs();
    desk.event(-1, EventType::NodeDataChanged, "/d");
    assert!(desk.outputs().is_empty(), "the server may be any server");
    desk.disconnect();
    desk.outputs();
    // It is set once more, and told of once more.
    assert_eq!(desk.shake_hands().last_zxid_seen, Zxid(0x200));
    desk.grant(ID, T);
    let sent = desk.sent();
    assert!(format!("{sent:?}").contains("/d"), "{sent:?}");
    desk.outputs();
    desk.event(-1, EventType::NodeDataChanged, "/d");
    let (xid, _) = sent.into_iter().next().unwrap();
    desk.reply_at(0x300, xid.0, ErrorCode::Ok, &NoBody {});
    let told = desk.outputs().concat();
    assert!(told.contains("NodeDataChanged"), "{told}");
    desk.disconnect();
    assert_eq!(desk.shake_hands().last_zxid_seen, Zxid(0x300));
}

#[test]
fn only_replies_and_events_with_a_transaction_move_what_was_seen() {
    let mut desk = Desk::serving();
    for _ in 0..3 {
        desk.submit("a", get("/a"));
    }
    desk.after(T / 3 - super::fixture::DEADLINE);
    desk.taken();
    desk.reply_at(0x10, 1, ErrorCode::Ok, &GetDataResponse::default());
    desk.reply_at(0, 2, ErrorCode::NoAuth, &NoBody {});
    desk.reply_at(-1, 3, ErrorCode::Unimplemented, &NoBody {});
    desk.after(T / 3);
    desk.taken();
    desk.reply_at(0x99, -2, ErrorCode::Ok, &NoBody {});
    desk.event(-1, EventType::NodeDataChanged, "/a");
    desk.disconnect();
    assert_eq!(desk.shake_hands().last_zxid_seen, Zxid(0x10));
}

#[test]
fn watches_are_dropped_when_the_session_ends() {
    let mut desk = with_watches();
    desk.session.abandon();
    assert_eq!(desk.outputs(), ["hang up", "closed"]);
    assert_eq!(desk.session.watches.count(), (0, 0));
}

#[test]
fn watches_that_nobody_waits_for_do_not_pile_up() {
    let mut desk = Desk::serving();
    desk.watch("here", watched_get("/here"));
    desk.taken();
    desk.reply(1, &GetDataResponse::default());
    for number in 2..1000 {
        desk.watch("gone", watched_get(format!("/{number}").leak()));
        // With the removals.
        for (xid, _) in desk.sent() {
            desk.reply(xid.0, &GetDataResponse::default());
        }
    }
    assert_eq!(desk.session.watches.count(), (1, 0));
}
