//! What a candidate is told of itself.

use std::fmt;

use crate::error::RecipeError;
use crate::held::{FencingToken, LostReason};

/// Where a candidate stands.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Role {
    /// It is about to take a place, for the first time or anew: it waits for a connection, for a new
    /// session, or for the server.
    Joining,
    /// It waits in the queue.
    Follower {
        /// The path of the node just ahead, which it watches.
        ahead: String,
    },
    /// An override keeps it out of the queue.
    Excluded,
    /// It is first, and an override lets nobody become the leader.
    Frozen,
    /// It leads.
    Leader {
        /// The term, which is higher than that of every leader before.
        term: FencingToken,
    },
    /// It leads if its session survives the loss of the connection, which is not known.
    Suspended,
    /// It has left for good. Nothing follows.
    Left(LeftReason),
}

/// Why a candidate has left.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LeftReason {
    /// It was told to, or dropped.
    Left,
    /// It has given up its leadership and does not [rejoin](super::Election::rejoin).
    SteppedDown,
    /// Its node or its session is gone, and it does not rejoin, or cannot: the client has ended.
    Lost(LostReason),
    /// The server does not let it take part, or its settings do not fit each other.
    Failed(RecipeError),
    /// The task of the candidate has ended as nobody expected: a callback has panicked.
    Panicked,
}

/// Why a term ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TermEnd {
    /// The leadership is lost: somebody else may lead already.
    Lost(LostReason),
    /// An override wants somebody else to lead, or nobody. It is lost when the
    /// [time to finish](super::Election::grace) is over.
    Overridden,
    /// The holder has let go of it.
    SteppedDown,
    /// The candidate leaves. It is lost when the time to finish is over.
    Left,
}

/// Whether receivers of a candidate's [`Role`] are told that it has left. The holder of the
/// [`Leadership`](super::Leadership) always is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CloseMode {
    /// The last role is [`Role::Left`]. Curator's `NOTIFY_LEADER`.
    #[default]
    Notify,
    /// The last role stays what it is, and the channel ends. Curator's `SILENT`.
    Silent,
}

/// What a leader wants when its work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AfterTerm {
    /// To give up the leadership and wait for its next turn, at the tail of the queue. Curator's
    /// `autoRequeue`.
    Rejoin,
    /// To leave the election.
    Stop,
}

impl From<LeftReason> for RecipeError {
    fn from(reason: LeftReason) -> Self {
        match reason {
            LeftReason::Lost(reason) => Self::Lost(reason),
            LeftReason::Failed(error) => error,
            LeftReason::Left | LeftReason::SteppedDown | LeftReason::Panicked => {
                Self::Lost(LostReason::Released)
            }
        }
    }
}

impl fmt::Display for TermEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(reason) => write!(f, "lost: {reason}"),
            Self::Overridden => f.write_str("overridden"),
            Self::SteppedDown => f.write_str("given up"),
            Self::Left => f.write_str("the candidate leaves"),
        }
    }
}
