//! The packets that say who a client is, and what becomes of the connection.

use bytes::Bytes;
use zk_client::{ErrorCode, Zxid};
use zk_proto::message::{AuthPacket, GetSaslRequest, Secret, SetSaslResponse};
use zk_proto::op::Request;
use zk_proto::{Encode, OpCode, Xid};
use zk_test_kit::TestServer;
use zk_test_kit::request::{get, ping};
use zk_test_kit::server::SESSION_TIMEOUT;

use super::{auth, code, create_with, known_as, knows, who_am_i};

zk_test_kit::cases![
    an_identity_is_answered_with_zxid_0_and_the_xid_it_was_sent_with,
    a_failure_ends_the_connection_and_not_the_session,
    a_packet_that_cannot_be_read_ends_the_connection,
    whatever_has_no_colon_is_an_identity_too,
    the_type_of_the_packet_is_ignored,
    the_address_may_be_told_and_is_known_already,
    an_identity_goes_with_its_connection,
    a_request_has_the_identities_that_were_told_before_it,
    identities_add_up,
    sasl_is_answered_without_a_token_where_it_is_not_configured,
];

async fn an_identity_is_answered_with_zxid_0_and_the_xid_it_was_sent_with(server: &TestServer) {
    let mut raw = server.raw_session().await;
    for xid in [-4, 77] {
        let reply = raw.ask(xid, &auth("digest", "bob:secret")).await;
        let header = reply.header;
        assert_eq!((header.xid, header.zxid, header.err), (Xid(xid), Zxid(0), ErrorCode::Ok));
        assert!(reply.body.is_empty());
    }
}

async fn a_failure_ends_the_connection_and_not_the_session(server: &TestServer) {
    let null_word = AuthPacket { auth_type: 0, scheme: "digest".into(), auth: Secret(None) };
    let mut packets = vec![Request::Auth(null_word)];
    packets
        .extend(["world", "auth", "super", "nobody", "", "Digest"].map(|s| auth(s, "bob:secret")));
    for packet in packets {
        let mut raw = server.raw().await;
        let granted = raw.open_session(SESSION_TIMEOUT).await;
        let reply = raw.ask(-4, &packet).await;
        let header = reply.header;
        assert_eq!((header.xid, header.zxid), (Xid(-4), Zxid(0)), "{packet:?}");
        assert_eq!(header.err, ErrorCode::AuthFailed, "{packet:?}");
        assert!(reply.body.is_empty());
        assert!(raw.is_hung_up_on().await, "{packet:?}");
        assert!(server.resumes(&granted).await, "{packet:?}");
    }
}

async fn a_packet_that_cannot_be_read_ends_the_connection(server: &TestServer) {
    let null = (-1_i32).to_be_bytes();
    for (op, body) in [(OpCode::Auth, &[0, 0][..]), (OpCode::Sasl, &[0, 0]), (OpCode::Sasl, &null)]
    {
        let mut raw = server.raw().await;
        let granted = raw.open_session(SESSION_TIMEOUT).await;
        raw.send_odd(-4, op.code(), body).await;
        assert!(raw.is_hung_up_on().await, "{op:?}");
        assert!(server.resumes(&granted).await, "{op:?}");
    }
    // A scheme that is null is one that nobody knows.
    let mut raw = server.raw_session().await;
    let mut body = bytes::BytesMut::new();
    auth("digest", "bob:secret").encode(&mut body);
    let rest = body.split_off(4 + 4 + "digest".len());
    body.truncate(4);
    body.extend_from_slice(&(-1_i32).to_be_bytes());
    body.unsplit(rest);
    raw.send_odd(-4, OpCode::Auth.code(), &body).await;
    assert_eq!(raw.reply().await.unwrap().header.err, ErrorCode::AuthFailed);
    assert!(raw.is_hung_up_on().await);
}

async fn whatever_has_no_colon_is_an_identity_too(server: &TestServer) {
    let mut raw = known_as(server, &["bob", ""]).await;
    let users: Vec<_> = who_am_i(&mut raw).await.into_iter().map(|(_, user)| user).collect();
    assert!(users.contains(&"bob".to_owned()) && users.contains(&String::new()), "{users:?}");
    let path = server.path("/bobs");
    raw.succeed(&create_with(&path, vec![knows(31, "bob")])).await;
    assert_eq!(code(&mut raw, &get(&path)).await, ErrorCode::Ok);
    let mut other = known_as(server, &["bob:"]).await;
    assert_eq!(code(&mut other, &get(&path)).await, ErrorCode::NoAuth);
}

