//! The events of a multi: those of each operation, one operation after the other, before the reply.

use zk_client::{ErrorCode, EventType, Zxid};
use zk_proto::Xid;
use zk_proto::message::{MultiResponse, MultiResult};
use zk_proto::op::Request;
use zk_test_kit::TestServer;
use zk_test_kit::request::{
    create, get, multi, multi_check, multi_create, multi_delete, multi_set, set, watch_children,
    watch_data, watch_exists, watch_persistent, watch_recursive,
};

use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};

zk_test_kit::cases![
    the_events_of_a_multi_come_operation_by_operation,
    all_events_of_a_multi_carry_its_zxid_and_come_before_its_reply,
    a_node_that_comes_and_goes_within_a_multi_is_told_of,
    a_one_shot_watch_hears_of_the_first_operation_only,
    a_node_that_is_replaced_within_a_multi_was_deleted_for_a_one_shot_watch,
    a_failed_multi_tells_nobody_and_leaves_the_watches,
    a_check_tells_nobody,
];

/// Creates a node and a child, sets both, deletes the child.
fn life(path: &str, child: &str) -> Request {
    multi(vec![
        multi_create(path),
        multi_create(child),
        multi_set(path, "new"),
        multi_set(child, "new"),
        multi_delete(child),
    ])
}

async fn the_events_of_a_multi_come_operation_by_operation(server: &TestServer) {
    let mut writer = server.raw_session().await;
    let (top, path, child) = (server.path("/t"), server.path("/t/a"), server.path("/t/a/b"));
    writer.succeed(&create(&top)).await;
    let (mut persistent, mut recursive) = (server.raw_session().await, server.raw_session().await);
    persistent.succeed(&watch_persistent(&path)).await;
    recursive.succeed(&watch_recursive(&top)).await;
    // The writer has both, and a one-shot watch.
    writer.succeed(&watch_recursive(&top)).await;
    writer.succeed(&watch_persistent(&path)).await;
    writer.succeed(&watch_children(&top)).await;
    let of = |event, path: &String| (event, path.clone());
    assert_eq!(
        writer.caused_by(&life(&path, &child)).await,
        [
            of(NodeCreated, &path),
            of(NodeChildrenChanged, &top),
            of(NodeCreated, &child),
            of(NodeChildrenChanged, &path),
            of(NodeDataChanged, &path),
            of(NodeDataChanged, &child),
            of(NodeDeleted, &child),
            of(NodeChildrenChanged, &path),
        ]
    );
    assert_eq!(
        persistent.events().await,
        [
            of(NodeCreated, &path),
            of(NodeChildrenChanged, &path),
            of(NodeDataChanged, &path),
            of(NodeChildrenChanged, &path),
        ]
    );
    assert_eq!(
        recursive.events().await,
        [
            of(NodeCreated, &path),
            of(NodeCreated, &child),
            of(NodeDataChanged, &path),
            of(NodeDataChanged, &child),
            of(NodeDeleted, &child),
        ]
    );
}

async fn all_events_of_a_multi_carry_its_zxid_and_come_before_its_reply(server: &TestServer) {
    let told_since_3_9 = server.has_change_of(&[(3, 9, 0)]).await;
    let mut raw = server.raw_session().await;
    let (path, child) = (server.path("/a"), server.path("/a/b"));
    raw.succeed(&watch_recursive(&path)).await;
    raw.send_all(&[(5, life(&path, &child)), (6, get(&path))]).await;
    let mut frames = Vec::new();
    for _ in 0..7 {
        frames.push(raw.reply().await.unwrap().header);
    }
    let xids: Vec<Xid> = frames.iter().map(|header| header.xid).collect();
    let mut expected = vec![Xid::NOTIFICATION; 5];
    expected.extend([Xid(5), Xid(6)]);
    assert_eq!(xids, expected);
    let zxid = if told_since_3_9 { frames[5].zxid } else { Zxid(-1) };
    assert!(frames[..5].iter().all(|header| header.zxid == zxid), "{frames:?}");
}

