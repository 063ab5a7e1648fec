use std::fmt;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use crate::jute::{Decode, DecodeError, Encode, Reader};
use crate::record;

record! {
    /// Adds an identity to a connection.
    pub struct AuthPacket {
        /// 0; servers ignore it.
        auth_type: i32,
        /// The authentication scheme.
        scheme: ByteString,
        /// What proves the identity.
        auth: Secret,
    }
}

record! {
    /// One step of a SASL exchange.
    pub struct GetSaslRequest {
        /// The client's token.
        token: Secret,
    }
}

record! {
    /// The answer to a [`GetSaslRequest`].
    pub struct SetSaslResponse {
        /// The server's token; null when the exchange failed.
        token: Secret,
    }
}

/// Bytes that must not appear in logs.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub Option<Bytes>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Encode for Secret {
    fn encode(&self, out: &mut BytesMut) {
        self.0.encode(out);
    }
}

impl Decode for Secret {
    fn decode(reader: &mut Reader) -> Result<Self, DecodeError> {
        Decode::decode(reader).map(Self)
    }
}
