//! Watches of a node and everything below it.

use zk_client::EventType;
use zk_test_kit::TestServer;
use zk_test_kit::request::{
    create, delete, set, set_acl, watch_children, watch_data, watch_exists, watch_recursive,
};

use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};

zk_test_kit::cases![
    a_recursive_watch_hears_of_every_node_and_of_no_list_of_children,
    a_recursive_watch_of_the_root_hears_of_everything,
    a_name_that_begins_alike_is_not_below,
    one_change_makes_one_event_however_many_watches_it_concerns,
    a_child_watch_beside_a_recursive_watch_still_fires,
    a_deletion_below_a_recursive_watch_uses_up_child_watches_without_an_event_of_their_own,
    each_connection_hears_of_a_change_once,
];

async fn a_recursive_watch_hears_of_every_node_and_of_no_list_of_children(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    let (child, grandchild) = (format!("{path}/b"), format!("{path}/b/c"));
    raw.succeed(&watch_recursive(&path)).await;
    for _ in 0..2 {
        for (change, event, of) in [
            (create(&path), NodeCreated, &path),
            (set(&path, "new"), NodeDataChanged, &path),
            (create(&child), NodeCreated, &child),
            (set(&child, "new"), NodeDataChanged, &child),
            (create(&grandchild), NodeCreated, &grandchild),
            (set(&grandchild, "new"), NodeDataChanged, &grandchild),
            (delete(&grandchild), NodeDeleted, &grandchild),
            (delete(&child), NodeDeleted, &child),
            (delete(&path), NodeDeleted, &path),
        ] {
            assert_eq!(raw.caused_by(&change).await, [(event, of.clone())], "{change:?}");
        }
    }
    raw.caused_by(&create(&path)).await;
    raw.succeed(&set_acl(&path)).await;
}

async fn a_recursive_watch_of_the_root_hears_of_everything(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    // Other cases may be at work in their parts of the tree.
    let ours = |events: Vec<(EventType, String)>| -> Vec<_> {
        events.into_iter().filter(|(_, of)| of.starts_with(&path)).collect()
    };
    raw.caused_by(&watch_recursive("/")).await;
    for (change, event) in [
        (create(&path), NodeCreated),
        (set(&path, "new"), NodeDataChanged),
        (delete(&path), NodeDeleted),
    ] {
        let events = raw.caused_by(&change).await;
        assert_eq!(ours(events), [(event, path.clone())]);
    }
}

async fn a_name_that_begins_alike_is_not_below(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (path, alike) = (server.path("/a"), server.path("/ab"));
    raw.succeed(&watch_recursive(&path)).await;
    for change in [create(&alike), create(&format!("{alike}/c")), set(&alike, "")] {
        raw.succeed(&change).await;
    }
}

async fn one_change_makes_one_event_however_many_watches_it_concerns(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (path, child) = (server.path("/a"), server.path("/a/b"));
    let leaf = server.path("/a/b/c");
    for node in [&path, &child, &leaf] {
        raw.succeed(&create(node)).await;
    }
    for node in [&server.path("/"), &path, &child] {
        raw.succeed(&watch_recursive(node)).await;
    }
    for watch in [watch_data(&leaf), watch_exists(&leaf), watch_children(&leaf)] {
        raw.succeed(&watch).await;
    }
    for _ in 0..2 {
        let events = raw.caused_by(&set(&leaf, "new")).await;
        assert_eq!(events, [(NodeDataChanged, leaf.clone())]);
    }
    assert_eq!(raw.caused_by(&delete(&leaf)).await, [(NodeDeleted, leaf.clone())]);
    assert_eq!(raw.caused_by(&create(&leaf)).await, [(NodeCreated, leaf)]);
}

async fn a_child_watch_beside_a_recursive_watch_still_fires(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (path, child) = (server.path("/a"), server.path("/a/b"));
    raw.succeed(&create(&path)).await;
    raw.succeed(&watch_recursive(&path)).await;
    raw.succeed(&watch_children(&path)).await;
    let both = [(NodeCreated, child.clone()), (NodeChildrenChanged, path.clone())];
    assert_eq!(raw.caused_by(&create(&child)).await, both);
    // The one-shot watch is used up.
    assert_eq!(raw.caused_by(&delete(&child)).await, [(NodeDeleted, child.clone())]);

    // 3.8 has one watch for a connection and a path, also of children: the later one counts.
    let coexist = server.has_change_of(&[(3, 9, 0)]).await;
    raw.succeed(&watch_children(&path)).await;
    raw.succeed(&watch_recursive(&path)).await;
    let expected = if coexist { &both[..] } else { &both[..1] };
    assert_eq!(raw.caused_by(&create(&child)).await, expected);
}

async fn a_deletion_below_a_recursive_watch_uses_up_child_watches_without_an_event_of_their_own(
    server: &TestServer,
) {
    let mut raw = server.raw_session().await;
    let (path, child) = (server.path("/a"), server.path("/a/b"));
    raw.succeed(&create(&path)).await;
    raw.succeed(&create(&child)).await;
    raw.succeed(&watch_recursive(&path)).await;
    raw.succeed(&watch_children(&child)).await;
    assert_eq!(raw.caused_by(&delete(&child)).await, [(NodeDeleted, child.clone())]);
    assert_eq!(raw.caused_by(&create(&child)).await, [(NodeCreated, child.clone())]);
    let leaf = format!("{child}/c");
    assert_eq!(raw.caused_by(&create(&leaf)).await, [(NodeCreated, leaf)]);
}

async fn each_connection_hears_of_a_change_once(server: &TestServer) {
    let mut writer = server.raw_session().await;
    let (path, child) = (server.path("/a"), server.path("/a/b"));
    writer.succeed(&create(&path)).await;
    let mut watchers = Vec::new();
    for watch in [watch_recursive(&server.path("/")), watch_recursive(&path)] {
        for _ in 0..3 {
            let mut watcher = server.raw_session().await;
            watcher.succeed(&watch).await;
            watchers.push(watcher);
        }
    }
    writer.succeed(&create(&child)).await;
    writer.succeed(&set(&path, "new")).await;
    for watcher in &mut watchers {
        let expected = [(NodeCreated, child.clone()), (NodeDataChanged, path.clone())];
        assert_eq!(watcher.events().await, expected);
    }
}
