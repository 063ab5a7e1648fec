//! Requests that are wrong in several ways: what is looked at first decides.

use zk_client::{CreateMode, ErrorCode};
use zk_proto::message::{
    CheckVersionRequest, CreateRequest, CreateTtlRequest, DeleteRequest, MultiOp, MultiResponse,
    MultiResult, SetAclRequest, SetDataRequest,
};
use zk_proto::op::Request;
use zk_proto::{Acl, Version};
use zk_test_kit::request::{create, multi, node};
use zk_test_kit::{RawConnection, TestServer};

use ErrorCode::{
    BadArguments, BadVersion, InvalidAcl, NoAuth, NoChildrenForEphemerals, NoNode, NodeExists,
    NotEmpty,
};

zk_test_kit::cases![
    a_create_is_refused_for_the_first_reason_whichever_operation_it_is,
    a_create_within_a_multi_is_refused_for_the_same_reason,
    deletes_and_changes_are_refused_for_the_first_reason,
    flags_and_times_are_looked_at_before_all_else,
];

/// A connection, and nodes below the case's own: `/open` with a child; `/closed` with a child, of
/// which everybody may do no more than read; `/mine` and `/mine-closed`, both ephemeral.
async fn planted(server: &TestServer) -> RawConnection {
    let mut raw = server.raw_session().await;
    for path in ["/open", "/open/child", "/closed", "/closed/child"] {
        raw.succeed(&create(&server.path(path))).await;
    }
    let close = SetAclRequest {
        path: server.path("/closed").into(),
        acl: Some(Acl::read_only()),
        version: Version::ANY,
    };
    raw.succeed(&Request::SetAcl(close)).await;
    let mine = node(&server.path("/mine"), CreateMode::Ephemeral);
    raw.succeed(&Request::Create(mine)).await;
    let mine = node(&server.path("/mine-closed"), CreateMode::Ephemeral);
    raw.succeed(&Request::Create(CreateRequest { acl: Some(Acl::read_only()), ..mine })).await;
    raw
}

/// Paths below the case's own node, whether the access list names somebody, and the refusal.
const CREATES: [(&str, bool, ErrorCode); 18] = [
    // A bad path as far as it can be seen without the tree comes before the list.
    ("/open/\0", false, BadArguments),
    ("/missing/\0", false, BadArguments),
    // The list comes before all that the tree is looked at for, and before the rest of the path.
    ("/missing/x", false, InvalidAcl),
    ("/open/child", false, InvalidAcl),
    ("/open/.", false, InvalidAcl),
    ("/closed/x", false, InvalidAcl),
    ("/mine/x", false, InvalidAcl),
    // Then the parent.
    ("/missing/.", true, NoNode),
    ("/missing/../x", true, NoNode),
    ("/missing/x/", true, NoNode),
    // Then what may be done to it.
    ("/closed/.", true, NoAuth),
    ("/closed/child", true, NoAuth),
    ("/mine-closed/x", true, NoAuth),
    // Then the rest of the path, the node, and that the parent is no ephemeral one.
    ("/open/.", true, BadArguments),
    ("/mine/.", true, BadArguments),
    ("/open/\u{1}", true, BadArguments),
    ("/open/child", true, NodeExists),
    ("/mine/x", true, NoChildrenForEphemerals),
];

fn request(path: &str, named: bool, mode: CreateMode) -> CreateRequest {
    // Not null, which a multi does not take at all.
    let acl = Some(if named { Acl::open() } else { Vec::new() });
    CreateRequest { acl, ..node(path, mode) }
}

fn ttl_request(path: &str, named: bool, ttl: i64) -> CreateTtlRequest {
    let request = request(path, named, CreateMode::PersistentWithTtl);
    let CreateRequest { path, data, acl, flags } = request;
    CreateTtlRequest { path, data, acl, flags, ttl }
}

async fn a_create_is_refused_for_the_first_reason_whichever_operation_it_is(server: &TestServer) {
    let mut raw = planted(server).await;
    for (below, named, expected) in CREATES {
        let path = server.path(below);
        for request in [
            Request::Create(request(&path, named, CreateMode::Persistent)),
            Request::Create2(request(&path, named, CreateMode::Ephemeral)),
            Request::CreateContainer(request(&path, named, CreateMode::Container)),
            Request::CreateTtl(ttl_request(&path, named, 600_000)),
        ] {
            let reply = raw.ask(1, &request).await;
            assert_eq!(reply.header.err, expected, "{request:?}");
            assert!(reply.body.is_empty());
        }
    }
    for path in ["", "no-slash"] {
        let request = Request::Create(request(path, false, CreateMode::Persistent));
        assert_eq!(raw.ask(1, &request).await.header.err, BadArguments, "{path:?}");
    }
}

