//! What goes wrong with connections.

use std::fmt;

use zk_proto::ErrorCode;

use crate::connect_string::HostPort;
use crate::error::Violation;

/// Why a connection, or an attempt at one, came to nothing.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// Could not connect, or the connection broke.
    Io(String),
    /// The server closed the connection.
    HungUp,
    /// The server closed the connection before it had granted a session.
    HungUpAtOnce,
    /// The server wants TLS, and we do not speak it.
    SpeaksTls,
    /// Nothing was heard for too long.
    Silence,
    /// The server broke the protocol.
    Violation(Violation),
    /// The server would not set the watches again that another connection had.
    WatchesNotSet(ErrorCode),
    /// A name has no address.
    Unresolved { host: HostPort, error: String },
    /// Given up, because the list of hosts has changed.
    OtherHosts,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => f.write_str(error),
            Self::HungUp => f.write_str("the server hung up"),
            Self::HungUpAtOnce => f.write_str(
                "the server hung up before it granted a session; one that is not ready does so, and \
                 one that wants TLS on this port",
            ),
            Self::SpeaksTls => f.write_str("the server speaks TLS: see TlsConnector"),
            Self::Silence => f.write_str("the server was silent for too long"),
            Self::Violation(violation) => write!(f, "the server broke the protocol: {violation}"),
            Self::WatchesNotSet(code) => write!(f, "the server did not set the watches: {code}"),
            Self::Unresolved { host, error } => write!(f, "{host} was not resolved: {error}"),
            Self::OtherHosts => f.write_str("the list of hosts has changed"),
        }
    }
}

impl From<Violation> for Trouble {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}
