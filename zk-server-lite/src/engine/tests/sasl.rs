//! Users of SASL, and clients that have to be somebody.

use zk_proto::message::{GetSaslRequest, Secret, SetSaslResponse};
use zk_proto::sasl::{Directives, Proof, SERVER_NAME, UserKey};
use zk_proto::{Permissions, data::Id};

use super::*;

fn bench(change: impl FnOnce(&mut EngineOptions)) -> Bench {
    Bench::with(|options| {
        options.sasl.add_user("bob", "secret");
        options.sasl.add_user("root", "secret");
        options.sasl.add_super_user("root");
        options.features.sasl = crate::core::SaslScheme::Known;
        change(options);
    })
}

fn required() -> Bench {
    bench(|options| options.enforced_schemes = vec!["sasl".to_owned()])
}

impl Bench {
    fn token(&mut self, conn: ConnId, token: &[u8]) -> Vec<Seen> {
        let token = Secret(Some(Bytes::copy_from_slice(token)));
        self.send(conn, 7, OpCode::Sasl, &GetSaslRequest { token });
        self.seen(conn)
    }

    /// Begins, and returns the answer to the challenge that this password leads to.
    fn prove(&mut self, conn: ConnId, user: &str, password: &str) -> String {
        let (_, token) = answer(&self.token(conn, b"")[0]);
        let challenge = Directives::parse(&token.unwrap()).unwrap();
        let nonce = challenge.required("nonce").unwrap();
        let key = UserKey::new(user, SERVER_NAME, password);
        let proof = Proof::new(&key, nonce, b"c", b"zookeeper/zk-sasl-md5");
        let (nonce, response) = (String::from_utf8_lossy(nonce), proof.response());
        format!(
            "charset=utf-8,username=\"{user}\",realm=\"zk-sasl-md5\",nonce=\"{nonce}\",nc=00000001,\
             cnonce=\"c\",digest-uri=\"zookeeper/zk-sasl-md5\",response={response},qop=auth"
        )
    }

    fn log_in(&mut self, conn: ConnId, user: &str) {
        let proof = self.prove(conn, user, "secret");
        let (header, token) = answer(&self.token(conn, proof.as_bytes())[0]);
        assert_eq!(header.err, ErrorCode::Ok);
        assert!(token.unwrap().starts_with(b"rspauth="));
    }
}

fn answer(seen: &Seen) -> (ReplyHeader, Option<Bytes>) {
    let Seen::Frame(frame) = seen else { panic!("closed instead of a reply") };
    let mut reader = Reader::new(frame.clone());
    let header = ReplyHeader::decode(&mut reader).unwrap();
    assert_eq!((header.xid, header.zxid), (Xid(7), Zxid::ZERO));
    (header, SetSaslResponse::decode(&mut reader).unwrap().token.0)
}

/// A create that lets one user do everything and nobody else anything.
fn create_for(path: &str, scheme: &str, id: &str) -> CreateRequest {
    let id = Id { scheme: Some(scheme.into()), id: Some(id.into()) };
    CreateRequest { acl: Some(vec![Acl::new(Permissions::ALL, id)]), ..create(path, 0) }
}

#[test]
fn who_has_proven_a_password_may_do_what_lists_say_of_the_user() {
    let mut bench = bench(|_| {});
    let [bob, eve] = [(); 2].map(|()| bench.session().conn);
    let create = create_for("/bobs", "sasl", "bob");
    assert_eq!(bench.code(eve, OpCode::Create, &create), ErrorCode::Ok);
    let read = get_data("/bobs", false);
    assert_eq!(bench.code(bob, OpCode::GetData, &read), ErrorCode::NoAuth);
    bench.log_in(bob, "bob");
    assert_eq!(bench.code(bob, OpCode::GetData, &read), ErrorCode::Ok);
    assert_eq!(bench.code(eve, OpCode::GetData, &read), ErrorCode::NoAuth);
    let mine = create_for("/mine", "auth", "");
    assert_eq!(bench.code(bob, OpCode::Create, &mine), ErrorCode::Ok);
    assert_eq!(bench.code(eve, OpCode::Create, &mine), ErrorCode::InvalidAcl);
}

