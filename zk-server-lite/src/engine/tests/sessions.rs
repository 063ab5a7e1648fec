//! How sessions live and end.

use super::*;

#[test]
fn a_silent_session_ends_at_the_first_tick_after_its_timeout_without_a_word() {
    let mut bench = Bench::new();
    bench.pass(500);
    let session = bench.session();
    bench.create(session.conn, "/e", 1);
    // 500 ms and 10 s make 10.5 s: the tick behind is at 12 s.
    bench.pass(11_499);
    assert_eq!(bench.outputs(), []);
    bench.pass(1);
    assert_eq!(bench.outputs(), [(session.conn, Seen::Closed)]);
    assert!(bench.engine.replica().tree().node("/e").is_none());
    assert_eq!(bench.engine.replica().session_count(), 0);
}

#[test]
fn what_comes_on_the_connection_of_an_expired_session_is_dropped() {
    let mut bench = Bench::new();
    let session = bench.session();
    bench.pass(12_000);
    assert_eq!(bench.outputs(), [(session.conn, Seen::Closed)]);
    let before = bench.engine.replica().last_zxid();
    // The client does not know yet.
    bench.send(session.conn, 1, OpCode::Create, &create("/late", 0));
    bench.send(session.conn, -2, OpCode::Ping, &NoBody {});
    assert_eq!(bench.outputs(), []);
    assert_eq!(bench.engine.replica().last_zxid(), before);
    assert!(bench.engine.replica().tree().node("/late").is_none());
}

#[test]
fn every_request_is_a_sign_of_life_but_not_those_for_authentication() {
    for (op, alive) in [
        (OpCode::Ping, true),
        (OpCode::Exists, true),
        (OpCode::WhoAmI, true),
        (OpCode::Auth, false),
        (OpCode::Sasl, false),
    ] {
        let mut bench = Bench::new();
        let session = bench.session();
        bench.pass(9000);
        bench.send(session.conn, 1, op, &exists("/", false));
        bench.pass(9000);
        let lives = bench.engine.replica().has_session(session.id);
        assert_eq!(lives, alive, "{op:?}");
    }
}

#[test]
fn a_renewal_is_a_sign_of_life_with_the_timeout_it_asked_for() {
    let mut bench = Bench::new();
    let session = bench.session();
    bench.pass(9000);
    let conn = bench.open();
    let request = ConnectRequest { timeout: 4000, ..renewal(&session) };
    assert_eq!(bench.connect(conn, &request).unwrap().timeout, 4000);
    bench.pass(4999);
    assert!(bench.engine.replica().has_session(session.id));
    bench.pass(1);
    assert!(!bench.engine.replica().has_session(session.id));
}

#[test]
fn a_session_outlives_its_connection_until_its_timeout() {
    let mut bench = Bench::new();
    let session = bench.session();
    bench.create(session.conn, "/e", 1);
    bench.engine.handle_closed(session.conn);
    bench.pass(11_999);
    assert!(bench.engine.replica().tree().node("/e").is_some());
    bench.pass(1);
    assert!(bench.engine.replica().tree().node("/e").is_none());
    assert_eq!(bench.outputs(), []);
}

#[test]
fn closing_a_session_is_answered_with_a_zxid_of_its_own_and_then_the_connection_ends() {
    let mut bench = Bench::new();
    let (session, watcher) = (bench.session(), bench.session());
    bench.create(session.conn, "/e", 1);
    let _ = bench.call(watcher.conn, OpCode::Exists, &exists("/e", true));
    bench.send(session.conn, 7, OpCode::CloseSession, &NoBody {});
    bench.send(session.conn, 8, OpCode::Exists, &exists("/", false));
    let outputs = bench.outputs();
    let of = |conn| -> Vec<Seen> {
        outputs.iter().filter(|(to, _)| *to == conn).map(|(_, seen)| seen.clone()).collect()
    };
    let own = of(session.conn);
    assert_eq!(own.len(), 2, "what comes behind the close is dropped");
    let expected = ReplyHeader { xid: Xid(7), zxid: Zxid(4), err: ErrorCode::Ok };
    assert_eq!((header(&own[0]), &own[1]), (expected, &Seen::Closed));
    let told = of(watcher.conn);
    assert_eq!(event(&told[0]), (Zxid(4), EventType::NodeDeleted, "/e".to_owned()));
    bench.pass(60_000);
    assert_eq!(bench.engine.replica().session_count(), 0);
    assert_eq!(bench.engine.replica().last_zxid(), Zxid(5), "it must not expire as well");
}

#[test]
fn the_ephemeral_nodes_of_an_expired_session_go_with_one_zxid() {
    let mut bench = Bench::new();
    let (owner, watcher) = (bench.session(), bench.session());
    for path in ["/x", "/y"] {
        bench.create(owner.conn, path, 1);
        let _ = bench.call(watcher.conn, OpCode::Exists, &exists(path, true));
    }
    assert!(bench.engine.expire_session(owner.id, bench.now));
    let events = bench.events(watcher.conn);
    let deleted = |path: &str| (Zxid(5), EventType::NodeDeleted, path.to_owned());
    assert_eq!(events, [deleted("/x"), deleted("/y")]);
}

#[test]
fn sessions_that_end_in_the_same_tick_end_one_after_the_other() {
    let mut bench = Bench::new();
    let sessions = [bench.session(), bench.session(), bench.session()];
    bench.pass(60_000);
    assert_eq!(bench.outputs().len(), sessions.len());
    assert_eq!(bench.engine.replica().last_zxid(), Zxid(6));
    assert_eq!(bench.engine.next_deadline(), None);
}

#[test]
fn closing_all_connections_keeps_the_sessions() {
    let mut bench = Bench::new();
    let (one, two) = (bench.session(), bench.session());
    bench.engine.close_all();
    assert_eq!(bench.outputs(), [(one.conn, Seen::Closed), (two.conn, Seen::Closed)]);
    assert_eq!(bench.engine.replica().session_count(), 2);
}