async fn a_create_within_a_multi_is_refused_for_the_same_reason(server: &TestServer) {
    let mut raw = planted(server).await;
    for (below, named, expected) in CREATES {
        let path = server.path(below);
        for op in [
            MultiOp::Create(request(&path, named, CreateMode::Persistent)),
            MultiOp::Create2(request(&path, named, CreateMode::Ephemeral)),
            MultiOp::CreateContainer(request(&path, named, CreateMode::Container)),
            MultiOp::CreateTtl(ttl_request(&path, named, 600_000)),
        ] {
            assert_eq!(outcome(&mut raw, op.clone()).await, expected, "{op:?}");
        }
    }
}

async fn deletes_and_changes_are_refused_for_the_first_reason(server: &TestServer) {
    let mut raw = planted(server).await;
    let at = |path: &str| server.path(path);
    let delete = |path: String, version| {
        MultiOp::Delete(DeleteRequest { path: path.into(), version: Version(version) })
    };
    let set = |path: String, version| {
        let version = Version(version);
        MultiOp::SetData(SetDataRequest { path: path.into(), data: None, version })
    };
    let check = |path: String, version| {
        MultiOp::Check(CheckVersionRequest { path: path.into(), version: Version(version) })
    };
    for (op, expected) in [
        (delete("/zookeeper".to_owned(), 7), BadArguments),
        (delete(at("/missing/\0"), 7), BadArguments),
        (delete(at("/missing/x"), 7), NoNode),
        (delete(at("/closed/missing"), 7), NoAuth),
        (delete(at("/closed/child"), 7), NoAuth),
        (delete(at("/open/missing"), 7), NoNode),
        (delete(at("/open"), 7), BadVersion),
        (delete(at("/open"), 0), NotEmpty),
        (set(at("/missing/."), 7), BadArguments),
        (set(at("/missing"), 7), NoNode),
        (set(at("/closed"), 7), NoAuth),
        (set(at("/open"), 7), BadVersion),
        (set(at("/open"), -2), BadVersion),
        (check(at("/missing/."), 7), BadArguments),
        (check(at("/missing"), 7), NoNode),
        (check(at("/open"), 7), BadVersion),
        (check(at("/open"), -2), BadVersion),
    ] {
        assert_eq!(outcome(&mut raw, op.clone()).await, expected, "{op:?}");
        let alone = match op {
            MultiOp::Delete(request) => Request::Delete(request),
            MultiOp::SetData(request) => Request::SetData(request),
            _ => continue,
        };
        assert_eq!(raw.ask(1, &alone).await.header.err, expected, "{alone:?}");
    }
    // Of somebody who has shown no identity.
    let nobody = Acl::creator_all();
    for (path, acl, version, expected) in [
        ("/missing/.", nobody.clone(), 7, BadArguments),
        ("/missing", nobody.clone(), 7, InvalidAcl),
        ("/closed", nobody, 7, InvalidAcl),
        ("/missing", Acl::open(), 7, NoNode),
        ("/closed", Acl::open(), 7, NoAuth),
        ("/open", Acl::open(), 7, BadVersion),
        ("/open", Acl::open(), -2, BadVersion),
    ] {
        let (path, acl, version) = (at(path).into(), Some(acl), Version(version));
        let request = Request::SetAcl(SetAclRequest { path, acl, version });
        assert_eq!(raw.ask(1, &request).await.header.err, expected, "{request:?}");
    }
}

async fn flags_and_times_are_looked_at_before_all_else(server: &TestServer) {
    let mut raw = planted(server).await;
    let path = server.path("/open/child");
    let odd = CreateRequest { flags: 7, ..request(&path, false, CreateMode::Persistent) };
    for request in [
        Request::Create(odd.clone()),
        Request::Create2(odd.clone()),
        Request::CreateContainer(odd.clone()),
        Request::CreateTtl(CreateTtlRequest { flags: 7, ..ttl_request(&path, false, 1) }),
        Request::CreateTtl(ttl_request(&path, false, 0)),
        Request::CreateTtl(ttl_request(&path, false, i64::MAX)),
    ] {
        assert_eq!(raw.ask(1, &request).await.header.err, BadArguments, "{request:?}");
    }
}

/// What the only operation of a multi comes to.
async fn outcome(raw: &mut RawConnection, op: MultiOp) -> ErrorCode {
    let reply = raw.succeed(&multi(vec![op])).await;
    match &reply.decode::<MultiResponse>().results[..] {
        [MultiResult::Error(error)] => error.err,
        [_] => ErrorCode::Ok,
        other => panic!("{other:?}"),
    }
}
