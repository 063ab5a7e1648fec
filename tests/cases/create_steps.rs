//! Creates that take more than one request: parents, protection, idempotence.

use zk_client::{Acl, Client, CreateMode, Error, ErrorCode, Janitor, Permissions, Version};
use zk_test_kit::network::Moment;
use zk_test_kit::{TestServer, drop_after_polls};

zk_test_kit::cases![
    missing_parents_are_created_and_those_that_exist_cost_nothing,
    a_missing_chroot_is_a_missing_parent,
    a_protected_create_cut_at_any_request_makes_exactly_one_node,
    a_protected_create_dropped_at_any_poll_leaves_no_node,
    a_protected_create_that_is_refused_leaves_nothing_to_look_for,
    an_idempotent_create_takes_a_node_that_is_as_it_should_be,
    idempotent_calls_cut_at_any_request_are_done_once,
    data_is_set_or_the_node_created,
];

async fn missing_parents_are_created_and_those_that_exist_cost_nothing(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let acl =
        vec![Acl::new(Permissions::ALL, zk_client::Id::ip("127.0.0.0/8")), Acl::open().remove(0)];
    let call = client.create("/a/b/c", "x").with_parents().parents_acl(acl.clone());
    assert_eq!(call.await.unwrap().path, "/a/b/c");
    assert_eq!(client.get("/a/b").await.unwrap().0, "");
    assert_eq!(client.get_acl("/a/b").await.unwrap().0, acl);
    assert_eq!(client.get_acl("/a/b/c").await.unwrap().0, Acl::open());

    let before = network.counts().requests;
    client.create("/a/b/d", "").with_container_parents().await.unwrap();
    assert_eq!(network.counts().requests, before + 1);
    let exists = client.create("/a/b/d", "").with_parents().await.unwrap_err();
    assert_eq!(exists.code(), Some(ErrorCode::NodeExists));
    let numbered = client
        .create("/e/f/n-", "")
        .mode(CreateMode::EphemeralSequential)
        .with_container_parents()
        .await
        .unwrap();
    assert_eq!(numbered.path, "/e/f/n-0000000000");
    let below_ephemeral = client.create(&format!("{}/x", numbered.path), "").with_parents().await;
    assert_eq!(below_ephemeral.unwrap_err().code(), Some(ErrorCode::NoChildrenForEphemerals));
}

async fn a_missing_chroot_is_a_missing_parent(server: &TestServer) {
    let chroot = format!("a:1{}", server.path("/deep/down"));
    let client =
        Client::builder(chroot).connector(server.network().connector()).connect().await.unwrap();
    let alone = client.create("/a", "").await.unwrap_err();
    assert_eq!(alone.code(), Some(ErrorCode::NoNode));
    assert_eq!(client.create("/a/b", "").with_parents().await.unwrap().path, "/a/b");
    assert!(server.client().await.exists("/deep/down/a/b").await.unwrap().is_some());
}

async fn a_protected_create_cut_at_any_request_makes_exactly_one_node(server: &TestServer) {
    let other = server.client().await;
    let modes = [CreateMode::EphemeralSequential, CreateMode::Persistent];
    for (mode, moment) in modes
        .into_iter()
        .flat_map(|mode| [Moment::BeforeSending, Moment::BeforeReply].map(|moment| (mode, moment)))
    {
        for skip in 0.. {
            let parent = format!("/{mode:?}-{moment:?}-{skip}");
            let network = server.network();
            let client = server.client_on(&network).await;
            network.cut_at_request(skip, moment);
            let path = format!("{parent}/n-");
            let created =
                client.create(&path, "x").mode(mode).with_parents().protected().await.unwrap();
            other.sync("/").await.unwrap();
            let children = other.children(&parent).await.unwrap();
            assert_eq!(children.len(), 1, "{mode:?} cut {moment:?} after {skip} requests");
            assert_eq!(created.path, format!("{parent}/{}", children[0]));
            assert!(children[0].starts_with("_c_") && children[0].contains("-n-"));
            let (data, stat) = other.get(&created.path).await.unwrap();
            assert_eq!((&data[..], stat), (&b"x"[..], created.stat));
            Janitor::of(&client).drain().await;
            assert_eq!(other.children(&parent).await.unwrap().len(), 1);
            if network.is_cut_pending() {
                assert!(skip > 2, "only {skip} requests were cut");
                break;
            }
        }
    }
}

