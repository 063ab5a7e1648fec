//! Several writes as one: all or none, in order, with one zxid.

use std::fmt::Debug;

use zk_client::{Acl, CreateMode, Error, ErrorCode, MultiOutcome, Stat, Version};
use zk_proto::OpCode;
use zk_proto::message::{ExistsResponse, MultiResponse, MultiResult};
use zk_test_kit::request::{
    create, exists, multi, multi_check, multi_create, multi_delete, multi_set,
};
use zk_test_kit::{RawConnection, TestServer};

zk_test_kit::cases![
    all_operations_are_done_in_their_order,
    each_operation_sees_what_the_ones_before_it_have_done,
    all_changes_have_one_zxid_and_one_time,
    a_multi_that_fails_names_the_operation_and_has_done_nothing,
    a_check_fails_on_a_missing_node_and_on_another_version,
    the_first_operation_that_fails_decides,
    an_empty_multi_succeeds_and_takes_a_zxid,
    paths_are_those_of_the_client_on_the_way_out_and_back,
    a_bad_path_within_a_multi_fails_that_operation,
];

async fn all_operations_are_done_in_their_order(server: &TestServer) {
    // Before, a create2 within a multi was answered as a create, without its Stat.
    let tells_stat = server.has_change_of(&[(3, 8, 2), (3, 9, 0)]).await;
    let client = server.client().await;
    client.create("/old", "").await.unwrap();
    let outcomes = client
        .multi()
        .create("/a", "one")
        .set("/a", "two", Version(0))
        .check("/a", Version(1))
        .delete("/old", Version(0))
        .create("/a/b", "")
        .commit()
        .await
        .unwrap();
    let (data, stat) = client.get("/a").await.unwrap();
    assert_eq!((&*data, stat.version, stat.num_children), (&b"two"[..], Version(1), 1));
    let (_, child) = client.get("/a/b").await.unwrap();
    // As they were when each operation was done: without the child that came later.
    let set = Stat { cversion: Version(0), num_children: 0, ..stat };
    let created = Stat { version: Version(0), ..set };
    assert_eq!(
        outcomes,
        [
            MultiOutcome::Created { path: "/a".into(), stat: tells_stat.then_some(created) },
            MultiOutcome::Set(set),
            MultiOutcome::Checked,
            MultiOutcome::Deleted,
            MultiOutcome::Created { path: "/a/b".into(), stat: tells_stat.then_some(child) },
        ]
    );
    assert_eq!(client.exists("/old").await.unwrap(), None);
}

async fn each_operation_sees_what_the_ones_before_it_have_done(server: &TestServer) {
    let client = server.client().await;
    let any = Version::ANY;
    let multi = client.multi();
    let multi = multi.create("/a", "").create("/a/b", "").create("/a/b/c", "");
    let multi = multi.delete("/a/b/c", any).delete("/a/b", any).create("/a/b", "anew");
    let multi = multi.set("/a/b", "x", Version(0)).set("/a/b", "y", Version(1));
    multi.check("/a/b", Version(2)).commit().await.unwrap();
    let (data, stat) = client.get("/a/b").await.unwrap();
    assert_eq!((&*data, stat.version), (&b"y"[..], Version(2)));
    let parent = client.exists("/a").await.unwrap().unwrap();
    assert_eq!((parent.cversion, parent.num_children), (Version(3), 1));

    let not_empty = client.multi().create("/a/d", "").delete("/a/b", any).delete("/a", any);
    assert_failed(not_empty.commit().await, (2, OpCode::Delete, "/a", ErrorCode::NotEmpty));
    let gone = client.multi().delete("/a/b", any).set("/a/b", "", any);
    assert_failed(gone.commit().await, (1, OpCode::SetData, "/a/b", ErrorCode::NoNode));
    let twice = client.multi().create("/x", "").create("/x", "");
    assert_failed(twice.commit().await, (1, OpCode::Create2, "/x", ErrorCode::NodeExists));
}

async fn all_changes_have_one_zxid_and_one_time(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let [old, new, child] = ["/old", "/new", "/old/child"].map(|path| server.path(path));
    raw.succeed(&create(&old)).await;
    let ops = vec![
        multi_set(&old, "x"),
        multi_create(&new),
        multi_set(&new, "y"),
        multi_set(&new, "z"),
        multi_create(&child),
    ];
    let zxid = raw.succeed(&multi(ops)).await.header.zxid;
    let (old, new, child) =
        (stat(&mut raw, &old).await, stat(&mut raw, &new).await, stat(&mut raw, &child).await);
    assert!(old.czxid < zxid);
    assert_eq!([old.mzxid, old.pzxid], [zxid; 2]);
    assert_eq!([new.czxid, new.mzxid, new.pzxid, child.czxid, child.mzxid], [zxid; 5]);
    assert_eq!((new.version, new.ctime), (Version(2), new.mtime));
    assert_eq!([old.mtime, child.ctime], [new.ctime; 2]);
}

