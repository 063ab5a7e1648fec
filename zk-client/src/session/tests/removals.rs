use zk_proto::AddWatchMode::{Persistent, PersistentRecursive};
use zk_proto::message::{GetDataResponse, NoBody, RemoveWatchesRequest};
use zk_proto::op::Request;
use zk_proto::watch::WatcherType;
use zk_proto::{ErrorCode, EventType, OpCode};

use super::fixture::{Desk, get, watched_children, watched_get};
use super::persistent::{add, sent};
use crate::session::Table;

pub(super) fn remove(path: &'static str, watcher_type: WatcherType) -> Request {
    Request::RemoveWatches(RemoveWatchesRequest { path: path.into(), watcher_type })
}

/// A one-shot watch on `/a` whose owner has gone since.
fn with_unwanted() -> Desk {
    let mut desk = Desk::serving();
    desk.watch("once", watched_get("/a"));
    desk.taken();
    desk
}

#[test]
fn the_last_one_to_go_takes_the_servers_watch_along() {
    let mut desk = Desk::serving();
    let first = desk.subscribe("first", "/a", PersistentRecursive);
    let second = desk.subscribe("second", "/a", PersistentRecursive);
    desk.taken();
    desk.reply(1, &NoBody {});
    desk.unsubscribe("/a", PersistentRecursive, first);
    desk.unsubscribe("/a", PersistentRecursive, first);
    assert!(sent(&mut desk).is_empty());
    desk.event(1, EventType::NodeCreated, "/a/b");
    desk.unsubscribe("/a", PersistentRecursive, second);
    assert_eq!(sent(&mut desk), [remove("/a", WatcherType::PersistentRecursive)]);
    desk.outputs();
    // One was under way, and the server has forgotten it since: neither is a fault.
    desk.event(2, EventType::NodeDeleted, "/a/b");
    desk.refuse(2, ErrorCode::NoWatcher);
    assert!(desk.outputs().is_empty());
    assert_eq!(desk.session.watches.count(), (0, 0));
}

#[test]
fn whoever_comes_while_the_watch_is_removed_asks_anew_behind_the_removal() {
    let mut desk = Desk::serving();
    let first = desk.subscribe("first", "/a", Persistent);
    desk.unsubscribe("/a", Persistent, first);
    desk.subscribe("second", "/a", Persistent);
    let removed = remove("/a", WatcherType::Persistent);
    assert_eq!(sent(&mut desk), [add("/a", Persistent), removed, add("/a", Persistent)]);
    desk.reply(1, &NoBody {});
    assert!(desk.outputs().is_empty(), "this was the answer to another one");
    desk.reply(2, &NoBody {});
    desk.reply(3, &NoBody {});
    assert_eq!(desk.outputs(), ["second: ok"]);
}

#[test]
fn without_a_connection_nothing_is_removed_but_simply_not_set_again() {
    let mut desk = Desk::serving();
    let gone = desk.subscribe("a", "/a", Persistent);
    desk.watch("gone", watched_children("/c"));
    desk.taken();
    desk.reply(1, &NoBody {});
    desk.disconnect();
    desk.unsubscribe("/a", Persistent, gone);
    desk.connect();
    assert_eq!(desk.sent_ops(), [OpCode::GetChildren; 0]);
}

#[test]
fn a_removal_that_was_under_way_is_not_repeated_on_the_next_connection() {
    let mut desk = Desk::serving();
    let gone = desk.subscribe("a", "/a", Persistent);
    desk.taken();
    desk.reply(1, &NoBody {});
    desk.unsubscribe("/a", Persistent, gone);
    desk.taken();
    desk.disconnect();
    desk.connect();
    assert!(sent(&mut desk).is_empty());
    let gone = desk.subscribe("b", "/b", Persistent);
    desk.unsubscribe("/b", Persistent, gone);
    assert_eq!(desk.sent_ops(), [OpCode::AddWatch, OpCode::RemoveWatches]);
}

#[test]
fn a_one_shot_watch_that_nobody_waits_for_is_removed() {
    let mut desk = Desk::serving();
    desk.watch("gone at once", watched_children("/a"));
    desk.taken();
    desk.reply(1, &NoBody {});
    assert_eq!(sent(&mut desk), [remove("/a", WatcherType::Children)]);
    desk.reply(2, &NoBody {});
    assert_eq!(desk.outputs(), ["gone at once: ok"]);
}

