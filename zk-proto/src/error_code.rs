//! The numbers a server answers with when it refuses (`KeeperException.Code`).

use std::fmt;

use bytes::BytesMut;

use crate::jute::{Decode, DecodeError, Encode, Fixed, Reader};

macro_rules! error_codes {
    ($( $(#[$meta:meta])* $name:ident = $code:literal, $text:literal; )*) => {
        /// The outcome of a request as a server states it (`KeeperException.Code`).
        ///
        /// A number this version does not know is kept as [`ErrorCode::Unknown`].
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $( $(#[$meta])* $name, )*
            /// A number that is not in the list; [`ErrorCode::from_code`] uses it for no other.
            Unknown(i32),
        }

        impl ErrorCode {
            /// The number on the wire.
            #[must_use]
            pub const fn code(self) -> i32 {
                match self {
                    $( Self::$name => $code, )*
                    Self::Unknown(code) => code,
                }
            }

            /// The name, as in `KeeperException.Code` but in our case; `Unknown` for a number that
            /// is not in the list.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$name => stringify!($name), )*
                    Self::Unknown(_) => "Unknown",
                }
            }

            /// The code of a number from the wire.
            #[must_use]
            pub const fn from_code(code: i32) -> Self {
                match code {
                    $( $code => Self::$name, )*
                    code => Self::Unknown(code),
                }
            }

            const fn text(self) -> &'static str {
                match self {
                    $( Self::$name => $text, )*
                    Self::Unknown(_) => "unknown error code",
                }
            }
        }
    };
}

error_codes! {
    /// No error.
    #[default]
    Ok = 0, "no error";
    /// Start of the system range; no server sends it.
    SystemError = -1, "system error";
    /// An operation of a multi that stands behind the one that failed.
    RuntimeInconsistency = -2, "not tried, an earlier operation of the multi failed";
    /// No server sends it.
    DataInconsistency = -3, "data inconsistency";
    /// The connection broke; found by clients only.
    ConnectionLoss = -4, "connection lost";
    /// The server could not read the request.
    MarshallingError = -5, "the server could not read the request";
    /// The server does not know the operation, or has it switched off.
    Unimplemented = -6, "operation not implemented or switched off";
    /// A client's own time limit.
    OperationTimeout = -7, "operation timed out";
    /// A path, flag or time to live that no server accepts.
    BadArguments = -8, "bad arguments";
    /// The session is not known to the server.
    UnknownSession = -12, "unknown session";
    /// A reconfiguration found no quorum.
    NewConfigNoQuorum = -13, "no quorum of the new configuration is in sync";
    /// Another reconfiguration is under way.
    ReconfigInProgress = -14, "another reconfiguration is in progress";
    /// Start of the API range; no server sends it.
    ApiError = -100, "API error";
    /// The node, or the parent of the node to create, does not exist.
    NoNode = -101, "no such node";
    /// No permission.
    NoAuth = -102, "not permitted by the ACL";
    /// The expected version is not the present one.
    BadVersion = -103, "version does not match";
    /// An ephemeral node cannot have children.
    NoChildrenForEphemerals = -108, "ephemeral nodes cannot have children";
    /// The node exists already.
    NodeExists = -110, "node exists";
    /// The node to delete has children.
    NotEmpty = -111, "node has children";
    /// The session has ended.
    SessionExpired = -112, "session expired";
    /// No server sends it.
    InvalidCallback = -113, "invalid callback";
    /// The ACL is empty or names nobody the server knows.
    InvalidAcl = -114, "invalid ACL";
    /// The credentials were refused.
    AuthFailed = -115, "authentication failed";
    /// The session has moved to another server.
    SessionMoved = -118, "session moved to another server";
    /// A write was sent to a server in read-only mode.
    NotReadOnly = -119, "the server is read-only";
    /// A local session cannot own an ephemeral node.
    EphemeralOnLocalSession = -120, "ephemeral node on a local session";
    /// There was no such watch.
    NoWatcher = -121, "no such watch";
    /// A client's own time limit.
    RequestTimeout = -122, "request timed out";
    /// Reconfiguration is switched off.
    ReconfigDisabled = -123, "reconfiguration is disabled";
    /// The server demands authentication first.
    SessionClosedRequireSaslAuth = -124, "the server demands authentication";
    /// A hard quota would be passed.
    QuotaExceeded = -125, "quota exceeded";
    /// The server was too busy to take the request.
    ThrottledOp = -127, "request throttled";
}

impl ErrorCode {
    /// `Ok(())` for [`ErrorCode::Ok`], the code itself otherwise.
    ///
    /// # Errors
    /// Every code but [`ErrorCode::Ok`].
    pub const fn into_result(self) -> Result<(), Self> {
        if matches!(self, Self::Ok) { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text(), self.code())
    }
}

impl std::error::Error for ErrorCode {}

impl Encode for ErrorCode {
    fn encode(&self, out: &mut BytesMut) {
        self.code().encode(out);
    }
}

impl Decode for ErrorCode {
    fn decode(reader: &mut Reader) -> Result<Self, DecodeError> {
        i32::decode(reader).map(Self::from_code)
    }
}

impl Fixed for ErrorCode {
    const LENGTH: usize = i32::LENGTH;

    #[inline]
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        i32::take(bytes).map(Self::from_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_survives_the_round_trip() {
        for code in -200..=1 {
            assert_eq!(ErrorCode::from_code(code).code(), code);
        }
    }

    #[test]
    fn an_unknown_number_is_kept() {
        assert_eq!(ErrorCode::from_code(-126), ErrorCode::Unknown(-126));
    }
}
