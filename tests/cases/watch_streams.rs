//! Persistent watches as the client gives them: streams that share, tell of gaps, and clean up.

use std::collections::BTreeSet;

use zk_client::AddWatchMode::{Persistent, PersistentRecursive};
use zk_client::{Client, Error, ErrorCode, EventType, WatchItem, WatchStream};
use zk_test_kit::TestServer;

zk_test_kit::cases![
    a_stream_tells_every_change_of_its_node,
    a_recursive_stream_tells_every_change_below_its_node,
    a_gap_stands_where_the_connection_was_cut,
    whoever_reads_again_at_each_marker_knows_the_tree,
    streams_of_one_path_share_one_watch,
    the_last_stream_that_is_dropped_takes_the_servers_watch_along,
    a_one_shot_watch_that_is_dropped_leaves_nothing_on_the_server,
    watches_of_all_kinds_on_one_path_do_not_disturb_each_other,
    a_slow_reader_is_told_and_hears_what_comes_later,
    a_stream_ends_with_its_session,
    a_wish_for_a_stream_may_be_dropped_at_any_poll,
];

/// The next item, in short.
async fn next(stream: &mut WatchStream) -> String {
    match stream.next().await.unwrap().unwrap() {
        WatchItem::Event(event) => format!("{:?} {}", event.event_type, event.path),
        item => format!("{item:?}"),
    }
}

async fn assert_tells(stream: &mut WatchStream, expected: &[&str]) {
    for expected in expected {
        assert_eq!(next(stream).await, *expected);
    }
}

/// All removals are done: the client has sent what it sends, and has its answers.
async fn settle(client: &Client) {
    // A server before 3.9 is asked in another way when it has answered to the first one.
    for _ in 0..3 {
        client.sync("/").await.unwrap();
    }
}

async fn a_stream_tells_every_change_of_its_node(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let mut stream = client.watch("/a", Persistent).await.unwrap();
    let told_since_3_9 = server.has_change_of(&[(3, 9, 0)]).await;
    let created = other.create("/a", "").await.unwrap();
    let Some(Ok(WatchItem::Event(event))) = stream.next().await else { panic!("no event") };
    assert_eq!((event.event_type, &*event.path), (EventType::NodeCreated, "/a"));
    assert_eq!(event.zxid, told_since_3_9.then_some(created.stat.czxid));
    for _ in 0..2 {
        other.set("/a", "new").await.unwrap();
    }
    other.create("/a/b", "").await.unwrap();
    other.set("/a/b", "not heard").await.unwrap();
    other.delete("/a/b").await.unwrap();
    other.delete("/a").await.unwrap();
    let changed = "NodeDataChanged /a";
    let children = "NodeChildrenChanged /a";
    let expected = [changed, changed, children, children, "NodeDeleted /a"];
    assert_tells(&mut stream, &expected).await;
}

async fn a_recursive_stream_tells_every_change_below_its_node(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let mut tree = client.watch("/", PersistentRecursive).await.unwrap();
    for path in ["/a", "/a/b", "/a/b/c"] {
        other.create(path, "").await.unwrap();
        other.set(path, "new").await.unwrap();
    }
    other.delete("/a/b/c").await.unwrap();
    let expected = [
        "NodeCreated /a",
        "NodeDataChanged /a",
        "NodeCreated /a/b",
        "NodeDataChanged /a/b",
        "NodeCreated /a/b/c",
        "NodeDataChanged /a/b/c",
        "NodeDeleted /a/b/c",
    ];
    assert_tells(&mut tree, &expected).await;
}

async fn a_gap_stands_where_the_connection_was_cut(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let mut streams = [
        client.watch("/a", Persistent).await.unwrap(),
        client.watch("/", PersistentRecursive).await.unwrap(),
    ];
    other.create("/a", "").await.unwrap();
    for stream in &mut streams {
        assert_tells(stream, &["NodeCreated /a"]).await;
    }
    network.refuse("a", true);
    network.cut();
    other.set("/a", "missed").await.unwrap();
    network.refuse("a", false);
    for stream in &mut streams {
        assert_tells(stream, &["Gap"]).await;
    }
    assert_eq!(client.get("/a").await.unwrap().0, "missed");
    other.delete("/a").await.unwrap();
    for stream in &mut streams {
        assert_tells(stream, &["NodeDeleted /a"]).await;
    }
}

