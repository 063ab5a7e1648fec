//! Numbers and secrets that identify things, one type each.
//!
//! Ids print in hexadecimal, as ZooKeeper's own logs print them, so that logs can be matched.

use std::fmt;

use bytes::{Bytes, BytesMut};

use crate::jute::{Decode, DecodeError, Encode, Fixed, Reader};

macro_rules! number {
    ($(#[$meta:meta])* $name:ident($inner:ty), $format:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, $format, self.0)
            }
        }

        impl Encode for $name {
            fn encode(&self, out: &mut BytesMut) {
                self.0.encode(out);
            }
        }

        impl Decode for $name {
            fn decode(reader: &mut Reader) -> Result<Self, DecodeError> {
                <$inner>::decode(reader).map(Self)
            }
        }

        impl Fixed for $name {
            const LENGTH: usize = <$inner as Fixed>::LENGTH;

            #[inline]
            fn take(bytes: &mut &[u8]) -> Option<Self> {
                <$inner>::take(bytes).map(Self)
            }
        }
    };
}

number! {
    /// A transaction id: grows with every change of the ensemble's state.
    Zxid(i64), "{:#x}"
}

number! {
    /// The number that ties a reply to its request within one connection.
    Xid(i32), "{}"
}

number! {
    /// A session id; 0 asks for a new session.
    SessionId(i64), "{:#x}"
}

number! {
    /// A change counter of a node: of its data, its children or its ACL.
    Version(i32), "{}"
}

impl Zxid {
    /// Before any change.
    pub const ZERO: Self = Self(0);
}

impl Xid {
    /// Marks a watch event.
    pub const NOTIFICATION: Self = Self(-1);
    /// Marks a ping; the server answers with it whatever the request had (`FinalRequestProcessor`).
    pub const PING: Self = Self(-2);
    /// Marks an auth packet.
    pub const AUTH: Self = Self(-4);
    /// What the C client sends with setWatches; servers echo it.
    pub const SET_WATCHES: Self = Self(-8);
}

impl SessionId {
    /// No session yet.
    pub const NONE: Self = Self(0);
}

impl Version {
    /// As an expected version: whatever the node has.
    pub const ANY: Self = Self(-1);
}

/// The secret that proves a session is ours. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Option<Bytes>);

impl Password {
    /// What a client sends when it has no session yet, and a server with a refusal.
    pub const NONE: Self = Self(Some(Bytes::from_static(&[0; Self::LENGTH])));
    /// The length of every password a server gives out; the C client relies on it.
    pub const LENGTH: usize = 16;

    /// A password as a server makes it.
    #[must_use]
    pub fn new(bytes: [u8; Self::LENGTH]) -> Self {
        Self(Some(Bytes::copy_from_slice(&bytes)))
    }

    /// The secret itself; empty when the peer sent null.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl Default for Password {
    fn default() -> Self {
        Self::NONE
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

impl Encode for Password {
    fn encode(&self, out: &mut BytesMut) {
        self.0.encode(out);
    }
}

impl Decode for Password {
    fn decode(reader: &mut Reader) -> Result<Self, DecodeError> {
        Decode::decode(reader).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_print_as_zookeeper_logs_print_them() {
        assert_eq!(Zxid(0x1_0000_000a).to_string(), "0x10000000a");
        assert_eq!(SessionId(0x1000_0000_0000_0001).to_string(), "0x1000000000000001");
        assert_eq!(SessionId(-1).to_string(), "0xffffffffffffffff");
    }

    #[test]
    fn a_password_does_not_show_itself() {
        assert_eq!(format!("{:?}", Password::new([7; 16])), "Password(..)");
    }
}