async fn a_multi_that_fails_names_the_operation_and_has_done_nothing(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "kept").await.unwrap();
    client.create("/b", "kept").await.unwrap();
    let before = client.exists("/").await.unwrap();
    let error = client
        .multi()
        .create("/new", "")
        .create_with("/n-", "", CreateMode::EphemeralSequential, Acl::open())
        .set("/a", "lost", Version::ANY)
        .delete("/b", Version::ANY)
        .delete("/missing", Version::ANY)
        .set("/a", "never tried", Version::ANY)
        .commit()
        .await;
    assert_failed(error, (4, OpCode::Delete, "/missing", ErrorCode::NoNode));
    assert_eq!(client.exists("/").await.unwrap(), before);
    assert_eq!(client.exists("/new").await.unwrap(), None);
    for path in ["/a", "/b"] {
        let (data, stat) = client.get(path).await.unwrap();
        assert_eq!((&*data, stat.version), (&b"kept"[..], Version(0)), "{path}");
    }
}

async fn a_check_fails_on_a_missing_node_and_on_another_version(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    client.set("/a", "").await.unwrap();
    for version in [Version(1), Version::ANY] {
        let outcomes = client.multi().check("/a", version).commit().await.unwrap();
        assert_eq!(outcomes, [MultiOutcome::Checked]);
    }
    for (path, version, code) in [
        ("/a", Version(0), ErrorCode::BadVersion),
        ("/a", Version(2), ErrorCode::BadVersion),
        ("/a", Version(-2), ErrorCode::BadVersion),
        ("/missing", Version(0), ErrorCode::NoNode),
        ("/missing", Version::ANY, ErrorCode::NoNode),
    ] {
        let result = client.multi().check(path, version).create("/b", "").commit().await;
        assert_failed(result, (0, OpCode::Check, path, code));
    }
    assert_eq!(client.exists("/b").await.unwrap(), None);
}

async fn the_first_operation_that_fails_decides(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    let both = client.multi().set("/a", "", Version(7)).create("/a", "");
    assert_failed(both.commit().await, (0, OpCode::SetData, "/a", ErrorCode::BadVersion));
    let both = client.multi().create("/a", "").set("/a", "", Version(7));
    assert_failed(both.commit().await, (0, OpCode::Create2, "/a", ErrorCode::NodeExists));
}

async fn an_empty_multi_succeeds_and_takes_a_zxid(server: &TestServer) {
    let client = server.client().await;
    assert_eq!(client.multi().commit().await.unwrap(), []);
    let mut raw = server.raw_session().await;
    let before = raw.succeed(&create(&server.path("/a"))).await.header.zxid;
    let reply = raw.succeed(&multi(Vec::new())).await;
    assert_eq!(reply.decode::<MultiResponse>().results, []);
    assert!(reply.header.zxid > before);
    let missing = [multi_delete(&server.path("/missing"))];
    let failed = raw.succeed(&multi(missing.to_vec())).await;
    assert!(failed.header.zxid > reply.header.zxid);
}

async fn paths_are_those_of_the_client_on_the_way_out_and_back(server: &TestServer) {
    let (client, root) = (server.client().await, server.client_at_root().await);
    let outcomes = client
        .multi()
        .create("/a", "")
        .create_with("/a/n-", "", CreateMode::PersistentSequential, Acl::open())
        .check("/", Version::ANY)
        .commit()
        .await
        .unwrap();
    let paths: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            MultiOutcome::Created { path, .. } => Some(&**path),
            _ => None,
        })
        .collect();
    assert_eq!(paths, ["/a", "/a/n-0000000000"]);
    assert!(root.exists(&server.path("/a/n-0000000000")).await.unwrap().is_some());
}

async fn a_bad_path_within_a_multi_fails_that_operation(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&create(&path)).await;
    let bad = format!("{path}/");
    for op in [multi_create(&bad), multi_set(&bad, ""), multi_check(&bad, -1), multi_delete("/")] {
        let reply = raw.succeed(&multi(vec![multi_set(&path, "new"), op.clone()])).await;
        let codes: Vec<_> = reply.decode::<MultiResponse>().results.into_iter().map(code).collect();
        assert_eq!(codes, [ErrorCode::Ok, ErrorCode::BadArguments], "{op:?}");
    }
    assert_eq!(stat(&mut raw, &path).await.version, Version(0));
}

fn assert_failed<T: Debug>(
    result: Result<T, Error>,
    (index, op, path, code): (usize, OpCode, &str, ErrorCode),
) {
    assert_eq!(result.unwrap_err(), Error::Multi { index, op, path: path.into(), code });
}

fn code(result: MultiResult) -> ErrorCode {
    match result {
        MultiResult::Error(error) => error.err,
        other => panic!("no error: {other:?}"),
    }
}

async fn stat(raw: &mut RawConnection, path: &str) -> Stat {
    raw.succeed(&exists(path)).await.decode::<ExistsResponse>().stat
}
