//! Why nothing is asked any more of an ensemble that does not take us for who we say we are.

use thiserror::Error;

/// Why authentication failed. Whatever it is, this client will not try again: another attempt
/// with the same settings would end the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum AuthFailure {
    /// A server has refused what [`ClientBuilder::auth`](crate::ClientBuilder::auth) or
    /// [`Client::add_auth`](crate::Client::add_auth) has said, or does not know its scheme.
    #[error("the server refused an auth packet, or does not know its scheme")]
    CredentialRefused,
    /// The server takes requests only from clients that have authenticated with SASL, or with
    /// another scheme that it demands (`sessionRequireClientSASLAuth`, `enforce.auth.enabled`).
    #[error("the server demands authentication (SASL, or another scheme) before any request")]
    Required,
    /// SASL was asked for, and the server has none: no section `Server` in its JAAS file, as a
    /// rule.
    #[error("SASL is not configured on the server")]
    SaslNotConfigured,
    /// The server refused to begin with DIGEST-MD5. ZooKeeper in FIPS mode does
    /// (`zookeeper.fips-mode`), and servers that know other mechanisms only.
    #[error("SASL: the server refused to begin DIGEST-MD5 (in FIPS mode it does not have it)")]
    SaslNotBegun,
    /// The server's challenge is none of DIGEST-MD5, wants encryption, has another realm than the
    /// one that was asked for, or has no UTF-8 where a name needs it.
    #[error("SASL: the server's challenge cannot be answered")]
    SaslChallenge,
    /// The server does not know the user, or the password is another one.
    #[error("SASL: the server refused user or password")]
    SaslRefused,
    /// The server did not show that it knows the password: it may be somebody else's.
    #[error("SASL: the server has not proven that it knows the password")]
    SaslServer,
}