async fn whoever_reads_again_at_each_marker_knows_the_tree(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    client.create("/a", "").await.unwrap();
    let mut stream = client.watch("/a", PersistentRecursive).capacity(4).await.unwrap();
    let writer = tokio::spawn(async move {
        for number in 0..60 {
            other.create(&format!("/a/{number:02}"), "").await.unwrap();
            if number % 3 == 0 {
                other.delete(&format!("/a/{number:02}")).await.unwrap();
            }
            if number % 20 == 10 {
                network.cut();
            }
        }
        other.create("/a/end", "").await.unwrap();
    });
    let list = async || -> BTreeSet<String> {
        let children = client.children("/a").await.unwrap();
        children.iter().map(|name| format!("/a/{name}")).collect()
    };
    let mut known = list().await;
    while !known.contains("/a/end") {
        match stream.next().await.unwrap().unwrap() {
            WatchItem::Event(event) if event.event_type == EventType::NodeCreated => {
                known.insert(event.path.to_string());
            }
            WatchItem::Event(event) if event.event_type == EventType::NodeDeleted => {
                known.remove(&*event.path);
            }
            item => {
                assert!(item.is_marker(), "{item:?}");
                known = list().await;
            }
        }
    }
    writer.await.unwrap();
    let survivors = (0..60).filter(|number| number % 3 != 0);
    let mut expected: BTreeSet<_> = survivors.map(|number| format!("/a/{number:02}")).collect();
    expected.insert("/a/end".to_owned());
    assert_eq!(known, expected);
}

async fn streams_of_one_path_share_one_watch(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let before = network.counts();
    let first = client.watch("/a", Persistent).send();
    let others: Vec<_> = (0..999).map(|_| client.watch("/a", Persistent).send()).collect();
    let mut streams = vec![first.await.unwrap()];
    for other in others {
        streams.push(other.await.unwrap());
    }
    assert_eq!(network.counts().requests, before.requests + 1);
    client.create("/a", "").await.unwrap();
    for stream in &mut streams {
        assert_tells(stream, &["NodeCreated /a"]).await;
    }
    assert_eq!(network.counts().events, before.events + 1);
    network.cut();
    for stream in &mut streams {
        assert_tells(stream, &["Gap"]).await;
    }
    client.delete("/a").await.unwrap();
    for stream in &mut streams {
        assert_tells(stream, &["NodeDeleted /a"]).await;
    }
}

async fn the_last_stream_that_is_dropped_takes_the_servers_watch_along(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    for (number, mode) in [Persistent, PersistentRecursive].into_iter().enumerate() {
        let path = format!("/{number}");
        let first = client.watch(&path, mode).await.unwrap();
        let mut second = client.watch(&path, mode).await.unwrap();
        drop(first);
        settle(&client).await;
        other.create(&path, "").await.unwrap();
        assert_tells(&mut second, &[&format!("NodeCreated {path}")]).await;
        drop(second);
        settle(&client).await;
        let before = network.counts().events;
        other.delete(&path).await.unwrap();
        client.sync("/").await.unwrap();
        assert_eq!(network.counts().events, before, "{mode:?}");
        // Nothing is in the way of the next one.
        let mut again = client.watch(&path, mode).await.unwrap();
        other.create(&path, "").await.unwrap();
        assert_tells(&mut again, &[&format!("NodeCreated {path}")]).await;
    }
}

async fn a_one_shot_watch_that_is_dropped_leaves_nothing_on_the_server(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    other.create("/here", "").await.unwrap();
    drop(client.exists("/absent").watch().await.unwrap());
    drop(client.children("/here").watch().await.unwrap());
    drop(client.get("/here").watch().send());
    let kept = client.exists("/here").watch().await.unwrap().1;
    settle(&client).await;
    other.create("/absent", "").await.unwrap();
    other.create("/here/child", "").await.unwrap();
    client.sync("/").await.unwrap();
    assert_eq!(network.counts().events, 0);
    other.set("/here", "new").await.unwrap();
    assert_eq!(kept.await.unwrap().event_type, EventType::NodeDataChanged);
}

