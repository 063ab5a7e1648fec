//! The numbers that a parent gives to the names of its children.

use std::collections::BTreeSet;

use zk_client::path::parse_sequence;
use zk_client::{Acl, Client, CreateMode, Error, ErrorCode, MultiOutcome, Version};
use zk_proto::message::CreateRequest;
use zk_proto::op::Request;
use zk_test_kit::TestServer;
use zk_test_kit::request::node;

zk_test_kit::cases![
    numbers_grow_by_one_and_have_ten_digits,
    all_prefixes_share_the_counter_of_their_parent,
    each_parent_counts_its_own_children_only,
    children_without_a_number_count_too,
    a_refused_create_does_not_count,
    a_number_that_is_taken_is_refused_and_not_skipped,
    deleting_children_does_not_set_the_counter_back,
    a_parent_created_anew_starts_at_zero,
    a_name_may_be_nothing_but_its_number,
    an_ephemeral_number_is_not_given_again_when_its_session_has_ended,
    numbers_go_on_within_a_multi_and_not_in_one_that_fails,
    concurrent_creates_get_each_number_once_and_each_client_in_order;
    on embedded: [
        the_last_number_is_given_again_and_again,
        within_a_multi_there_are_numbers_behind_the_last_one,
        a_counter_is_preset_to_any_number,
        a_counter_preset_by_hand_reaches_followers_in_its_turn,
    ];
];

async fn numbers_grow_by_one_and_have_ten_digits(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    for number in 0..12 {
        let path = numbered(&client, "/a/n-").await;
        assert_eq!(path, format!("/a/n-{number:010}"));
        assert_eq!(parse_sequence(path.strip_prefix("/a/n-").unwrap()), Some(number));
    }
    assert_eq!(client.children("/a").await.unwrap().len(), 12);
}

async fn all_prefixes_share_the_counter_of_their_parent(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    for (prefix, expected) in [
        ("/a/x-", "/a/x-0000000000"),
        ("/a/y-", "/a/y-0000000001"),
        ("/a/x-", "/a/x-0000000002"),
        ("/a/7", "/a/70000000003"),
    ] {
        assert_eq!(numbered(&client, prefix).await, expected);
    }
}

async fn each_parent_counts_its_own_children_only(server: &TestServer) {
    let client = server.client().await;
    for path in ["/a", "/b", "/a/child", "/a/child/deeper"] {
        client.create(path, "").await.unwrap();
    }
    client.set("/a", "data").await.unwrap();
    client.set("/a/child", "data").await.unwrap();
    assert_eq!(numbered(&client, "/a/n-").await, "/a/n-0000000001");
    assert_eq!(numbered(&client, "/b/n-").await, "/b/n-0000000000");
    assert_eq!(numbered(&client, "/a/child/n-").await, "/a/child/n-0000000001");
}

async fn children_without_a_number_count_too(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    client.create("/a/x", "").await.unwrap();
    client.create("/a/y", "").mode(CreateMode::Ephemeral).await.unwrap();
    assert_eq!(numbered(&client, "/a/n-").await, "/a/n-0000000002");
}

async fn a_refused_create_does_not_count(server: &TestServer) {
    let client = server.client().await;
    let mut raw = server.raw_session().await;
    client.create("/a", "").await.unwrap();
    client.create("/a/x", "").await.unwrap();
    assert_eq!(client.create("/a/x", "").await.unwrap_err().code(), Some(ErrorCode::NodeExists));
    let prefix = server.path("/a/n-");
    for request in [
        CreateRequest { acl: None, ..node(&prefix, CreateMode::PersistentSequential) },
        node(&server.path("/a/\u{1}"), CreateMode::PersistentSequential),
        node(&server.path("/a/x/y/n-"), CreateMode::PersistentSequential),
    ] {
        assert_ne!(raw.ask(1, &Request::Create(request)).await.header.err, ErrorCode::Ok);
    }
    assert_eq!(numbered(&client, "/a/n-").await, "/a/n-0000000001");
}

