//! Which change fires which watch, and how often.

use zk_client::{ErrorCode, EventType};
use zk_proto::op::Request;
use zk_test_kit::TestServer;
use zk_test_kit::request::{
    close_session, create, create_ephemeral, delete, set, set_acl, watch_children, watch_data,
    watch_exists,
};

zk_test_kit::cases![
    each_change_fires_the_watches_it_concerns,
    a_creation_fires_the_watch_of_an_absent_node,
    a_watch_fires_once,
    the_same_watch_set_twice_makes_one_event,
    a_deletion_uses_up_both_watches_of_its_node_and_makes_one_event,
    a_read_that_fails_leaves_no_watch_but_exists_does,
    the_end_of_a_session_fires_as_deletions_do,
    all_watches_of_a_client_hear_of_one_event,
];

/// What is done to a node that has one child, or to those below it.
#[derive(Clone, Copy, Debug)]
enum Change {
    Set,
    SetAcl,
    Delete,
    CreateChild,
    DeleteChild,
    SetChild,
    CreateGrandchild,
}

impl Change {
    fn request(self, path: &str) -> Request {
        match self {
            Self::Set => set(path, "new"),
            Self::SetAcl => set_acl(path),
            Self::Delete => delete(path),
            Self::CreateChild => create(&format!("{path}/new")),
            Self::DeleteChild => delete(&format!("{path}/child")),
            Self::SetChild => set(&format!("{path}/child"), "new"),
            Self::CreateGrandchild => create(&format!("{path}/child/new")),
        }
    }
}

async fn each_change_fires_the_watches_it_concerns(server: &TestServer) {
    use EventType::{NodeChildrenChanged, NodeDataChanged, NodeDeleted};
    let mut writer = server.raw_session().await;
    let mut watcher = server.raw_session().await;
    // The last two columns: watches by getData and exists, and by getChildren.
    for (number, (change, data, child)) in [
        (Change::Set, Some(NodeDataChanged), None),
        (Change::SetAcl, None, None),
        (Change::Delete, Some(NodeDeleted), Some(NodeDeleted)),
        (Change::CreateChild, None, Some(NodeChildrenChanged)),
        (Change::DeleteChild, None, Some(NodeChildrenChanged)),
        (Change::SetChild, None, None),
        (Change::CreateGrandchild, None, None),
    ]
    .into_iter()
    .enumerate()
    {
        for (kind, watch, expected) in [
            ("data", watch_data as fn(&str) -> Request, data),
            ("exists", watch_exists, data),
            ("children", watch_children, child),
        ] {
            let path = server.path(&format!("/{kind}-{number}"));
            writer.succeed(&create(&path)).await;
            if !matches!(change, Change::Delete) {
                writer.succeed(&create(&format!("{path}/child"))).await;
            }
            watcher.succeed(&watch(&path)).await;
            writer.succeed(&change.request(&path)).await;
            let expected: Vec<_> =
                expected.into_iter().map(|event| (event, path.clone())).collect();
            assert_eq!(watcher.events().await, expected, "{change:?}, {kind}");
        }
    }
}

async fn a_creation_fires_the_watch_of_an_absent_node(server: &TestServer) {
    let mut writer = server.raw_session().await;
    let mut watcher = server.raw_session().await;
    let (path, child) = (server.path("/a"), server.path("/a/b"));
    for absent in [&path, &child] {
        assert_eq!(watcher.ask(1, &watch_exists(absent)).await.header.err, ErrorCode::NoNode);
    }
    writer.succeed(&create(&path)).await;
    assert_eq!(watcher.events().await, [(EventType::NodeCreated, path.clone())]);
    writer.succeed(&create(&child)).await;
    writer.succeed(&set(&path, "new")).await;
    assert_eq!(watcher.events().await, [(EventType::NodeCreated, child)]);
}

