//! Asking for watches (checkWatches), and removing them (removeWatches).

use zk_client::{ErrorCode, EventType};
use zk_proto::op::Request;
use zk_proto::{Encode, OpCode, WatcherType};
use zk_test_kit::TestServer;
use zk_test_kit::request::{
    check_watches, create, delete, remove_watches, set, watch_children, watch_data, watch_exists,
    watch_persistent, watch_recursive,
};

use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged};

zk_test_kit::cases![
    a_removal_makes_no_event_and_what_is_removed_hears_no_more,
    a_watch_that_has_fired_is_not_there,
    a_watch_of_another_connection_is_neither_seen_nor_removed,
    a_path_is_taken_literally,
    an_inner_watch_is_removed_and_the_outer_stays,
    an_unknown_type_is_refused_and_removes_nothing;
    since [(3, 9, 0)]: [each_type_names_its_watches];
    before [(3, 9, 0)]: [in_3_8_a_type_names_a_table];
];

const ALL_TYPES: [WatcherType; 5] = [
    WatcherType::Children,
    WatcherType::Data,
    WatcherType::Any,
    WatcherType::Persistent,
    WatcherType::PersistentRecursive,
];

type Watch = fn(&str) -> Request;

/// Every kind of watch, and the types that name it since 3.9.0 besides `Any`.
const ALL_KINDS: [(Watch, WatcherType); 5] = [
    (watch_data, WatcherType::Data),
    (watch_exists, WatcherType::Data),
    (watch_children, WatcherType::Children),
    (watch_persistent, WatcherType::Persistent),
    (watch_recursive, WatcherType::PersistentRecursive),
];

async fn names_modes(server: &TestServer) -> bool {
    server.has_change_of(&[(3, 9, 0)]).await
}

async fn each_type_names_its_watches(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&create(&path)).await;
    for (watch, own_type) in ALL_KINDS {
        for watcher_type in ALL_TYPES {
            raw.succeed(&watch(&path)).await;
            let there = watcher_type == own_type || watcher_type == WatcherType::Any;
            let expected = if there { ErrorCode::Ok } else { ErrorCode::NoWatcher };
            // To ask changes nothing.
            for request in [
                check_watches(&path, watcher_type),
                check_watches(&path, watcher_type),
                remove_watches(&path, watcher_type),
            ] {
                let (events, reply) = raw.exchange(3, &request).await;
                assert_eq!((events, reply.header.err), (Vec::new(), expected), "{request:?}");
                assert!(reply.body.is_empty());
            }
            let left = if there { ErrorCode::NoWatcher } else { ErrorCode::Ok };
            let request = remove_watches(&path, WatcherType::Any);
            assert_eq!(raw.ask(4, &request).await.header.err, left, "{watcher_type:?}");
            assert_eq!(raw.ask(5, &request).await.header.err, ErrorCode::NoWatcher);
        }
    }
}

/// A watch that stays stands in both tables there, and a type takes the half of it.
async fn in_3_8_a_type_names_a_table(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (path, child) = (server.path("/a"), server.path("/a/b"));
    raw.succeed(&create(&path)).await;
    raw.succeed(&watch_persistent(&path)).await;
    raw.succeed(&remove_watches(&path, WatcherType::Data)).await;
    raw.succeed(&set(&path, "")).await;
    let events = raw.caused_by(&create(&child)).await;
    assert_eq!(events, [(NodeChildrenChanged, path.clone())]);
    raw.succeed(&remove_watches(&path, WatcherType::Children)).await;
    raw.succeed(&delete(&child)).await;
    for watcher_type in [WatcherType::Persistent, WatcherType::PersistentRecursive] {
        for request in [check_watches(&path, watcher_type), remove_watches(&path, watcher_type)] {
            assert_eq!(raw.ask(2, &request).await.header.err, ErrorCode::MarshallingError);
        }
    }
}

