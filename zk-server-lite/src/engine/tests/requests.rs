//! Requests and the headers of their replies.

use zk_proto::message::{
    CreateRequest, MultiOp, MultiReadOp, MultiReadRequest, MultiReadResponse, MultiReadResult,
    MultiRequest, SyncRequest, SyncResponse,
};

use super::*;

#[test]
fn a_ping_is_answered_with_its_own_xid_whatever_it_had() {
    let mut bench = Bench::new();
    let session = bench.session();
    let (header, _) = bench.call(session.conn, OpCode::Ping, &NoBody {});
    assert_eq!(header, ReplyHeader { xid: Xid(-2), zxid: Zxid(1), err: ErrorCode::Ok });
}

#[test]
fn every_other_xid_is_echoed() {
    let mut bench = Bench::new();
    let session = bench.session();
    for xid in [0, 1, -1, -2, -4, -8, i32::MAX, i32::MIN] {
        bench.send(session.conn, xid, OpCode::Exists, &exists("/", false));
        assert_eq!(header(&bench.seen(session.conn)[0]).xid, Xid(xid));
    }
}

#[test]
fn reads_carry_the_last_zxid_and_writes_their_own_refused_ones_too() {
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    for (op, path, code, zxid) in [
        (OpCode::Exists, "/a", ErrorCode::NoNode, 1),
        (OpCode::Create, "/a", ErrorCode::Ok, 2),
        (OpCode::Create, "/a", ErrorCode::NodeExists, 3),
        (OpCode::Exists, "/a", ErrorCode::Ok, 3),
        (OpCode::Delete, "/nope", ErrorCode::NoNode, 4),
        (OpCode::Delete, "/a", ErrorCode::Ok, 5),
    ] {
        let header = match op {
            OpCode::Create => bench.call(conn, op, &create(path, 0)).0,
            OpCode::Delete => bench.call(conn, op, &delete(path)).0,
            _ => bench.call(conn, op, &exists(path, false)).0,
        };
        assert_eq!((header.err, header.zxid), (code, Zxid(zxid)), "{op:?} {path}");
    }
}

#[test]
fn an_unknown_operation_is_refused_and_the_connection_closed_but_not_the_session() {
    for number in [55, 0, -1, 13, -10, 10, 23, 99, i32::MIN] {
        let mut bench = Bench::new();
        let session = bench.session();
        bench.frame(session.conn, &RequestHeader { xid: Xid(3), op: number });
        let seen = bench.seen(session.conn);
        let expected = ReplyHeader { xid: Xid(3), zxid: Zxid(-1), err: ErrorCode::Unimplemented };
        assert_eq!((header(&seen[0]), &seen[1]), (expected, &Seen::Closed), "{number}");
        assert!(bench.engine.replica().has_session(session.id));
    }
}

#[test]
fn an_operation_of_the_server_itself_is_refused_and_the_connection_stays() {
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    let (header, _) = bench.call(conn, OpCode::DeleteContainer, &exists("/", false));
    assert_eq!((header.err, header.zxid), (ErrorCode::BadArguments, Zxid(1)));
    assert_eq!(bench.code(conn, OpCode::Exists, &exists("/", false)), ErrorCode::Ok);
}

#[test]
fn what_cannot_be_read_is_refused_and_the_connection_stays() {
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    // An empty body; only a multi takes a zxid before it is read.
    for (op, zxid) in [
        (OpCode::Create, 1),
        (OpCode::Exists, 1),
        (OpCode::SetWatches, 1),
        (OpCode::Multi, 2),
        (OpCode::MultiRead, 2),
    ] {
        let (header, _) = bench.call(conn, op, &NoBody {});
        assert_eq!((header.err, header.zxid), (ErrorCode::MarshallingError, Zxid(zxid)), "{op:?}");
    }
}

#[test]
fn a_null_path_is_refused_and_takes_a_zxid_in_a_write() {
    use ErrorCode::{BadArguments, MarshallingError};
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    let null_path = (-1_i32, 0_i32);
    for (op, code, zxid) in [
        (OpCode::Delete, MarshallingError, 2),
        (OpCode::SetData, BadArguments, 3),
        (OpCode::SetAcl, BadArguments, 4),
        (OpCode::Exists, MarshallingError, 4),
    ] {
        let mut body = BytesMut::new();
        null_path.0.encode(&mut body);
        null_path.1.encode(&mut body);
        null_path.1.encode(&mut body);
        let (header, _) = bench.call(conn, op, &Verbatim(body.freeze()));
        assert_eq!((header.err, header.zxid), (code, Zxid(zxid)), "{op:?}");
    }
}

