use std::time::Duration;

use bytes::{Bytes, BytesMut};
use zk_proto::message::{AuthPacket, GetDataResponse, GetSaslRequest, NoBody, Secret};
use zk_proto::message::{ReplyHeader, SetSaslResponse};
use zk_proto::op::Request;
use zk_proto::sasl::{Directives, Proof, UserKey};
use zk_proto::{AddWatchMode, Encode, ErrorCode, OpCode, Xid, Zxid};

use super::fixture::{DEADLINE, Desk, ID, T, create, get, watched_get};
use crate::auth_failure::AuthFailure;
use crate::sasl::DigestMd5;
use crate::session::End;
use crate::session::output::Timer;

const CHALLENGE: &str = r#"realm="zk-sasl-md5",nonce="n",charset=utf-8,algorithm=md5-sess"#;

/// What a server does to the question of that number.
type Way<'a> = &'a dyn Fn(&mut Desk, i32);

impl Desk {
    fn with_sasl() -> Self {
        let mut desk = Self::new();
        desk.session.use_sasl(DigestMd5::new("bob", "secret"), [7; 16]);
        desk
    }

    /// The one question that was written, and its number.
    fn token(&mut self) -> (i32, Bytes) {
        let sent = self.sent();
        match &sent[..] {
            [(xid, Request::Sasl(GetSaslRequest { token: Secret(Some(token)) }))] => {
                (xid.0, token.clone())
            }
            other => panic!("not a token: {other:?}"),
        }
    }

    fn answer(&mut self, xid: i32, token: Option<&str>) {
        let token = Secret(token.map(|token| Bytes::copy_from_slice(token.as_bytes())));
        self.reply_at(0, xid, ErrorCode::Ok, &SetSaslResponse { token });
    }

    /// Answers as a server that refuses, with a body that holds nothing.
    fn refuse_sasl(&mut self, xid: i32, err: ErrorCode) {
        self.receive(|out| {
            ReplyHeader { xid: Xid(xid), zxid: Zxid::ZERO, err }.encode(out);
            SetSaslResponse::default().encode(out);
        });
    }

    /// Shakes hands and lets SASL succeed, step by step.
    fn connect_with_sasl(&mut self) {
        self.shake_hands();
        self.grant(ID, T);
        let (xid, token) = self.token();
        assert_eq!(token, "");
        self.answer(xid, Some(CHALLENGE));
        let (xid, token) = self.token();
        self.answer(xid, Some(&rspauth(&token)));
    }
}

/// The last word of a server that knows the password.
fn rspauth(token: &[u8]) -> String {
    let response = Directives::parse(token).unwrap();
    let part = |name| response.required(name).unwrap();
    let key = UserKey::new("bob", "zk-sasl-md5", "secret");
    let proof = Proof::new(&key, part("nonce"), part("cnonce"), part("digest-uri"));
    assert!(proof.is_response(part("response")));
    assert_eq!(part("username"), b"bob");
    format!("rspauth={}", proof.rspauth())
}

#[test]
fn nothing_is_sent_and_nobody_is_told_before_both_sides_are_proven() {
    let mut desk = Desk::with_sasl();
    desk.submit("a", create("/a"));
    let auth = Secret(Some(Bytes::from_static(b"eve:pw")));
    let packet = AuthPacket { auth_type: 0, scheme: "digest".into(), auth };
    assert_eq!(desk.session.add_auth(desk.now, packet, None), Ok(()));
    desk.shake_hands();
    desk.grant(ID, T);
    desk.submit("b", get("/a"));
    let (first, token) = desk.token();
    assert_eq!((first, token.len()), (1, 0));
    desk.answer(first, Some(CHALLENGE));
    desk.submit("c", get("/a"));
    let (second, token) = desk.token();
    assert_eq!(second, 2);
    assert_eq!(desk.outputs(), [] as [&str; 0]);
    desk.answer(second, Some(&rspauth(&token)));
    let sent = desk.sent();
    let ops: Vec<_> = sent.iter().map(|(xid, request)| (xid.0, request.op_code())).collect();
    let expected = [
        (Xid::AUTH.0, OpCode::Auth),
        (3, OpCode::Create2),
        (4, OpCode::GetData),
        (5, OpCode::GetData),
    ];
    assert_eq!(ops, expected);
    desk.reply(Xid::AUTH.0, &NoBody {});
    assert_eq!(desk.outputs(), ["connected"]);
}

#[test]
fn every_connection_begins_with_it_and_no_nonce_comes_twice() {
    let mut desk = Desk::with_sasl();
    let mut tokens = Vec::new();
    for connected in ["connected", "reconnected", "reconnected"] {
        desk.shake_hands();
        desk.grant(ID, T);
        let (xid, _) = desk.token();
        desk.answer(xid, Some(CHALLENGE));
        let (xid, token) = desk.token();
        desk.answer(xid, Some(&rspauth(&token)));
        tokens.push(token);
        assert_eq!(desk.outputs().last().unwrap(), connected);
        desk.taken();
        desk.disconnect();
    }
    assert!(tokens[0] != tokens[1] && tokens[1] != tokens[2] && tokens[0] != tokens[2]);
}

#[test]
fn watches_are_set_again_behind_it() {
    let mut desk = Desk::with_sasl();
    desk.connect_with_sasl();
    desk.watch("w", watched_get("/a"));
    desk.subscribe("s", "/b", AddWatchMode::Persistent);
    let xids: Vec<_> = desk.sent().into_iter().map(|(xid, _)| xid.0).collect();
    desk.reply(xids[0], &GetDataResponse::default());
    desk.reply(xids[1], &NoBody {});
    desk.disconnect();
    desk.outputs();
    desk.connect_with_sasl();
    assert_eq!(desk.sent_ops(), [OpCode::SetWatches2]);
}

