//! The client's half of DIGEST-MD5: the answer to a challenge.

use bytes::{Bytes, BytesMut};
use zk_proto::sasl::{
    Charset, DirectiveError, Directives, Proof, UserKey, decode, encode, put_quoted, put_token,
};

use crate::sasl::DigestMd5;

/// What is sent, and what the server has to show then.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) token: Bytes,
    pub(super) proof: Proof,
}

/// Answers a challenge; `None` when it is not one that can be answered.
pub(super) fn answer(who: &DigestMd5, challenge: &[u8], cnonce: &str) -> Option<Answer> {
    let challenge = Directives::parse(challenge).ok()?;
    let charset = charset_of(&challenge)?;
    let nonce = challenge.required("nonce").ok().filter(|nonce| !nonce.is_empty())?;
    let algorithm = challenge.required("algorithm").ok()?;
    if !algorithm.eq_ignore_ascii_case(b"md5-sess") || !offers_plain_auth(&challenge).ok()? {
        return None;
    }
    let realm = realm_of(who, &challenge, charset)?;
    // What the password is made of matters to the hash only, but a server that has no UTF-8 could
    // not know it.
    encode(&who.password, charset)?;
    let user = encode(&who.user, charset)?;
    let digest_uri = format!("{}/{}", who.service, who.server_name);
    let key = UserKey::new(&who.user, realm.as_deref().unwrap_or_default(), &who.password);
    let proof = Proof::new(&key, nonce, cnonce.as_bytes(), digest_uri.as_bytes());

    let mut token = BytesMut::new();
    if charset == Charset::Utf8 {
        put_token(&mut token, "charset", "utf-8");
    }
    put_quoted(&mut token, "username", &user);
    if let Some(realm) = realm {
        put_quoted(&mut token, "realm", &encode(&realm, charset)?);
    }
    put_quoted(&mut token, "nonce", nonce);
    put_token(&mut token, "nc", "00000001");
    put_quoted(&mut token, "cnonce", cnonce.as_bytes());
    put_quoted(&mut token, "digest-uri", digest_uri.as_bytes());
    // It says nothing without encryption, and Java's client says it all the same.
    put_token(&mut token, "maxbuf", "65536");
    put_token(&mut token, "response", &proof.response());
    put_token(&mut token, "qop", "auth");
    Some(Answer { token: token.freeze(), proof })
}

/// Whether this is the server's last word, and right.
pub(super) fn is_proven(proof: &Proof, token: &[u8]) -> bool {
    let directives = Directives::parse(token);
    directives.is_ok_and(|last| last.required("rspauth").is_ok_and(|shown| proof.is_rspauth(shown)))
}

fn charset_of(challenge: &Directives) -> Option<Charset> {
    match challenge.one("charset").ok()? {
        None => Some(Charset::Latin1),
        Some(charset) if charset.eq_ignore_ascii_case(b"utf-8") => Some(Charset::Utf8),
        Some(_) => None,
    }
}

/// Whether no more is wanted than that both sides know the password.
fn offers_plain_auth(challenge: &Directives) -> Result<bool, DirectiveError> {
    let Some(offered) = challenge.one("qop")? else {
        return Ok(true);
    };
    let mut offered = offered.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    Ok(offered.any(|qop| qop.eq_ignore_ascii_case(b"auth")))
}

