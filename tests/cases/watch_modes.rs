//! Several watches of one connection on one path.
//!
//! Since 3.9.0 they stand side by side. In 3.8 a connection has one mode for each path in each of
//! the two tables, and the last that was set counts, one-shot watches included.

use zk_client::EventType;
use zk_proto::WatcherType;
use zk_test_kit::request::{
    create, delete, remove_watches, set, watch_children, watch_data, watch_exists,
    watch_persistent, watch_recursive,
};
use zk_test_kit::{RawConnection, TestServer};

use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};

zk_test_kit::cases![
    a_one_shot_watch_takes_nothing_from_a_persistent_watch,
    a_persistent_watch_after_a_one_shot_watch_makes_one_event_and_stays,
    a_persistent_and_a_recursive_watch_hear_of_what_each_would,
    all_watches_of_a_path_make_one_event_of_a_deletion;
    since [(3, 9, 0)]: [removing_one_mode_leaves_the_others];
];

async fn coexist(server: &TestServer) -> bool {
    server.has_change_of(&[(3, 9, 0)]).await
}

/// A connection, and a node of its own.
async fn planted(server: &TestServer) -> (RawConnection, String, String) {
    let mut raw = server.raw_session().await;
    let (path, child) = (server.path("/a"), server.path("/a/b"));
    raw.succeed(&create(&path)).await;
    (raw, path, child)
}

async fn a_one_shot_watch_takes_nothing_from_a_persistent_watch(server: &TestServer) {
    let (mut raw, path, child) = planted(server).await;
    raw.succeed(&watch_persistent(&path)).await;
    raw.succeed(&watch_data(&path)).await;
    let told = [(NodeDataChanged, path.clone())];
    assert_eq!(raw.caused_by(&set(&path, "")).await, told);
    let expected = if coexist(server).await { &told[..] } else { &[] };
    assert_eq!(raw.caused_by(&set(&path, "")).await, expected);

    raw.succeed(&watch_children(&path)).await;
    let told = [(NodeChildrenChanged, path.clone())];
    assert_eq!(raw.caused_by(&create(&child)).await, told);
    let expected = if coexist(server).await { &told[..] } else { &[] };
    assert_eq!(raw.caused_by(&delete(&child)).await, expected);
}

async fn a_persistent_watch_after_a_one_shot_watch_makes_one_event_and_stays(server: &TestServer) {
    let (mut raw, path, child) = planted(server).await;
    raw.succeed(&watch_data(&path)).await;
    raw.succeed(&watch_children(&path)).await;
    raw.succeed(&watch_persistent(&path)).await;
    for _ in 0..2 {
        let events = raw.caused_by(&set(&path, "")).await;
        assert_eq!(events, [(NodeDataChanged, path.clone())]);
        for change in [create(&child), delete(&child)] {
            let events = raw.caused_by(&change).await;
            assert_eq!(events, [(NodeChildrenChanged, path.clone())]);
        }
    }
}

async fn a_persistent_and_a_recursive_watch_hear_of_what_each_would(server: &TestServer) {
    let coexist = coexist(server).await;
    for recursive_last in [true, false] {
        let mut raw = server.raw_session().await;
        let path = server.path(if recursive_last { "/a" } else { "/b" });
        let child = format!("{path}/c");
        let (first, last) = (watch_persistent(&path), watch_recursive(&path));
        let (first, last) = if recursive_last { (first, last) } else { (last, first) };
        raw.succeed(&first).await;
        raw.succeed(&last).await;
        assert_eq!(raw.caused_by(&create(&path)).await, [(NodeCreated, path.clone())]);
        assert_eq!(raw.caused_by(&set(&path, "")).await, [(NodeDataChanged, path.clone())]);
        for (change, event) in [
            (create(&child), Some(NodeCreated)),
            (set(&child, ""), None),
            (delete(&child), Some(NodeDeleted)),
        ] {
            let mut expected = vec![(event.unwrap_or(NodeDataChanged), child.clone())];
            if event.is_some() {
                expected.push((NodeChildrenChanged, path.clone()));
            }
            if !coexist {
                // Only the last one counts.
                expected.retain(|(event, _)| (*event != NodeChildrenChanged) == recursive_last);
            }
            assert_eq!(raw.caused_by(&change).await, expected, "{change:?}, {recursive_last}");
        }
    }
}

async fn all_watches_of_a_path_make_one_event_of_a_deletion(server: &TestServer) {
    let (mut raw, path, _) = planted(server).await;
    for watch in [
        watch_data(&path),
        watch_exists(&path),
        watch_children(&path),
        watch_persistent(&path),
        watch_recursive(&path),
    ] {
        raw.succeed(&watch).await;
    }
    assert_eq!(raw.caused_by(&delete(&path)).await, [(NodeDeleted, path.clone())]);
    // Those that stay have stayed, the others are used up.
    assert_eq!(raw.caused_by(&create(&path)).await, [(NodeCreated, path.clone())]);
    if coexist(server).await {
        raw.succeed(&remove_watches(&path, WatcherType::Persistent)).await;
        raw.succeed(&remove_watches(&path, WatcherType::PersistentRecursive)).await;
        raw.succeed(&set(&path, "")).await;
    }
}

/// 3.8 keeps one mode, and cannot name it.
async fn removing_one_mode_leaves_the_others(server: &TestServer) {
    let (mut raw, path, child) = planted(server).await;
    let created = (NodeCreated, child.clone());
    let deleted = (NodeDeleted, child.clone());
    let listed = (NodeChildrenChanged, path.clone());
    let changed = (NodeDataChanged, path.clone());
    for (removed, on_create, on_delete, on_set) in [
        // The child watch is gone, too: only the recursive watch hears of a child.
        (
            vec![WatcherType::Children, WatcherType::Persistent],
            vec![created.clone()],
            vec![deleted.clone()],
            vec![changed.clone()],
        ),
        // What is left of children is the persistent watch.
        (
            vec![WatcherType::PersistentRecursive],
            vec![listed.clone()],
            vec![listed.clone()],
            vec![changed.clone()],
        ),
        // The one-shot watches fire once.
        (
            vec![WatcherType::PersistentRecursive, WatcherType::Persistent],
            vec![listed.clone()],
            vec![],
            vec![changed.clone()],
        ),
        (
            vec![WatcherType::Data, WatcherType::PersistentRecursive, WatcherType::Persistent],
            vec![listed.clone()],
            vec![],
            vec![],
        ),
        (vec![WatcherType::Any], vec![], vec![], vec![]),
    ] {
        for watch in [
            watch_data(&path),
            watch_children(&path),
            watch_persistent(&path),
            watch_recursive(&path),
        ] {
            raw.succeed(&watch).await;
        }
        for watcher_type in &removed {
            raw.succeed(&remove_watches(&path, *watcher_type)).await;
        }
        assert_eq!(raw.caused_by(&create(&child)).await, on_create, "{removed:?}");
        assert_eq!(raw.caused_by(&delete(&child)).await, on_delete, "{removed:?}");
        assert_eq!(raw.caused_by(&set(&path, "")).await, on_set, "{removed:?}");
        raw.ask(1, &remove_watches(&path, WatcherType::Any)).await;
    }
}
