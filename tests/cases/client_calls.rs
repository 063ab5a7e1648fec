//! The calls of the client beyond the everyday ones: what they come to on a server.

use std::time::Duration;

use bytes::Bytes;
use zk_client::{Acl, CreateMode, Error, ErrorCode, Id, MultiReadOutcome, Permissions, Version};
use zk_test_kit::TestServer;

zk_test_kit::cases![
    an_acl_is_read_set_and_guarded_by_its_version,
    a_multi_read_sees_one_state_and_fails_one_by_one,
    ephemerals_are_those_of_this_session_below_the_chroot,
    all_nodes_below_one_are_counted,
    containers_and_nodes_with_a_time_to_live_are_created_alone_and_in_a_multi,
    the_configuration_is_read_and_watched_outside_the_chroot,
];

async fn an_acl_is_read_set_and_guarded_by_its_version(server: &TestServer) {
    let client = server.client().await;
    let created = client.create("/a", "").await.unwrap().stat;
    assert_eq!(client.get_acl("/a").await.unwrap(), (Acl::open(), created));
    let mut acl = Acl::read_only();
    acl.push(Acl::new(Permissions::ALL, Id::ip("127.0.0.1/8")));
    acl.push(Acl::new(Permissions::ADMIN | Permissions::DELETE, Id::ANYONE));
    let set = client.set_acl("/a", acl.clone()).version(Version(0)).await.unwrap();
    assert_eq!((set.aversion, set.version, set.mzxid), (Version(1), Version(0), created.mzxid));
    assert_eq!(client.get_acl("/a").await.unwrap(), (acl.clone(), set));
    let stale = client.set_acl("/a", Acl::open()).version(Version(0)).await.unwrap_err();
    assert_eq!(stale.code(), Some(ErrorCode::BadVersion));
    let empty = client.set_acl("/a", Vec::new()).await.unwrap_err();
    assert_eq!(empty.code(), Some(ErrorCode::InvalidAcl));
    let missing = client.get_acl("/missing").await.unwrap_err();
    assert_eq!(missing.code(), Some(ErrorCode::NoNode));
}

async fn a_multi_read_sees_one_state_and_fails_one_by_one(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "one").await.unwrap();
    client.create("/a/b", "two").await.unwrap();
    let read = client
        .multi_read()
        .get("/a/b")
        .children("/a")
        .get("/none")
        .children("/none")
        .await
        .unwrap();
    let stat = client.exists("/a/b").await.unwrap().unwrap();
    assert_eq!(read[0], Ok(MultiReadOutcome::Data(Bytes::from("two"), stat)));
    assert_eq!(read[1], Ok(MultiReadOutcome::Children(vec!["b".into()])));
    for failed in &read[2..] {
        let error = failed.clone().unwrap_err();
        assert!(matches!(&error, Error::Server { path, .. } if **path == *"/none"));
        assert_refused(error, ErrorCode::NoNode);
    }
    assert_eq!(client.multi_read().await.unwrap(), []);
}

async fn ephemerals_are_those_of_this_session_below_the_chroot(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    for path in ["/a", "/ab", "/c"] {
        client.create(path, "").mode(CreateMode::Ephemeral).await.unwrap();
    }
    other.create("/others", "").mode(CreateMode::Ephemeral).await.unwrap();
    client.create("/lasting", "").await.unwrap();
    let sorted = |mut paths: Vec<zk_client::ByteString>| {
        paths.sort();
        paths
    };
    assert_eq!(sorted(client.get_ephemerals().await.unwrap()), ["/a", "/ab", "/c"]);
    assert_eq!(sorted(client.get_ephemerals().prefix("/a").await.unwrap()), ["/a", "/ab"]);
    let root = server.client_at_root().await;
    let path = format!("{}-beside", server.path("/"));
    root.create(&path, "").mode(CreateMode::Ephemeral).await.unwrap();
    assert_eq!(root.get_ephemerals().await.unwrap(), [path.as_str()]);
}

async fn all_nodes_below_one_are_counted(server: &TestServer) {
    let client = server.client().await;
    for path in ["/a", "/a/b", "/a/b/c", "/a/d", "/ab"] {
        client.create(path, "").await.unwrap();
    }
    assert_eq!(client.all_children_number("/a").await.unwrap(), 3);
    assert_eq!(client.all_children_number("/a/d").await.unwrap(), 0);
    assert_eq!(client.all_children_number("/").await.unwrap(), 5);
    let missing = client.all_children_number("/missing").await.unwrap_err();
    assert_refused(missing, ErrorCode::NoNode);
}

async fn containers_and_nodes_with_a_time_to_live_are_created_alone_and_in_a_multi(
    server: &TestServer,
) {
    let client = server.client().await;
    let hour = Duration::from_secs(3600);
    let container = client.create("/c", "x").mode(CreateMode::Container).await.unwrap();
    assert_eq!((&*container.path, container.stat.is_ephemeral()), ("/c", false));
    assert_eq!(client.exists("/c").await.unwrap(), Some(container.stat));
    let leased = client.create("/t", "x").ttl(hour).await.unwrap();
    assert_eq!(client.get("/t").await.unwrap(), (Bytes::from("x"), leased.stat));
    let numbered = client.create("/t-", "").mode(CreateMode::PersistentSequential).ttl(hour).await;
    assert!(numbered.unwrap().path.starts_with("/t-0"));
    client
        .multi()
        .create_with("/m", "", CreateMode::Container, Acl::open())
        .create_node(client.create("/m/t", "").ttl(hour))
        .check("/m/t", Version(0))
        .commit()
        .await
        .unwrap();
    let exists = client.create("/m", "").mode(CreateMode::Container).await.unwrap_err();
    assert_refused(exists, ErrorCode::NodeExists);
}

async fn the_configuration_is_read_and_watched_outside_the_chroot(server: &TestServer) {
    let client = server.client().await;
    let root = server.client_at_root().await;
    let at_root = root.get("/zookeeper/config").await.unwrap();
    assert_eq!(client.get_config().await.unwrap(), at_root);
    let (watched, _watch) = client.get_config().watch().await.unwrap();
    assert_eq!(watched, at_root);
    // A server that stands alone cannot be told who belongs to it.
    let refused = client.reconfig().leaving(1).await.unwrap_err();
    assert!(
        matches!(refused.code(), Some(ErrorCode::ReconfigDisabled | ErrorCode::Unimplemented)),
        "{refused}"
    );
}

fn assert_refused(error: Error, code: ErrorCode) {
    assert_eq!(error.code(), Some(code), "{error}");
}