async fn watches_of_all_kinds_on_one_path_do_not_disturb_each_other(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    // Before, the recursive mode takes the place of the other one, and no list of children is told.
    let coexist = server.has_change_of(&[(3, 9, 0)]).await;
    let listed = if coexist { &["NodeChildrenChanged /a"][..] } else { &[] };
    let mut tree = client.watch("/a", PersistentRecursive).await.unwrap();
    let mut node = client.watch("/a", Persistent).await.unwrap();
    let once = client.exists("/a").watch().await.unwrap().1;
    drop(client.exists("/a").watch().await.unwrap());
    settle(&client).await;
    assert_a_life_is_told(&other, &mut tree, &mut node, listed).await;
    // And one that goes leaves the others what they have.
    drop(client.watch("/a/b", Persistent).await.unwrap());
    settle(&client).await;
    assert_a_life_is_told(&other, &mut tree, &mut node, listed).await;
    assert_eq!(once.await.unwrap().event_type, EventType::NodeCreated);
    drop(node);
    settle(&client).await;
    other.create("/a", "").await.unwrap();
    assert_tells(&mut tree, &["NodeCreated /a"]).await;
}

/// `/a` and a child of it come and go.
async fn assert_a_life_is_told(
    other: &Client,
    tree: &mut WatchStream,
    node: &mut WatchStream,
    listed: &[&str],
) {
    other.create("/a", "").await.unwrap();
    other.create("/a/b", "").await.unwrap();
    assert_tells(tree, &["NodeCreated /a", "NodeCreated /a/b"]).await;
    assert_tells(node, &["NodeCreated /a"]).await;
    assert_tells(node, listed).await;
    other.delete("/a/b").await.unwrap();
    other.delete("/a").await.unwrap();
    assert_tells(tree, &["NodeDeleted /a/b", "NodeDeleted /a"]).await;
    assert_tells(node, listed).await;
    assert_tells(node, &["NodeDeleted /a"]).await;
}

async fn a_slow_reader_is_told_and_hears_what_comes_later(server: &TestServer) {
    let client = server.client().await;
    let mut slow = client.watch("/", PersistentRecursive).capacity(10).await.unwrap();
    let creates: Vec<_> =
        (0..100).map(|number| client.create(&format!("/{number:02}"), "").send()).collect();
    for create in creates {
        create.await.unwrap();
    }
    assert_tells(&mut slow, &["Lagged"]).await;
    client.create("/later", "").await.unwrap();
    let mut waited = 0;
    while next(&mut slow).await != "NodeCreated /later" {
        waited += 1;
    }
    assert!(waited <= 10, "{waited} items were kept");
}

async fn a_stream_ends_with_its_session(server: &TestServer) {
    let client = server.client().await;
    let mut stream = client.watch("/a", Persistent).await.unwrap();
    client.create("/a", "").await.unwrap();
    client.close().await.unwrap();
    assert_tells(&mut stream, &["NodeCreated /a"]).await;
    assert_eq!(stream.next().await, Some(Err(Error::Closed)));
    assert_eq!(stream.next().await, None);
}

async fn a_wish_for_a_stream_may_be_dropped_at_any_poll(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    for polls in 0..8 {
        let mut wish = Box::pin(client.watch("/a", Persistent).send());
        for _ in 0..polls {
            let turn = tokio::time::timeout(std::time::Duration::from_micros(1), &mut wish);
            if let Ok(stream) = turn.await {
                drop(stream.unwrap());
                break;
            }
        }
        drop(wish);
    }
    settle(&client).await;
    let before = network.counts().events;
    other.create("/a", "").await.unwrap();
    client.sync("/").await.unwrap();
    assert_eq!(network.counts().events, before);
    let refused = client.get("/b").await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::NoNode), "the session is well");
}