async fn a_node_that_comes_and_goes_within_a_multi_is_told_of(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (persistent, exist) = (server.path("/a"), server.path("/b"));
    raw.succeed(&watch_persistent(&persistent)).await;
    raw.ask(2, &watch_exists(&exist)).await;
    let fleeting =
        |path: &str| multi(vec![multi_create(path), multi_set(path, "new"), multi_delete(path)]);
    let events = [NodeCreated, NodeDataChanged, NodeDeleted];
    for _ in 0..2 {
        let told = raw.caused_by(&fleeting(&persistent)).await;
        assert_eq!(told, events.map(|event| (event, persistent.clone())));
    }
    assert_eq!(raw.caused_by(&fleeting(&exist)).await, [(NodeCreated, exist.clone())]);
    assert_eq!(raw.caused_by(&fleeting(&exist)).await, []);
}

async fn a_one_shot_watch_hears_of_the_first_operation_only(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    let (one, two) = (format!("{path}/1"), format!("{path}/2"));
    raw.succeed(&create(&path)).await;
    raw.succeed(&watch_children(&path)).await;
    raw.succeed(&watch_data(&path)).await;
    let request = multi(vec![
        multi_create(&one),
        multi_set(&path, "1"),
        multi_create(&two),
        multi_set(&path, "2"),
    ]);
    let expected = [(NodeChildrenChanged, path.clone()), (NodeDataChanged, path.clone())];
    assert_eq!(raw.caused_by(&request).await, expected);
}

async fn a_node_that_is_replaced_within_a_multi_was_deleted_for_a_one_shot_watch(
    server: &TestServer,
) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&create(&path)).await;
    let replace = multi(vec![multi_delete(&path), multi_create(&path), multi_set(&path, "")]);
    raw.succeed(&watch_data(&path)).await;
    raw.succeed(&watch_children(&path)).await;
    assert_eq!(raw.caused_by(&replace).await, [(NodeDeleted, path.clone())]);
    assert_eq!(raw.caused_by(&replace).await, []);
    raw.succeed(&watch_persistent(&path)).await;
    let events = [NodeDeleted, NodeCreated, NodeDataChanged];
    assert_eq!(raw.caused_by(&replace).await, events.map(|event| (event, path.clone())));
}

async fn a_failed_multi_tells_nobody_and_leaves_the_watches(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (path, child) = (server.path("/a"), server.path("/a/b"));
    raw.succeed(&create(&path)).await;
    raw.succeed(&watch_data(&path)).await;
    raw.succeed(&watch_children(&path)).await;
    raw.succeed(&watch_recursive(&server.path("/"))).await;
    let failing = multi(vec![
        multi_set(&path, "new"),
        multi_create(&child),
        multi_delete(&path),
        multi_set(&path, "new"),
    ]);
    let reply = raw.succeed(&failing).await;
    let results = reply.decode::<MultiResponse>().results;
    let MultiResult::Error(error) = &results[2] else { panic!("{results:?}") };
    assert_eq!(error.err, ErrorCode::NotEmpty);
    assert_eq!(raw.caused_by(&set(&path, "")).await, [(NodeDataChanged, path.clone())]);
    let expected = [(NodeCreated, child.clone()), (NodeChildrenChanged, path)];
    assert_eq!(raw.caused_by(&create(&child)).await, expected);
}

async fn a_check_tells_nobody(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&create(&path)).await;
    raw.succeed(&watch_data(&path)).await;
    raw.succeed(&watch_recursive(&server.path("/"))).await;
    raw.succeed(&multi(vec![multi_check(&path, 0)])).await;
    raw.succeed(&multi(Vec::new())).await;
    let events = raw.caused_by(&multi(vec![multi_check(&path, 0), multi_set(&path, "")])).await;
    assert_eq!(events, [(NodeDataChanged, path)]);
}