#[test]
fn each_way_to_fail_is_the_end_and_says_why() {
    let wrong = "rspauth=00000000000000000000000000000000";
    let first: [(Way<'_>, AuthFailure); 5] = [
        (&|desk, xid| desk.answer(xid, None), AuthFailure::SaslNotConfigured),
        (&|desk, xid| desk.refuse_sasl(xid, ErrorCode::AuthFailed), AuthFailure::SaslNotBegun),
        (
            &|desk, xid| desk.refuse_sasl(xid, ErrorCode::SessionClosedRequireSaslAuth),
            AuthFailure::SaslNotBegun,
        ),
        (&|desk, xid| desk.answer(xid, Some("")), AuthFailure::SaslChallenge),
        (&|desk, xid| desk.answer(xid, Some(wrong)), AuthFailure::SaslChallenge),
    ];
    let second: [(Way<'_>, AuthFailure); 5] = [
        (&|desk, xid| desk.answer(xid, None), AuthFailure::SaslRefused),
        (&|desk, xid| desk.refuse_sasl(xid, ErrorCode::AuthFailed), AuthFailure::SaslRefused),
        (
            &|desk, xid| desk.refuse_sasl(xid, ErrorCode::SessionClosedRequireSaslAuth),
            AuthFailure::SaslRefused,
        ),
        (&|desk, xid| desk.answer(xid, Some("")), AuthFailure::SaslServer),
        (&|desk, xid| desk.answer(xid, Some(wrong)), AuthFailure::SaslServer),
    ];
    for (step, ways) in [first, second].into_iter().enumerate() {
        for (way, reason) in ways {
            let mut desk = Desk::with_sasl();
            desk.submit("write", create("/a"));
            desk.shake_hands();
            desk.grant(ID, T);
            let (mut xid, _) = desk.token();
            if step == 1 {
                desk.answer(xid, Some(CHALLENGE));
                xid = desk.token().0;
            }
            way(&mut desk, xid);
            let failed = format!("write: AuthFailed({reason:?})");
            assert_eq!(desk.outputs(), ["hang up", &failed, "auth failed"]);
            assert_eq!(desk.session.ended(), Some(End::AuthFailed(reason)));
        }
    }
}

#[test]
fn a_mute_server_is_given_up_and_the_next_one_asked_from_the_start() {
    let mut desk = Desk::with_sasl();
    for steps in 0..2 {
        desk.shake_hands();
        desk.grant(ID, T);
        let (xid, token) = desk.token();
        assert_eq!(token, "");
        if steps == 1 {
            desk.answer(xid, Some(CHALLENGE));
            desk.taken();
        }
        let (due, why) = desk.due().unwrap();
        assert_eq!((due, why), (T * 2 / 3, Timer::Attempt));
        assert_eq!(desk.after(due), ["hang up"]);
    }
    desk.connect_with_sasl();
    assert_eq!(desk.outputs().last().unwrap(), "connected");
}

#[test]
fn no_time_is_won_by_it_for_the_first_sign_of_life() {
    let mut desk = Desk::with_sasl();
    desk.shake_hands();
    desk.grant(ID, T);
    let (xid, _) = desk.token();
    desk.answer(xid, Some(CHALLENGE));
    let (xid, token) = desk.token();
    desk.now += T / 4;
    desk.answer(xid, Some(&rspauth(&token)));
    desk.outputs();
    assert_eq!(desk.due(), Some((T / 3 - T / 4, Timer::Heartbeat)));
}

#[test]
fn requests_wait_no_longer_than_ever_and_a_close_waits_for_the_end() {
    let mut desk = Desk::with_sasl();
    desk.shake_hands();
    desk.grant(ID, T);
    let (xid, _) = desk.token();
    desk.submit("read", get("/a"));
    assert_eq!(desk.after(DEADLINE), ["read: Timeout(NotSent)"]);
    desk.close("close");
    desk.answer(xid, Some(CHALLENGE));
    let (xid, token) = desk.token();
    desk.answer(xid, Some(&rspauth(&token)));
    assert_eq!(desk.sent_ops(), [OpCode::CloseSession]);
    assert_eq!(desk.outputs(), ["connected"]);
    desk.reply(3, &NoBody {});
    assert_eq!(desk.outputs(), ["close: ok", "hang up", "closed"]);
}

#[test]
fn what_answers_no_question_ends_the_connection_only() {
    for xid in [0, 2, Xid::PING.0, Xid::AUTH.0, Xid::NOTIFICATION.0] {
        let mut desk = Desk::with_sasl();
        desk.shake_hands();
        desk.grant(ID, T);
        desk.token();
        desk.answer(xid, Some(CHALLENGE));
        assert_eq!(desk.outputs(), ["hang up"], "{xid}");
        assert_eq!(desk.session.ended(), None);
    }
    let mut desk = Desk::with_sasl();
    desk.shake_hands();
    desk.grant(ID, T);
    desk.token();
    let mut short = BytesMut::new();
    ReplyHeader { xid: Xid(1), zxid: Zxid::ZERO, err: ErrorCode::Ok }.encode(&mut short);
    desk.receive(|out| out.extend_from_slice(&short));
    assert_eq!(desk.outputs(), ["hang up"]);
    desk.now += Duration::from_millis(1);
    desk.connect_with_sasl();
    assert_eq!(desk.outputs().last().unwrap(), "connected");
}

#[test]
fn neither_password_nor_nonces_to_come_are_shown() {
    let desk = Desk::with_sasl();
    let shown = format!("{:?}", desk.session);
    assert!(shown.contains("bob") && !shown.contains("secret"), "{shown}");
    assert!(!shown.contains("7, 7"), "{shown}");
}
