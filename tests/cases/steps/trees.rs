//! Trees that are read and deleted: what others do meanwhile, what may not be touched, how much is
//! sent at once.

use zk_client::{Acl, Client, CreateMode, Error, ErrorCode, Id, Permissions};
use zk_test_kit::{TestServer, drop_after_polls};

zk_test_kit::cases![
    a_node_created_at_any_moment_of_a_deletion_goes_too,
    a_node_deleted_at_any_moment_of_a_deletion_is_no_error,
    ephemeral_nodes_of_others_are_deleted_too,
    a_tree_that_may_not_be_deleted_stays,
    what_the_server_keeps_is_refused_before_anything_is_deleted,
    a_large_tree_is_deleted_in_frames_that_servers_accept,
    children_that_vanish_between_batches_are_left_out,
    a_child_that_may_not_be_read_fails_the_listing,
];

/// `/tree` with `/tree/0` to `/tree/2`, each with two children.
async fn grow(client: &Client) {
    client.create("/tree", "").await.unwrap();
    for middle in ["/tree/0", "/tree/1", "/tree/2"] {
        client.create(middle, "").await.unwrap();
        for leaf in ["a", "b"] {
            client.create(&format!("{middle}/{leaf}"), "").await.unwrap();
        }
    }
}

/// What to create or delete, as it may still be possible.
async fn if_possible<T>(call: impl IntoFuture<Output = Result<T, Error>>) {
    if let Err(error) = call.await {
        assert_eq!(error.code(), Some(ErrorCode::NoNode));
    }
}

async fn a_node_created_at_any_moment_of_a_deletion_goes_too(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    for polls in 0.. {
        grow(&other).await;
        let mut call = client.delete_recursive("/tree").send();
        let done = drop_after_polls(&mut call, polls).await;
        let Some(done) = done else {
            if_possible(other.create("/tree/late", "")).await;
            if_possible(other.create("/tree/0/late", "")).await;
            if_possible(other.create("/tree/1/a/late", "")).await;
            call.await.unwrap();
            other.sync("/").await.unwrap();
            assert_eq!(other.exists("/tree").await.unwrap(), None, "after {polls} polls");
            continue;
        };
        done.unwrap();
        assert!(!server.has_virtual_time() || polls > 9, "only {polls} polls");
        return;
    }
}

async fn a_node_deleted_at_any_moment_of_a_deletion_is_no_error(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    for polls in 1.. {
        grow(&other).await;
        // Others may only be quicker when the call has found the node to begin with.
        let mut call = client.delete_recursive("/tree").send();
        client.sync("/").await.unwrap();
        let done = drop_after_polls(&mut call, polls).await;
        let Some(done) = done else {
            if_possible(other.delete("/tree/0/a")).await;
            if_possible(other.delete_recursive("/tree/1")).await;
            if_possible(other.delete_recursive("/tree")).await;
            call.await.unwrap();
            continue;
        };
        done.unwrap();
        assert!(!server.has_virtual_time() || polls > 9, "only {polls} polls");
        return;
    }
}

async fn ephemeral_nodes_of_others_are_deleted_too(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    grow(&client).await;
    for path in ["/tree/theirs", "/tree/0/theirs"] {
        other.create(path, "").mode(CreateMode::Ephemeral).await.unwrap();
    }
    client.delete_recursive("/tree").await.unwrap();
    assert_eq!(other.exists("/tree").await.unwrap(), None);
    assert!(other.get_ephemerals().await.unwrap().is_empty());
}

async fn a_tree_that_may_not_be_deleted_stays(server: &TestServer) {
    let client = server.client().await;
    grow(&client).await;
    let no_delete = Permissions::ALL.difference(Permissions::DELETE);
    client.set_acl("/tree/1", vec![Acl::new(no_delete, Id::ANYONE)]).await.unwrap();
    let refused = client.delete_recursive("/tree").await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::NoAuth));
    assert_eq!(client.children("/tree/1").await.unwrap().len(), 2);
    let no_read = Permissions::ALL.difference(Permissions::READ);
    client.set_acl("/tree/1", vec![Acl::new(no_read, Id::ANYONE)]).await.unwrap();
    let unread = client.delete_recursive("/tree").await.unwrap_err();
    assert_eq!(unread.code(), Some(ErrorCode::NoAuth));
    client.set_acl("/tree/1", Acl::open()).await.unwrap();
    client.delete_recursive("/tree").await.unwrap();
}

