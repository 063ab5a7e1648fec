//! Watches that stay after they have fired.

use zk_client::{ErrorCode, EventType};
use zk_proto::message::ErrorResponse;
use zk_proto::{Encode, OpCode, WatcherType};
use zk_test_kit::request::{
    close_session, create, create_ephemeral, delete, get, remove_watches, set, set_acl,
    watch_children, watch_data, watch_exists, watch_persistent, watch_recursive,
};
use zk_test_kit::server::SESSION_TIMEOUT;
use zk_test_kit::{RawConnection, TestServer};

use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};

zk_test_kit::cases![
    a_persistent_watch_hears_of_its_node_and_its_children_again_and_again,
    a_persistent_watch_set_twice_makes_one_event,
    add_watch_asks_neither_for_a_node_nor_for_a_path,
    an_unknown_mode_is_refused_and_sets_nothing,
    the_end_of_a_session_is_heard_of_as_deletions_are,
    watches_of_all_kinds_go_with_their_connection,
];

async fn a_persistent_watch_hears_of_its_node_and_its_children_again_and_again(
    server: &TestServer,
) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    let (child, grandchild) = (format!("{path}/b"), format!("{path}/b/c"));
    raw.succeed(&watch_persistent(&path)).await;
    for _ in 0..2 {
        for (change, expected) in [
            (create(&path), Some(NodeCreated)),
            (set(&path, "new"), Some(NodeDataChanged)),
            (set(&path, "new"), Some(NodeDataChanged)),
            (set_acl(&path), None),
            (create(&child), Some(NodeChildrenChanged)),
            (set(&child, "new"), None),
            (create(&grandchild), None),
            (delete(&grandchild), None),
            (delete(&child), Some(NodeChildrenChanged)),
            (delete(&path), Some(NodeDeleted)),
        ] {
            let expected: Vec<_> =
                expected.into_iter().map(|event| (event, path.clone())).collect();
            assert_eq!(raw.caused_by(&change).await, expected, "{change:?}");
        }
    }
}

async fn a_persistent_watch_set_twice_makes_one_event(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    for _ in 0..3 {
        raw.succeed(&watch_persistent(&path)).await;
    }
    assert_eq!(raw.caused_by(&create(&path)).await, [(NodeCreated, path.clone())]);
    assert_eq!(raw.caused_by(&delete(&path)).await, [(NodeDeleted, path)]);
}

async fn add_watch_asks_neither_for_a_node_nor_for_a_path(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    let odd = ["", "no-slash", "//", &format!("{path}/"), &format!("{path}//b"), "/a\0", "/./.."];
    for odd in odd {
        for request in [watch_persistent(odd), watch_recursive(odd)] {
            let reply = raw.succeed(&request).await;
            assert_eq!(reply.decode::<ErrorResponse>().err, ErrorCode::Ok, "{odd:?}");
        }
    }
    // No change is one of such a path, nor of what is below it.
    let child = format!("{path}/b");
    for change in [create(&path), create(&child), set(&child, ""), delete(&child), delete(&path)] {
        raw.succeed(&change).await;
    }
    // But it is watched.
    for odd in odd {
        raw.succeed(&remove_watches(odd, WatcherType::Any)).await;
    }
}

async fn an_unknown_mode_is_refused_and_sets_nothing(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    for mode in [-1, 2, i32::MAX] {
        let mut body = bytes::BytesMut::new();
        zk_proto::ByteString::from(path.as_str()).encode(&mut body);
        mode.encode(&mut body);
        raw.send_odd(7, OpCode::AddWatch.code(), &body).await;
        let reply = raw.reply().await.unwrap();
        assert_eq!((reply.header.xid.0, reply.header.err), (7, ErrorCode::MarshallingError));
        assert!(reply.body.is_empty());
    }
    for change in [create(&path), set(&path, ""), delete(&path)] {
        raw.succeed(&change).await;
    }
}

async fn the_end_of_a_session_is_heard_of_as_deletions_are(server: &TestServer) {
    let mut owner = server.raw_session().await;
    let (mut persistent, mut recursive) = (server.raw_session().await, server.raw_session().await);
    let (parent, child) = (server.path("/a"), server.path("/a/b"));
    owner.succeed(&create(&parent)).await;
    owner.succeed(&create_ephemeral(&child)).await;
    persistent.succeed(&watch_persistent(&parent)).await;
    persistent.succeed(&watch_persistent(&child)).await;
    recursive.succeed(&watch_recursive(&parent)).await;
    owner.succeed(&close_session()).await;
    assert_eq!(
        persistent.events().await,
        [(NodeDeleted, child.clone()), (NodeChildrenChanged, parent)]
    );
    assert_eq!(recursive.events().await, [(NodeDeleted, child)]);
}

async fn watches_of_all_kinds_go_with_their_connection(server: &TestServer) {
    let mut writer = server.raw_session().await;
    let path = server.path("/a");
    writer.succeed(&create(&path)).await;
    for watch in [
        watch_data(&path),
        watch_exists(&path),
        watch_children(&path),
        watch_persistent(&path),
        watch_recursive(&path),
    ] {
        let mut old = server.raw().await;
        let session = old.open_session(SESSION_TIMEOUT).await;
        old.succeed(&watch).await;
        // The session moves while its old connection is still open.
        let mut new = server.raw().await;
        let (id, password) = (session.session_id, session.passwd);
        let resumed = new.resume_session(SESSION_TIMEOUT, id, password).await.unwrap();
        assert_eq!(resumed.session_id, id);
        let child = format!("{path}/b");
        for change in [set(&path, ""), create(&child), delete(&child)] {
            writer.succeed(&change).await;
        }
        assert_eq!(new.events().await, [], "{watch:?}");
        assert!(hears_nothing_more(old).await, "{watch:?}");
        new.succeed(&get(&path)).await;
    }
}

/// Whether nothing comes on a connection but its end.
async fn hears_nothing_more(mut raw: RawConnection) -> bool {
    raw.frame().await.is_none()
}