#[test]
fn a_read_on_its_way_keeps_the_watch_that_it_is_about_to_set() {
    let mut desk = with_unwanted();
    desk.watch("gone", watched_get("/a"));
    desk.watch("kept", watched_get("/a"));
    desk.taken();
    desk.refuse(1, ErrorCode::NoNode);
    desk.reply(2, &GetDataResponse::default());
    assert!(sent(&mut desk).is_empty(), "a removal now would take the next one");
    desk.reply(3, &GetDataResponse::default());
    assert!(sent(&mut desk).is_empty());
    desk.event(1, EventType::NodeDataChanged, "/a");
    assert!(desk.outputs().contains(&"kept hears NodeDataChanged /a".to_owned()));
}

#[test]
fn what_waits_to_be_removed_is_removed_once_the_read_has_failed() {
    let mut desk = Desk::serving();
    desk.watch("gone", watched_get("/a"));
    desk.watch("fails", watched_get("/a"));
    desk.taken();
    desk.reply(1, &GetDataResponse::default());
    assert!(sent(&mut desk).is_empty());
    desk.refuse(2, ErrorCode::NoNode);
    assert_eq!(sent(&mut desk), [remove("/a", WatcherType::Data)]);
}

#[test]
fn one_shot_watches_on_the_path_of_a_persistent_one_are_left_alone() {
    for mode in [Persistent, PersistentRecursive] {
        let mut desk = Desk::serving();
        desk.subscribe("stream", "/a", mode);
        desk.watch("gone", watched_get("/a"));
        desk.taken();
        desk.reply(1, &NoBody {});
        desk.reply(2, &GetDataResponse::default());
        assert_eq!(sent(&mut desk), [add("/a", mode)], "no removal, but see it again");
    }
}

#[test]
fn a_server_before_3_9_is_asked_for_all_watches_of_the_path_if_there_are_no_others() {
    let any = || vec![remove("/a", WatcherType::Any)];
    for (others, asked) in [("none", any()), ("one-shot", vec![]), ("stream", vec![])] {
        let mut desk = Desk::serving();
        let gone = desk.subscribe("gone", "/a", Persistent);
        desk.taken();
        desk.reply(1, &NoBody {});
        desk.unsubscribe("/a", Persistent, gone);
        match others {
            "one-shot" => {
                desk.watch("once", watched_children("/a"));
            }
            "stream" => {
                desk.subscribe("again", "/a", PersistentRecursive);
            }
            _ => desk.submit("read", get("/a")),
        }
        desk.taken();
        desk.refuse(2, ErrorCode::MarshallingError);
        desk.reply(3, &GetDataResponse::default());
        assert_eq!(sent(&mut desk), asked, "with {others}");
        if !asked.is_empty() {
            desk.refuse(4, ErrorCode::NoWatcher);
        }
        assert!(sent(&mut desk).is_empty());
    }
}

#[test]
fn many_that_go_at_once_make_no_flood() {
    let mut desk = Desk::serving();
    for number in 0..90 {
        desk.watch("gone", watched_get(format!("/{number}").leak()));
    }
    desk.taken();
    for xid in 1..=90 {
        desk.reply(xid, &GetDataResponse::default());
    }
    let mut bursts = Vec::new();
    loop {
        let sent = desk.sent();
        if sent.is_empty() {
            break;
        }
        bursts.push(sent.len());
        for (xid, _) in sent {
            desk.refuse(xid.0, ErrorCode::NoWatcher);
        }
    }
    assert_eq!(bursts, [1, 32, 32, 25], "each waits for the answers to the one before");
}

#[test]
fn nothing_is_removed_when_the_session_is_about_to_end() {
    let mut desk = Desk::serving();
    let gone = desk.subscribe("a", "/a", Persistent);
    desk.taken();
    desk.reply(1, &NoBody {});
    desk.close("close");
    desk.unsubscribe("/a", Persistent, gone);
    assert_eq!(desk.sent_ops(), [OpCode::CloseSession]);
    desk.reply(2, &NoBody {});
    desk.unsubscribe("/a", Persistent, gone);
    desk.forget("/a", Table::Data);
    assert!(desk.taken().is_empty());
}

#[test]
fn removals_take_no_room_from_requests() {
    let mut desk = Desk::with(
        crate::session::SessionOptions { max_pending: 1, ..super::fixture::options() },
        1,
    );
    desk.connect();
    desk.watch("gone", watched_get("/a"));
    desk.taken();
    desk.reply(1, &GetDataResponse::default());
    assert_eq!(desk.sent_ops(), [OpCode::RemoveWatches]);
    desk.submit("read", get("/a"));
}
