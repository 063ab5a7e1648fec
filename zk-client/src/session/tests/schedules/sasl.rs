//! A server's part in SASL, whose user is known to both.

use bytes::Bytes;
use zk_proto::sasl::{Directives, Proof, UserKey};

const CHALLENGE: &str = r#"realm="zk",nonce="n",charset=utf-8,algorithm=md5-sess"#;

/// What is said to a token: a challenge to the one that begins, the proof that is asked for to the
/// other.
pub(super) fn answer(token: &[u8]) -> Bytes {
    if token.is_empty() {
        return Bytes::from_static(CHALLENGE.as_bytes());
    }
    let response = Directives::parse(token).unwrap();
    let part = |name| response.required(name).unwrap();
    let key = UserKey::new("bob", "zk", "secret");
    let proof = Proof::new(&key, part("nonce"), part("cnonce"), part("digest-uri"));
    assert!(proof.is_response(part("response")), "the wrong password");
    format!("rspauth={}", proof.rspauth()).into()
}
