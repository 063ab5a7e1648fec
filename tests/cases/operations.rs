//! What each operation gives back, and why it is refused.

use std::fmt::Debug;

use bytes::Bytes;
use zk_client::{CreateMode, Error, ErrorCode, Version};
use zk_proto::message::{CreateRequest, GetDataResponse, SetDataRequest, SyncResponse};
use zk_proto::op::Request;
use zk_proto::{Acl, Permissions, data::Id};
use zk_test_kit::request::{create, get, node, set, sync};
use zk_test_kit::{RawConnection, TestServer};

zk_test_kit::cases![
    a_node_is_created_read_changed_and_deleted,
    data_of_any_bytes_comes_back,
    children_are_told_by_name_with_and_without_the_state_of_their_parent,
    a_create_tells_why_it_is_refused,
    a_delete_tells_why_it_is_refused,
    a_set_tells_why_it_is_refused,
    reads_of_a_missing_node_say_so,
    minus_one_is_any_version_and_other_negative_numbers_are_none,
    sync_answers_for_any_path,
    an_acl_names_somebody_or_the_create_is_refused,
    unknown_modes_are_bad_arguments,
    null_data_and_empty_data_are_different,
];

async fn a_node_is_created_read_changed_and_deleted(server: &TestServer) {
    let client = server.client().await;
    let created = client.create("/a", "one").await.unwrap();
    assert_eq!(created.path, "/a");
    assert_eq!(client.get("/a").await.unwrap(), (Bytes::from("one"), created.stat));
    assert_eq!(client.exists("/a").await.unwrap(), Some(created.stat));

    let set = client.set("/a", "three").await.unwrap();
    assert_eq!(set.version, Version(1));
    assert_eq!(client.get("/a").await.unwrap(), (Bytes::from("three"), set));

    client.delete("/a").await.unwrap();
    assert_eq!(client.exists("/a").await.unwrap(), None);
    client.create("/a", "anew").await.unwrap();
    client.delete("/a").version(Version(0)).await.unwrap();
    assert_eq!(client.exists("/a").await.unwrap(), None);
}

async fn data_of_any_bytes_comes_back(server: &TestServer) {
    let client = server.client().await;
    let data: Vec<u8> = (0..=u8::MAX).collect();
    client.create("/a", data.clone()).await.unwrap();
    assert_eq!(client.get("/a").await.unwrap().0, data);
    client.set("/a", "").await.unwrap();
    assert_eq!(client.get("/a").await.unwrap().0, "");
}

async fn children_are_told_by_name_with_and_without_the_state_of_their_parent(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    assert_eq!(client.children("/a").await.unwrap(), Vec::<String>::new());
    for path in ["/a/x", "/a/y", "/a/ä ö", "/a/x/deeper"] {
        client.create(path, "").await.unwrap();
    }
    let mut names = client.children("/a").await.unwrap();
    names.sort();
    assert_eq!(names, ["x", "y", "ä ö"]);
    let (mut names_too, stat) = client.children("/a").with_stat().await.unwrap();
    names_too.sort();
    assert_eq!(names_too, names);
    assert_eq!(Some(stat), client.exists("/a").await.unwrap());
    assert_eq!(stat.num_children, 3);
}

async fn a_create_tells_why_it_is_refused(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    client.create("/mine", "").mode(CreateMode::Ephemeral).await.unwrap();
    for (path, code) in [
        ("/a", ErrorCode::NodeExists),
        ("/missing/a", ErrorCode::NoNode),
        ("/mine/child", ErrorCode::NoChildrenForEphemerals),
    ] {
        let error = client.create(path, "").await.unwrap_err();
        assert!(matches!(&error, Error::Server { path: named, .. } if **named == *path));
        assert_eq!(error.code(), Some(code), "{path}");
    }
    let sequential = client.create("/mine/n-", "").mode(CreateMode::PersistentSequential).await;
    assert_code(sequential, ErrorCode::NoChildrenForEphemerals);
}

async fn a_delete_tells_why_it_is_refused(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    client.create("/a/b", "").await.unwrap();
    assert_code(client.delete("/missing").await, ErrorCode::NoNode);
    assert_code(client.delete("/missing/a").await, ErrorCode::NoNode);
    assert_code(client.delete("/a").await, ErrorCode::NotEmpty);
    assert_code(client.delete("/a/b").version(Version(1)).await, ErrorCode::BadVersion);
    // The version is looked at before the children.
    assert_code(client.delete("/a").version(Version(1)).await, ErrorCode::BadVersion);
    assert_eq!(client.children("/a").await.unwrap(), ["b"]);
}

async fn a_set_tells_why_it_is_refused(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "old").await.unwrap();
    assert_code(client.set("/missing", "").await, ErrorCode::NoNode);
    assert_code(client.set("/a", "new").version(Version(1)).await, ErrorCode::BadVersion);
    assert_eq!(client.get("/a").await.unwrap().0, "old");
    client.set("/a", "new").version(Version(0)).await.unwrap();
    assert_code(client.set("/a", "newer").version(Version(0)).await, ErrorCode::BadVersion);
    assert_eq!(client.get("/a").await.unwrap().0, "new");
}

