use std::fmt;

use tokio::time::Instant;
use zk_client::Zxid;

/// A number that grows with each change of owner: the `czxid` of the owner's node.
///
/// A resource that remembers the highest token it has seen and refuses lower ones is safe even
/// from an owner that was stopped and does not know yet that it has lost. It grows over the life
/// of an ensemble, also when the parent is deleted and made anew; it starts again only when the
/// ensemble is rebuilt from nothing, or from an old backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FencingToken(u64);

/// Whether something is still owned, as far as is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ownership {
    /// Owned, as far as the server has told.
    Held,
    /// The connection is lost. It is still owned if the session survives, which will be known
    /// when there is a connection again.
    Suspended {
        /// When the loss was noticed.
        since: Instant,
        /// Until when the session is certain to live, and so nobody else to own it: the end of the
        /// [lease](zk_client::Client::lease), as far as there is one.
        safe_until: Option<Instant>,
    },
    /// Not owned any more, for good.
    Lost(LostReason),
}

/// Why something is not owned any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LostReason {
    /// The ensemble has ended the session.
    SessionExpired,
    /// The client was closed, or a server has refused its credentials.
    SessionClosed,
    /// Somebody has deleted the node.
    NodeDeleted,
    /// The connection was lost, which is as much as a loss by
    /// [`SuspendPolicy::Strict`](crate::SuspendPolicy::Strict).
    Suspended,
    /// The session is not certain to live any more, which is as much as a loss by
    /// [`SuspendPolicy::UntilSafe`](crate::SuspendPolicy::UntilSafe).
    LeaseOver,
    /// It was given back.
    Released,
}

/// What a confirmed release found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// It was owned until now.
    Now,
    /// It had been lost before.
    AlreadyLost,
}

/// What becomes of something that is held when the connection is lost, and nobody knows whether the
/// session will survive that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SuspendPolicy {
    /// It is lost when the session is, and [`Suspended`](Ownership::Suspended) until that is known.
    /// The holder may learn that later than the next one gets in, by as long as it has no connection.
    #[default]
    Session,
    /// It is lost with the connection, at once. As Curator's `StandardConnectionStateErrorPolicy`.
    Strict,
    /// It is lost when the session is not certain to live any more, with a connection or without:
    /// at the end of the [lease](zk_client::Client::lease), before anybody else can get in. While there
    /// is a connection the lease is kept, by a write as often as that takes.
    UntilSafe,
}

impl FencingToken {
    pub(crate) const fn of(czxid: Zxid) -> Self {
        Self(czxid.0.cast_unsigned())
    }

    pub(crate) const fn czxid(self) -> Zxid {
        Zxid(self.0.cast_signed())
    }

    /// The token as a number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl From<FencingToken> for u64 {
    fn from(token: FencingToken) -> Self {
        token.0
    }
}

impl fmt::Display for FencingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Ownership {
    /// Whether it is owned now, without any doubt of this process: held, or suspended while the session
    /// is certain to live.
    #[must_use]
    pub fn is_valid(&self, now: Instant) -> bool {
        match self {
            Self::Held => true,
            Self::Suspended { safe_until, .. } => safe_until.is_some_and(|until| now < until),
            Self::Lost(_) => false,
        }
    }
}

impl fmt::Display for LostReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SessionExpired => "the session has expired",
            Self::SessionClosed => "the client was closed",
            Self::NodeDeleted => "the node was deleted by somebody else",
            Self::Suspended => "the connection was lost",
            Self::LeaseOver => "the session is not certain to live any more",
            Self::Released => "it was released",
        })
    }
}
