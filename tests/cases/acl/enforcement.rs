//! Which permission each operation needs, and of which node.

use zk_client::{CreateMode, ErrorCode};
use zk_proto::message::{
    CreateTtlRequest, GetAllChildrenNumberRequest, GetChildren2Request, GetChildrenRequest,
    GetDataRequest, GetEphemeralsRequest, MultiOp, MultiReadOp, MultiReadRequest,
    MultiReadResponse, MultiReadResult, MultiResponse, MultiResult,
};
use zk_proto::op::Request;
use zk_proto::{Acl, Permissions};
use zk_test_kit::request::{
    children, create, delete, exists, get, multi, multi_check, multi_create, multi_delete,
    multi_set, node, set, sync, watch_recursive,
};
use zk_test_kit::{RawConnection, TestServer};

use super::{code, create_with, everybody, get_acl, known_as, knows, set_acl_to};

zk_test_kit::cases![
    each_operation_needs_its_permission,
    each_operation_of_a_multi_needs_its_permission,
    each_read_of_a_multi_read_needs_its_permission,
    what_names_no_node_needs_no_permission,
    permissions_are_not_inherited,
    bits_nobody_knows_give_nothing,
    the_configuration_can_be_read_and_not_set,
];

const ADMIN: Permissions = Permissions::ADMIN;
const CREATE: Permissions = Permissions::CREATE;
const DELETE: Permissions = Permissions::DELETE;
const READ: Permissions = Permissions::READ;
const WRITE: Permissions = Permissions::WRITE;

/// Each permission alone, none and all.
const SETS: [i32; 7] = [0, 1, 2, 4, 8, 16, 31];

/// A node on which everybody has these permissions, with a child on which everybody has none; and
/// somebody.
async fn planted(server: &TestServer, name: &str, bits: i32) -> (String, Vec<Acl>, RawConnection) {
    let path = server.path(&format!("/{name}-{bits}"));
    let acl = vec![everybody(bits), knows(31, "owner:secret")];
    let mut owner = known_as(server, &["owner:secret"]).await;
    owner.succeed(&create_with(&path, acl.clone())).await;
    owner.succeed(&create_with(&format!("{path}/child"), vec![knows(31, "owner:secret")])).await;
    (path, acl, server.raw_session().await)
}

fn expected(bits: i32, needed: Permissions) -> ErrorCode {
    if Permissions::from_bits_retain(bits).intersects(needed) {
        ErrorCode::Ok
    } else {
        ErrorCode::NoAuth
    }
}

async fn each_operation_needs_its_permission(server: &TestServer) {
    // Before, everybody could ask whether any node exists.
    let checks_exists = server.has_change_of(&[(3, 8, 4), (3, 9, 2)]).await;
    for bits in SETS {
        let (path, acl, mut raw) = planted(server, "one", bits).await;
        let below = |name: &str| format!("{path}/{name}");
        let create_ttl = |path: &str| {
            let flags = CreateMode::PersistentWithTtl.flags();
            let create = node(path, CreateMode::Persistent);
            let (path, data, acl) = (create.path, create.data, create.acl);
            Request::CreateTtl(CreateTtlRequest { path, data, acl, flags, ttl: 600_000 })
        };
        let with_stat = GetChildren2Request { path: path.as_str().into(), watch: false };
        let count = GetAllChildrenNumberRequest { path: path.as_str().into() };
        let container = node(&below("container"), CreateMode::Container);
        let requests = [
            (get(&path), READ),
            (children(&path), READ),
            (Request::GetChildren2(with_stat), READ),
            (Request::GetAllChildrenNumber(count), READ),
            (get_acl(&path), READ | ADMIN),
            (set(&path, "new"), WRITE),
            (set_acl_to(&path, acl), ADMIN),
            (create(&below("created")), CREATE),
            (Request::Create(node(&below("number-"), CreateMode::PersistentSequential)), CREATE),
            (Request::CreateContainer(container), CREATE),
            (create_ttl(&below("ttl")), CREATE),
            (delete(&below("child")), DELETE),
        ];
        for (request, needed) in requests {
            let code = code(&mut raw, &request).await;
            assert_eq!(code, expected(bits, needed), "{request:?} with {bits}");
        }
        if checks_exists {
            assert_eq!(code(&mut raw, &exists(&path)).await, expected(bits, READ), "{bits}");
        }
    }
}

