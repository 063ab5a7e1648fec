//! The state of a session as its user sees it.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;
use zk_proto::SessionId;

use crate::auth_failure::AuthFailure;

/// Where a session stands. Comes from [`Client::state`](crate::Client::state).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionState {
    /// No session was granted yet.
    Connecting,
    /// The session is alive on a connection.
    Connected {
        /// Its id.
        session_id: SessionId,
        /// The negotiated session timeout.
        timeout: Duration,
        /// Which of the sessions of this client it is.
        generation: Generation,
        /// Whether this is the session that was there before.
        session: SessionContinuity,
    },
    /// There is a connection to a server that has lost its ensemble, and has given out a session of
    /// its own: reads are answered, and may be old; writes and `sync` fail with
    /// [`NotReadOnly`](crate::ErrorCode::NotReadOnly). Meanwhile a writable server is looked for,
    /// where the client gets a session of the ensemble: a new one, of a generation of its own. Only
    /// with [`ClientBuilder::allow_read_only_server`](crate::ClientBuilder::allow_read_only_server).
    ConnectedReadOnly {
        /// Its id, which only that server knows.
        session_id: SessionId,
        /// The negotiated session timeout.
        timeout: Duration,
    },
    /// The connection is lost; the session lives on at the server until its timeout.
    Disconnected {
        /// When the loss was noticed.
        since: Instant,
    },
    /// The ensemble has ended the session, with its ephemeral nodes, and a new one is asked for:
    /// [`ExpiryPolicy::NewSession`](crate::ExpiryPolicy::NewSession). Requests wait for it.
    Renewing {
        /// The session that is over.
        expired: SessionId,
    },
    /// The ensemble has ended the session. Its ephemeral nodes are gone; nothing leads back.
    Expired,
    /// A server has refused what [`Client::add_auth`](crate::Client::add_auth) or
    /// [`ClientBuilder::auth`](crate::ClientBuilder::auth) named. This client is of no use any
    /// more; the session, with its ephemeral nodes, goes when its timeout has passed.
    AuthFailed {
        /// What the server did not accept.
        reason: AuthFailure,
    },
    /// The client was closed.
    Closed,
}

impl SessionState {
    /// Whether a session of the ensemble is alive on a connection. That of a read-only server is
    /// not one.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        matches!(self, Self::Connected { .. })
    }

    /// Whether the session is over for good.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Expired | Self::AuthFailed { .. } | Self::Closed)
    }
}

/// Which of the sessions that a client has had, one after the other: 1 for the first one, and one
/// more for each that took the place of an expired one.
///
/// What is tied to a session, such as an ephemeral node or a lock, is tied to its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl Generation {
    pub(crate) const FIRST: Self = Self(1);

    /// That of the session that takes the place of this one.
    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The generation as a number, from 1.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Whether the session of a connection is one that is known already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionContinuity {
    /// It is a new one, on its first connection: it has no ephemeral nodes.
    New,
    /// It is the one that was there before, with all its ephemeral nodes.
    Same,
}
