//! Which writes are refused, and with what: the first check that fails decides.

use zk_proto::Permissions;
use zk_proto::message::{CreateRequest, CreateTtlRequest};

use super::*;

/// A tree with `/a`, `/a/b`, an ephemeral `/e` and a `/v` of version 1.
fn planted() -> Bench {
    let mut bench = Bench::default();
    bench.plant(&["/a", "/a/b", "/v"]);
    let _ = bench.write(create("/e", 1));
    let _ = bench.write(set_data("/v", "y", -1));
    bench
}

#[test]
fn creates_are_refused_in_zookeepers_order() {
    use ErrorCode::*;
    for (path, flags, expected) in [
        ("/new", 0, Ok),
        ("/new", 4, Ok),
        ("/new", 7, BadArguments),
        ("/new", -1, BadArguments),
        ("/new", 5, Unimplemented),
        ("/new", 6, Unimplemented),
        ("no-slash", 0, BadArguments),
        ("", 0, BadArguments),
        ("/nul\0", 0, BadArguments),
        ("/", 0, NodeExists),
        ("//", 0, BadArguments),
        ("/a", 0, NodeExists),
        ("/a/", 0, BadArguments),
        ("/nope/", 0, NoNode),
        ("/nope/../x", 0, NoNode),
        ("/a/../x", 0, NoNode),
        ("/a/..", 0, BadArguments),
        ("/\u{1f600}", 0, BadArguments),
        ("/\u{fffd}", 0, BadArguments),
        ("/nope/x", 0, NoNode),
        ("/e/x", 0, NoChildrenForEphemerals),
        ("/e/x", 3, NoChildrenForEphemerals),
        ("/zookeeper/x", 0, Ok),
    ] {
        assert_eq!(planted().code(create(path, flags)), expected, "{path:?} {flags}");
    }
}

#[test]
fn an_empty_acl_beats_all_that_comes_after_it() {
    for path in ["/new", "/a", "/nope/x", "//"] {
        let request = CreateRequest { acl: None, ..create_request(path, 0) };
        let code = planted().code(WriteRequest::Create(request));
        assert_eq!(code, ErrorCode::InvalidAcl, "{path}");
    }
    let bad_flags = CreateRequest { acl: None, ..create_request("/new", 9) };
    assert_eq!(planted().code(WriteRequest::Create(bad_flags)), ErrorCode::BadArguments);
}

#[test]
fn a_time_to_live_is_switched_off_and_its_flags_are_checked() {
    use ErrorCode::{BadArguments, Unimplemented};
    for (flags, ttl, expected) in [
        (5, 1000, Unimplemented),
        (6, -1, Unimplemented),
        (0, 1000, BadArguments),
        (0, -1, BadArguments),
        (7, 1000, BadArguments),
    ] {
        let CreateRequest { path, data, acl, .. } = create_request("/t", 0);
        let request = CreateTtlRequest { path, data, acl, flags, ttl };
        let code = planted().code(WriteRequest::CreateTtl(request));
        assert_eq!(code, expected, "{flags} {ttl}");
    }
}

#[test]
fn deletes_are_refused_in_zookeepers_order() {
    use ErrorCode::*;
    for (path, version, expected) in [
        ("/a/b", 0, Ok),
        ("/v", 1, Ok),
        ("/e", -1, Ok),
        ("/", -1, BadArguments),
        ("/zookeeper", -1, BadArguments),
        ("/zookeeper/quota", -1, BadArguments),
        ("/zookeeper/config", -1, BadArguments),
        ("no-slash", -1, BadArguments),
        ("/a\0", -1, BadArguments),
        ("/a/", -1, NoNode),
        ("/nope", -1, NoNode),
        ("/nope/x", -1, NoNode),
        ("/a", 7, BadVersion),
        ("/v", -2, BadVersion),
        ("/a", 0, NotEmpty),
    ] {
        assert_eq!(planted().code(delete(path, version)), expected, "{path:?} {version}");
    }
}

#[test]
fn data_is_set_only_at_valid_paths_and_the_right_version() {
    use ErrorCode::*;
    for (path, version, expected) in [
        ("/v", 1, Ok),
        ("/v", -1, Ok),
        ("/", 0, Ok),
        ("/v", 0, BadVersion),
        ("/v", -5, BadVersion),
        ("/nope", 0, NoNode),
        ("/a/", 0, BadArguments),
        ("", 0, BadArguments),
    ] {
        assert_eq!(planted().code(set_data(path, "z", version)), expected, "{path:?} {version}");
    }
}

#[test]
fn an_acl_is_checked_before_the_node_it_is_for() {
    use ErrorCode::*;
    for (path, acl, version, expected) in [
        ("/a", Acl::open(), 0, Ok),
        ("/a", Acl::open(), 3, BadVersion),
        ("/nope", Acl::open(), 0, NoNode),
        ("/nope", Vec::new(), 0, InvalidAcl),
        ("/a/", Vec::new(), 0, BadArguments),
        ("/a", Acl::creator_all(), 0, InvalidAcl),
    ] {
        assert_eq!(planted().code(set_acl(path, acl, version)), expected, "{path:?}");
    }
}

