//! What a create makes is decided by the operation and its flags together.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use zk_client::{CreateMode, ErrorCode, SessionId};
use zk_proto::message::{
    Create2Response, CreateRequest, CreateResponse, CreateTtlRequest, ErrorResponse,
    ExistsResponse, MultiOp, MultiResponse, MultiResult,
};
use zk_proto::op::Request;
use zk_test_kit::request::{create, delete, exists, multi, node, ttl_node};
use zk_test_kit::server::CONTAINER_CHECK_INTERVAL;
use zk_test_kit::{RawConnection, TestServer};

zk_test_kit::cases![
    flags_are_an_enumeration_and_anything_else_is_refused,
    create_and_create2_make_a_plain_node_with_the_flags_of_a_container,
    create_container_makes_a_container_whatever_its_flags_are,
    create_ttl_wants_a_mode_with_a_time_and_a_time_that_fits,
    only_create_leaves_the_stat_out_of_its_reply,
    in_a_multi_the_flags_of_a_container_make_one,
    in_a_multi_all_but_create_tell_the_stat,
    in_a_multi_modes_with_a_time_need_the_operation_that_has_one,
    in_a_multi_a_time_that_is_of_no_use_is_dropped,
    in_a_multi_a_time_that_does_not_fit_fails_that_operation,
];

/// A create with any flags.
fn request(path: &str, flags: i32) -> CreateRequest {
    CreateRequest { flags, ..node(path, CreateMode::Persistent) }
}

fn ttl_request(path: &str, flags: i32, ttl: i64) -> CreateTtlRequest {
    CreateTtlRequest { flags, ..ttl_node(path, CreateMode::PersistentWithTtl, ttl) }
}

async fn flags_are_an_enumeration_and_anything_else_is_refused(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/n");
    for flags in [7, 8, -1, 5, 6, i32::MIN] {
        for create in [
            Request::Create(request(&path, flags)),
            Request::Create2(request(&path, flags)),
            Request::CreateContainer(request(&path, flags)),
        ] {
            let code = raw.ask(1, &create).await.header.err;
            assert_eq!(code, ErrorCode::BadArguments, "{create:?}");
        }
    }
}

async fn create_and_create2_make_a_plain_node_with_the_flags_of_a_container(server: &TestServer) {
    let mut raw = server.raw_session().await;
    for (path, make) in
        [("/a", Request::Create as fn(_) -> _), ("/b", Request::Create2 as fn(_) -> _)]
    {
        let path = server.path(path);
        raw.succeed(&make(request(&path, 4))).await;
        assert_goes_when_empty(&mut raw, &path, false).await;
    }
}

async fn create_container_makes_a_container_whatever_its_flags_are(server: &TestServer) {
    let mut raw = server.raw_session().await;
    for (path, flags, suffix) in [
        ("/a", 0, ""),
        ("/b", 1, ""),
        ("/c", 2, "0000000002"),
        ("/d", 3, "0000000003"),
        ("/e", 4, ""),
    ] {
        let create = Request::CreateContainer(request(&server.path(path), flags));
        let created: Create2Response = raw.succeed(&create).await.decode();
        assert_eq!(created.path, format!("{}{suffix}", server.path(path)));
        assert_eq!(created.stat.ephemeral_owner, SessionId::NONE);
        assert_goes_when_empty(&mut raw, &created.path, true).await;
    }
}

async fn create_ttl_wants_a_mode_with_a_time_and_a_time_that_fits(server: &TestServer) {
    use ErrorCode::{BadArguments, Ok};
    const LONGEST: i64 = 0xff_ffff_ffff;
    let mut raw = server.raw_session().await;
    // A negative time with another mode breaks the original down, and is not tried here.
    for (flags, ttl, expected) in [
        (5, 100_000, Ok),
        (6, 100_000, Ok),
        (5, LONGEST, Ok),
        (5, LONGEST + 1, BadArguments),
        (5, 0, BadArguments),
        (5, -1, BadArguments),
        (6, i64::MIN, BadArguments),
        (0, 0, BadArguments),
        (1, 100_000, BadArguments),
        (4, 100_000, BadArguments),
        (7, 100_000, BadArguments),
        (-1, 100_000, BadArguments),
    ] {
        let path = server.path("/n");
        let reply = raw.ask(1, &Request::CreateTtl(ttl_request(&path, flags, ttl))).await;
        assert_eq!(reply.header.err, expected, "{flags} {ttl}");
        if expected == Ok {
            raw.succeed(&delete(&reply.decode::<Create2Response>().path)).await;
        }
    }
}

async fn only_create_leaves_the_stat_out_of_its_reply(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let paths = ["/a", "/b", "/c", "/d"].map(|path| server.path(path));
    let reply = raw.succeed(&Request::Create(request(&paths[0], 0))).await;
    assert_eq!(reply.decode::<CreateResponse>().path, paths[0]);
    for create in [
        Request::Create2(request(&paths[1], 0)),
        Request::CreateContainer(request(&paths[2], 4)),
        Request::CreateTtl(ttl_request(&paths[3], 5, 100_000)),
    ] {
        let reply = raw.succeed(&create).await;
        assert_eq!(reply.decode::<Create2Response>().stat.czxid, reply.header.zxid);
    }
}

