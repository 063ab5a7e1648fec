//! What goes wrong with connections.

use std::fmt;

use zk_proto::{ErrorCode, Zxid};

use super::output::Ticket;
use super::{Phase, Session};
use crate::connect_string::HostPort;
use crate::error::Violation;

/// Why a connection, or an attempt at one, came to nothing.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// Could not connect, or the connection broke.
    Io(String),
    /// The server closed the connection.
    HungUp,
    /// The server closed the connection instead of answering to the handshake.
    HungUpOnHandshake {
        /// Whether every server has done so, one after the other.
        by_all: bool,
        /// The last transaction that this client has seen.
        last_zxid: Zxid,
    },
    /// The server has lost its ensemble, and the session is one of the ensemble.
    ReadOnly,
    /// The server has lost its ensemble, and gives out no sessions of its own.
    NoReadOnlySession,
    /// A writable server was found, to take the place of a read-only one.
    WritableServer,
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

impl<T: Ticket, W: Ticket> Session<T, W> {
    /// A server that has seen less than its client hangs up on the handshake without a word
    /// (`ZooKeeperServer.processConnectRequest`), and so does one that is read-only.
    pub(super) fn explain(&mut self, why: Trouble) -> Trouble {
        let on_handshake = matches!(self.phase, Phase::Handshaking { .. });
        if !on_handshake || !matches!(why, Trouble::HungUp) {
            self.hung_up_on = 0;
            return why;
        }
        self.hung_up_on = self.hung_up_on.saturating_add(1);
        let by_all = self.hung_up_on >= self.hosts.round_len();
        Trouble::HungUpOnHandshake { by_all, last_zxid: self.last_zxid }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => f.write_str(error),
            Self::HungUp => f.write_str("the server hung up"),
            Self::HungUpOnHandshake { by_all, last_zxid } => {
                let (who, they) =
                    if *by_all { ("every server", "they") } else { ("the server", "it") };
                write!(f, "{who} hung up on the handshake; {they} may ")?;
                if *last_zxid > Zxid::ZERO {
                    write!(f, "have seen less than this client, whose last zxid is {last_zxid}, ")?;
                }
                f.write_str("be read-only, not be ready, or want TLS on this port")
            }
            Self::ReadOnly => f.write_str("the server is read-only"),
            Self::NoReadOnlySession => {
                f.write_str("the server is read-only, and gives out no sessions")
            }
            Self::WritableServer => f.write_str("a writable server was found"),
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