async fn the_type_of_the_packet_is_ignored(server: &TestServer) {
    let mut raw = server.raw_session().await;
    for auth_type in [1, -1, i32::MAX] {
        let word = Secret(Some(Bytes::from_static(b"bob:secret")));
        let packet = AuthPacket { auth_type, scheme: "digest".into(), auth: word };
        raw.succeed(&Request::Auth(packet)).await;
    }
}

async fn the_address_may_be_told_and_is_known_already(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let before = who_am_i(&mut raw).await;
    raw.succeed(&auth("ip", "10.11.12.13")).await;
    assert_eq!(who_am_i(&mut raw).await, before);
}

async fn an_identity_goes_with_its_connection(server: &TestServer) {
    let mut old = server.raw().await;
    let session = old.open_session(SESSION_TIMEOUT).await;
    old.succeed(&auth("digest", "bob:secret")).await;
    let path = server.path("/bobs");
    old.succeed(&create_with(&path, vec![knows(31, "bob:secret")])).await;
    old.succeed(&get(&path)).await;
    let mut new = server.raw().await;
    let (id, password) = (session.session_id, session.passwd);
    let resumed = new.resume_session(SESSION_TIMEOUT, id, password).await.unwrap();
    assert_eq!(resumed.session_id, id);
    assert_eq!(code(&mut new, &get(&path)).await, ErrorCode::NoAuth);
    new.succeed(&auth("digest", "bob:secret")).await;
    assert_eq!(code(&mut new, &get(&path)).await, ErrorCode::Ok);
}

async fn a_request_has_the_identities_that_were_told_before_it(server: &TestServer) {
    let path = server.path("/bobs");
    known_as(server, &[]).await.succeed(&create_with(&path, vec![knows(31, "bob:secret")])).await;
    let mut raw = server.raw_session().await;
    raw.send_all(&[(1, get(&path)), (-4, auth("digest", "bob:secret")), (2, get(&path))]).await;
    // The reply in the middle may overtake.
    let mut codes = Vec::new();
    for _ in 0..3 {
        let header = raw.reply().await.unwrap().header;
        codes.push((header.xid.0, header.err));
    }
    codes.sort_by_key(|(xid, _)| *xid);
    assert_eq!(codes, [(-4, ErrorCode::Ok), (1, ErrorCode::NoAuth), (2, ErrorCode::Ok)]);
}

async fn identities_add_up(server: &TestServer) {
    let (bobs, anns) = (server.path("/bobs"), server.path("/anns"));
    let mut raw = known_as(server, &["bob:secret", "ann:secret"]).await;
    raw.succeed(&create_with(&bobs, vec![knows(31, "bob:secret")])).await;
    raw.succeed(&create_with(&anns, vec![knows(31, "ann:secret")])).await;
    for path in [&bobs, &anns] {
        assert_eq!(code(&mut raw, &get(path)).await, ErrorCode::Ok);
    }
    let mut bob = known_as(server, &["ann:wrong", "bob:secret"]).await;
    assert_eq!(code(&mut bob, &get(&bobs)).await, ErrorCode::Ok);
    assert_eq!(code(&mut bob, &get(&anns)).await, ErrorCode::NoAuth);
}

async fn sasl_is_answered_without_a_token_where_it_is_not_configured(server: &TestServer) {
    let mut raw = server.raw_session().await;
    for token in [Bytes::new(), Bytes::from_static(b"word")] {
        let token = Some(token);
        let reply = raw.ask(9, &Request::Sasl(GetSaslRequest { token: Secret(token) })).await;
        let header = &reply.header;
        assert_eq!((header.xid, header.zxid, header.err), (Xid(9), Zxid(0), ErrorCode::Ok));
        assert_eq!(reply.decode::<SetSaslResponse>().token, Secret(None));
    }
    raw.succeed(&ping()).await;
}
