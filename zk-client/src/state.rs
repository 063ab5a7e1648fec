//! The state of a session as its user sees it.

use std::time::Duration;

use tokio::time::Instant;
use zk_proto::SessionId;

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
        /// Whether the session was there before: false on the first connection, true on each
        /// one after it.
        resumed: bool,
    },
    /// The connection is lost; the session lives on at the server until its timeout.
    Disconnected {
        /// When the loss was noticed.
        since: Instant,
    },
    /// The ensemble has ended the session. Its ephemeral nodes are gone; nothing leads back.
    Expired,
    /// A server has refused what [`Client::add_auth`](crate::Client::add_auth) or
    /// [`ClientBuilder::auth`](crate::ClientBuilder::auth) named. This client is of no use any
    /// more; the session, with its ephemeral nodes, goes when its timeout has passed.
    AuthFailed,
    /// The client was closed.
    Closed,
}

impl SessionState {
    /// Whether requests are sent at once.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        matches!(self, Self::Connected { .. })
    }

    /// Whether the session is over for good.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Expired | Self::AuthFailed | Self::Closed)
    }
}