#[test]
fn bytes_behind_a_request_are_ignored() {
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    let mut body = BytesMut::new();
    exists("/", false).encode(&mut body);
    body.extend_from_slice(b"more");
    assert_eq!(bench.code(conn, OpCode::Exists, &Verbatim(body.freeze())), ErrorCode::Ok);
}

#[test]
fn a_frame_too_short_for_a_header_ends_the_connection() {
    for length in 0..8 {
        let mut bench = Bench::new();
        let session = bench.session();
        bench.engine.handle_frame(session.conn, vec![0; length].into(), bench.now);
        assert_eq!(bench.outputs(), [(session.conn, Seen::Closed)], "{length}");
        assert!(bench.engine.replica().has_session(session.id));
    }
}

#[test]
fn sync_echoes_any_path() {
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    for path in ["/nope", "", "no slash"] {
        let (header, mut body) = bench.call(conn, OpCode::Sync, &SyncRequest { path: path.into() });
        assert_eq!(header.err, ErrorCode::Ok);
        assert_eq!(SyncResponse::decode(&mut body).unwrap().path, path);
    }
}

#[test]
fn a_multi_read_reports_each_outcome_and_sets_no_watch() {
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    let ops = vec![
        MultiReadOp::GetData(get_data("/nope", true)),
        MultiReadOp::GetChildren(get_children("/", true)),
        MultiReadOp::GetData(get_data("/", true)),
    ];
    let (header, mut body) = bench.call(conn, OpCode::MultiRead, &MultiReadRequest { ops });
    assert_eq!((header.err, header.zxid), (ErrorCode::Ok, Zxid(1)));
    let MultiReadResponse { results } = MultiReadResponse::decode(&mut body).unwrap();
    assert!(matches!(&results[0], MultiReadResult::Error(error) if error.err == ErrorCode::NoNode));
    assert!(matches!(&results[1], MultiReadResult::GetChildren(read) if read.children.len() == 1));
    assert!(matches!(&results[2], MultiReadResult::GetData(_)));
    assert_eq!(bench.engine.watch_count(), 0);
}

#[test]
fn an_empty_multi_takes_a_zxid_and_an_empty_multi_read_takes_none() {
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    for (op, zxid) in [(OpCode::MultiRead, 1), (OpCode::Multi, 2)] {
        let (header, body) = bench.call(conn, op, &MultiRequest::default());
        assert_eq!((header.err, header.zxid), (ErrorCode::Ok, Zxid(zxid)));
        assert_eq!(body.into_rest().len(), 9, "only the terminator");
    }
}

#[test]
fn a_multi_read_of_absurd_size_ends_the_connection() {
    let mut bench = Bench::new();
    let session = bench.session();
    let request = CreateRequest { data: Some(vec![0; 1_000_000].into()), ..create("/big", 0) };
    let _ = bench.call(session.conn, OpCode::Create, &request);
    let ops = vec![MultiReadOp::GetData(get_data("/big", false)); 100];
    bench.send(session.conn, 2, OpCode::MultiRead, &MultiReadRequest { ops });
    assert_eq!(bench.outputs(), [(session.conn, Seen::Closed)]);
}

#[test]
fn a_multi_with_a_null_access_list_is_unreadable_before_it_gets_a_zxid() {
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    let null_acl = |flags| CreateRequest { acl: None, ..create("/new", flags) };
    for (ops, zxid) in [
        (vec![MultiOp::Create(null_acl(0))], 1),
        (vec![MultiOp::Delete(delete("/nope")), MultiOp::CreateContainer(null_acl(4))], 1),
        (vec![MultiOp::CreateContainer(null_acl(6))], 1),
        // What comes first decides.
        (vec![MultiOp::Create(null_acl(7))], 2),
        (vec![MultiOp::Create2(create("/new", 7)), MultiOp::Create(null_acl(0))], 3),
    ] {
        let header = bench.call(conn, OpCode::Multi, &MultiRequest { ops: ops.clone() }).0;
        let expected = (ErrorCode::MarshallingError, Zxid(zxid));
        assert_eq!((header.err, header.zxid), expected, "{ops:?}");
    }
}
