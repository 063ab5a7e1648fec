//! The server's half of DIGEST-MD5 (RFC 2831), as `SaslServerCallbackHandler` sets it up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytes::{Bytes, BytesMut};
use zk_proto::sasl::{
    Charset, DirectiveError, Directives, Proof, SERVER_NAME, SERVICE, UserKey, decode, keyed_nonce,
    put_quoted, put_token,
};

use super::ConnId;

/// Who can prove who they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct SaslOptions {
    users: BTreeMap<String, UserKey>,
    super_users: BTreeSet<String>,
    /// Whether who fails may go on as nobody (`zookeeper.allowSaslFailedClients`).
    pub(crate) allow_failed: bool,
    nonce_key: NonceKey,
}

/// Who knows it can tell the nonces that are to come.
#[derive(Clone, Copy, Default)]
struct NonceKey([u8; 16]);

impl fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NonceKey(..)")
    }
}

/// How far an exchange has come; a connection has one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum SaslExchange {
    /// Nothing was said.
    #[default]
    Fresh,
    /// The server waits for the proof.
    Challenged { nonce: String },
    /// There is no other attempt.
    Over,
}

/// What the client is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SaslStep {
    /// What to prove the password with.
    Challenge(Bytes),
    /// The client is this user, and this proves the server.
    Done { user: String, rspauth: Bytes },
}

