use std::sync::Arc;

use tokio::sync::{oneshot, watch};

use super::leadership::{Leadership, Slot};
use super::role::{CloseMode, LeftReason, Role};
use crate::error::RecipeError;
use crate::held::LostReason;

/// Somebody who takes part in an election: a task that waits, leads, and comes again.
///
/// Dropping it leaves in the background, and ends the term if it leads: keep it as long as its
/// [`Leadership`]. It keeps the session open.
#[must_use = "dropping it leaves the election"]
#[derive(Debug)]
pub struct Candidate {
    id: String,
    role: watch::Receiver<Role>,
    slot: Arc<Slot>,
    leave: oneshot::Sender<Leaving>,
}

/// What the task is asked when a candidate leaves.
#[derive(Debug)]
pub(super) struct Leaving {
    pub(super) mode: CloseMode,
    pub(super) done: oneshot::Sender<Result<(), RecipeError>>,
}

impl Candidate {
    pub(super) const fn new(
        id: String,
        role: watch::Receiver<Role>,
        slot: Arc<Slot>,
        leave: oneshot::Sender<Leaving>,
    ) -> Self {
        Self { id, role, slot, leave }
    }

    /// Who it is.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Every change of its role. What came in between is skipped by whoever looks late.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<Role> {
        self.role.clone()
    }

    /// Waits until it leads. There is no deadline.
    ///
    /// Each term is given out once. Nobody has to take it: it leads all the same.
    ///
    /// # Errors
    /// Why it has left the election.
    ///
    /// # Cancel safety
    /// No term is lost: the next call gets it.
    pub async fn leadership(&mut self) -> Result<Leadership, RecipeError> {
        loop {
            // Marked as seen first: what is offered is told behind it.
            let role = self.role.borrow_and_update().clone();
            if let Some(leadership) = self.slot.take() {
                return Ok(leadership);
            }
            if let Role::Left(reason) = role {
                return Err(reason.into());
            }
            if self.role.changed().await.is_err() {
                let reason = match &*self.role.borrow() {
                    Role::Left(reason) => reason.clone(),
                    // The runtime of the task has gone.
                    _ => LeftReason::Lost(LostReason::SessionClosed),
                };
                return Err(reason.into());
            }
        }
    }

    /// Leaves the election, and waits for the server to confirm. A leader is told first, and has its
    /// [time to finish](super::Election::grace).
    ///
    /// There is no deadline: without a connection this waits for one, and no longer than the session
    /// lives.
    ///
    /// # Errors
    /// The server's refusal to delete the node.
    ///
    /// # Cancel safety
    /// A dropped future leaves in the background.
    pub async fn leave(self, mode: CloseMode) -> Result<(), RecipeError> {
        let (done, left) = oneshot::channel();
        let _ = self.leave.send(Leaving { mode, done });
        // Nobody answers when it has left already.
        left.await.unwrap_or(Ok(()))
    }
}