async fn a_number_that_is_taken_is_refused_and_not_skipped(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    client.create("/a/n-0000000001", "").await.unwrap();
    for _ in 0..2 {
        let create = client.create("/a/n-", "").mode(CreateMode::PersistentSequential);
        assert_eq!(create.await.unwrap_err().code(), Some(ErrorCode::NodeExists));
    }
    assert_eq!(numbered(&client, "/a/m-").await, "/a/m-0000000001");
    assert_eq!(numbered(&client, "/a/n-").await, "/a/n-0000000002");
}

async fn deleting_children_does_not_set_the_counter_back(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    for _ in 0..3 {
        let path = numbered(&client, "/a/n-").await;
        client.delete(&path).await.unwrap();
    }
    assert_eq!(client.children("/a").await.unwrap(), Vec::<String>::new());
    assert_eq!(numbered(&client, "/a/n-").await, "/a/n-0000000003");
    // The Stat counts deletes as well, the numbers do not.
    assert_eq!(client.exists("/a").await.unwrap().unwrap().cversion, Version(7));
}

async fn a_parent_created_anew_starts_at_zero(server: &TestServer) {
    let client = server.client().await;
    for _ in 0..2 {
        client.create("/a", "").await.unwrap();
        let path = numbered(&client, "/a/n-").await;
        assert_eq!(path, "/a/n-0000000000");
        client.delete(&path).await.unwrap();
        client.delete("/a").await.unwrap();
    }
}

async fn a_name_may_be_nothing_but_its_number(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    assert_eq!(numbered(&client, "/a/").await, "/a/0000000000");
    assert_eq!(numbered(&client, "/a/").await, "/a/0000000001");
    // The case's own node has had one child so far.
    assert_eq!(numbered(&client, "/").await, "/0000000001");
    let error = client.create("/a/", "").await.unwrap_err();
    assert!(matches!(error, Error::BadPath { .. }), "{error}");
}

async fn an_ephemeral_number_is_not_given_again_when_its_session_has_ended(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    client.create("/a", "").await.unwrap();
    let create = client.create("/a/n-", "").mode(CreateMode::EphemeralSequential);
    let created = create.await.unwrap();
    assert_eq!(created.path, "/a/n-0000000000");
    assert_eq!(created.stat.ephemeral_owner, client.session_id());
    client.close().await.unwrap();
    assert_eq!(other.children("/a").await.unwrap(), Vec::<String>::new());
    assert_eq!(numbered(&other, "/a/n-").await, "/a/n-0000000001");
}

async fn numbers_go_on_within_a_multi_and_not_in_one_that_fails(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    assert_eq!(numbered(&client, "/a/n-").await, "/a/n-0000000000");
    let three = || {
        client
            .multi()
            .create_with("/a/n-", "", CreateMode::PersistentSequential, Acl::open())
            .create("/a/x", "")
            .create_with("/a/m-", "", CreateMode::EphemeralSequential, Acl::open())
    };
    let outcomes = three().commit().await.unwrap();
    let paths: Vec<_> = outcomes.into_iter().map(created_path).collect();
    assert_eq!(paths, ["/a/n-0000000001", "/a/x", "/a/m-0000000003"]);

    let error = three().commit().await.unwrap_err();
    assert!(matches!(error, Error::Multi { index: 1, code: ErrorCode::NodeExists, .. }), "{error}");
    assert_eq!(numbered(&client, "/a/n-").await, "/a/n-0000000004");
}

async fn concurrent_creates_get_each_number_once_and_each_client_in_order(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    let mut replies = Vec::new();
    let mut clients = Vec::new();
    for _ in 0..4 {
        let client = server.client().await;
        let create = || client.create("/a/n-", "").mode(CreateMode::PersistentSequential).send();
        replies.push((0..25).map(|_| create()).collect::<Vec<_>>());
        clients.push(client);
    }
    let mut all = BTreeSet::new();
    for replies in replies {
        let mut last = None;
        for reply in replies {
            let path = reply.await.unwrap().path;
            let number = parse_sequence(path.strip_prefix("/a/n-").unwrap());
            assert!(number > last, "{number:?} after {last:?}");
            last = number;
            all.extend(number);
        }
    }
    assert!(all.into_iter().eq(0..100));
}

