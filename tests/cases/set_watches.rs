//! Watches that a client sets again on a new connection.

use zk_client::{ErrorCode, EventType, SessionId, Zxid};
use zk_proto::message::SetWatches;
use zk_proto::op::Request;
use zk_proto::{ByteString, Xid};
use zk_test_kit::request::{create, delete, get, set, watch_data};
use zk_test_kit::server::SESSION_TIMEOUT;
use zk_test_kit::{RawConnection, TestServer};

zk_test_kit::cases![
    a_watch_goes_with_its_connection,
    watches_set_again_first_tell_what_was_missed,
    a_watch_set_again_tells_nothing_of_what_was_seen;
    on embedded: [a_watch_set_again_misses_creates_when_the_counter_of_numbers_is_at_its_end];
];

async fn a_watch_goes_with_its_connection(server: &TestServer) {
    let mut writer = server.raw_session().await;
    let mut old = server.raw().await;
    let session = old.open_session(SESSION_TIMEOUT).await;
    let path = server.path("/a");
    old.succeed(&create(&path)).await;
    old.succeed(&watch_data(&path)).await;
    let mut new = server.raw().await;
    let id = session.session_id;
    let resumed = new.resume_session(SESSION_TIMEOUT, id, session.passwd).await.unwrap();
    assert!(resumed.session_id == id && id != SessionId::NONE);
    writer.succeed(&set(&path, "new")).await;
    assert_eq!(new.events().await, []);
}

async fn watches_set_again_first_tell_what_was_missed(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = |name: &str| server.path(&format!("/{name}"));
    for name in ["changed", "same", "grown", "barren"] {
        raw.succeed(&create(&path(name))).await;
    }
    let seen = raw.ask(2, &get(&path("same"))).await.header.zxid;
    raw.succeed(&set(&path("changed"), "new")).await;
    raw.succeed(&create(&path("grown/child"))).await;
    raw.succeed(&create(&path("created"))).await;

    let list = |names: &[&str]| names.iter().map(|name| path(name).into()).collect();
    let request = Request::SetWatches(SetWatches {
        relative_zxid: seen,
        data_watches: list(&["changed", "same", "gone"]),
        exist_watches: list(&["created", "absent"]),
        child_watches: list(&["grown", "barren", "gone"]),
    });
    raw.send(Xid::SET_WATCHES.0, &request).await;
    for (event_type, name) in [
        (EventType::NodeDataChanged, "changed"),
        (EventType::NodeDeleted, "gone"),
        (EventType::NodeCreated, "created"),
        (EventType::NodeChildrenChanged, "grown"),
        (EventType::NodeDeleted, "gone"),
    ] {
        // No transaction causes them now.
        let expected = (event_type, path(name), Zxid(-1));
        assert_eq!(next_event(&mut raw).await, expected);
    }
    let reply = raw.reply().await.unwrap();
    assert_eq!((reply.header.xid, reply.header.err), (Xid::SET_WATCHES, ErrorCode::Ok));
    assert!(reply.body.is_empty());

    // Watches that have told of something are not set, the others are.
    for told in [set(&path("changed"), ""), create(&path("gone")), set(&path("created"), "")] {
        raw.succeed(&told).await;
    }
    for (change, event_type, name) in [
        (set(&path("same"), ""), EventType::NodeDataChanged, "same"),
        (create(&path("absent")), EventType::NodeCreated, "absent"),
        (create(&path("barren/child")), EventType::NodeChildrenChanged, "barren"),
    ] {
        assert_eq!(raw.caused_by(&change).await, [(event_type, path(name))]);
    }
}

async fn a_watch_set_again_tells_nothing_of_what_was_seen(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&create(&path)).await;
    raw.succeed(&create(&format!("{path}/b"))).await;
    let seen = raw.ask(2, &set(&path, "new")).await.header.zxid;
    let list = || vec![ByteString::from(path.as_str())];
    let again = |relative_zxid, exist_watches| {
        Request::SetWatches(SetWatches {
            relative_zxid,
            data_watches: list(),
            exist_watches,
            child_watches: list(),
        })
    };
    raw.succeed(&again(seen, Vec::new())).await;
    // For somebody who waits for its creation a node that exists is news, whatever was seen.
    let told = raw.caused_by(&again(Zxid(i64::MAX), list())).await;
    assert_eq!(told, [(EventType::NodeCreated, path.clone())]);
    // And one who has seen nothing is told of every change since.
    let told = raw.caused_by(&again(Zxid::ZERO, Vec::new())).await;
    let expected = [EventType::NodeDataChanged, EventType::NodeChildrenChanged];
    assert_eq!(told, expected.map(|event| (event, path.clone())));
}

/// There pzxid, by which the server finds out what was missed, moves with deletes only
/// (`DataTree.createNode`, `DataTree.setWatches`).
async fn a_watch_set_again_misses_creates_when_the_counter_of_numbers_is_at_its_end(
    server: &TestServer,
) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    let child = |name: &str| format!("{path}/{name}");
    let seen = raw.ask(2, &create(&path)).await.header.zxid;
    let again = |relative_zxid| {
        Request::SetWatches(SetWatches {
            relative_zxid,
            data_watches: Vec::new(),
            exist_watches: Vec::new(),
            child_watches: vec![path.as_str().into()],
        })
    };
    assert!(server.embedded().unwrap().set_child_counter(&path, i32::MAX - 1));
    let told = [(EventType::NodeChildrenChanged, path.clone())];
    let last = raw.ask(3, &create(&child("last"))).await.header.zxid;
    assert_eq!(raw.caused_by(&again(seen)).await, told);
    raw.succeed(&create(&child("beyond"))).await;
    assert_eq!(raw.caused_by(&again(last)).await, []);
    // The watch is there, and tells of what comes.
    assert_eq!(raw.caused_by(&create(&child("later"))).await, told);
    raw.succeed(&delete(&child("beyond"))).await;
    assert_eq!(raw.caused_by(&again(last)).await, told);
}

async fn next_event(raw: &mut RawConnection) -> (EventType, String, Zxid) {
    let (event, zxid) = raw.reply().await.unwrap().event().unwrap();
    (event.event_type, event.path.to_string(), zxid)
}
