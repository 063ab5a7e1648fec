//! Watches that stay, and nodes that may not be read.
//!
//! Since 3.8.4 and 3.9.2 an event reaches only those who may read the node it is of, or for a list
//! of children the parent (CVE-2024-23944). Some builds of older releases do the same, so nothing
//! is said of those.

use zk_client::{ErrorCode, EventType};
use zk_proto::message::{CreateRequest, SetAclRequest};
use zk_proto::op::Request;
use zk_proto::{Acl, CreateMode, Permissions, Version, WatcherType, data::Id};
use zk_test_kit::TestServer;
use zk_test_kit::request::{
    check_watches, create, delete, node, set, set_acl, watch_children, watch_data, watch_exists,
    watch_persistent, watch_recursive,
};

use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};

zk_test_kit::cases![;
    since [(3, 8, 4), (3, 9, 2)]: [
        a_recursive_watch_hears_only_of_nodes_that_may_be_read,
        a_persistent_watch_hears_again_once_its_node_may_be_read,
        a_deletion_that_may_not_be_told_of_is_not_told_by_the_child_watch_either,
    ];
];

/// Everybody may do everything but read.
fn unreadable() -> Option<Vec<Acl>> {
    Some(vec![Acl { perms: Permissions::ALL & !Permissions::READ, id: Id::ANYONE }])
}

fn create_unreadable(path: &str) -> Request {
    Request::Create2(CreateRequest { acl: unreadable(), ..node(path, CreateMode::Persistent) })
}

fn make_unreadable(path: &str) -> Request {
    let version = Version::ANY;
    Request::SetAcl(SetAclRequest { path: path.into(), acl: unreadable(), version })
}

async fn a_recursive_watch_hears_only_of_nodes_that_may_be_read(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (path, child) = (server.path("/a"), server.path("/a/b"));
    let leaf = format!("{child}/c");
    raw.succeed(&create(&path)).await;
    raw.succeed(&watch_recursive(&path)).await;
    raw.succeed(&create_unreadable(&child)).await;
    raw.succeed(&set(&child, "")).await;
    // The list of the node itself counts, not that of its parent.
    assert_eq!(raw.caused_by(&create(&leaf)).await, [(NodeCreated, leaf.clone())]);
    assert_eq!(raw.caused_by(&delete(&leaf)).await, [(NodeDeleted, leaf)]);
    raw.succeed(&delete(&child)).await;
    assert_eq!(raw.caused_by(&create(&child)).await, [(NodeCreated, child)]);
}

async fn a_persistent_watch_hears_again_once_its_node_may_be_read(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (path, child) = (server.path("/a"), server.path("/a/b"));
    raw.succeed(&create_unreadable(&path)).await;
    raw.succeed(&watch_persistent(&path)).await;
    raw.succeed(&set(&path, "")).await;
    raw.succeed(&create(&child)).await;
    raw.succeed(&set_acl(&path)).await;
    assert_eq!(raw.caused_by(&set(&path, "")).await, [(NodeDataChanged, path.clone())]);
    // Of a list of children it is the parent's list that counts.
    raw.succeed(&make_unreadable(&child)).await;
    assert_eq!(raw.caused_by(&delete(&child)).await, [(NodeChildrenChanged, path)]);
}

async fn a_deletion_that_may_not_be_told_of_is_not_told_by_the_child_watch_either(
    server: &TestServer,
) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&create(&path)).await;
    for watch in [watch_data(&path), watch_exists(&path), watch_children(&path)] {
        raw.succeed(&watch).await;
    }
    raw.succeed(&watch_persistent(&path)).await;
    raw.succeed(&make_unreadable(&path)).await;
    raw.succeed(&delete(&path)).await;
    // The one-shot watches are used up, the other is not.
    raw.succeed(&check_watches(&path, WatcherType::Persistent)).await;
    for used_up in [WatcherType::Data, WatcherType::Children] {
        let reply = raw.ask(2, &check_watches(&path, used_up)).await;
        assert_eq!(reply.header.err, ErrorCode::NoWatcher, "{used_up:?}");
    }
    assert_eq!(raw.caused_by(&create(&path)).await, [(NodeCreated, path)]);
}
