//! What frames about watches and events say.

use bytes::Bytes;
use zk_proto::message::{
    AddWatchRequest, DeleteRequest, ErrorResponse, NoBody, RemoveWatchesRequest, SetDataRequest,
    SetDataResponse, SetWatches, SetWatches2,
};
use zk_proto::op::{Request, Response};
use zk_proto::{AddWatchMode, ErrorCode, EventType, Version, WatcherType, Xid, Zxid};

use super::exchange::{event, reply, stat_of_a_later, talk};
use super::message::received;
use crate::wire_vectors::{DEBIAN_3_8, block};

#[test]
fn the_event_of_a_write_comes_before_its_reply() {
    let (request, replies) = talk("setData /a (event");
    let expected = SetDataRequest {
        path: "/a".into(),
        data: Some(Bytes::from_static(b"yo")),
        version: Version(0),
    };
    assert_eq!(request, Some(Request::SetData(expected)));
    let stat = stat_of_a_later();
    assert_eq!(
        replies,
        [
            event(10, EventType::NodeDataChanged, "/a"),
            reply(12, 10, Response::SetData(SetDataResponse { stat })),
        ]
    );
    let old = received(&block(DEBIAN_3_8, "setData /a (event"));
    assert_eq!(old[0], event(-1, EventType::NodeDataChanged, "/a"));

    let (request, replies) = talk("delete /b");
    let expected = DeleteRequest { path: "/b".into(), version: Version::ANY };
    assert_eq!(request, Some(Request::Delete(expected)));
    assert_eq!(
        replies,
        [event(14, EventType::NodeDeleted, "/b"), reply(26, 14, Response::Delete(NoBody {})),]
    );
}

#[test]
fn watches_are_added_checked_and_removed() {
    let (request, replies) = talk("addWatch /a recursive");
    let expected = AddWatchRequest { path: "/a".into(), mode: AddWatchMode::PersistentRecursive };
    assert_eq!(request, Some(Request::AddWatch(expected)));
    let err = ErrorCode::Ok;
    assert_eq!(replies, [reply(16, 11, Response::AddWatch(ErrorResponse { err }))]);
    let (request, replies) = talk("removeWatches /a any");
    let expected = RemoveWatchesRequest { path: "/a".into(), watcher_type: WatcherType::Any };
    assert_eq!(request, Some(Request::RemoveWatches(expected)));
    assert_eq!(replies, [reply(18, 11, Response::RemoveWatches(NoBody {}))]);
}

#[test]
fn watches_that_are_set_again_fire_at_once() {
    let (request, replies) = talk("setWatches xid -8");
    let expected = SetWatches {
        relative_zxid: Zxid::ZERO,
        data_watches: vec!["/a".into()],
        exist_watches: vec!["/b".into()],
        child_watches: vec!["/gone".into()],
    };
    assert_eq!(request, Some(Request::SetWatches(expected)));
    assert_eq!(
        replies,
        [
            event(-1, EventType::NodeDataChanged, "/a"),
            event(-1, EventType::NodeCreated, "/b"),
            event(-1, EventType::NodeDeleted, "/gone"),
            reply(Xid::SET_WATCHES.0, 13, Response::SetWatches(NoBody {})),
        ]
    );
    let expected = SetWatches2 {
        relative_zxid: Zxid(0x0100_0000_0000),
        persistent_watches: vec!["/a".into()],
        persistent_recursive_watches: vec!["/b".into()],
        ..SetWatches2::default()
    };
    assert_eq!(talk("setWatches2 xid -8").0, Some(Request::SetWatches2(expected)));
}
