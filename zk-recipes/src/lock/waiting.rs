use super::guard::LockGuard;
use crate::contender::in_line::InLine;
use crate::error::RecipeError;
use crate::held::{FencingToken, SuspendPolicy};

/// A place in the queue of a lock. Dropping it leaves the queue.
#[must_use = "dropping it leaves the queue"]
#[derive(Debug)]
pub struct Waiting {
    line: InLine,
    policy: SuspendPolicy,
}

impl Waiting {
    pub(super) const fn new(line: InLine, policy: SuspendPolicy) -> Self {
        Self { line, policy }
    }

    /// The name of the node just ahead when the queue was last looked at; `None` when it is our
    /// turn.
    #[must_use]
    pub fn ahead(&self) -> Option<&str> {
        self.line.ahead()
    }

    /// The path of our node.
    #[must_use]
    pub fn path(&self) -> String {
        self.line.path().to_owned()
    }

    /// The token that the guard will have.
    #[must_use]
    pub fn token(&self) -> FencingToken {
        FencingToken::of(self.line.czxid())
    }

    /// How many are ahead. Asks the server, and may be old when it is told.
    ///
    /// # Errors
    /// [`RecipeError::Lost`] when our node is gone, and the client's.
    ///
    /// # Cancel safety
    /// The place stays.
    pub async fn position(&self) -> Result<usize, RecipeError> {
        self.line.position().await
    }

    /// Waits for our turn. There is no deadline: a holder may hold for ever.
    ///
    /// # Errors
    /// As [`Lock::acquire`](super::Lock::acquire).
    ///
    /// # Cancel safety
    /// A dropped future leaves the queue.
    pub async fn acquire(mut self) -> Result<LockGuard, RecipeError> {
        self.line.turn().await?;
        Ok(LockGuard::new(self.line.into_held(self.policy)))
    }

    /// Takes the lock if it is our turn, and leaves the queue otherwise.
    pub(super) async fn acquire_now(self) -> Result<LockGuard, RecipeError> {
        Ok(LockGuard::new(self.line.now().await?.into_held(self.policy)))
    }
}
