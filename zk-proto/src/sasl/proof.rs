//! What shows that somebody knows a password, without telling it (RFC 2831, 2.1.2.1 and 2.1.3).

use std::fmt;

use md5::{Digest, Md5};

use super::text::to_hash;

/// What is left of a password once its user and realm are known. It opens the same doors, so
/// `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct UserKey([u8; 16]);

impl UserKey {
    /// The key of a user in a realm.
    #[must_use]
    pub fn new(user: &str, realm: &str, password: &str) -> Self {
        let parts = [to_hash(user), to_hash(realm), to_hash(password)];
        Self(hash(&[&parts.join(&b':')]))
    }
}

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserKey(..)")
    }
}

/// What both sides compute of one exchange: `md5-sess`, the quality of protection `auth`, the
/// first use of the nonce, nobody else to act for.
#[derive(Clone)]
pub struct Proof {
    /// The session key, in hex.
    a1: String,
    nonce: Vec<u8>,
    cnonce: Vec<u8>,
    digest_uri: Vec<u8>,
}

impl Proof {
    /// Of the server's nonce, the client's, and the service that is asked.
    #[must_use]
    pub fn new(key: &UserKey, nonce: &[u8], cnonce: &[u8], digest_uri: &[u8]) -> Self {
        let a1 = hex(&hash(&[&key.0, b":", nonce, b":", cnonce]));
        Self { a1, nonce: nonce.to_vec(), cnonce: cnonce.to_vec(), digest_uri: digest_uri.to_vec() }
    }

    /// What the client shows, in hex.
    #[must_use]
    pub fn response(&self) -> String {
        self.with(b"AUTHENTICATE:")
    }

    /// What the server shows in return, in hex.
    #[must_use]
    pub fn rspauth(&self) -> String {
        self.with(b":")
    }

    /// Whether this is what the client is to show.
    #[must_use]
    pub fn is_response(&self, shown: &[u8]) -> bool {
        same(self.response().as_bytes(), shown)
    }

    /// Whether this is what the server is to show.
    #[must_use]
    pub fn is_rspauth(&self, shown: &[u8]) -> bool {
        same(self.rspauth().as_bytes(), shown)
    }

    fn with(&self, begin: &[u8]) -> String {
        let a2 = hex(&hash(&[begin, &self.digest_uri]));
        let nonces = [&self.nonce[..], FIRST_USE.as_bytes(), &self.cnonce].join(&b':');
        hex(&hash(&[self.a1.as_bytes(), b":", &nonces, b":auth:", a2.as_bytes()]))
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(..)")
    }
}

/// A nonce that nobody can tell before who does not know the key, another one for each number.
#[must_use]
pub fn keyed_nonce(key: &[u8; 16], number: u64) -> String {
    hex(&hash(&[key, &number.to_be_bytes(), key]))
}

/// How often the nonce was used, this time included: subsequent authentication is for other
/// protocols.
const FIRST_USE: &str = "00000001";

/// Takes the same time wherever the two differ.
fn same(expected: &[u8], shown: &[u8]) -> bool {
    let pairs = expected.iter().zip(shown);
    expected.len() == shown.len() && pairs.fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}

fn hash(parts: &[&[u8]]) -> [u8; 16] {
    let hasher = parts.iter().fold(Md5::new(), Md5::chain_update);
    hasher.finalize().into()
}

fn hex(bytes: &[u8; 16]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        (user, realm, password): (&str, &str, &str),
        (nonce, cnonce, uri): (&str, &str, &str),
        (response, rspauth): (&str, &str),
    ) {
        let key = UserKey::new(user, realm, password);
        let proof = Proof::new(&key, nonce.as_bytes(), cnonce.as_bytes(), uri.as_bytes());
        assert_eq!((&*proof.response(), &*proof.rspauth()), (response, rspauth));
        assert!(proof.is_response(response.as_bytes()) && proof.is_rspauth(rspauth.as_bytes()));
    }

    #[test]
    fn the_examples_of_rfc_2831_come_out() {
        let chris = ("chris", "elwood.innosoft.com", "secret");
        check(
            chris,
            ("OA6MG9tEQGm2hh", "OA6MHXh6VqTrRk", "imap/elwood.innosoft.com"),
            ("d388dad90d4bbd760a152321f2143af7", "ea40f60335c427b5527b84dbabcdfffd"),
        );
        check(
            chris,
            ("OA9BSXrbuRhWay", "OA9BSuZWMSpW8m", "acap/elwood.innosoft.com"),
            ("6084c6db3fede7352c551284490fd0fc", "2f0b3d7c3c2e486600ef710726aa2eae"),
        );
    }

    #[test]
    fn anything_else_is_no_proof() {
        let key = UserKey::new("bob", "zk-sasl-md5", "secret");
        let proof = Proof::new(&key, b"n", b"c", b"zookeeper/zk-sasl-md5");
        let right = proof.response();
        for key in [
            UserKey::new("eve", "zk-sasl-md5", "secret"),
            UserKey::new("bob", "other", "secret"),
            UserKey::new("bob", "zk-sasl-md5", "wrong"),
        ] {
            let other = Proof::new(&key, b"n", b"c", b"zookeeper/zk-sasl-md5");
            assert!(!other.is_response(right.as_bytes()));
        }
        for (nonce, cnonce, uri) in
            [("x", "c", "zookeeper/zk-sasl-md5"), ("n", "x", "u"), ("n", "c", "u")]
        {
            let other = Proof::new(&key, nonce.as_bytes(), cnonce.as_bytes(), uri.as_bytes());
            assert!(!other.is_response(right.as_bytes()));
        }
        for shown in [&right[1..], "", &right.to_uppercase()] {
            assert!(!proof.is_response(shown.as_bytes()), "{shown}");
        }
    }

    #[test]
    fn what_fits_iso_8859_1_is_hashed_as_that() {
        // The bytes of "zoë:realm:ü", once in each charset.
        let latin = [&b"zo\xeb"[..], b"realm", b"\xfc"].join(&b':');
        assert_eq!(UserKey::new("zo\u{eb}", "realm", "\u{fc}"), UserKey(hash(&[&latin])));
        let utf8 = "zo\u{151}:realm:\u{151}".as_bytes();
        assert_eq!(UserKey::new("zo\u{151}", "realm", "\u{151}"), UserKey(hash(&[utf8])));
    }

    #[test]
    fn nonces_differ_by_key_and_by_number() {
        let nonces = [(1, 0), (1, 1), (2, 0)].map(|(key, number)| keyed_nonce(&[key; 16], number));
        assert!(nonces[0] != nonces[1] && nonces[0] != nonces[2]);
        assert_eq!(nonces[0], keyed_nonce(&[1; 16], 0));
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = UserKey::new("bob", "realm", "secret");
        let proof = Proof::new(&key, b"n", b"c", b"u");
        assert_eq!(format!("{key:?} {proof:?}"), "UserKey(..) Proof(..)");
    }
}
