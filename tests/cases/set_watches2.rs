//! Watches of all kinds that a client sets again on a new connection.

use zk_client::{ErrorCode, EventType, Zxid};
use zk_proto::message::SetWatches2;
use zk_proto::op::Request;
use zk_proto::{ByteString, Encode, OpCode, WatcherType, Xid};
use zk_test_kit::request::{create, delete, get, remove_watches, set};
use zk_test_kit::{RawConnection, TestServer};

use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};

zk_test_kit::cases![
    what_was_missed_is_told_list_by_list_before_the_reply,
    watches_that_stay_are_told_of_nothing_that_was_missed,
    watches_that_stay_hear_of_what_comes_after_they_were_set_again,
    a_path_in_several_lists_has_several_watches,
    a_node_that_was_made_again_has_changed,
    the_xid_may_be_any,
    a_list_that_is_null_is_refused,
];

fn list(paths: &[&String]) -> Vec<ByteString> {
    paths.iter().map(|path| path.as_str().into()).collect()
}

/// `same`, `changed`, `grown` and `created` exist, `gone` and `absent` do not; the zxid is that of
/// a client that has seen `same` and what `changed` and `grown` were before.
async fn missed(server: &TestServer) -> (RawConnection, Zxid) {
    let mut raw = server.raw_session().await;
    for name in ["/same", "/changed", "/grown"] {
        raw.succeed(&create(&server.path(name))).await;
    }
    let seen = raw.ask(2, &get(&server.path("/same"))).await.header.zxid;
    raw.succeed(&set(&server.path("/changed"), "new")).await;
    raw.succeed(&create(&server.path("/grown/child"))).await;
    raw.succeed(&create(&server.path("/created"))).await;
    (raw, seen)
}

async fn what_was_missed_is_told_list_by_list_before_the_reply(server: &TestServer) {
    let (mut raw, relative_zxid) = missed(server).await;
    let [same, changed, grown, created, gone, absent] =
        ["/same", "/changed", "/grown", "/created", "/gone", "/absent"].map(|n| server.path(n));
    let request = Request::SetWatches2(SetWatches2 {
        relative_zxid,
        data_watches: list(&[&gone, &same, &changed]),
        exist_watches: list(&[&created, &absent, &same]),
        child_watches: list(&[&grown, &gone, &same]),
        persistent_watches: list(&[&created]),
        persistent_recursive_watches: list(&[&created]),
    });
    raw.send(Xid::SET_WATCHES.0, &request).await;
    for (event_type, path) in [
        (NodeDeleted, &gone),
        (NodeDataChanged, &changed),
        (NodeCreated, &created),
        (NodeCreated, &same),
        (NodeChildrenChanged, &grown),
        (NodeDeleted, &gone),
    ] {
        // No transaction causes them now.
        let (event, zxid) = raw.reply().await.unwrap().event().unwrap();
        assert_eq!((event.event_type, &*event.path, zxid), (event_type, &**path, Zxid(-1)));
    }
    let reply = raw.reply().await.unwrap();
    assert_eq!((reply.header.xid, reply.header.err), (Xid::SET_WATCHES, ErrorCode::Ok));
    assert!(reply.body.is_empty());

    // What was told of is not watched.
    for change in [create(&gone), set(&changed, ""), delete(&format!("{grown}/child"))] {
        raw.succeed(&change).await;
    }
    // The rest is.
    assert_eq!(raw.caused_by(&create(&absent)).await, [(NodeCreated, absent)]);
    assert_eq!(raw.caused_by(&delete(&same)).await, [(NodeDeleted, same)]);
}

async fn watches_that_stay_are_told_of_nothing_that_was_missed(server: &TestServer) {
    let (mut raw, relative_zxid) = missed(server).await;
    let paths = ["/same", "/changed", "/grown", "/created", "/gone", "/absent"];
    let paths = paths.map(|name| server.path(name));
    let paths = paths.each_ref();
    for relative_zxid in [relative_zxid, Zxid::ZERO, Zxid(-1)] {
        raw.succeed(&Request::SetWatches2(SetWatches2 {
            relative_zxid,
            persistent_watches: list(&paths),
            persistent_recursive_watches: list(&paths),
            ..SetWatches2::default()
        }))
        .await;
    }
}