#[test]
fn lists_name_no_users_where_there_are_none() {
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    let create = create_for("/bobs", "sasl", "bob");
    assert_eq!(bench.code(conn, OpCode::Create, &create), ErrorCode::InvalidAcl);
}

#[test]
fn a_super_user_of_sasl_may_do_everything() {
    let mut bench = bench(|_| {});
    let conn = bench.session().conn;
    assert_eq!(bench.code(conn, OpCode::Create, &create_for("/a", "sasl", "bob")), ErrorCode::Ok);
    bench.log_in(conn, "root");
    assert_eq!(bench.code(conn, OpCode::GetData, &get_data("/a", false)), ErrorCode::Ok);
}

#[test]
fn a_failure_is_answered_with_a_null_token_and_ends_the_connection_but_not_the_session() {
    for (mut bench, code) in [
        (bench(|_| {}), ErrorCode::AuthFailed),
        (required(), ErrorCode::SessionClosedRequireSaslAuth),
    ] {
        for (user, password) in [("bob", "wrong"), ("nobody", "secret"), ("bob", "")] {
            let session = bench.session();
            let proof = bench.prove(session.conn, user, password);
            let seen = bench.token(session.conn, proof.as_bytes());
            let (header, token) = answer(&seen[0]);
            assert_eq!((header.err, token), (code, None), "{user}");
            assert_eq!(seen[1..], [Seen::Closed]);
            assert!(bench.engine.replica().has_session(session.id));
        }
    }
}

#[test]
fn a_proof_is_good_for_one_time_and_one_connection() {
    let mut bench = bench(|_| {});
    let [bob, eve] = [(); 2].map(|()| bench.session().conn);
    let proof = bench.prove(bob, "bob", "secret");
    bench.token(eve, b"");
    assert_eq!(answer(&bench.token(eve, proof.as_bytes())[0]).0.err, ErrorCode::AuthFailed);
    assert_eq!(answer(&bench.token(bob, proof.as_bytes())[0]).0.err, ErrorCode::Ok);
    assert_eq!(answer(&bench.token(bob, proof.as_bytes())[0]).0.err, ErrorCode::AuthFailed);
    let conn = bench.session().conn;
    assert_eq!(answer(&bench.token(conn, b"x")[0]).0.err, ErrorCode::AuthFailed);
}

#[test]
fn who_fails_may_stay_as_nobody_where_that_is_allowed_and_sasl_not_demanded() {
    let mut lax = bench(|options| options.sasl.allow_failed = true);
    let conn = lax.session().conn;
    let proof = lax.prove(conn, "bob", "wrong");
    let seen = lax.token(conn, proof.as_bytes());
    let (header, token) = answer(&seen[0]);
    assert_eq!((seen.len(), header.err, token), (1, ErrorCode::Ok, None));
    assert_eq!(lax.code(conn, OpCode::Exists, &exists("/", false)), ErrorCode::Ok);

    let mut strict = bench(|options| {
        options.sasl.allow_failed = true;
        options.enforced_schemes = vec!["sasl".to_owned()];
    });
    let conn = strict.session().conn;
    let proof = strict.prove(conn, "bob", "wrong");
    assert_eq!(strict.token(conn, proof.as_bytes())[1..], [Seen::Closed]);
}

#[test]
fn who_has_to_be_somebody_can_ask_for_nothing_before() {
    for op in [OpCode::Ping, OpCode::Exists, OpCode::CloseSession, OpCode::Create] {
        let mut bench = required();
        let session = bench.session();
        bench.send(session.conn, 5, op, &exists("/", false));
        let seen = bench.seen(session.conn);
        let err = ErrorCode::SessionClosedRequireSaslAuth;
        assert_eq!(header(&seen[0]), ReplyHeader { xid: Xid(5), zxid: Zxid::ZERO, err });
        assert_eq!(seen[1..], [Seen::Closed]);
        assert!(bench.engine.replica().has_session(session.id), "{op:?}");
    }
    let mut bench = required();
    let conn = bench.session().conn;
    bench.log_in(conn, "bob");
    assert_eq!(bench.code(conn, OpCode::Exists, &exists("/", false)), ErrorCode::Ok);
}
