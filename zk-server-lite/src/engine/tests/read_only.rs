//! A server without a quorum.

use zk_proto::message::{MultiRequest, SyncRequest};

use super::*;

fn put_up_with_it() -> ConnectRequest {
    ConnectRequest { read_only: Some(true), ..new_session() }
}

impl Bench {
    fn read_only_session(&mut self) -> Session {
        let conn = self.open();
        let response = self.connect(conn, &put_up_with_it()).unwrap();
        assert_eq!(response.read_only, Some(true), "it says so, and does not echo");
        Session { conn, id: response.session_id, password: response.passwd }
    }

    fn hangs_up_on(&mut self, request: &ConnectRequest) -> bool {
        let conn = self.open();
        self.frame(conn, request);
        self.outputs() == [(conn, Seen::Closed)]
    }
}

#[test]
fn a_read_only_server_lets_in_only_those_who_put_up_with_it() {
    let mut bench = Bench::with(|options| options.read_only = true);
    for read_only in [None, Some(false)] {
        let request = ConnectRequest { read_only, ..new_session() };
        assert!(bench.hangs_up_on(&request), "{read_only:?}");
    }
    let ahead = ConnectRequest { last_zxid_seen: Zxid(1), ..put_up_with_it() };
    assert!(bench.hangs_up_on(&ahead));
    bench.read_only_session();
}

#[test]
fn a_read_only_server_answers_reads_and_refuses_writes_and_syncs() {
    let mut bench = Bench::new();
    let before = bench.session();
    bench.create(before.conn, "/a", 0);
    let zxid = bench.engine.replica().last_zxid();
    bench.engine.set_read_only(true, bench.now);
    assert_eq!(bench.outputs(), [(before.conn, Seen::Closed)]);
    let session = bench.read_only_session();
    let conn = session.conn;
    assert_eq!(bench.code(conn, OpCode::Exists, &exists("/a", true)), ErrorCode::Ok);
    assert_eq!(bench.code(conn, OpCode::Ping, &NoBody {}), ErrorCode::Ok);
    let sync = SyncRequest { path: "/".into() };
    let set = SetDataRequest { path: "/a".into(), data: None, version: Version::ANY };
    let delete = DeleteRequest { path: "/a".into(), version: Version::ANY };
    for (header, _) in [
        bench.call(conn, OpCode::Sync, &sync),
        bench.call(conn, OpCode::Create, &create("/b", 0)),
        bench.call(conn, OpCode::Create2, &create("/b", 1)),
        bench.call(conn, OpCode::SetData, &set),
        bench.call(conn, OpCode::Delete, &delete),
        bench.call(conn, OpCode::Multi, &MultiRequest { ops: Vec::new() }),
        // Nobody looks at what is refused.
        bench.call(conn, OpCode::CreateTtl, &NoBody {}),
    ] {
        assert_eq!((header.err, header.zxid), (ErrorCode::NotReadOnly, zxid));
    }
    assert_eq!(bench.engine.replica().last_zxid(), zxid, "nothing takes a zxid");
}

#[test]
fn a_session_of_the_ensemble_is_hung_up_on_and_does_not_end_there() {
    let mut bench = Bench::new();
    let session = bench.session();
    bench.create(session.conn, "/e", 1);
    bench.engine.set_read_only(true, bench.now);
    bench.outputs();
    let renewal = ConnectRequest { read_only: Some(true), ..renewal(&session) };
    assert!(bench.hangs_up_on(&renewal));
    bench.now.elapsed_ms += 100_000;
    bench.engine.handle_timeout(bench.now);
    assert!(bench.engine.replica().has_session(session.id));
    assert_eq!(bench.engine.next_deadline(), None, "nor is it waited for");
}

#[test]
fn with_a_quorum_again_all_sessions_have_all_their_time() {
    let mut bench = Bench::new();
    let session = bench.session();
    bench.engine.set_read_only(true, bench.now);
    bench.now.elapsed_ms += 100_000;
    bench.engine.handle_timeout(bench.now);
    bench.engine.set_read_only(false, bench.now);
    bench.outputs();
    bench.now.elapsed_ms += 9_000;
    bench.engine.handle_timeout(bench.now);
    assert!(bench.engine.replica().has_session(session.id));
    let conn = bench.open();
    assert_eq!(bench.connect(conn, &renewal(&session)).unwrap().session_id, session.id);
    bench.now.elapsed_ms += 13_000;
    bench.engine.handle_timeout(bench.now);
    assert!(!bench.engine.replica().has_session(session.id), "and end when it has passed");
}

#[test]
fn a_session_of_a_read_only_server_is_known_to_it_alone_and_ends_with_its_role() {
    let mut bench = Bench::with(|options| options.read_only = true);
    let session = bench.read_only_session();
    assert_eq!(bench.engine.replica().session_count(), 0);
    let again = ConnectRequest { read_only: Some(true), ..renewal(&session) };
    let conn = bench.open();
    bench.frame(conn, &again);
    assert_eq!(bench.outputs()[0], (session.conn, Seen::Closed), "it is taken over as any other");
    bench.engine.set_read_only(false, bench.now);
    bench.outputs();
    let conn = bench.open();
    let refused = bench.connect(conn, &again).unwrap();
    assert_eq!((refused.session_id, refused.timeout), (SessionId::NONE, 0));
}

#[test]
fn a_session_of_a_read_only_server_ends_when_it_is_silent_or_closed() {
    let mut bench = Bench::with(|options| options.read_only = true);
    let silent = bench.read_only_session();
    let closed = bench.read_only_session();
    assert_eq!(bench.code(closed.conn, OpCode::Exists, &exists("/", false)), ErrorCode::Ok);
    bench.send(closed.conn, 2, OpCode::CloseSession, &NoBody {});
    assert_eq!(bench.outputs().len(), 2, "a reply, and the end of the connection");
    bench.now.elapsed_ms += 12_000;
    bench.engine.handle_timeout(bench.now);
    assert_eq!(bench.outputs(), [(silent.conn, Seen::Closed)]);
    for session in [silent, closed] {
        let conn = bench.open();
        let again = ConnectRequest { read_only: Some(true), ..renewal(&session) };
        assert_eq!(bench.connect(conn, &again).unwrap().timeout, 0);
    }
    assert_eq!(bench.engine.replica().last_zxid(), Zxid(0), "without a transaction");
}

#[test]
fn containers_are_left_alone_without_a_quorum() {
    let mut bench = Bench::new();
    let session = bench.session();
    bench.send(session.conn, 1, OpCode::CreateContainer, &create("/c", 4));
    bench.create(session.conn, "/c/x", 0);
    let delete = DeleteRequest { path: "/c/x".into(), version: Version::ANY };
    bench.send(session.conn, 2, OpCode::Delete, &delete);
    bench.engine.set_read_only(true, bench.now);
    bench.outputs();
    let zxid = bench.engine.replica().last_zxid();
    bench.now.elapsed_ms += 200_000;
    bench.engine.handle_timeout(bench.now);
    assert_eq!(bench.engine.replica().last_zxid(), zxid);
    assert_eq!(bench.engine.next_deadline(), None);
    bench.engine.set_read_only(false, bench.now);
    bench.engine.handle_timeout(bench.now);
    assert!(bench.engine.replica().last_zxid() > zxid);
}
