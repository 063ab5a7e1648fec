//! Requests that cannot be read or done: each is answered, and few end their connection.

use bytes::{BufMut, BytesMut};
use zk_client::{CreateMode, ErrorCode, EventType, Zxid};
use zk_proto::{ByteString, Encode, OpCode, Xid};
use zk_test_kit::request::{create, delete, get, ping, set};
use zk_test_kit::server::SESSION_TIMEOUT;
use zk_test_kit::{RawConnection, TestServer};

zk_test_kit::cases![
    an_unknown_operation_is_refused_and_ends_the_connection,
    a_body_that_ends_too_early_is_refused_and_the_connection_goes_on,
    a_length_that_cannot_be_is_refused_and_the_connection_goes_on,
    a_null_path_is_refused_and_the_connection_goes_on,
    a_create_looks_at_its_flags_before_a_null_path,
    a_sync_with_a_null_path_echoes_it,
    bytes_behind_a_body_are_ignored,
    any_byte_but_zero_is_true,
    negative_counts_but_minus_one_are_empty_lists;
    since [(3, 8, 5), (3, 9, 3)]: [a_check_outside_of_a_multi_is_an_unknown_operation];
];

async fn an_unknown_operation_is_refused_and_ends_the_connection(server: &TestServer) {
    for op in [0, -1, 10, 23, 99, 108, -3, -12, 1000, i32::MAX, i32::MIN] {
        let mut raw = server.raw().await;
        let granted = raw.open_session(SESSION_TIMEOUT).await;
        assert_unimplemented(&mut raw, op).await;
        assert!(server.resumes(&granted).await, "{op}");
    }
    server.assert_serves().await;
}

/// Before, it was never answered.
async fn a_check_outside_of_a_multi_is_an_unknown_operation(server: &TestServer) {
    let mut raw = server.raw_session().await;
    assert_unimplemented(&mut raw, OpCode::Check.code()).await;
    server.assert_serves().await;
}

async fn assert_unimplemented(raw: &mut RawConnection, op: i32) {
    raw.send_odd(7, op, &[0; 64]).await;
    let reply = raw.reply().await.unwrap();
    let header = reply.header;
    assert_eq!(
        (header.xid, header.zxid, header.err),
        (Xid(7), Zxid(-1), ErrorCode::Unimplemented),
        "{op}"
    );
    assert!(reply.body.is_empty());
    assert!(raw.is_hung_up_on().await, "{op}");
}

/// The operations whose body begins with a path.
const WITH_PATH: [OpCode; 12] = [
    OpCode::Create,
    OpCode::Create2,
    OpCode::CreateTtl,
    OpCode::Delete,
    OpCode::Exists,
    OpCode::GetData,
    OpCode::SetData,
    OpCode::GetAcl,
    OpCode::SetAcl,
    OpCode::GetChildren,
    OpCode::GetChildren2,
    OpCode::GetAllChildrenNumber,
];

async fn a_body_that_ends_too_early_is_refused_and_the_connection_goes_on(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let others = [
        OpCode::Sync,
        OpCode::Multi,
        OpCode::MultiRead,
        OpCode::SetWatches,
        OpCode::SetWatches2,
        OpCode::GetEphemerals,
    ];
    for op in WITH_PATH.into_iter().chain(others) {
        // Nothing at all, and half a length.
        for body in [&[][..], &[0, 0]] {
            assert_unreadable(&mut raw, op, body).await;
        }
    }
    // A path, and nothing behind it.
    let path = with_path(10, b"/zookeeper");
    for op in [OpCode::Create, OpCode::Delete, OpCode::GetData, OpCode::SetData] {
        assert_unreadable(&mut raw, op, &path).await;
    }
    server.assert_serves().await;
}

async fn a_length_that_cannot_be_is_refused_and_the_connection_goes_on(server: &TestServer) {
    let mut raw = server.raw_session().await;
    for op in WITH_PATH {
        for length in [-2, i32::MIN, 65, i32::MAX] {
            assert_unreadable(&mut raw, op, &with_path(length, &[b'/'; 20])).await;
        }
    }
    // Of a list: what is announced is not made room for.
    for op in [OpCode::SetWatches, OpCode::SetWatches2] {
        let mut body = BytesMut::zeroed(8);
        body.put_i32(i32::MAX);
        assert_unreadable(&mut raw, op, &body).await;
    }
    server.assert_serves().await;
}

async fn a_null_path_is_refused_and_the_connection_goes_on(server: &TestServer) {
    let mut raw = server.raw_session().await;
    for op in WITH_PATH {
        // The mode, where there is one, is looked at before the path.
        let mode = if op == OpCode::CreateTtl { CreateMode::PersistentWithTtl } else { PERSISTENT };
        let mut body = with_path(-1, &[0; 8]);
        body.put_i32(mode.flags());
        body.put_i64(1);
        match op {
            // For these null is a bad path like others.
            OpCode::SetData | OpCode::SetAcl => {
                raw.send_odd(7, op.code(), &body).await;
                let code = raw.reply().await.unwrap().header.err;
                assert_eq!(code, ErrorCode::BadArguments, "{op:?}");
            }
            _ => assert_unreadable(&mut raw, op, &body).await,
        }
    }
    server.assert_serves().await;
}