#[test]
fn every_refused_write_takes_a_zxid() {
    let mut bench = Bench::default();
    for (count, request) in [
        create("/", 0),
        delete("/nope", -1),
        set_data("", "", 0),
        WriteRequest::Refused(ErrorCode::MarshallingError),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(matches!(bench.write(request), TxnResult::Error(_)));
        assert_eq!(bench.replica.last_zxid(), Zxid(count as i64 + 1));
    }
}

#[test]
fn null_and_empty_data_stay_different() {
    let mut bench = Bench::default();
    for (path, value) in [("/null", None), ("/empty", data(""))] {
        let request = CreateRequest { data: value.clone(), ..create_request(path, 0) };
        assert_eq!(bench.code(WriteRequest::Create(request)), ErrorCode::Ok);
        assert_eq!(bench.replica.tree().get_data(&caller(ALICE), path).unwrap().data, value);
        assert_eq!(bench.stat(path).data_length, 0);
    }
}

#[test]
fn stored_data_is_not_a_slice_of_what_was_received() {
    let received = Bytes::from(vec![7; 4096]);
    let request = CreateRequest { data: Some(received.slice(..8)), ..create_request("/a", 0) };
    let mut bench = Bench::default();
    assert_eq!(bench.code(WriteRequest::Create(request)), ErrorCode::Ok);
    bench.log.clear();
    assert!(received.is_unique(), "a small node keeps a whole read buffer alive");
}

#[test]
fn closing_a_session_removes_its_ephemeral_nodes_and_no_others() {
    let mut bench = Bench::default();
    let _ = bench.write(WriteRequest::CreateSession { timeout: 4000 });
    let _ = bench.write_as(BOB, WriteRequest::CreateSession { timeout: 4000 });
    bench.plant(&["/p"]);
    for (session, path) in [(ALICE, "/p/a"), (ALICE, "/b"), (BOB, "/p/bob")] {
        let _ = bench.write_as(session, create(path, 1));
    }
    assert_eq!(bench.write(WriteRequest::CloseSession), TxnResult::Done);
    let tree = bench.replica.tree();
    assert!(tree.node("/p/a").is_none() && tree.node("/b").is_none());
    assert!(tree.node("/p/bob").is_some());
    assert!(!bench.replica.has_session(ALICE) && bench.replica.has_session(BOB));
    assert_eq!(bench.stat("/p").pzxid, bench.replica.last_zxid());
}

#[test]
fn any_session_may_delete_an_ephemeral_node_and_its_owner_closes_in_peace() {
    let mut bench = Bench::default();
    let _ = bench.write(create("/e", 1));
    assert_eq!(bench.write_as(BOB, delete("/e", -1)), TxnResult::Deleted);
    let _ = bench.write_as(BOB, create("/e", 0));
    let _ = bench.write(WriteRequest::CloseSession);
    assert!(bench.replica.tree().node("/e").is_some());
}

#[test]
fn an_acl_is_stored_without_duplicates_and_returned() {
    let mut bench = Bench::default();
    bench.plant(&["/a"]);
    let read = Acl { perms: Permissions::READ, ..Acl::open()[0].clone() };
    let list = vec![read.clone(), Acl::open()[0].clone(), read.clone()];
    assert_eq!(bench.code(set_acl("/a", list, 0)), ErrorCode::Ok);
    let stored = bench.replica.tree().get_acl(&caller(ALICE), "/a").unwrap();
    assert_eq!(stored.acl, [read, Acl::open()[0].clone()]);
    assert_eq!(stored.stat.aversion, Version(1));
}

#[test]
fn a_transaction_that_cannot_be_applied_changes_nothing() {
    let mut bench = Bench::default();
    bench.plant(&["/a", "/a/b"]);
    let (tree, log) = (bench.replica.tree().node_count(), bench.log.clone());
    let before = (bench.stat("/"), bench.stat("/a"));
    // The same once more, as in a replay over a snapshot that has it all.
    for txn in &log {
        let applied = bench.replica.apply(txn);
        assert_eq!(applied.result, TxnResult::Error(ErrorCode::NodeExists));
        assert_eq!(applied.changes, []);
    }
    assert_eq!(bench.replica.tree().node_count(), tree);
    assert_eq!((bench.stat("/"), bench.stat("/a")), before);

    let mut empty = Bench::default();
    let orphan = empty.replica.apply(&log[1]);
    assert_eq!(orphan.result, TxnResult::Error(ErrorCode::NoNode));
    assert_eq!(empty.replica.tree().node_count(), 4);
}
