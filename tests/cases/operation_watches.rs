//! Every operation beside every watch: which write fires which, and which read sets one.

use zk_client::{CreateMode, ErrorCode, EventType};
use zk_proto::message::{GetAclRequest, GetChildren2Request, MultiOp, MultiResponse, MultiResult};
use zk_proto::op::Request;
use zk_test_kit::request::{
    children, create, create_container, create_ttl, delete, exists, get, multi, multi_check,
    multi_create, multi_delete, multi_set, node, set, set_acl, sync, ttl_node, watch_children,
    watch_data, watch_exists, watch_persistent, watch_recursive,
};
use zk_test_kit::{RawConnection, TestServer};

use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};

zk_test_kit::cases![
    each_operation_fires_what_concerns_its_node_and_its_parent,
    a_refused_operation_fires_nothing,
    a_watch_is_set_by_those_who_ask_for_one,
];

type Ask = fn(&str) -> Request;

/// An operation on a node, whether the node is there before, and the event of the node. A node
/// that comes or goes is an event of its parent's list, too.
const OPERATIONS: [(Ask, bool, Option<EventType>); 20] = [
    (|path| Request::Create(node(path, CreateMode::Persistent)), false, Some(NodeCreated)),
    (|path| Request::Create2(node(path, CreateMode::Ephemeral)), false, Some(NodeCreated)),
    (create_container, false, Some(NodeCreated)),
    (|path| create_ttl(path, HOUR), false, Some(NodeCreated)),
    (|path| multi(vec![multi_create(path)]), false, Some(NodeCreated)),
    (
        |path| multi(vec![MultiOp::Create2(node(path, CreateMode::Container))]),
        false,
        Some(NodeCreated),
    ),
    (
        |path| multi(vec![MultiOp::CreateContainer(node(path, CreateMode::Container))]),
        false,
        Some(NodeCreated),
    ),
    (
        |path| multi(vec![MultiOp::CreateTtl(ttl_node(path, CreateMode::PersistentWithTtl, HOUR))]),
        false,
        Some(NodeCreated),
    ),
    (delete, true, Some(NodeDeleted)),
    (|path| multi(vec![multi_delete(path)]), true, Some(NodeDeleted)),
    (|path| set(path, "new"), true, Some(NodeDataChanged)),
    (|path| multi(vec![multi_set(path, "new")]), true, Some(NodeDataChanged)),
    (|path| multi(vec![multi_check(path, 0)]), true, None),
    (set_acl, true, None),
    (sync, true, None),
    (get, true, None),
    (exists, true, None),
    (children, true, None),
    (|path| children2(path, false), true, None),
    (|path| Request::GetAcl(GetAclRequest { path: path.into() }), true, None),
];

/// One connection for each kind of watch, so that none stands in for another.
async fn watchers(server: &TestServer) -> Vec<RawConnection> {
    let mut watchers = Vec::new();
    for _ in 0..KINDS {
        watchers.push(server.raw_session().await);
    }
    watchers
}

const KINDS: usize = 7;

fn watches(parent: &str, path: &str) -> [Request; KINDS] {
    [
        watch_exists(path),
        watch_data(path),
        watch_children(path),
        children2(parent, true),
        watch_persistent(path),
        watch_persistent(parent),
        watch_recursive(parent),
    ]
}

