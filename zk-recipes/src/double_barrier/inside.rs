use std::ops::Deref;
use std::time::Duration;

use tokio::time::Instant;

use super::curator::Textbook;
use crate::gathering::Gathering;
use crate::gathering::error::RoundError;
use crate::gathering::leaver::{Exit, Leaver};
use crate::gathering::rounds::RoundMember;
use crate::held::{Held, Released};

/// Proof that a member was let in, with all the others of its round. What it knows and can do is
/// [`Held`]: it is lost when the member's node is, and the others then see that it has gone.
///
/// Dropping it leaves in the background, without waiting for the others. It keeps the session open.
#[must_use = "dropping it leaves the barrier"]
#[derive(Debug)]
pub struct Inside {
    held: Held,
    members: Vec<RoundMember>,
    way_out: WayOut,
}

/// How to leave.
#[derive(Debug)]
pub(super) enum WayOut {
    Rounds { gathering: Gathering, round: u64 },
    Curator(Textbook),
}

impl Inside {
    pub(super) const fn new(held: Held, members: Vec<RoundMember>, way_out: WayOut) -> Self {
        Self { held, members, way_out }
    }

    /// The number of the round, from 1. Curator's barriers do not count them.
    #[must_use]
    pub const fn round(&self) -> Option<u64> {
        match &self.way_out {
            WayOut::Rounds { round, .. } => Some(*round),
            WayOut::Curator(_) => None,
        }
    }

    /// Who was let in, in the order in which they came: the same list for all of them. With
    /// [`BarrierMode::Curator`](super::BarrierMode::Curator) it is who was there when this member
    /// looked, by name and without payloads.
    #[must_use]
    pub fn members(&self) -> &[RoundMember] {
        &self.members
    }

    /// Leaves, and waits until all others have left or died. There is no deadline: somebody may stay
    /// inside for ever.
    ///
    /// [`Released::AlreadyLost`] says that our node was gone before: the others may have taken that for
    /// our leaving, and left without us.
    ///
    /// # Errors
    /// [`RoundError::Broken`] where the barrier is [strict](super::DoubleBarrier::strict) and somebody
    /// has died. [`RecipeError::Lost`](crate::RecipeError::Lost) when the session is over, and the
    /// client's errors. In all of these cases this member has left.
    ///
    /// # Cancel safety
    /// A dropped future leaves in the background.
    pub async fn leave(self) -> Result<Released, RoundError> {
        self.leave_until(None).await
    }

    /// Leaves, but does not wait for the others for longer than `limit`, connection trouble included.
    ///
    /// # Errors
    /// [`RoundError::Timeout`], which names those who were still inside: this member has left then, or
    /// does so in the background. And those of [`leave`](Self::leave).
    ///
    /// # Cancel safety
    /// As [`leave`](Self::leave).
    pub async fn leave_timeout(self, limit: Duration) -> Result<Released, RoundError> {
        self.leave_until(Instant::now().checked_add(limit)).await
    }

    async fn leave_until(self, deadline: Option<Instant>) -> Result<Released, RoundError> {
        match self.way_out {
            WayOut::Rounds { gathering, round } => {
                Leaver::new(gathering, self.held, round).leave(Exit::Together, deadline).await
            }
            WayOut::Curator(textbook) => textbook.leave(self.held, deadline).await,
        }
    }
}

impl Deref for Inside {
    type Target = Held;

    fn deref(&self) -> &Held {
        &self.held
    }
}