async fn a_watch_fires_once(server: &TestServer) {
    let mut writer = server.raw_session().await;
    let mut watcher = server.raw_session().await;
    let path = server.path("/a");
    writer.succeed(&create(&path)).await;
    for watch in [watch_data(&path), watch_exists(&path)] {
        watcher.succeed(&watch).await;
        for _ in 0..3 {
            writer.succeed(&set(&path, "new")).await;
        }
        assert_eq!(watcher.events().await, [(EventType::NodeDataChanged, path.clone())]);
    }
    watcher.succeed(&watch_children(&path)).await;
    for name in ["x", "y", "z"] {
        writer.succeed(&create(&format!("{path}/{name}"))).await;
    }
    assert_eq!(watcher.events().await, [(EventType::NodeChildrenChanged, path)]);
}

async fn the_same_watch_set_twice_makes_one_event(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&create(&path)).await;
    for watch in [watch_data, watch_data, watch_exists, watch_children, watch_children] {
        raw.succeed(&watch(&path)).await;
    }
    let events = raw.caused_by(&set(&path, "")).await;
    assert_eq!(events, [(EventType::NodeDataChanged, path.clone())]);
    let events = raw.caused_by(&create(&format!("{path}/b"))).await;
    assert_eq!(events, [(EventType::NodeChildrenChanged, path.clone())]);
    raw.succeed(&set(&path, "")).await;
}

async fn a_deletion_uses_up_both_watches_of_its_node_and_makes_one_event(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&create(&path)).await;
    raw.succeed(&watch_data(&path)).await;
    raw.succeed(&watch_children(&path)).await;
    let events = raw.caused_by(&delete(&path)).await;
    assert_eq!(events, [(EventType::NodeDeleted, path.clone())]);
    // Neither is left for the next node of that name.
    let child = format!("{path}/b");
    for change in [create(&path), set(&path, ""), create(&child), delete(&child), delete(&path)] {
        raw.succeed(&change).await;
    }
}

async fn a_read_that_fails_leaves_no_watch_but_exists_does(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    for read in [watch_data(&path), watch_children(&path)] {
        assert_eq!(raw.ask(1, &read).await.header.err, ErrorCode::NoNode);
    }
    for change in [create(&path), set(&path, ""), delete(&path)] {
        raw.succeed(&change).await;
    }
    assert_eq!(raw.ask(2, &watch_exists(&path)).await.header.err, ErrorCode::NoNode);
    // A write that is refused fires nothing, and leaves the watch.
    for refused in [delete(&path), set(&path, ""), create(&format!("{path}/b"))] {
        let (events, reply) = raw.exchange(3, &refused).await;
        assert_eq!((events, reply.header.err), (Vec::new(), ErrorCode::NoNode));
    }
    assert_eq!(raw.caused_by(&create(&path)).await, [(EventType::NodeCreated, path)]);
}

async fn the_end_of_a_session_fires_as_deletions_do(server: &TestServer) {
    let mut owner = server.raw_session().await;
    let mut watcher = server.raw_session().await;
    let (parent, child) = (server.path("/a"), server.path("/a/b"));
    owner.succeed(&create(&parent)).await;
    owner.succeed(&create_ephemeral(&child)).await;
    watcher.succeed(&watch_data(&child)).await;
    watcher.succeed(&watch_children(&parent)).await;
    owner.succeed(&close_session()).await;
    assert_eq!(
        watcher.events().await,
        [(EventType::NodeDeleted, child), (EventType::NodeChildrenChanged, parent)]
    );
}

async fn all_watches_of_a_client_hear_of_one_event(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    client.create("/a", "").await.unwrap();
    let watches = [
        client.get("/a").watch().await.unwrap().1,
        client.get("/a").watch().await.unwrap().1,
        client.exists("/a").watch().await.unwrap().1,
        client.children("/a").watch().await.unwrap().1,
        client.children("/a").with_stat().watch().await.unwrap().1,
    ];
    other.delete("/a").await.unwrap();
    for watch in watches {
        let event = watch.await.unwrap();
        assert_eq!((event.event_type, &*event.path), (EventType::NodeDeleted, "/a"));
    }
    client.sync("/").await.unwrap();
    assert_eq!(network.counts().events, 1);
}
