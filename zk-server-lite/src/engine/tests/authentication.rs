//! Who a client says it is, and what that lets it do.

use zk_proto::message::{AuthPacket, GetSaslRequest, Secret, SetAclRequest, SetSaslResponse};
use zk_proto::{Permissions, data::Id};

use super::*;

fn auth(scheme: &str, word: &str) -> AuthPacket {
    let auth = Secret(Some(Bytes::copy_from_slice(word.as_bytes())));
    AuthPacket { auth_type: 0, scheme: scheme.into(), auth }
}

/// Lets nobody but bob, who has the password `secret`, do anything with a node.
fn for_bob_only(path: &str) -> SetAclRequest {
    let acl = Some(vec![Acl::new(Permissions::ALL, Id::digest("bob", "secret"))]);
    SetAclRequest { path: path.into(), acl, version: Version::ANY }
}

#[test]
fn an_identity_is_answered_with_zxid_0_and_its_own_xid() {
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    bench.create(conn, "/a", 0);
    for xid in [-4, 7] {
        bench.send(conn, xid, OpCode::Auth, &auth("digest", "bob:secret"));
        let seen = bench.seen(conn);
        let expected = ReplyHeader { xid: Xid(xid), zxid: Zxid::ZERO, err: ErrorCode::Ok };
        assert_eq!((seen.len(), header(&seen[0])), (1, expected));
    }
}

#[test]
fn a_failure_is_answered_and_ends_the_connection_but_not_the_session() {
    let mut null_scheme = BytesMut::new();
    auth("digest", "bob:secret").encode(&mut null_scheme);
    null_scheme[4..8].copy_from_slice(&(-1_i32).to_be_bytes());
    for (name, packet) in [
        ("unknown", encoded(&auth("nope", "bob:secret"))),
        ("super", encoded(&auth("super", ""))),
        ("null word", encoded(&AuthPacket { auth: Secret(None), ..auth("digest", "") })),
        ("null scheme", null_scheme.freeze()),
    ] {
        let mut bench = Bench::new();
        let session = bench.session();
        bench.send(session.conn, -4, OpCode::Auth, &Verbatim(packet));
        // What was sent behind it is not looked at.
        bench.send(session.conn, 1, OpCode::Create, &create("/lost", 0));
        let seen = bench.seen(session.conn);
        assert_eq!((seen.len(), &seen[1]), (2, &Seen::Closed), "{name}");
        let expected = ReplyHeader { xid: Xid(-4), zxid: Zxid::ZERO, err: ErrorCode::AuthFailed };
        assert_eq!(header(&seen[0]), expected, "{name}");
        assert!(bench.engine.replica().has_session(session.id));
        assert!(bench.engine.replica().tree().node("/lost").is_none());
    }
}

#[test]
fn a_packet_that_cannot_be_read_ends_the_connection_without_a_word() {
    let null = (-1_i32).to_be_bytes();
    for (op, body) in [(OpCode::Auth, &[0, 0][..]), (OpCode::Sasl, &[0, 0]), (OpCode::Sasl, &null)]
    {
        let mut bench = Bench::new();
        let session = bench.session();
        bench.send(session.conn, -4, op, &Verbatim(Bytes::copy_from_slice(body)));
        assert_eq!(bench.seen(session.conn), [Seen::Closed]);
        assert!(bench.engine.replica().has_session(session.id));
    }
}

#[test]
fn sasl_is_answered_without_a_token() {
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    bench.create(conn, "/a", 0);
    let token = Secret(Some(Bytes::new()));
    let (header, mut body) = bench.call(conn, OpCode::Sasl, &GetSaslRequest { token });
    assert_eq!((header.err, header.zxid), (ErrorCode::Ok, Zxid::ZERO));
    assert_eq!(SetSaslResponse::decode(&mut body).unwrap().token, Secret(None));
}

#[test]
fn neither_auth_nor_sasl_keeps_a_session_alive() {
    let mut bench = Bench::new();
    for (op, alive) in [(OpCode::Auth, false), (OpCode::Sasl, false), (OpCode::Exists, true)] {
        let session = bench.session();
        for _ in 0..10 {
            bench.pass(TICK);
            match op {
                OpCode::Auth => bench.send(session.conn, -4, op, &auth("digest", "bob:secret")),
                OpCode::Sasl => {
                    let token = Secret(Some(Bytes::new()));
                    bench.send(session.conn, 1, op, &GetSaslRequest { token });
                }
                _ => bench.send(session.conn, 1, op, &exists("/", false)),
            }
        }
        assert_eq!(bench.engine.replica().has_session(session.id), alive, "{op:?}");
        let _ = bench.outputs();
    }
}

#[test]
fn a_request_has_the_identities_that_were_shown_before_it_came() {
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    bench.create(conn, "/a", 0);
    assert_eq!(bench.code(conn, OpCode::SetAcl, &for_bob_only("/a")), ErrorCode::Ok);
    bench.send(conn, 1, OpCode::GetData, &get_data("/a", false));
    bench.send(conn, -4, OpCode::Auth, &auth("digest", "bob:secret"));
    bench.send(conn, 2, OpCode::GetData, &get_data("/a", false));
    let seen: Vec<_> = bench.seen(conn).iter().map(header).map(|header| header.err).collect();
    assert_eq!(seen, [ErrorCode::NoAuth, ErrorCode::Ok, ErrorCode::Ok]);
}

