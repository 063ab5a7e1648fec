//! The mechanism DIGEST-MD5 (RFC 2831), as far as client and server share it.
//!
//! Tokens are lists of [`Directives`]; what proves a password is a [`Proof`], which needs no more
//! of the user than a [`UserKey`]. Which token is due when is each side's own matter, and so is
//! chance: nonces are arguments.
//!
//! ```
//! use zk_proto::sasl::{Directives, Proof, UserKey};
//!
//! let challenge = br#"realm="zk-sasl-md5",nonce="abc",charset=utf-8,algorithm=md5-sess"#;
//! let challenge = Directives::parse(challenge)?;
//! assert_eq!(challenge.one("realm")?, Some(&b"zk-sasl-md5"[..]));
//!
//! let key = UserKey::new("bob", "zk-sasl-md5", "secret");
//! let proof = Proof::new(&key, b"abc", b"xyz", b"zookeeper/zk-sasl-md5");
//! assert!(proof.is_response(proof.response().as_bytes()));
//! assert!(!proof.is_response(proof.rspauth().as_bytes()));
//! # Ok::<(), zk_proto::sasl::DirectiveError>(())
//! ```

mod directives;
mod proof;
mod text;

pub use directives::{DirectiveError, Directives, put_quoted, put_token};
pub use proof::{Proof, UserKey, keyed_nonce};
pub use text::{Charset, decode, encode};

/// The service in the `digest-uri` of ZooKeeper, and its server's name, which is the realm, too
/// (`ZooKeeperSaslServer`).
pub const SERVICE: &str = "zookeeper";
/// See [`SERVICE`].
pub const SERVER_NAME: &str = "zk-sasl-md5";