async fn a_removal_makes_no_event_and_what_is_removed_hears_no_more(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    let child = format!("{path}/b");
    raw.succeed(&create(&path)).await;
    for (watch, _) in ALL_KINDS {
        raw.succeed(&watch(&path)).await;
        let reply = raw.succeed(&remove_watches(&path, WatcherType::Any)).await;
        assert!(reply.body.is_empty());
        for change in [set(&path, ""), create(&child), delete(&child)] {
            raw.succeed(&change).await;
        }
    }
}

async fn a_watch_that_has_fired_is_not_there(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&create(&path)).await;
    raw.succeed(&watch_data(&path)).await;
    raw.succeed(&check_watches(&path, WatcherType::Data)).await;
    raw.caused_by(&set(&path, "")).await;
    for request in
        [check_watches(&path, WatcherType::Data), remove_watches(&path, WatcherType::Data)]
    {
        assert_eq!(raw.ask(2, &request).await.header.err, ErrorCode::NoWatcher);
    }
    // One that stays is.
    raw.succeed(&watch_persistent(&path)).await;
    raw.caused_by(&set(&path, "")).await;
    raw.succeed(&check_watches(&path, WatcherType::Any)).await;
    raw.succeed(&remove_watches(&path, WatcherType::Any)).await;
}

async fn a_watch_of_another_connection_is_neither_seen_nor_removed(server: &TestServer) {
    let (mut one, mut two) = (server.raw_session().await, server.raw_session().await);
    let path = server.path("/a");
    one.succeed(&watch_persistent(&path)).await;
    // 3.8 says yes if anybody watches the path.
    let seen = if names_modes(server).await { ErrorCode::NoWatcher } else { ErrorCode::Ok };
    let request = check_watches(&path, WatcherType::Any);
    assert_eq!(two.ask(2, &request).await.header.err, seen);
    let request = remove_watches(&path, WatcherType::Any);
    assert_eq!(two.ask(3, &request).await.header.err, ErrorCode::NoWatcher);
    two.succeed(&create(&path)).await;
    assert_eq!(one.events().await, [(NodeCreated, path)]);
}

async fn a_path_is_taken_literally(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&watch_recursive(&path)).await;
    let request = |path: &str, of: fn(&str, WatcherType) -> Request| of(path, WatcherType::Any);
    for other in [format!("{path}/"), format!("{path}/b"), server.path("/"), String::new()] {
        let removal = request(&other, remove_watches);
        assert_eq!(raw.ask(2, &removal).await.header.err, ErrorCode::NoWatcher, "{other:?}");
        let question = request(&other, check_watches);
        assert_eq!(raw.ask(3, &question).await.header.err, ErrorCode::NoWatcher, "{other:?}");
    }
    raw.succeed(&request(&path, remove_watches)).await;
}

async fn an_inner_watch_is_removed_and_the_outer_stays(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (outer, inner) = (server.path("/a"), server.path("/a/b"));
    raw.succeed(&create(&outer)).await;
    raw.succeed(&watch_recursive(&outer)).await;
    raw.succeed(&watch_recursive(&inner)).await;
    raw.succeed(&remove_watches(&inner, WatcherType::Any)).await;
    assert_eq!(raw.caused_by(&create(&inner)).await, [(NodeCreated, inner.clone())]);
    raw.succeed(&watch_recursive(&inner)).await;
    raw.succeed(&remove_watches(&outer, WatcherType::Any)).await;
    assert_eq!(raw.caused_by(&set(&inner, "")).await, [(NodeDataChanged, inner)]);
    raw.succeed(&set(&outer, "")).await;
}

async fn an_unknown_type_is_refused_and_removes_nothing(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&watch_persistent(&path)).await;
    for number in [0, -1, 6, i32::MAX] {
        for op in [OpCode::CheckWatches, OpCode::RemoveWatches] {
            let mut body = bytes::BytesMut::new();
            zk_proto::ByteString::from(path.as_str()).encode(&mut body);
            number.encode(&mut body);
            raw.send_odd(7, op.code(), &body).await;
            let reply = raw.reply().await.unwrap();
            assert_eq!((reply.header.xid.0, reply.header.err), (7, ErrorCode::MarshallingError));
            assert!(reply.body.is_empty());
        }
    }
    assert_eq!(raw.caused_by(&create(&path)).await, [(NodeCreated, path)]);
}