async fn watches_that_stay_hear_of_what_comes_after_they_were_set_again(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (persistent, recursive) = (server.path("/a"), server.path("/b"));
    raw.succeed(&Request::SetWatches2(SetWatches2 {
        persistent_watches: list(&[&persistent]),
        persistent_recursive_watches: list(&[&recursive]),
        ..SetWatches2::default()
    }))
    .await;
    for _ in 0..2 {
        for (path, below) in [(&persistent, false), (&recursive, true)] {
            let child = format!("{path}/c");
            let told = |event| match below {
                true => (event, child.clone()),
                false => (NodeChildrenChanged, path.clone()),
            };
            for (change, expected) in [
                (create(path), vec![(NodeCreated, path.clone())]),
                (set(path, ""), vec![(NodeDataChanged, path.clone())]),
                (create(&child), vec![told(NodeCreated)]),
                (delete(&child), vec![told(NodeDeleted)]),
                (delete(path), vec![(NodeDeleted, path.clone())]),
            ] {
                assert_eq!(raw.caused_by(&change).await, expected, "{change:?}");
            }
        }
    }
}

async fn a_path_in_several_lists_has_several_watches(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    let seen = raw.succeed(&create(&path)).await.header.zxid;
    raw.succeed(&Request::SetWatches2(SetWatches2 {
        relative_zxid: seen,
        data_watches: list(&[&path, &path]),
        child_watches: list(&[&path]),
        persistent_watches: list(&[&path, &path]),
        ..SetWatches2::default()
    }))
    .await;
    for _ in 0..2 {
        let events = raw.caused_by(&set(&path, "")).await;
        assert_eq!(events, [(NodeDataChanged, path.clone())]);
    }
    // 3.8 has no number for persistent watches, and there they are all that is left.
    if server.has_change_of(&[(3, 9, 0)]).await {
        // The data watch has fired, the child watch has not.
        let code = |watcher_type| remove_watches(&path, watcher_type);
        let reply = raw.ask(2, &code(WatcherType::Data)).await;
        assert_eq!(reply.header.err, ErrorCode::NoWatcher);
        raw.succeed(&code(WatcherType::Children)).await;
        raw.succeed(&code(WatcherType::Persistent)).await;
        assert_eq!(raw.ask(3, &code(WatcherType::Any)).await.header.err, ErrorCode::NoWatcher);
    }
}

async fn a_node_that_was_made_again_has_changed(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    let seen = raw.succeed(&create(&path)).await.header.zxid;
    raw.succeed(&delete(&path)).await;
    raw.succeed(&create(&path)).await;
    let request = Request::SetWatches2(SetWatches2 {
        relative_zxid: seen,
        data_watches: list(&[&path]),
        child_watches: list(&[&path]),
        ..SetWatches2::default()
    });
    let expected = [(NodeDataChanged, path.clone()), (NodeChildrenChanged, path.clone())];
    assert_eq!(raw.caused_by(&request).await, expected);
}

async fn the_xid_may_be_any(server: &TestServer) {
    let mut raw = server.raw_session().await;
    for xid in [Xid::SET_WATCHES.0, 1, 0, i32::MAX] {
        let reply = raw.ask(xid, &Request::SetWatches2(SetWatches2::default())).await;
        assert_eq!((reply.header.xid, reply.header.err), (Xid(xid), ErrorCode::Ok));
    }
}

async fn a_list_that_is_null_is_refused(server: &TestServer) {
    let mut raw = server.raw_session().await;
    for (op, lists) in [(OpCode::SetWatches, 3), (OpCode::SetWatches2, 5)] {
        for null in 0..lists {
            let mut body = bytes::BytesMut::new();
            Zxid::ZERO.encode(&mut body);
            for number in 0..lists {
                let length: i32 = if number == null { -1 } else { 0 };
                length.encode(&mut body);
            }
            raw.send_odd(7, op.code(), &body).await;
            let reply = raw.reply().await.unwrap();
            let outcome = (reply.header.xid, reply.header.err);
            assert_eq!(outcome, (Xid(7), ErrorCode::MarshallingError), "{op:?}, {null}");
            assert!(reply.body.is_empty());
        }
    }
    raw.succeed(&create(&server.path("/a"))).await;
}