/// As in the original (`DataTree.createNode`), which takes no counter that is below the present one.
async fn the_last_number_is_given_again_and_again(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    preset(server, "/a", i32::MAX - 1);
    for expected in ["/a/x-2147483646", "/a/x-2147483647"] {
        assert_eq!(numbered(&client, "/a/x-").await, expected);
    }
    let again = client.create("/a/x-", "").mode(CreateMode::PersistentSequential);
    assert_eq!(again.await.unwrap_err().code(), Some(ErrorCode::NodeExists));
    assert_eq!(numbered(&client, "/a/y-").await, "/a/y-2147483647");
    client.delete("/a/x-2147483647").await.unwrap();
    assert_eq!(numbered(&client, "/a/x-").await, "/a/x-2147483647");
}

/// `PrepRequestProcessor.pRequest2TxnCreate` counts on from what is decided and not yet carried out.
async fn within_a_multi_there_are_numbers_behind_the_last_one(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    preset(server, "/a", i32::MAX);
    let mut multi = client.multi();
    for prefix in ["/a/1-", "/a/2-", "/a/3-"] {
        multi = multi.create_with(prefix, "", CreateMode::EphemeralSequential, Acl::open());
    }
    let outcomes = multi.commit().await.unwrap();
    let paths: Vec<_> = outcomes.into_iter().map(created_path).collect();
    assert_eq!(paths, ["/a/1-2147483647", "/a/2--2147483648", "/a/3--2147483647"]);
    assert_eq!(numbered(&client, "/a/z-").await, "/a/z-2147483647");
    // Only czxid tells that the last one is the youngest.
    let czxid = async |path: &str| client.exists(path).await.unwrap().unwrap().czxid;
    let (first, second) = (czxid(&paths[1]).await, czxid(&paths[2]).await);
    assert!(czxid("/a/z-2147483647").await > first && first == second);
}

async fn a_counter_is_preset_to_any_number(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    for (number, expected) in [(i32::MIN, "/a/n--2147483648"), (-5, "/a/n--000000005")] {
        preset(server, "/a", number);
        assert_eq!(numbered(&client, "/a/n-").await, expected);
        assert_eq!(parse_sequence(expected.strip_prefix("/a/n-").unwrap()), Some(number));
    }
    assert_eq!(client.exists("/a").await.unwrap().unwrap().cversion, Version(2 * -4 - 2));
    assert!(!server.embedded().unwrap().set_child_counter(&server.path("/none"), 0));
}

async fn a_counter_preset_by_hand_reaches_followers_in_its_turn(server: &TestServer) {
    let client = server.client().await;
    let embedded = server.embedded().unwrap();
    client.create("/a", "").await.unwrap();
    let follower = embedded.follower();
    follower.hold();
    let before = (embedded.last_zxid(), embedded.digest());
    assert!(embedded.set_child_counter(&server.path("/a"), i32::MIN));
    let preset = (embedded.last_zxid(), embedded.digest());
    assert!(preset.0 > before.0 && preset.1 != before.1);
    assert_eq!(numbered(&client, "/a/n-").await, "/a/n--2147483648");
    let created = (embedded.last_zxid(), embedded.digest());
    assert_eq!((follower.last_zxid(), follower.digest()), before);
    for (zxid, digest) in [preset, created] {
        follower.catch_up_to(zxid);
        assert_eq!((follower.last_zxid(), follower.digest()), (zxid, digest));
    }
    follower.shutdown().await;
}

fn preset(server: &TestServer, path: &str, number: i32) {
    assert!(server.embedded().unwrap().set_child_counter(&server.path(path), number));
}

/// Creates a numbered node, and tells its path.
async fn numbered(client: &Client, prefix: &str) -> String {
    let create = client.create(prefix, "").mode(CreateMode::PersistentSequential);
    create.await.unwrap().path.to_string()
}

fn created_path(outcome: MultiOutcome) -> String {
    match outcome {
        MultiOutcome::Created { path, .. } => path.to_string(),
        other => panic!("{other:?}"),
    }
}
