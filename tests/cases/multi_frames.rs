//! A multi on the wire: how results are framed, what cannot be read, and when its events come.

use bytes::{BufMut, Bytes, BytesMut};
use zk_client::{CreateMode, ErrorCode, EventType};
use zk_proto::message::{
    CreateRequest, ErrorResponse, GetChildrenRequest, GetDataRequest, GetDataResponse, MultiOp,
    MultiReadOp, MultiReadRequest, MultiReadResponse, MultiReadResult, MultiResponse, MultiResult,
};
use zk_proto::op::Request;
use zk_proto::{ByteString, Encode, OpCode};
use zk_test_kit::TestServer;
use zk_test_kit::request::{
    create, delete, exists, get, multi, multi_check, multi_create, multi_delete, multi_set, node,
    ping, set, watch_children, watch_data, watch_exists,
};

zk_test_kit::cases![
    results_are_framed_with_their_types,
    a_failed_multi_is_no_error_in_the_header_but_in_the_results,
    an_operation_that_cannot_be_in_a_multi_makes_all_of_it_unreadable,
    unknown_flags_make_all_of_it_unreadable,
    a_multi_ends_where_it_says_so_whatever_else_stands_there,
    a_write_among_reads_makes_all_of_it_unreadable,
    events_come_in_the_order_of_the_operations_before_the_reply,
    a_failed_multi_fires_nothing,
    several_reads_have_each_an_outcome_and_set_no_watch,
];

async fn results_are_framed_with_their_types(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&create(&path)).await;
    let new = format!("{path}/new");
    let ops = vec![multi_check(&path, 0), multi_create(&new), multi_delete(&new)];
    let reply = raw.succeed(&multi(ops)).await;
    let mut expected = BytesMut::new();
    header(&mut expected, OpCode::Check.code(), false, 0);
    header(&mut expected, OpCode::Create.code(), false, 0);
    ByteString::from(new).encode(&mut expected);
    header(&mut expected, OpCode::Delete.code(), false, 0);
    header(&mut expected, -1, true, -1);
    assert_eq!(reply.body, expected);
}

async fn a_failed_multi_is_no_error_in_the_header_but_in_the_results(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    let before = raw.succeed(&create(&path)).await.header.zxid;
    let ops = vec![
        multi_set(&path, "lost"),
        multi_check(&path, 1),
        multi_check(&path, 7),
        multi_delete(&path),
        multi_create(&path),
    ];
    let reply = raw.succeed(&multi(ops)).await;
    assert!(reply.header.zxid > before);
    let mut expected = BytesMut::new();
    for code in [0, 0, -103, -2, -2] {
        header(&mut expected, -1, false, code);
        expected.put_i32(code);
    }
    header(&mut expected, -1, true, -1);
    assert_eq!(reply.body, expected);
}

async fn an_operation_that_cannot_be_in_a_multi_makes_all_of_it_unreadable(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    let mut last = raw.succeed(&create(&path)).await.header.zxid;
    for op in [3, 4, 6, 7, 8, 9, 11, 14, 20, 99, 0, -11] {
        let mut body = BytesMut::new();
        multi(vec![multi_set(&path, "lost")]).encode(&mut body);
        body.truncate(body.len() - TERMINATOR);
        header(&mut body, op, false, -1);
        exists(&path).encode(&mut body);
        header(&mut body, -1, true, -1);
        raw.send_odd(7, OpCode::Multi.code(), &body).await;
        let reply = raw.reply().await.unwrap();
        assert_eq!(
            (reply.header.xid.0, reply.header.err),
            (7, ErrorCode::MarshallingError),
            "{op}"
        );
        assert!(reply.header.zxid > last && reply.body.is_empty(), "{op}");
        last = reply.header.zxid;
    }
    // The end is missing.
    let mut body = BytesMut::new();
    multi(vec![multi_set(&path, "lost")]).encode(&mut body);
    body.truncate(body.len() - TERMINATOR);
    raw.send_odd(8, OpCode::Multi.code(), &body).await;
    assert_eq!(raw.reply().await.unwrap().header.err, ErrorCode::MarshallingError);
    let read = raw.succeed(&get(&path)).await.decode::<GetDataResponse>();
    assert_eq!(read.data, Some(Bytes::new()));
}

async fn unknown_flags_make_all_of_it_unreadable(server: &TestServer) {
    // Before, they were an error of that one operation.
    let unreadable = server.has_change_of(&[(3, 8, 2), (3, 9, 0)]).await;
    let mut raw = server.raw_session().await;
    for flags in [7, -1] {
        let new = server.path("/new");
        let odd = CreateRequest { flags, ..node(&new, CreateMode::Persistent) };
        let ops = vec![multi_create(&new), MultiOp::Create(odd)];
        let reply = raw.ask(1, &multi(ops)).await;
        if unreadable {
            assert_eq!(reply.header.err, ErrorCode::MarshallingError);
            assert!(reply.body.is_empty());
        } else {
            let codes = [ErrorCode::Ok, ErrorCode::BadArguments];
            let results = codes.map(|err| MultiResult::Error(ErrorResponse { err }));
            assert_eq!(reply.decode::<MultiResponse>().results, results);
        }
        assert_eq!(raw.ask(2, &exists(&new)).await.header.err, ErrorCode::NoNode);
    }
}

