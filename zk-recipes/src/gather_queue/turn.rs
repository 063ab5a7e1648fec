use std::ops::Deref;

use super::seat::Order;
use crate::gathering::Gathering;
use crate::gathering::candidate::Round;
use crate::gathering::error::RoundError;
use crate::gathering::leaver::{Exit, Leaver};
use crate::held::{Held, Released};

/// Proof that it is our turn, until it says otherwise. What it knows and can do is [`Held`].
///
/// Dropping it ends the turn in the background, which breaks the round of a
/// [strict](super::GatherQueue::strict) queue. It keeps the session open.
#[must_use = "dropping it ends the turn"]
#[derive(Debug)]
pub struct Turn {
    held: Held,
    gathering: Gathering,
    round: Round,
}

impl Turn {
    pub(super) const fn new(held: Held, gathering: Gathering, round: Round) -> Self {
        Self { held, gathering, round }
    }

    /// In which order the members of the round run.
    #[must_use]
    pub fn order(&self) -> Order {
        self.round.clone().into()
    }

    /// Ends the turn: the next member runs. The last one of a round begins the next round.
    ///
    /// [`Released::AlreadyLost`] says that the turn had been over before.
    ///
    /// # Errors
    /// The client's, as [`RoundError::Recipe`]: the session is over, or the node cannot be deleted.
    ///
    /// # Cancel safety
    /// A dropped future ends the turn in the background.
    pub async fn done(self) -> Result<Released, RoundError> {
        Leaver::new(self.gathering, self.held, self.round.number).leave(Exit::Alone, None).await
    }
}

impl Deref for Turn {
    type Target = Held;

    fn deref(&self) -> &Held {
        &self.held
    }
}
