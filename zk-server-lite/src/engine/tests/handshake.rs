//! The first frame of a connection.

use super::*;

#[test]
fn a_timeout_is_clamped_to_the_servers_limits() {
    for (asked, granted) in
        [(10_000, 10_000), (0, 4000), (-1, 4000), (3999, 4000), (i32::MAX, 40_000)]
    {
        let mut bench = Bench::new();
        let conn = bench.open();
        let request = ConnectRequest { timeout: asked, ..new_session() };
        assert_eq!(bench.connect(conn, &request).unwrap().timeout, granted, "{asked}");
    }
}

#[test]
fn read_only_is_answered_only_to_those_who_sent_it() {
    for (sent, expected) in [(None, None), (Some(true), Some(false)), (Some(false), Some(false))] {
        let mut bench = Bench::new();
        let conn = bench.open();
        let request = ConnectRequest { read_only: sent, ..new_session() };
        assert_eq!(bench.connect(conn, &request).unwrap().read_only, expected);
    }
}

#[test]
fn a_new_session_takes_a_zxid_and_whatever_password() {
    let mut bench = Bench::new();
    let mut out = BytesMut::new();
    new_session().encode(&mut out);
    // The password, at the end before one byte for read-only, becomes null.
    out.truncate(24);
    out.extend_from_slice(&[0xff; 4]);
    let conn = bench.open();
    bench.engine.handle_frame(conn, out.freeze(), bench.now);
    assert!(matches!(bench.seen(conn)[..], [Seen::Frame(_)]));
    assert_eq!(bench.engine.replica().last_zxid(), Zxid(1));
}

#[test]
fn a_client_that_is_ahead_is_hung_up_on_and_its_session_left_alone() {
    let mut bench = Bench::new();
    let session = bench.session();
    let conn = bench.open();
    let ahead = ConnectRequest { last_zxid_seen: Zxid(2), ..renewal(&session) };
    bench.frame(conn, &ahead);
    assert_eq!(bench.outputs(), [(conn, Seen::Closed)]);
    assert_eq!(bench.code(session.conn, OpCode::Ping, &NoBody {}), ErrorCode::Ok);
}

#[test]
fn a_session_is_taken_over_by_id_and_password_and_the_old_connection_is_closed_first() {
    let mut bench = Bench::new();
    let old = bench.session();
    bench.create(old.conn, "/e", 1);
    let _ = bench.call(old.conn, OpCode::GetData, &get_data("/e", true));
    let conn = bench.open();
    bench.frame(conn, &renewal(&old));
    let outputs = bench.outputs();
    assert_eq!(outputs.len(), 2);
    assert_eq!(outputs[0], (old.conn, Seen::Closed));
    let (to, Seen::Frame(frame)) = outputs[1].clone() else { panic!("{outputs:?}") };
    let response = ConnectResponse::decode(&mut Reader::new(frame)).unwrap();
    assert_eq!((to, response.session_id, response.passwd), (conn, old.id, old.password));
    assert_eq!(bench.code(conn, OpCode::Exists, &exists("/e", false)), ErrorCode::Ok);
    assert_eq!(bench.engine.watch_count(), 0, "watches belong to the connection");
}

#[test]
fn a_wrong_password_kicks_the_rightful_connection_and_gets_nothing() {
    let mut bench = Bench::new();
    let rightful = bench.session();
    let conn = bench.open();
    let wrong = ConnectRequest { passwd: Password::new([9; 16]), ..renewal(&rightful) };
    bench.frame(conn, &wrong);
    let outputs = bench.outputs();
    assert_eq!(outputs[0], (rightful.conn, Seen::Closed));
    let (_, Seen::Frame(frame)) = outputs[1].clone() else { panic!("{outputs:?}") };
    let response = ConnectResponse::decode(&mut Reader::new(frame)).unwrap();
    let expected = ConnectResponse { read_only: Some(false), ..ConnectResponse::default() };
    assert_eq!(response, expected);
    assert_eq!(outputs[2], (conn, Seen::Closed));

    let again = bench.open();
    let response = bench.connect(again, &renewal(&rightful)).unwrap();
    assert_eq!(response.session_id, rightful.id);
}

#[test]
fn a_session_may_be_renewed_on_the_connection_of_another() {
    let mut bench = Bench::new();
    let (one, two) = (bench.session(), bench.session());
    bench.engine.handle_closed(one.conn);
    let conn = bench.open();
    assert_eq!(bench.connect(conn, &renewal(&one)).unwrap().session_id, one.id);
    assert_eq!(bench.code(two.conn, OpCode::Ping, &NoBody {}), ErrorCode::Ok);
}

#[test]
fn an_expired_session_is_refused() {
    let mut bench = Bench::new();
    let session = bench.session();
    bench.pass(12_000);
    assert_eq!(bench.outputs(), [(session.conn, Seen::Closed)]);
    let conn = bench.open();
    let response = bench.connect(conn, &renewal(&session)).unwrap();
    assert_eq!((response.timeout, response.session_id), (0, SessionId::NONE));
}

#[test]
fn what_is_no_connect_request_is_hung_up_on() {
    for garbage in [&b""[..], b"abc", &[0; 8], &[0xee; 44], b"GET / HTTP/1.1\r\n\r\n"] {
        let mut bench = Bench::new();
        let conn = bench.open();
        bench.engine.handle_frame(conn, Bytes::copy_from_slice(garbage), bench.now);
        assert_eq!(bench.outputs(), [(conn, Seen::Closed)], "{garbage:?}");
        assert_eq!(bench.engine.connection_count(), 0);
    }
}

#[test]
fn requests_may_follow_the_connect_request_at_once() {
    let mut bench = Bench::new();
    let conn = bench.open();
    bench.frame(conn, &new_session());
    bench.send(conn, 1, OpCode::Create, &create("/a", 0));
    let seen = bench.seen(conn);
    assert_eq!(seen.len(), 2);
    assert_eq!(header(&seen[1]).zxid, Zxid(2));
}

#[test]
fn who_does_not_say_who_it_is_within_ten_seconds_is_hung_up_on() {
    let mut bench = Bench::new();
    let silent = bench.open();
    bench.pass(1000);
    let talks = bench.session();
    bench.pass(8999);
    assert_eq!(bench.outputs(), []);
    bench.pass(1);
    assert_eq!(bench.outputs(), [(silent, Seen::Closed)]);
    let _ = bench.call(talks.conn, OpCode::Ping, &NoBody {});
}
