//! Deletes that take more than one request: whole trees, and those that are not given up.

use std::time::Duration;

use tokio::time::sleep;
use zk_client::{Client, CreateMode, Error, ErrorCode, Janitor, Version};
use zk_test_kit::network::Moment;
use zk_test_kit::{TestServer, drop_after_polls};

zk_test_kit::cases![
    a_tree_is_deleted_with_all_that_is_below,
    many_children_are_deleted_in_few_requests,
    a_tree_is_deleted_wherever_the_connection_breaks,
    a_tree_is_deleted_while_others_create_and_delete_in_it,
    a_tree_whose_deletion_is_dropped_still_hangs_together,
    what_cannot_be_deleted_is_refused,
    a_guaranteed_delete_is_done_in_the_background_when_its_reply_is_lost,
    a_guaranteed_delete_spares_a_node_of_another_version,
    a_guaranteed_delete_that_is_dropped_goes_on,
];

/// 1 + `width` + `width`² nodes below and with `root`.
async fn grow(client: &Client, root: &str, width: usize) {
    client.create(root, "").await.unwrap();
    for one in 0..width {
        let middle = format!("{root}/{one}");
        client.create(&middle, "").await.unwrap();
        let leaves: Vec<_> =
            (0..width).map(|two| client.create(&format!("{middle}/{two}"), "").send()).collect();
        for leaf in leaves {
            leaf.await.unwrap();
        }
    }
}

async fn a_tree_is_deleted_with_all_that_is_below(server: &TestServer) {
    let client = server.client().await;
    grow(&client, "/tree", 5).await;
    client.create("/tree-not", "").await.unwrap();
    client.create("/tree/mine", "").mode(CreateMode::Ephemeral).await.unwrap();
    client.delete_recursive("/tree").await.unwrap();
    assert_eq!(client.children("/").await.unwrap(), ["tree-not"]);
    client.delete_recursive("/tree-not").await.unwrap();
    // With a chroot the root is a node like any other.
    client.create("/a", "").await.unwrap();
    client.delete_recursive("/").await.unwrap();
    assert_eq!(client.exists("/").await.unwrap(), None);
    client.create("/", "").await.unwrap();
}

async fn many_children_are_deleted_in_few_requests(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    client.create("/tree", "").await.unwrap();
    let created: Vec<_> =
        (0..500).map(|number| client.create(&format!("/tree/{number}"), "").send()).collect();
    for created in created {
        created.await.unwrap();
    }
    let before = network.counts().requests;
    client.delete_recursive("/tree").await.unwrap();
    // One listing, a look at each child, four multis, and the node itself.
    assert_eq!(network.counts().requests - before, 1 + 500 + 4 + 1);
}

async fn a_tree_is_deleted_wherever_the_connection_breaks(server: &TestServer) {
    let other = server.client().await;
    for moment in [Moment::BeforeSending, Moment::BeforeReply] {
        for skip in 0.. {
            let root = format!("/tree-{moment:?}-{skip}");
            grow(&other, &root, 3).await;
            let network = server.network();
            let client = server.client_on(&network).await;
            network.cut_at_request(skip, moment);
            client.delete_recursive(&root).await.unwrap();
            other.sync("/").await.unwrap();
            assert_eq!(other.exists(&root).await.unwrap(), None, "{moment:?} {skip}");
            if network.is_cut_pending() {
                assert!(skip > 5, "only {skip} requests were cut");
                break;
            }
        }
    }
}

async fn a_tree_is_deleted_while_others_create_and_delete_in_it(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    for _ in 0..5 {
        grow(&client, "/tree", 6).await;
        let noise = other.clone();
        let disturb = tokio::spawn(async move {
            for number in 0..40 {
                let middle = format!("/tree/{}", number % 6);
                // Each of them may fail: the tree is going.
                let created = noise.create(&format!("{middle}/late-{number}"), "").send();
                let deleted = noise.delete(&format!("{middle}/{}", number % 5)).send();
                let _ = (created.await, deleted.await);
            }
        });
        client.delete_recursive("/tree").await.unwrap();
        disturb.await.unwrap();
        assert_eq!(client.exists("/tree").await.unwrap(), None);
    }
}

async fn a_tree_whose_deletion_is_dropped_still_hangs_together(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    for polls in 0.. {
        let root = format!("/tree-{polls}");
        grow(&other, &root, 2).await;
        let call = client.delete_recursive(&root).send();
        let finished = drop_after_polls(call, polls).await.is_some();
        client.sync("/").await.unwrap();
        // Whatever is left can be deleted by the same call.
        match other.delete_recursive(&root).await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => {}
            deleted => deleted.unwrap(),
        }
        assert_eq!(other.exists(&root).await.unwrap(), None);
        if finished {
            assert!(!server.has_virtual_time() || polls > 4, "only {polls} polls");
            return;
        }
    }
}

async fn what_cannot_be_deleted_is_refused(server: &TestServer) {
    let client = server.client().await;
    let missing = client.delete_recursive("/missing").await.unwrap_err();
    assert_eq!(missing.code(), Some(ErrorCode::NoNode));
    assert!(matches!(client.delete_recursive("a").await, Err(Error::BadPath { .. })));
    let root = server.client_at_root().await.delete_recursive("/").await.unwrap_err();
    assert!(matches!(root, Error::BadArguments { .. }));
    let missing = client.delete("/missing").guaranteed().await.unwrap_err();
    assert_eq!(missing.code(), Some(ErrorCode::NoNode));
    assert_eq!(Janitor::of(&client).pending(), 0);
}

async fn a_guaranteed_delete_is_done_in_the_background_when_its_reply_is_lost(server: &TestServer) {
    let other = server.client().await;
    for moment in [Moment::BeforeSending, Moment::BeforeReply] {
        let network = server.network();
        let client = server.client_on(&network).await;
        other.create("/a", "").await.unwrap();
        network.cut_at_request(0, moment);
        let lost = client.delete("/a").guaranteed().await.unwrap_err();
        assert!(lost.outcome_unknown(), "{lost}");
        Janitor::of(&client).drain().await;
        other.sync("/").await.unwrap();
        assert_eq!(other.exists("/a").await.unwrap(), None, "{moment:?}");
    }
}

async fn a_guaranteed_delete_spares_a_node_of_another_version(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    other.create("/a", "").await.unwrap();
    network.cut_at_request(0, Moment::BeforeSending);
    network.refuse("a", true);
    let lost = client.delete("/a").version(Version(0)).guaranteed().await.unwrap_err();
    assert!(lost.outcome_unknown(), "{lost}");
    other.set("/a", "changed").await.unwrap();
    network.refuse("a", false);
    Janitor::of(&client).drain().await;
    assert_eq!(other.get("/a").await.unwrap().0, "changed");
}

async fn a_guaranteed_delete_that_is_dropped_goes_on(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    other.create("/a", "").await.unwrap();
    network.refuse("a", true);
    network.cut();
    let mut state = client.state();
    state.wait_for(|state| !state.is_connected()).await.unwrap();
    // A request that waits for a connection is not sent when it is dropped.
    drop(client.delete("/a").guaranteed().send());
    sleep(Duration::from_millis(100)).await;
    assert!(other.exists("/a").await.unwrap().is_some());
    network.refuse("a", false);
    Janitor::of(&client).drain().await;
    assert_eq!(other.exists("/a").await.unwrap(), None);
}
