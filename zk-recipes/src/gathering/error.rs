use thiserror::Error;

use super::rounds::RoundMember;
use crate::error::RecipeError;

/// Why a round did not end as it should for one of its members.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum RoundError {
    /// The time given was not enough.
    #[error("timed out; {} were still inside", remaining.len())]
    Timeout {
        /// Those who had not gone when the round was last looked at.
        remaining: Vec<RoundMember>,
    },
    /// Somebody has died, or has gone without a word, in a round that is strict about it.
    #[error("the round is broken: {} are missing", who.len())]
    Broken {
        /// Who it was.
        who: Vec<RoundMember>,
    },
    /// Anything else.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
}

impl From<zk_client::Error> for RoundError {
    fn from(error: zk_client::Error) -> Self {
        Self::Recipe(error.into())
    }
}