async fn a_protected_create_dropped_at_any_poll_leaves_no_node(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    for mode in [CreateMode::EphemeralSequential, CreateMode::Persistent] {
        other.create("/nodes", "").await.unwrap();
        for polls in 0.. {
            let call = client.create("/nodes/n-", "").mode(mode).protected().send();
            let finished = drop_after_polls(call, polls).await.is_some();
            Janitor::of(&client).drain().await;
            let left = other.children("/nodes").await.unwrap();
            assert_eq!(left.len(), usize::from(finished), "{mode:?} after {polls} polls: {left:?}");
            if finished {
                break;
            }
        }
        other.delete_recursive("/nodes").await.unwrap();
    }
}

async fn a_protected_create_that_is_refused_leaves_nothing_to_look_for(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let refused = client.create("/missing/n-", "").protected().await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::NoNode));
    assert_eq!(Janitor::of(&client).pending(), 0);
    assert_eq!(network.counts().requests, 1);
    let bad = client.create("missing", "").protected().await.unwrap_err();
    assert!(matches!(bad, Error::BadPath { path, .. } if path == "missing"));
    let numbered = client.create("/n-", "").mode(CreateMode::PersistentSequential).idempotent();
    assert!(matches!(numbered.await.unwrap_err(), Error::BadArguments { .. }));
}

async fn an_idempotent_create_takes_a_node_that_is_as_it_should_be(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let stat = other.create("/a", "x").await.unwrap().stat;
    let same = client.create("/a", "x").idempotent().await.unwrap();
    assert_eq!((&*same.path, same.stat), ("/a", stat));
    let exists = Some(ErrorCode::NodeExists);
    let differs = client.create("/a", "y").idempotent().await.unwrap_err();
    assert_eq!(differs.code(), exists);
    let ephemeral = client.create("/a", "x").mode(CreateMode::Ephemeral).idempotent().await;
    assert_eq!(ephemeral.unwrap_err().code(), exists);
    other.set("/a", "x").await.unwrap();
    let changed = client.create("/a", "x").idempotent().await.unwrap_err();
    assert_eq!(changed.code(), exists);
    other.create("/e", "").mode(CreateMode::Ephemeral).await.unwrap();
    let others = client.create("/e", "").mode(CreateMode::Ephemeral).idempotent().await;
    assert_eq!(others.unwrap_err().code(), exists);
    client.delete("/missing").idempotent().await.unwrap();
}

async fn idempotent_calls_cut_at_any_request_are_done_once(server: &TestServer) {
    let other = server.client().await;
    for moment in [Moment::BeforeSending, Moment::BeforeReply] {
        for skip in 0.. {
            let context = format!("cut {moment:?} after {skip} requests");
            let path = format!("/n-{moment:?}-{skip}");
            let network = server.network();
            let client = server.client_on(&network).await;
            network.cut_at_request(skip, moment);
            let created = client.create(&path, "one").idempotent().await.unwrap();
            assert_eq!(created.stat.version, Version(0), "{context}");
            let set = client.set(&path, "two").version(Version(0)).idempotent().await.unwrap();
            assert_eq!(set.version, Version(1), "{context}");
            assert_eq!(other.get(&path).await.unwrap().0, "two", "{context}");
            let stale = client.set(&path, "three").version(Version(0)).idempotent().await;
            assert_eq!(stale.unwrap_err().code(), Some(ErrorCode::BadVersion), "{context}");
            client.delete(&path).version(Version(1)).idempotent().await.unwrap();
            assert_eq!(other.exists(&path).await.unwrap(), None, "{context}");
            if network.is_cut_pending() {
                assert!(skip > 3, "only {skip} requests were cut");
                break;
            }
        }
    }
}

async fn data_is_set_or_the_node_created(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let missing = client.set_or_create("/a/b", "one").await.unwrap_err();
    assert_eq!(missing.code(), Some(ErrorCode::NoNode));
    let created = client.set_or_create("/a/b", "one").with_parents().await.unwrap();
    assert_eq!(created.version, Version(0));
    let before = network.counts().requests;
    let set = client.set_or_create("/a/b", "two").with_parents().await.unwrap();
    assert_eq!((set.version, network.counts().requests), (Version(1), before + 1));
    assert_eq!(client.get("/a/b").await.unwrap(), ("two".into(), set));
    let mode = CreateMode::Ephemeral;
    let mine = client.set_or_create("/m/n", "").mode(mode).with_container_parents().await.unwrap();
    assert_eq!(mine.ephemeral_owner, client.session_id());
    let numbered = client.set_or_create("/n-", "").mode(CreateMode::PersistentSequential).await;
    assert!(matches!(numbered.unwrap_err(), Error::BadArguments { .. }));
}
