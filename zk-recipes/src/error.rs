use thiserror::Error;

use crate::codec::CodecError;
use crate::held::LostReason;

/// Why a recipe could not do what was asked.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// The time given was not enough.
    #[error("timed out")]
    Timeout,
    /// Somebody else is ahead, and the call was not to wait.
    #[error("held by somebody else")]
    Contended,
    /// The place in the queue, or what was owned, is gone.
    #[error("lost: {0}")]
    Lost(LostReason),
    /// The sequence numbers of this parent are at their end, where the call cannot do without them.
    /// Delete the parent once nobody uses it.
    #[error("the sequence numbers below {parent} are exhausted")]
    SequenceExhausted {
        /// The parent of the contenders.
        parent: String,
    },
    /// What others have made of the nodes does not fit what this side was told.
    #[error("conflict at {path}: {reason}")]
    Conflict {
        /// The node.
        path: String,
        /// What does not fit.
        reason: String,
    },
    /// The parts of the call do not fit each other; nothing was sent.
    #[error("bad arguments: {reason}")]
    BadArguments {
        /// What does not fit.
        reason: &'static str,
    },
    /// A value that cannot be written, or data that is no such value.
    #[error("{path}: {error}")]
    Codec {
        /// The node.
        path: String,
        /// What is wrong.
        error: CodecError,
    },
    /// The client could not do what the recipe needs.
    #[error(transparent)]
    Client(#[from] zk_client::Error),
}

impl RecipeError {
    /// Whether the write may have been carried out although there is an error.
    #[must_use]
    pub const fn outcome_unknown(&self) -> bool {
        match self {
            Self::Client(error) => error.outcome_unknown(),
            _ => false,
        }
    }

    /// Whether the session that this was asked in is over for whoever asked; see
    /// [`zk_client::Error::is_session_over`].
    #[must_use]
    pub const fn is_session_over(&self) -> bool {
        match self {
            Self::Client(error) => error.is_session_over(),
            Self::Lost(reason) => {
                matches!(reason, LostReason::SessionExpired | LostReason::SessionClosed)
            }
            _ => false,
        }
    }
}

/// A release that the server has not confirmed. The guard is in it: release again, or drop it and
/// leave the rest to the [`Janitor`](crate::Janitor).
#[derive(Debug, Error)]
#[error("release not confirmed: {source}")]
pub struct ReleaseError<G> {
    /// Still held, as far as is known.
    pub guard: G,
    /// Why there is no confirmation.
    pub source: zk_client::Error,
}