/// Why the exchange has failed; the client is not told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SaslError {
    #[error("a token where none is due")]
    NotDue,
    #[error("{0}")]
    Directives(#[from] DirectiveError),
    #[error("{0} is not what it has to be")]
    Unfit(&'static str),
    #[error("there is no such user, or the password is wrong")]
    Unproven,
}

impl SaslOptions {
    /// Adds a user, or gives a user another password. What is kept is no password.
    pub(crate) fn add_user(&mut self, user: &str, password: &str) {
        self.users.insert(user.to_owned(), UserKey::new(user, SERVER_NAME, password));
    }

    /// Who proves to be this user may do everything.
    pub(crate) fn add_super_user(&mut self, user: &str) {
        self.super_users.insert(user.to_owned());
    }

    /// Chance that nobody else knows.
    pub(crate) const fn set_nonce_key(&mut self, key: [u8; 16]) {
        self.nonce_key = NonceKey(key);
    }

    /// Whether anybody can prove anything.
    pub(crate) fn is_configured(&self) -> bool {
        !self.users.is_empty()
    }

    pub(super) fn is_super_user(&self, user: &str) -> bool {
        self.super_users.contains(user)
    }

    /// Takes a client's token.
    pub(super) fn step(
        &self,
        exchange: &mut SaslExchange,
        conn: ConnId,
        token: &[u8],
    ) -> Result<SaslStep, SaslError> {
        match std::mem::replace(exchange, SaslExchange::Over) {
            SaslExchange::Fresh if token.is_empty() => {
                // Numbers of connections are never used again.
                let nonce = keyed_nonce(&self.nonce_key.0, conn.0);
                let step = SaslStep::Challenge(challenge(&nonce));
                *exchange = SaslExchange::Challenged { nonce };
                Ok(step)
            }
            SaslExchange::Challenged { nonce } => self.verify(&nonce, token),
            SaslExchange::Fresh | SaslExchange::Over => Err(SaslError::NotDue),
        }
    }

    fn verify(&self, nonce: &str, token: &[u8]) -> Result<SaslStep, SaslError> {
        let response = Directives::parse(token)?;
        let charset = match response.one("charset")? {
            None => Charset::Latin1,
            Some(charset) if charset.eq_ignore_ascii_case(b"utf-8") => Charset::Utf8,
            Some(_) => return Err(SaslError::Unfit("charset")),
        };
        let is = |name, expected: &str| match response.required(name)? {
            value if value == expected.as_bytes() => Ok(()),
            _ => Err(SaslError::Unfit(name)),
        };
        is("realm", SERVER_NAME)?;
        is("nonce", nonce)?;
        is("nc", "00000001")?;
        if response.one("qop")?.is_some_and(|qop| qop != b"auth") {
            return Err(SaslError::Unfit("qop"));
        }
        // To act for somebody else is for those who have something to say about others.
        if response.one("authzid")?.is_some() {
            return Err(SaslError::Unfit("authzid"));
        }
        let digest_uri = response.required("digest-uri")?;
        if !digest_uri.eq_ignore_ascii_case(format!("{SERVICE}/{SERVER_NAME}").as_bytes()) {
            return Err(SaslError::Unfit("digest-uri"));
        }
        let user = decode(response.required("username")?, charset);
        let user = user.ok_or(SaslError::Unfit("username"))?;
        let (cnonce, shown) = (response.required("cnonce")?, response.required("response")?);
        let key = self.users.get(&user).ok_or(SaslError::Unproven)?;
        let proof = Proof::new(key, nonce.as_bytes(), cnonce, digest_uri);
        if !proof.is_response(shown) {
            return Err(SaslError::Unproven);
        }
        let mut rspauth = BytesMut::new();
        put_token(&mut rspauth, "rspauth", &proof.rspauth());
        Ok(SaslStep::Done { user, rspauth: rspauth.freeze() })
    }
}

/// In the order of Java's `DigestMD5Server`.
fn challenge(nonce: &str) -> Bytes {
    let mut token = BytesMut::new();
    put_quoted(&mut token, "realm", SERVER_NAME.as_bytes());
    put_quoted(&mut token, "nonce", nonce.as_bytes());
    put_token(&mut token, "charset", "utf-8");
    put_token(&mut token, "algorithm", "md5-sess");
    token.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "zookeeper/zk-sasl-md5";

    fn options() -> SaslOptions {
        let mut options = SaslOptions::default();
        options.add_user("bob", "secret");
        options.add_user("b\u{f6}b", "s\u{e9}cret");
        options.add_user("b\u{151}b", "secret");
        options
    }

    /// A response to the nonce `n`, with one of its parts changed.
    fn response(user: &str, password: &str, change: impl Fn(&str) -> String) -> String {
        let key = UserKey::new(user, SERVER_NAME, password);
        let response = Proof::new(&key, b"n", b"c", URI.as_bytes()).response();
        change(&format!(
            "charset=utf-8,username=\"{user}\",realm=\"zk-sasl-md5\",nonce=\"n\",nc=00000001,\
             cnonce=\"c\",digest-uri=\"{URI}\",maxbuf=65536,response={response},qop=auth"
        ))
    }

    fn verify(token: &str) -> Result<String, SaslError> {
        match options().verify("n", token.as_bytes())? {
            SaslStep::Done { user, .. } => Ok(user),
            SaslStep::Challenge(_) => panic!("another challenge"),
        }
    }

    #[test]
    fn who_knows_the_password_is_the_user_and_learns_that_the_server_knows_it_too() {
        for (user, password) in
            [("bob", "secret"), ("b\u{f6}b", "s\u{e9}cret"), ("b\u{151}b", "secret")]
        {
            assert_eq!(verify(&response(user, password, str::to_owned)), Ok(user.to_owned()));
        }
        let proof = Proof::new(&UserKey::new("bob", SERVER_NAME, "secret"), b"n", b"c", b"U");
        assert!(proof.rspauth() != proof.response());
    }

    #[test]
    fn a_response_that_breaks_a_rule_is_none() {
        let with = |from: &'static str, to: &'static str| {
            verify(&response("bob", "secret", |text| {
                assert!(text.contains(from), "{from}");
                text.replace(from, to)
            }))
        };
        for (from, to, error) in [
            ("charset=utf-8", "charset=ascii", SaslError::Unfit("charset")),
            ("realm=\"zk-sasl-md5\"", "realm=\"x\"", SaslError::Unfit("realm")),
            ("realm=\"zk-sasl-md5\",", "", SaslError::Directives(DirectiveError::Missing("realm"))),
            ("nonce=\"n\",nc", "nonce=\"m\",nc", SaslError::Unfit("nonce")),
            ("nc=00000001", "nc=00000002", SaslError::Unfit("nc")),
            ("qop=auth", "qop=auth-int", SaslError::Unfit("qop")),
            ("qop=auth", "qop=auth,authzid=\"eve\"", SaslError::Unfit("authzid")),
            ("\"zookeeper/", "\"imap/", SaslError::Unfit("digest-uri")),
            ("cnonce=\"c\"", "cnonce=\"d\"", SaslError::Unproven),
            ("username=\"bob\"", "username=\"eve\"", SaslError::Unproven),
            ("qop=auth", "nc=00000001", SaslError::Directives(DirectiveError::Repeated("nc"))),
        ] {
            assert_eq!(with(from, to), Err(error), "{to}");
        }
        assert_eq!(with("qop=auth", "qop=\"auth\",unknown=x"), Ok("bob".to_owned()));
        assert_eq!(with(",qop=auth", ""), Ok("bob".to_owned()));
        assert_eq!(verify(&response("bob", "wrong", str::to_owned)), Err(SaslError::Unproven));
        assert!(matches!(verify("rubbish"), Err(SaslError::Directives(_))));
    }

    #[test]
    fn an_exchange_is_a_challenge_a_proof_and_no_more() {
        let (options, conn) = (options(), ConnId(7));
        let mut exchange = SaslExchange::default();
        let Ok(SaslStep::Challenge(token)) = options.step(&mut exchange, conn, b"") else {
            panic!("no challenge");
        };
        let SaslExchange::Challenged { nonce } = &exchange else { panic!("{exchange:?}") };
        let expected =
            format!("realm=\"zk-sasl-md5\",nonce=\"{nonce}\",charset=utf-8,algorithm=md5-sess");
        assert_eq!(token, expected);
        assert!(options.step(&mut exchange, conn, b"").is_err());
        assert_eq!(options.step(&mut exchange, conn, b""), Err(SaslError::NotDue));
        let first = options.step(&mut SaslExchange::default(), conn, b"x");
        assert_eq!(first, Err(SaslError::NotDue));
    }

    #[test]
    fn debug_shows_neither_keys_nor_what_nonces_are_made_of() {
        let mut options = options();
        options.set_nonce_key([77; 16]);
        let shown = format!("{options:?}");
        assert!(shown.contains("bob") && !shown.contains("secret") && !shown.contains("77"));
    }
}
