use std::ops::Deref;

use super::shared_guard::SharedGuard;
use crate::error::ReleaseError;
use crate::held::{Held, Released};

/// Proof that the lock is held, until it says otherwise. What it knows and can do is [`Held`].
///
/// Dropping it releases the lock in the background; [`release`](Self::release) also tells how
/// that went. It keeps the session open.
#[must_use = "dropping it releases the lock"]
#[derive(Debug)]
pub struct LockGuard {
    held: Held,
}

impl LockGuard {
    pub(super) const fn new(held: Held) -> Self {
        Self { held }
    }

    /// Gives the lock back, and waits for the server to confirm.
    ///
    /// # Errors
    /// [`ReleaseError`] with the guard in it, when there was no confirmation: the lock may be
    /// free or not. Release again, or drop the guard and let the janitor go on.
    ///
    /// # Cancel safety
    /// A dropped future releases the lock in the background.
    pub async fn release(self) -> Result<Released, ReleaseError<Self>> {
        self.held
            .release()
            .await
            .map_err(|(held, source)| ReleaseError { guard: Self { held }, source })
    }

    /// Makes it a guard that several parts of a program can hold: the lock is released with the last one.
    pub fn share(self) -> SharedGuard {
        SharedGuard::new(self)
    }
}

impl Deref for LockGuard {
    type Target = Held;

    fn deref(&self) -> &Held {
        &self.held
    }
}
