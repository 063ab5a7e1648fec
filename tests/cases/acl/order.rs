//! What a refusal for want of permission hides, and what comes before it.

use zk_client::{CreateMode, ErrorCode};
use zk_proto::Version;
use zk_proto::message::{
    CreateRequest, DeleteRequest, MultiOp, MultiResponse, MultiResult, SetDataRequest,
};
use zk_proto::op::Request;
use zk_test_kit::TestServer;
use zk_test_kit::request::{
    create, get, multi, multi_check, multi_create, multi_delete, multi_set, node, set, watch_data,
    watch_exists,
};

use super::{code, create_with, everybody, get_acl, known_as, knows, set_acl_at, set_acl_to};

zk_test_kit::cases![
    the_first_check_that_fails_decides,
    an_operation_of_a_multi_sees_the_lists_of_those_before_it,
    a_refusal_takes_a_zxid_as_others_do,
    a_read_that_is_refused_leaves_no_watch,
];

async fn the_first_check_that_fails_decides(server: &TestServer) {
    use ErrorCode::{BadArguments, InvalidAcl, NoAuth, NoNode};
    let mut owner = known_as(server, &["owner:secret"]).await;
    let closed = server.path("/closed");
    let below = |name: &str| format!("{closed}/{name}");
    owner.succeed(&create_with(&closed, vec![knows(31, "owner:secret")])).await;
    owner.succeed(&create(&below("node"))).await;
    owner.succeed(&create(&below("node/child"))).await;
    let delete = |path: &str, version: i32| {
        Request::Delete(DeleteRequest { path: path.into(), version: Version(version) })
    };
    let set_at = |path: &str, version: i32| {
        let (path, version) = (path.into(), Version(version));
        Request::SetData(SetDataRequest { path, data: None, version })
    };
    let nobody = || vec![everybody(1), knows(1, "no colon").clone()];
    let invalid = || vec![super::entry(31, "nobody", "x")];
    let mut raw = server.raw_session().await;
    for (request, expected) in [
        (create(&below("node")), NoAuth),
        (create(&below(".")), NoAuth),
        (create(&below("../x")), NoNode),
        (create(&format!("{closed}\0/x")), BadArguments),
        (create_with(&below("new"), invalid()), InvalidAcl),
        (create_with(&below("missing/new"), invalid()), InvalidAcl),
        (delete(&below("node"), -1), NoAuth),
        (delete(&below("node"), 7), NoAuth),
        (delete(&below("missing"), -1), NoAuth),
        (delete(&below("missing/x"), -1), NoNode),
        (set_at(&closed, 7), NoAuth),
        (set_at(&below("missing"), 7), NoNode),
        (set_at(&below("."), 7), BadArguments),
        (set_acl_at(&closed, nobody(), 7), NoAuth),
        (set_acl_at(&closed, invalid(), 7), InvalidAcl),
        (set_acl_at(&below("missing"), invalid(), 7), InvalidAcl),
        (set_acl_at(&below("missing"), nobody(), 7), NoNode),
        (set_acl_at(&below("."), invalid(), 7), BadArguments),
        (get(&closed), NoAuth),
        (get(&below("missing")), NoNode),
        (get_acl(&closed), NoAuth),
        (get_acl(&below("missing")), NoNode),
    ] {
        assert_eq!(code(&mut raw, &request).await, expected, "{request:?}");
    }
}

async fn an_operation_of_a_multi_sees_the_lists_of_those_before_it(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    let closed =
        CreateRequest { acl: Some(vec![everybody(1)]), ..node(&path, CreateMode::Persistent) };
    for (op, allowed) in [
        (multi_check(&path, 0), true),
        (multi_set(&path, "new"), false),
        (multi_create(&format!("{path}/child")), false),
        (multi_delete(&path), true),
    ] {
        let ops = vec![MultiOp::Create(closed.clone()), op.clone(), multi_check(&path, 7)];
        let reply = raw.succeed(&multi(ops)).await;
        let codes: Vec<_> = reply
            .decode::<MultiResponse>()
            .results
            .iter()
            .map(|result| match result {
                MultiResult::Error(error) => error.err,
                other => panic!("{other:?}"),
            })
            .collect();
        let failed = if allowed { 2 } else { 1 };
        assert_eq!(codes.iter().position(|code| *code != ErrorCode::Ok), Some(failed), "{op:?}");
        if !allowed {
            let expected = [ErrorCode::Ok, ErrorCode::NoAuth, ErrorCode::RuntimeInconsistency];
            assert_eq!(codes, expected, "{op:?}");
        }
    }
}

async fn a_refusal_takes_a_zxid_as_others_do(server: &TestServer) {
    let mut owner = known_as(server, &["owner:secret"]).await;
    let path = server.path("/a");
    let created = owner.succeed(&create_with(&path, vec![knows(31, "owner:secret")])).await;
    let mut raw = server.raw_session().await;
    let first = raw.ask(1, &set(&path, "new")).await.header;
    let second = raw.ask(2, &set(&path, "new")).await.header;
    assert_eq!((first.err, second.err), (ErrorCode::NoAuth, ErrorCode::NoAuth));
    assert!(created.header.zxid < first.zxid && first.zxid < second.zxid);
}

async fn a_read_that_is_refused_leaves_no_watch(server: &TestServer) {
    let checks_exists = server.has_change_of(&[(3, 8, 4), (3, 9, 2)]).await;
    let mut owner = known_as(server, &["owner:secret"]).await;
    let path = server.path("/a");
    owner.succeed(&create_with(&path, vec![knows(31, "owner:secret")])).await;
    let mut raw = server.raw_session().await;
    let mut reads = vec![watch_data(&path)];
    if checks_exists {
        reads.push(watch_exists(&path));
    }
    for read in reads {
        assert_eq!(code(&mut raw, &read).await, ErrorCode::NoAuth);
    }
    owner.succeed(&set_acl_to(&path, vec![everybody(31)])).await;
    owner.succeed(&set(&path, "new")).await;
    assert_eq!(raw.events().await, []);
}
