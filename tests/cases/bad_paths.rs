//! Paths that break the rules: which operations look at the rules, and which at the tree only.

use bytes::{BufMut, BytesMut};
use zk_client::{ErrorCode, Zxid};
use zk_proto::message::{ExistsResponse, GetAclRequest, GetDataResponse};
use zk_proto::op::Request;
use zk_proto::{Encode, OpCode};
use zk_test_kit::request::{
    children, create, delete, exists, get, multi, multi_check, set, set_acl,
};
use zk_test_kit::{RawConnection, TestServer};

zk_test_kit::cases![
    writes_refuse_paths_that_break_the_rules,
    a_delete_refuses_a_path_without_a_slash_and_does_not_find_other_bad_ones,
    reads_look_up_any_path_and_the_empty_one_is_the_root,
    a_path_that_is_no_text_is_refused_by_create_and_not_found_by_reads,
];

async fn writes_refuse_paths_that_break_the_rules(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let parent = server.path("/a");
    raw.succeed(&create(&parent)).await;
    // The parent is looked up before the rest of the path is looked at.
    for (below, created) in [
        ("/", ErrorCode::BadArguments),
        ("/.", ErrorCode::BadArguments),
        ("/..", ErrorCode::BadArguments),
        ("//b", ErrorCode::NoNode),
        ("/./b", ErrorCode::NoNode),
        ("/../b", ErrorCode::NoNode),
        ("/\0", ErrorCode::BadArguments),
        ("/missing/\0", ErrorCode::BadArguments),
        ("/\u{1f}", ErrorCode::BadArguments),
        ("/missing/\u{1f}", ErrorCode::NoNode),
        ("/\u{7f}", ErrorCode::BadArguments),
        ("/\u{9f}", ErrorCode::BadArguments),
        ("/\u{e000}", ErrorCode::BadArguments),
        ("/\u{f8ff}", ErrorCode::BadArguments),
        ("/\u{fff0}", ErrorCode::BadArguments),
        ("/😀", ErrorCode::BadArguments),
    ] {
        assert_refused(&mut raw, &format!("{parent}{below}"), created).await;
    }
    for path in ["", "a", "a/b", "//", "//a"] {
        let created = if path == "a/b" { ErrorCode::NoNode } else { ErrorCode::BadArguments };
        assert_refused(&mut raw, path, created).await;
    }
    // What is just within the rules.
    for name in [" ", "...", ".a", "a.", "\u{a0}", "\u{ffef}", "\u{d7ff}", "\u{f900}"] {
        raw.succeed(&create(&format!("{parent}/{name}"))).await;
    }
}

async fn assert_refused(raw: &mut RawConnection, path: &str, created: ErrorCode) {
    assert_eq!(raw.ask(1, &create(path)).await.header.err, created, "{path:?}");
    for write in [set(path, ""), set_acl(path)] {
        let code = raw.ask(2, &write).await.header.err;
        assert_eq!(code, ErrorCode::BadArguments, "{write:?}");
    }
    let reply = raw.ask(3, &multi(vec![multi_check(path, -1)])).await;
    let code = i32::from_be_bytes(*reply.body[9..].first_chunk().unwrap());
    assert_eq!(ErrorCode::from_code(code), ErrorCode::BadArguments, "{path:?}");
}

async fn a_delete_refuses_a_path_without_a_slash_and_does_not_find_other_bad_ones(
    server: &TestServer,
) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&create(&path)).await;
    for (odd, code) in [
        (String::new(), ErrorCode::BadArguments),
        ("a".to_owned(), ErrorCode::BadArguments),
        (format!("{path}\0"), ErrorCode::BadArguments),
        (format!("{path}/"), ErrorCode::NoNode),
        (format!("{path}/../a"), ErrorCode::NoNode),
        (format!("/{path}"), ErrorCode::NoNode),
        (format!("{path}\u{1}"), ErrorCode::NoNode),
        ("//".to_owned(), ErrorCode::NoNode),
    ] {
        assert_eq!(raw.ask(1, &delete(&odd)).await.header.err, code, "{odd:?}");
    }
    raw.succeed(&exists(&path)).await;
}

async fn reads_look_up_any_path_and_the_empty_one_is_the_root(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&create(&path)).await;
    let reads = |path: &str| {
        let get_acl = Request::GetAcl(GetAclRequest { path: path.into() });
        [get(path), exists(path), children(path), get_acl]
    };
    for odd in ["a".to_owned(), "//".to_owned(), format!("{path}/"), format!("/{path}")] {
        for read in reads(&odd) {
            assert_eq!(raw.ask(1, &read).await.header.err, ErrorCode::NoNode, "{read:?}");
        }
    }
    for read in reads(&format!("{path}\0")) {
        let expected = match read {
            Request::Exists(_) => ErrorCode::BadArguments,
            _ => ErrorCode::NoNode,
        };
        assert_eq!(raw.ask(1, &read).await.header.err, expected, "{read:?}");
    }
    for read in reads("") {
        raw.succeed(&read).await;
    }
    let empty = raw.succeed(&exists("")).await.decode::<ExistsResponse>().stat;
    assert_eq!((empty.czxid, empty.ctime), (Zxid::ZERO, 0));
}

async fn a_path_that_is_no_text_is_refused_by_create_and_not_found_by_reads(server: &TestServer) {
    let mut raw = server.raw_session().await;
    // A byte that begins no character reads as U+FFFD, which is not allowed in a path.
    let mut path = BytesMut::from(server.path("/a").as_bytes());
    path.put_u8(0xff);
    let mut path_only = BytesMut::new();
    path_only.put_i32(i32::try_from(path.len()).unwrap());
    path_only.put_slice(&path);

    let mut body = path_only.clone();
    body.put_u8(0);
    raw.send_odd(1, OpCode::GetData.code(), &body).await;
    assert_eq!(raw.reply().await.unwrap().header.err, ErrorCode::NoNode);

    let mut with_empty_path = BytesMut::new();
    create("").encode(&mut with_empty_path);
    let mut body = path_only;
    body.put_slice(&with_empty_path[4..]);
    raw.send_odd(2, OpCode::Create.code(), &body).await;
    assert_eq!(raw.reply().await.unwrap().header.err, ErrorCode::BadArguments);
    let parent = raw.succeed(&get(&server.path("/"))).await.decode::<GetDataResponse>();
    assert_eq!(parent.stat.num_children, 0);
}