/// The realm that was asked for, or the first one; the outer `None` when that cannot be.
#[expect(clippy::option_option, reason = "no realm at all, and none that fits, are two things")]
fn realm_of(who: &DigestMd5, challenge: &Directives, charset: Charset) -> Option<Option<String>> {
    let offered: Option<Vec<_>> =
        challenge.all("realm").map(|realm| decode(realm, charset)).collect();
    let offered = offered?;
    match &who.realm {
        Some(wanted) if offered.is_empty() || offered.contains(wanted) => {
            Some(Some(wanted.clone()))
        }
        Some(_) => None,
        None => Some(offered.into_iter().next()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(challenge: &str, who: &DigestMd5) -> Option<String> {
        let answer = answer(who, challenge.as_bytes(), "OA6MHXh6VqTrRk")?;
        Some(String::from_utf8(answer.token.to_vec()).unwrap())
    }

    fn chris() -> DigestMd5 {
        DigestMd5::new("chris", "secret").service("imap").server_name("elwood.innosoft.com")
    }

    #[test]
    fn the_example_of_rfc_2831_is_answered_and_its_end_accepted() {
        let challenge = "realm=\"elwood.innosoft.com\",nonce=\"OA6MG9tEQGm2hh\",qop=\"auth\",\
                         algorithm=md5-sess,charset=utf-8";
        let answer = answer(&chris(), challenge.as_bytes(), "OA6MHXh6VqTrRk").unwrap();
        let expected = "charset=utf-8,username=\"chris\",realm=\"elwood.innosoft.com\",\
                        nonce=\"OA6MG9tEQGm2hh\",nc=00000001,cnonce=\"OA6MHXh6VqTrRk\",\
                        digest-uri=\"imap/elwood.innosoft.com\",maxbuf=65536,\
                        response=d388dad90d4bbd760a152321f2143af7,qop=auth";
        assert_eq!(answer.token, expected);
        for (token, proven) in [
            ("rspauth=ea40f60335c427b5527b84dbabcdfffd", true),
            ("rspauth=\"ea40f60335c427b5527b84dbabcdfffd\"", true),
            ("rspauth=ea40f60335c427b5527b84dbabcdfffe", false),
            ("rspauth=d388dad90d4bbd760a152321f2143af7", false),
            ("rspauth=", false),
            ("", false),
            ("nonce=ea40f60335c427b5527b84dbabcdfffd", false),
        ] {
            assert_eq!(is_proven(&answer.proof, token.as_bytes()), proven, "{token}");
        }
    }

    #[test]
    fn what_cannot_be_answered_is_not() {
        let bob = DigestMd5::new("bob", "secret");
        for (challenge, answered) in [
            (r#"nonce="n",algorithm=md5-sess"#, true),
            (r#"nonce="n",algorithm=MD5-sess,qop="auth-int, auth",stale=true,opaque="x""#, true),
            (r#"realm="a",realm="b",nonce="n",algorithm=md5-sess,maxbuf=1,cipher="des""#, true),
            (r#"realm="a",algorithm=md5-sess"#, false),
            (r#"nonce="",algorithm=md5-sess"#, false),
            (r#"nonce="n",nonce="m",algorithm=md5-sess"#, false),
            (r#"nonce="n""#, false),
            (r#"nonce="n",algorithm=md5"#, false),
            (r#"nonce="n",algorithm=md5-sess,qop="auth-conf,auth-int""#, false),
            (r#"nonce="n",algorithm=md5-sess,charset=latin1"#, false),
            (r#"nonce="n,algorithm=md5-sess"#, false),
            ("", false),
        ] {
            assert_eq!(text(challenge, &bob).is_some(), answered, "{challenge}");
        }
    }

    #[test]
    fn the_realm_is_the_first_offered_or_the_one_that_was_asked_for() {
        let offers = [r#"realm="a",realm="b","#, ""].map(|realms| {
            [None, Some("b"), Some("c")].map(|wanted| {
                let bob = DigestMd5::new("bob", "secret");
                let bob = match wanted {
                    Some(wanted) => bob.realm(wanted),
                    None => bob,
                };
                let answer = text(&format!(r#"{realms}nonce="n",algorithm=md5-sess"#), &bob)?;
                let answer = Directives::parse(answer.as_bytes()).unwrap();
                let realm = answer.one("realm").unwrap().unwrap_or(b"none");
                Some(String::from_utf8(realm.to_vec()).unwrap())
            })
        });
        let expected = [[Some("a"), Some("b"), None], [Some("none"), Some("b"), Some("c")]];
        assert_eq!(offers, expected.map(|row| row.map(|realm| realm.map(str::to_owned))));
    }

    #[test]
    fn names_are_utf_8_only_if_the_server_has_said_so_and_are_quoted() {
        let user = |user: &str, charset: &str| {
            let who = DigestMd5::new(user, "secret");
            let challenge = format!(r#"nonce="n",algorithm=md5-sess{charset}"#);
            let answer = answer(&who, challenge.as_bytes(), "c")?;
            Some(Directives::parse(&answer.token).unwrap().required("username").unwrap().to_vec())
        };
        for name in ["bob", "b\u{f6}b", "b\u{151}b", "a\"b\\c"] {
            assert_eq!(user(name, ",charset=utf-8").unwrap(), name.as_bytes());
        }
        assert_eq!(user("b\u{f6}b", "").unwrap(), b"b\xf6b");
        assert_eq!(user("b\u{151}b", ""), None);
    }
}