async fn each_operation_fires_what_concerns_its_node_and_its_parent(server: &TestServer) {
    let mut writer = server.raw_session().await;
    let mut watchers = watchers(server).await;
    for (number, (operation, there, event)) in OPERATIONS.into_iter().enumerate() {
        let parent = server.path(&format!("/{number}"));
        let path = format!("{parent}/node");
        writer.succeed(&create(&parent)).await;
        if there {
            writer.succeed(&create(&path)).await;
        }
        for (watcher, watch) in watchers.iter_mut().zip(&watches(&parent, &path)) {
            watcher.ask(1, watch).await;
        }
        let request = operation(&path);
        assert_eq!(outcome(&mut writer, &request).await, ErrorCode::Ok, "{request:?}");

        let of_node: Vec<_> = event.into_iter().map(|event| (event, path.clone())).collect();
        // A read of what is not there leaves no watch.
        let if_there = if there { of_node.clone() } else { Vec::new() };
        let deleted = event == Some(NodeDeleted);
        let of_children = if deleted { of_node.clone() } else { Vec::new() };
        let listed = deleted || event == Some(NodeCreated);
        let of_parent: Vec<_> =
            listed.then(|| (NodeChildrenChanged, parent.clone())).into_iter().collect();
        let expected = [
            of_node.clone(),
            if_there,
            of_children,
            of_parent.clone(),
            of_node.clone(),
            of_parent,
            of_node,
        ];
        for (kind, (watcher, expected)) in watchers.iter_mut().zip(expected).enumerate() {
            assert_eq!(watcher.events().await, expected, "{request:?}, {kind}");
        }
    }
}

async fn a_refused_operation_fires_nothing(server: &TestServer) {
    let mut writer = server.raw_session().await;
    let mut watchers = watchers(server).await;
    for (number, (operation, there, _)) in OPERATIONS.into_iter().enumerate() {
        let parent = server.path(&format!("/{number}"));
        let path = format!("{parent}/node");
        writer.succeed(&create(&parent)).await;
        // Just what it cannot be done with: a create finds its node, all others do not.
        if !there {
            writer.succeed(&create(&path)).await;
        }
        for (watcher, watch) in watchers.iter_mut().zip(&watches(&parent, &path)) {
            watcher.ask(1, watch).await;
        }
        let request = operation(&path);
        let expected = match request {
            Request::Sync(_) => ErrorCode::Ok,
            _ if there => ErrorCode::NoNode,
            _ => ErrorCode::NodeExists,
        };
        assert_eq!(outcome(&mut writer, &request).await, expected, "{request:?}");
        for (kind, watcher) in watchers.iter_mut().enumerate() {
            assert_eq!(watcher.events().await, [], "{request:?}, {kind}");
        }
    }
}

async fn a_watch_is_set_by_those_who_ask_for_one(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let rows: [(Ask, Ask, EventType); 4] = [
        (get, watch_data, NodeDataChanged),
        (exists, watch_exists, NodeDataChanged),
        (children, watch_children, NodeChildrenChanged),
        (|path| children2(path, false), |path| children2(path, true), NodeChildrenChanged),
    ];
    for (number, (plain, watching, event)) in rows.into_iter().enumerate() {
        let path = server.path(&format!("/{number}"));
        let child = format!("{path}/child");
        raw.succeed(&create(&path)).await;
        raw.succeed(&plain(&path)).await;
        for change in [set(&path, ""), create(&child)] {
            raw.succeed(&change).await;
        }
        raw.succeed(&watching(&path)).await;
        let mut told = raw.caused_by(&set(&path, "")).await;
        told.extend(raw.caused_by(&delete(&child)).await);
        assert_eq!(told, [(event, path.clone())], "{:?}", watching(&path));
        for change in [set(&path, ""), create(&child), delete(&child), delete(&path)] {
            raw.succeed(&change).await;
        }
    }
}

/// What a request comes to, or the first operation that fails of a multi.
async fn outcome(raw: &mut RawConnection, request: &Request) -> ErrorCode {
    let reply = raw.ask(1, request).await;
    if reply.header.err != ErrorCode::Ok || !matches!(request, Request::Multi(_)) {
        return reply.header.err;
    }
    let results = reply.decode::<MultiResponse>().results;
    let failed = results.iter().find_map(|result| match result {
        MultiResult::Error(error) => Some(error.err),
        _ => None,
    });
    failed.unwrap_or(ErrorCode::Ok)
}

fn children2(path: &str, watch: bool) -> Request {
    Request::GetChildren2(GetChildren2Request { path: path.into(), watch })
}

/// In milliseconds: longer than any case.
const HOUR: i64 = 3_600_000;