#[test]
fn what_is_sent_right_behind_a_set_acl_is_checked_with_the_new_list() {
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    bench.create(conn, "/a", 0);
    bench.send(conn, 1, OpCode::SetAcl, &for_bob_only("/a"));
    bench.send(conn, 2, OpCode::SetData, &set_data("/a"));
    bench.send(conn, 3, OpCode::GetData, &get_data("/a", false));
    let seen: Vec<_> = bench.seen(conn).iter().map(header).map(|header| header.err).collect();
    assert_eq!(seen, [ErrorCode::Ok, ErrorCode::NoAuth, ErrorCode::NoAuth]);
}

#[test]
fn an_identity_belongs_to_the_connection_and_not_to_the_session() {
    let mut bench = Bench::new();
    let session = bench.session();
    bench.create(session.conn, "/a", 0);
    let _ = bench.call(session.conn, OpCode::Auth, &auth("digest", "bob:secret"));
    assert_eq!(bench.code(session.conn, OpCode::SetAcl, &for_bob_only("/a")), ErrorCode::Ok);
    assert_eq!(bench.code(session.conn, OpCode::GetData, &get_data("/a", false)), ErrorCode::Ok);
    let conn = bench.open();
    bench.connect(conn, &renewal(&session)).unwrap();
    let _ = bench.outputs();
    assert_eq!(bench.code(conn, OpCode::GetData, &get_data("/a", false)), ErrorCode::NoAuth);
}

#[test]
fn who_may_not_read_hears_nothing_and_has_no_watch_any_more() {
    let mut bench = Bench::new();
    let (writer, bob, other) = (bench.session().conn, bench.session().conn, bench.session().conn);
    for conn in [writer, bob] {
        let _ = bench.call(conn, OpCode::Auth, &auth("digest", "bob:secret"));
    }
    bench.create(writer, "/a", 0);
    for conn in [bob, other] {
        assert_eq!(bench.code(conn, OpCode::GetData, &get_data("/a", true)), ErrorCode::Ok);
        assert_eq!(bench.code(conn, OpCode::GetChildren, &get_children("/a", true)), ErrorCode::Ok);
    }
    assert_eq!(bench.code(writer, OpCode::SetAcl, &for_bob_only("/a")), ErrorCode::Ok);
    assert_eq!(bench.engine.watch_count(), 4);
    bench.send(writer, 1, OpCode::SetData, &set_data("/a"));
    let told = |outputs: Vec<(ConnId, Seen)>| {
        let others = outputs.into_iter().filter(|(conn, _)| *conn != writer);
        others.map(|(conn, seen)| (conn, event(&seen).1)).collect::<Vec<_>>()
    };
    assert_eq!(told(bench.outputs()), [(bob, EventType::NodeDataChanged)]);
    assert_eq!(bench.engine.watch_count(), 2);
    // The child is anybody's, but its parent is not.
    bench.send(writer, 1, OpCode::Create, &create("/a/b", 0));
    assert_eq!(told(bench.outputs()), [(bob, EventType::NodeChildrenChanged)]);
    assert_eq!(bench.engine.watch_count(), 0);
}

#[test]
fn what_counts_for_an_event_is_what_was_shown_until_it_happens() {
    let mut bench = Bench::new();
    let (writer, watcher) = (bench.session().conn, bench.session().conn);
    bench.create(writer, "/a", 0);
    let _ = bench.call(watcher, OpCode::Exists, &exists("/a", true));
    let _ = bench.call(writer, OpCode::SetAcl, &for_bob_only("/a"));
    let _ = bench.call(watcher, OpCode::Auth, &auth("digest", "bob:secret"));
    bench.send(writer, 1, OpCode::Delete, &delete("/a"));
    let expected = (Zxid(5), EventType::NodeDeleted, "/a".to_owned());
    assert_eq!(bench.events(watcher), [expected]);
}

fn encoded(message: &impl Encode) -> Bytes {
    let mut out = BytesMut::new();
    message.encode(&mut out);
    out.freeze()
}

#[test]
fn a_server_that_skips_access_lists_stores_them_and_refuses_nothing() {
    let mut bench = Bench::with(|options| options.skip_acl = true);
    let conn = bench.session().conn;
    bench.create(conn, "/a", 0);
    for _ in 0..2 {
        assert_eq!(bench.code(conn, OpCode::SetAcl, &for_bob_only("/a")), ErrorCode::Ok);
    }
    assert_eq!(bench.code(conn, OpCode::SetData, &set_data("/a")), ErrorCode::Ok);
    let stored = bench.engine.replica().tree().node("/a").unwrap().acl().to_vec();
    assert_eq!(Some(stored), for_bob_only("/a").acl);
}