async fn reads_of_a_missing_node_say_so(server: &TestServer) {
    let client = server.client().await;
    for path in ["/missing", "/missing/deeper"] {
        assert_code(client.get(path).await, ErrorCode::NoNode);
        assert_code(client.children(path).await, ErrorCode::NoNode);
        assert_code(client.children(path).with_stat().await, ErrorCode::NoNode);
        assert_eq!(client.exists(path).await.unwrap(), None);
    }
}

async fn minus_one_is_any_version_and_other_negative_numbers_are_none(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    for version in [-2, -5, i32::MIN, i32::MAX] {
        assert_code(client.set("/a", "").version(Version(version)).await, ErrorCode::BadVersion);
        assert_code(client.delete("/a").version(Version(version)).await, ErrorCode::BadVersion);
    }
    assert_eq!(client.set("/a", "").version(Version(-1)).await.unwrap().version, Version(1));
    client.delete("/a").version(Version(-1)).await.unwrap();
}

async fn sync_answers_for_any_path(server: &TestServer) {
    let client = server.client().await;
    client.sync("/").await.unwrap();
    client.sync("/missing").await.unwrap();
    let mut raw = server.raw_session().await;
    for path in ["", "x", "//", "/a/", "/\u{1}"] {
        let reply = raw.ask(1, &sync(path)).await;
        assert_eq!(reply.header.err, ErrorCode::Ok, "{path:?}");
        assert_eq!(reply.decode::<SyncResponse>().path, path);
    }
}

async fn an_acl_names_somebody_or_the_create_is_refused(server: &TestServer) {
    let mut raw = server.raw_session().await;
    raw.ask(1, &create(&server.path("/a"))).await;
    let bad = [
        None,
        Some(Vec::new()),
        Some(vec![entry("world", "somebody")]),
        Some(vec![entry("nobody", "anyone")]),
        Some(vec![entry("digest", "no colon")]),
        Some(vec![entry("ip", "1.2.3")]),
        Some(vec![entry("world", "anyone"), entry("nobody", "anyone")]),
    ];
    // Before it is looked at whether the node or its parent exists.
    for path in ["/new", "/a", "/missing/a"] {
        for acl in &bad {
            let acl = acl.clone();
            let request = CreateRequest { acl, ..persistent(&server.path(path)) };
            let reply = raw.ask(2, &Request::Create(request)).await;
            assert_eq!(reply.header.err, ErrorCode::InvalidAcl, "{path}");
        }
    }
    for acl in [entry("digest", "user:hash"), entry("ip", "127.0.0.1"), entry("ip", "10.0.0.0/8")] {
        let path = server.path(&format!("/{}", acl.id.id.as_deref().unwrap().replace('/', "-")));
        let request = CreateRequest { acl: Some(vec![acl]), ..persistent(&path) };
        assert_eq!(raw.ask(3, &Request::Create(request)).await.header.err, ErrorCode::Ok, "{path}");
    }
}

async fn unknown_modes_are_bad_arguments(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    // 5 and 6 need a time to live, for which this record has no place.
    for flags in [-1, 5, 6, 7, 8, i32::MIN, i32::MAX] {
        for make in [Request::Create, Request::Create2] {
            let request = make(CreateRequest { flags, ..persistent(&path) });
            assert_eq!(raw.ask(1, &request).await.header.err, ErrorCode::BadArguments, "{flags}");
        }
    }
    // They are looked at before the access list.
    let request = CreateRequest { flags: 7, acl: None, ..persistent(&path) };
    let reply = raw.ask(2, &Request::Create(request)).await;
    assert_eq!(reply.header.err, ErrorCode::BadArguments);
}

async fn null_data_and_empty_data_are_different(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let client = server.client().await;
    let path = server.path("/a");
    let request = CreateRequest { data: None, ..persistent(&path) };
    assert_eq!(raw.ask(1, &Request::Create(request)).await.header.err, ErrorCode::Ok);
    assert_eq!(data(&mut raw, &path).await, None);
    let (read, stat) = client.get("/a").await.unwrap();
    assert_eq!((&*read, stat.data_length), (&b""[..], 0));

    raw.ask(2, &set(&path, "")).await;
    assert_eq!(data(&mut raw, &path).await, Some(Bytes::new()));
    let request = SetDataRequest { path: path.as_str().into(), data: None, version: Version::ANY };
    raw.ask(3, &Request::SetData(request)).await;
    assert_eq!(data(&mut raw, &path).await, None);
    assert_eq!(client.exists("/a").await.unwrap().unwrap().version, Version(2));
}

fn assert_code<T: Debug>(result: Result<T, Error>, code: ErrorCode) {
    assert_eq!(result.unwrap_err().code(), Some(code));
}

fn persistent(path: &str) -> CreateRequest {
    node(path, CreateMode::Persistent)
}

fn entry(scheme: &'static str, id: &'static str) -> Acl {
    let id = Id { scheme: Some(scheme.into()), id: Some(id.into()) };
    Acl { perms: Permissions::ALL, id }
}

/// The data of a node, null or not.
async fn data(raw: &mut RawConnection, path: &str) -> Option<Bytes> {
    raw.ask(9, &get(path)).await.decode::<GetDataResponse>().data
}