async fn a_create_looks_at_its_flags_before_a_null_path(server: &TestServer) {
    let mut raw = server.raw_session().await;
    for (op, flags, ttl, expected) in [
        (OpCode::Create, 0, 0, ErrorCode::MarshallingError),
        (OpCode::Create, 9, 0, ErrorCode::BadArguments),
        (OpCode::Create2, 5, 0, ErrorCode::BadArguments),
        (OpCode::CreateContainer, 4, 0, ErrorCode::MarshallingError),
        (OpCode::CreateContainer, -1, 0, ErrorCode::BadArguments),
        (OpCode::CreateTtl, 5, 1, ErrorCode::MarshallingError),
        (OpCode::CreateTtl, 5, 0, ErrorCode::BadArguments),
        (OpCode::CreateTtl, 0, 1, ErrorCode::BadArguments),
    ] {
        let mut body = with_path(-1, &[0; 8]);
        body.put_i32(flags);
        body.put_i64(ttl);
        let before = raw.succeed(&set(&server.path("/"), "")).await.header.zxid;
        raw.send_odd(7, op.code(), &body).await;
        let header = raw.reply().await.unwrap().header;
        assert_eq!(header.err, expected, "{op:?} {flags}");
        assert!(header.zxid > before, "{op:?} {flags}");
    }
}

async fn a_sync_with_a_null_path_echoes_it(server: &TestServer) {
    let mut raw = server.raw_session().await;
    raw.send_odd(7, OpCode::Sync.code(), &[0xff; 4]).await;
    let reply = raw.reply().await.unwrap();
    assert_eq!((reply.header.err, &*reply.body), (ErrorCode::Ok, &[0xff; 4][..]));
}

const PERSISTENT: CreateMode = CreateMode::Persistent;

async fn bytes_behind_a_body_are_ignored(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    for request in [create(&path), set(&path, "data"), get(&path), ping(), delete(&path)] {
        let mut body = BytesMut::new();
        request.encode(&mut body);
        body.put_bytes(0xff, 100);
        raw.send_odd(5, request.op_code().code(), &body).await;
        assert_eq!(raw.reply().await.unwrap().header.err, ErrorCode::Ok, "{request:?}");
    }
}

async fn any_byte_but_zero_is_true(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&create(&path)).await;
    for byte in [1, 2, 0x80, 0xff] {
        let mut body = BytesMut::new();
        get(&path).encode(&mut body);
        *body.last_mut().unwrap() = byte;
        raw.send_odd(5, OpCode::GetData.code(), &body).await;
        assert_eq!(raw.reply().await.unwrap().header.err, ErrorCode::Ok);
        let events = raw.caused_by(&set(&path, "")).await;
        assert_eq!(events, [(EventType::NodeDataChanged, path.clone())], "{byte}");
    }
}

async fn negative_counts_but_minus_one_are_empty_lists(server: &TestServer) {
    let mut raw = server.raw_session().await;
    for (count, code) in [
        (-1, ErrorCode::MarshallingError),
        (-2, ErrorCode::Ok),
        (i32::MIN, ErrorCode::Ok),
        (0, ErrorCode::Ok),
    ] {
        let mut body = BytesMut::zeroed(8);
        (0..3).for_each(|_| body.put_i32(count));
        raw.send_odd(5, OpCode::SetWatches.code(), &body).await;
        assert_eq!(raw.reply().await.unwrap().header.err, code, "{count}");
    }
    let path = server.path("/a");
    let mut body = BytesMut::new();
    ByteString::from(path).encode(&mut body);
    [0, -7, 0].into_iter().for_each(|number| body.put_i32(number));
    raw.send_odd(6, OpCode::Create.code(), &body).await;
    assert_eq!(raw.reply().await.unwrap().header.err, ErrorCode::InvalidAcl);
}

/// A length as of a path, then bytes.
fn with_path(length: i32, bytes: &[u8]) -> BytesMut {
    let mut body = BytesMut::new();
    body.put_i32(length);
    body.put_slice(bytes);
    body
}

/// Sends a body that cannot be read, and sees that it is answered and nothing else happens.
async fn assert_unreadable(raw: &mut RawConnection, op: OpCode, body: &[u8]) {
    raw.send_odd(7, op.code(), body).await;
    let reply = raw.reply().await.expect("the connection is closed");
    let header = reply.header;
    assert_eq!((header.xid, header.err), (Xid(7), ErrorCode::MarshallingError), "{op:?} {body:?}");
    assert!(reply.body.is_empty() && header.zxid > Zxid::ZERO);
    raw.succeed(&ping()).await;
}