async fn what_the_server_keeps_is_refused_before_anything_is_deleted(server: &TestServer) {
    let network = server.network();
    let root = Client::builder("a:1").connector(network.connector()).connect().await.unwrap();
    for path in ["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"] {
        let before = network.counts().requests;
        let refused = root.delete_recursive(path).await.unwrap_err();
        assert!(matches!(refused, Error::BadArguments { .. }), "{path}: {refused}");
        assert_eq!(network.counts().requests, before, "{path}");
        // The server would say the same, of these nodes alone.
        let refused = root.delete(path).await.unwrap_err();
        assert_eq!(refused.code(), Some(ErrorCode::BadArguments), "{path}");
    }
    let missing = root.delete_recursive("/zookeeper/none").await.unwrap_err();
    assert_eq!(missing.code(), Some(ErrorCode::NoNode));
}

async fn a_large_tree_is_deleted_in_frames_that_servers_accept(server: &TestServer) {
    let other = server.client().await;
    let long = "n".repeat(1000);
    // With the second limit a multi does not fit.
    for (limit, requests) in [(1_048_575, 2000 / 10 / 100 * 10), (20_000, 2000)] {
        other.create("/tree", "").await.unwrap();
        for middle in 0..10 {
            let path = format!("/tree/{middle}");
            let mut created = vec![other.create(&path, "").send()];
            for leaf in 0..200 {
                created.push(other.create(&format!("{path}/{long}{leaf}"), "").send());
            }
            for created in created {
                created.await.unwrap();
            }
        }
        let network = server.network();
        let client = server.builder(&network).max_request(limit).connect().await.unwrap();
        client.delete_recursive("/tree").await.unwrap();
        let counts = network.counts();
        assert!(counts.longest <= limit, "{} bytes", counts.longest);
        // A listing, a look and a delete for each that has children; a look at each leaf.
        assert_eq!(counts.requests, 11 + 10 + 11 + 2000 + requests);
        other.sync("/").await.unwrap();
        assert_eq!(other.exists("/tree").await.unwrap(), None);
    }
}

async fn children_that_vanish_between_batches_are_left_out(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    for polls in 1.. {
        other.create("/a", "").await.unwrap();
        for number in 0..20 {
            other.create(&format!("/a/{number:02}"), "x").await.unwrap();
        }
        let mut call = client.children_with_data("/a").batch(1).send();
        client.sync("/").await.unwrap();
        let done = drop_after_polls(&mut call, polls).await;
        let over = done.is_some();
        other.delete("/a/19").await.unwrap();
        other.delete("/a/03").await.unwrap();
        let children = match done {
            Some(done) => done.unwrap(),
            None => call.await.unwrap(),
        };
        // Each of the two was read before it went, or left out.
        let kept = |name: &str| name != "19" && name != "03";
        assert_eq!(children.iter().filter(|child| kept(&child.name)).count(), 18);
        assert!(!over || children.len() == 20);
        other.delete_recursive("/a").await.unwrap();
        if over {
            assert!(!server.has_virtual_time() || polls > 1, "only {polls} polls");
            return;
        }
    }
}

async fn a_child_that_may_not_be_read_fails_the_listing(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    for number in 0..20 {
        client.create(&format!("/a/{number}"), "x").await.unwrap();
    }
    let no_read = Permissions::ALL.difference(Permissions::READ);
    client.set_acl("/a/7", vec![Acl::new(no_read, Id::ANYONE)]).await.unwrap();
    for batch in [1, 16, 100] {
        let refused = client.children_with_data("/a").batch(batch).await.unwrap_err();
        let Error::Server { path, code, .. } = refused else { panic!("{refused}") };
        assert_eq!((&*path, code), ("/a/7", ErrorCode::NoAuth));
    }
}
