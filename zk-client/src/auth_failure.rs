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
}