async fn each_operation_of_a_multi_needs_its_permission(server: &TestServer) {
    for bits in SETS {
        let (path, _, mut raw) = planted(server, "multi", bits).await;
        let new = multi_create(&format!("{path}/created"));
        let MultiOp::Create(again) = multi_create(&format!("{path}/again")) else { unreachable!() };
        let ops: [(MultiOp, Permissions); 5] = [
            (multi_check(&path, 0), READ),
            (multi_set(&path, "new"), WRITE),
            (new, CREATE),
            (MultiOp::Create2(again), CREATE),
            (multi_delete(&format!("{path}/child")), DELETE),
        ];
        for (op, needed) in ops {
            let reply = raw.succeed(&multi(vec![op.clone()])).await;
            let results = reply.decode::<MultiResponse>().results;
            let code = match &results[0] {
                MultiResult::Error(error) => error.err,
                _ => ErrorCode::Ok,
            };
            assert_eq!(code, expected(bits, needed), "{op:?} with {bits}");
        }
    }
}

async fn each_read_of_a_multi_read_needs_its_permission(server: &TestServer) {
    for bits in SETS {
        let (path, _, mut raw) = planted(server, "reads", bits).await;
        let get_data = |path: &str| GetDataRequest { path: path.into(), watch: false };
        let list = GetChildrenRequest { path: path.as_str().into(), watch: false };
        let ops = vec![
            MultiReadOp::GetData(get_data(&path)),
            MultiReadOp::GetChildren(list),
            MultiReadOp::GetData(get_data(&format!("{path}/child"))),
            MultiReadOp::GetData(get_data("/")),
        ];
        let reply = raw.succeed(&Request::MultiRead(MultiReadRequest { ops })).await;
        let results = reply.decode::<MultiReadResponse>().results;
        let codes: Vec<_> = results
            .iter()
            .map(|result| match result {
                MultiReadResult::Error(error) => error.err,
                _ => ErrorCode::Ok,
            })
            .collect();
        let own = expected(bits, READ);
        assert_eq!(codes, [own, own, ErrorCode::NoAuth, ErrorCode::Ok], "{bits}");
    }
}

async fn what_names_no_node_needs_no_permission(server: &TestServer) {
    let (path, _, mut raw) = planted(server, "free", 0).await;
    let prefix_path = Some(path.as_str().into());
    raw.succeed(&sync(&path)).await;
    raw.succeed(&Request::GetEphemerals(GetEphemeralsRequest { prefix_path })).await;
    raw.succeed(&watch_recursive(&path)).await;
    assert_eq!(code(&mut raw, &get(&path)).await, ErrorCode::NoAuth);
}

async fn permissions_are_not_inherited(server: &TestServer) {
    let (path, _, mut raw) = planted(server, "heirs", 4).await;
    let (node, child) = (format!("{path}/open"), format!("{path}/open/child"));
    for path in [&node, &child] {
        raw.succeed(&create(path)).await;
        raw.succeed(&set(path, "new")).await;
    }
    raw.succeed(&delete(&child)).await;
    // To delete is a permission of the parent, whatever the node's own list says.
    assert_eq!(code(&mut raw, &delete(&node)).await, ErrorCode::NoAuth);
    let (path, _, mut raw) = planted(server, "heirs", 8).await;
    raw.succeed(&delete(&format!("{path}/child"))).await;
}

async fn bits_nobody_knows_give_nothing(server: &TestServer) {
    for (bits, code_expected) in [
        (32, ErrorCode::NoAuth),
        (i32::MIN, ErrorCode::NoAuth),
        (-1, ErrorCode::Ok),
        (255, ErrorCode::Ok),
    ] {
        let (path, _, mut raw) = planted(server, "odd", bits).await;
        for request in [get(&path), set(&path, "new")] {
            assert_eq!(code(&mut raw, &request).await, code_expected, "{bits}");
        }
    }
}

async fn the_configuration_can_be_read_and_not_set(server: &TestServer) {
    let mut raw = server.raw_session().await;
    raw.succeed(&get("/zookeeper/config")).await;
    assert_eq!(code(&mut raw, &set("/zookeeper/config", "")).await, ErrorCode::NoAuth);
    let create = create("/zookeeper/config/child");
    assert_eq!(code(&mut raw, &create).await, ErrorCode::NoAuth);
}
