use thiserror::Error;

use crate::ownership::LostReason;

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
    /// The sequence numbers of this parent are used up or no longer in order, so that nobody can
    /// tell who came first. Delete the parent once nobody uses it.
    #[error("the sequence numbers below {parent} are exhausted")]
    SequenceExhausted {
        /// The parent of the contenders.
        parent: String,
    },
    /// The client could not do what the recipe needs.
    #[error(transparent)]
    Client(#[from] zk_client::Error),
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