async fn events_come_in_the_order_of_the_operations_before_the_reply(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let [parent, old, new] = ["/p", "/p/old", "/p/new"].map(|path| server.path(path));
    raw.succeed(&create(&parent)).await;
    raw.succeed(&create(&old)).await;
    raw.succeed(&watch_children(&parent)).await;
    raw.succeed(&watch_data(&parent)).await;
    raw.succeed(&watch_data(&old)).await;
    raw.ask(2, &watch_exists(&new)).await;
    let ops = vec![
        multi_set(&parent, "x"),
        multi_check(&parent, 1),
        multi_create(&new),
        multi_set(&new, "y"),
        multi_delete(&old),
        multi_set(&parent, "z"),
    ];
    assert_eq!(
        raw.caused_by(&multi(ops)).await,
        [
            (EventType::NodeDataChanged, parent.clone()),
            (EventType::NodeCreated, new),
            (EventType::NodeChildrenChanged, parent),
            (EventType::NodeDeleted, old),
        ]
    );
    assert_eq!(raw.events().await, []);
}

async fn a_failed_multi_fires_nothing(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (path, new) = (server.path("/a"), server.path("/a/new"));
    raw.succeed(&create(&path)).await;
    raw.succeed(&watch_data(&path)).await;
    raw.succeed(&watch_children(&path)).await;
    raw.ask(2, &watch_exists(&new)).await;
    let ops = vec![multi_set(&path, ""), multi_create(&new), multi_check(&path, 7)];
    raw.succeed(&multi(ops)).await;
    assert_eq!(raw.events().await, []);
    // The watches are still there.
    assert_eq!(raw.caused_by(&set(&path, "")).await.len(), 1);
    assert_eq!(raw.caused_by(&create(&new)).await.len(), 2);
}

async fn several_reads_have_each_an_outcome_and_set_no_watch(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (path, child) = (server.path("/a"), server.path("/a/b"));
    raw.succeed(&create(&path)).await;
    raw.succeed(&create(&child)).await;
    raw.succeed(&set(&child, "data")).await;
    let data = |path: &str| MultiReadOp::GetData(GetDataRequest { path: path.into(), watch: true });
    let children = |path: &str| {
        MultiReadOp::GetChildren(GetChildrenRequest { path: path.into(), watch: true })
    };
    let missing = server.path("/missing");
    let ops = vec![data(&child), data(&missing), children(&path), children(&missing)];
    let reply = raw.succeed(&Request::MultiRead(MultiReadRequest { ops })).await;
    let results = reply.decode::<MultiReadResponse>().results;
    let [MultiReadResult::GetData(read), first, MultiReadResult::GetChildren(listing), second] =
        &results[..]
    else {
        panic!("{results:?}");
    };
    assert_eq!(read.data.as_deref(), Some(&b"data"[..]));
    assert_eq!(listing.children, ["b"]);
    let no_node = MultiReadResult::Error(ErrorResponse { err: ErrorCode::NoNode });
    assert_eq!([first, second], [&no_node; 2]);
    for change in [set(&child, ""), delete(&child), ping()] {
        raw.succeed(&change).await;
    }
}

async fn a_multi_ends_where_it_says_so_whatever_else_stands_there(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&create(&path)).await;
    for (op, err) in [(-1, 0), (0, -1), (OpCode::Delete.code(), -101), (99, 7)] {
        let mut body = BytesMut::new();
        multi(vec![multi_set(&path, "new")]).encode(&mut body);
        body.truncate(body.len() - TERMINATOR);
        header(&mut body, op, true, err);
        // Nothing of this is read any more.
        multi(vec![multi_delete(&path)]).encode(&mut body);
        raw.send_odd(7, OpCode::Multi.code(), &body).await;
        let reply = raw.reply().await.unwrap();
        assert_eq!(reply.header.err, ErrorCode::Ok, "{op}");
        let results = reply.decode::<MultiResponse>().results;
        assert!(matches!(results[..], [MultiResult::SetData(_)]), "{op} {results:?}");
    }
    raw.succeed(&exists(&path)).await;
}

async fn a_write_among_reads_makes_all_of_it_unreadable(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (path, new) = (server.path("/a"), server.path("/new"));
    raw.succeed(&create(&path)).await;
    for write in [multi_create(&new), multi_delete(&path), multi_check(&path, 0)] {
        let read = GetDataRequest { path: path.as_str().into(), watch: false };
        let mut body = BytesMut::new();
        Request::MultiRead(MultiReadRequest { ops: vec![MultiReadOp::GetData(read)] })
            .encode(&mut body);
        body.truncate(body.len() - TERMINATOR);
        multi(vec![write]).encode(&mut body);
        raw.send_odd(7, OpCode::MultiRead.code(), &body).await;
        let reply = raw.reply().await.unwrap();
        assert_eq!(reply.header.err, ErrorCode::MarshallingError);
    }
    raw.succeed(&exists(&path)).await;
    assert_eq!(raw.ask(2, &exists(&new)).await.header.err, ErrorCode::NoNode);
}

/// What stands before each operation and each result.
fn header(out: &mut BytesMut, op: i32, done: bool, err: i32) {
    op.encode(out);
    done.encode(out);
    err.encode(out);
}

const TERMINATOR: usize = 9;