async fn in_a_multi_the_flags_of_a_container_make_one(server: &TestServer) {
    // Before, the operation was forgotten over the flags.
    let keeps_operation = server.has_change_of(&[(3, 8, 2), (3, 9, 0)]).await;
    let mut raw = server.raw_session().await;
    let path = server.path("/n");
    for (op, container) in [
        (MultiOp::Create(request(&path, 4)), true),
        (MultiOp::Create2(request(&path, 4)), true),
        (MultiOp::CreateContainer(request(&path, 4)), true),
        (MultiOp::CreateContainer(request(&path, 0)), keeps_operation),
    ] {
        raw.succeed(&multi(vec![op.clone()])).await;
        assert_goes_when_empty(&mut raw, &path, container).await;
        raw.ask(1, &delete(&path)).await;
    }
}

async fn in_a_multi_all_but_create_tell_the_stat(server: &TestServer) {
    let keeps_operation = server.has_change_of(&[(3, 8, 2), (3, 9, 0)]).await;
    let mut raw = server.raw_session().await;
    let path = server.path("/n");
    for (op, tells_stat) in [
        (MultiOp::Create(request(&path, 0)), false),
        (MultiOp::Create(request(&path, 4)), true),
        (MultiOp::Create2(request(&path, 0)), keeps_operation),
        (MultiOp::CreateContainer(request(&path, 0)), keeps_operation),
        (MultiOp::CreateContainer(request(&path, 4)), true),
        (MultiOp::CreateTtl(ttl_request(&path, 5, 100_000)), true),
    ] {
        let result = one(&mut raw, op.clone()).await.unwrap();
        assert_eq!(matches!(result, MultiResult::Create2(_)), tells_stat, "{op:?} {result:?}");
        raw.succeed(&delete(&path)).await;
    }
}

async fn in_a_multi_modes_with_a_time_need_the_operation_that_has_one(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/n");
    for flags in [5, 6] {
        for op in [
            MultiOp::Create(request(&path, flags)),
            MultiOp::Create2(request(&path, flags)),
            MultiOp::CreateContainer(request(&path, flags)),
        ] {
            let outcome = one(&mut raw, op.clone()).await;
            assert_eq!(outcome, Err(ErrorCode::MarshallingError), "{op:?}");
        }
    }
}

async fn in_a_multi_a_time_that_is_of_no_use_is_dropped(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/n");
    for (flags, ephemeral) in [(0, false), (1, true)] {
        let op = MultiOp::CreateTtl(ttl_request(&path, flags, 100_000));
        let result = one(&mut raw, op).await;
        assert_eq!(
            result,
            Ok(MultiResult::Create(CreateResponse { path: path.as_str().into() })),
            "{flags}"
        );
        let stat = raw.succeed(&exists(&path)).await.decode::<ExistsResponse>().stat;
        assert_eq!(stat.ephemeral_owner != SessionId::NONE, ephemeral);
        raw.succeed(&delete(&path)).await;
    }
}

async fn in_a_multi_a_time_that_does_not_fit_fails_that_operation(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/n");
    for (flags, ttl) in [(5, 0), (6, -1), (5, i64::MAX), (7, 100_000), (-1, 100_000)] {
        let op = MultiOp::CreateTtl(ttl_request(&path, flags, ttl));
        let err = ErrorCode::BadArguments;
        let result = one(&mut raw, op).await;
        assert_eq!(result, Ok(MultiResult::Error(ErrorResponse { err })), "{flags} {ttl}");
    }
}

/// The result of a multi of one operation, or the error of all of it.
async fn one(raw: &mut RawConnection, op: MultiOp) -> Result<MultiResult, ErrorCode> {
    let reply = raw.ask(1, &multi(vec![op])).await;
    if reply.header.err != ErrorCode::Ok {
        return Err(reply.header.err);
    }
    let mut results = reply.decode::<MultiResponse>().results;
    assert_eq!(results.len(), 1);
    Ok(results.remove(0))
}

/// Gives the node a child and takes it away again: then a container goes, and nothing else.
async fn assert_goes_when_empty(raw: &mut RawConnection, path: &str, goes: bool) {
    let child = format!("{path}/child");
    raw.succeed(&create(&child)).await;
    raw.succeed(&delete(&child)).await;
    let start = Instant::now();
    let patience = if goes { PATIENCE } else { 3 * CONTAINER_CHECK_INTERVAL };
    while raw.ask(1, &exists(path)).await.header.err == ErrorCode::Ok {
        if start.elapsed() > patience {
            assert!(!goes, "{path} is still there");
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    assert!(goes, "{path} is gone");
}

const PATIENCE: Duration = Duration::from_secs(20);
