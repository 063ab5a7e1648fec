use std::ops::Deref;

use crate::error::ReleaseError;
use crate::held::{Held, Released};

/// Proof that a [`SimpleLock`](super::SimpleLock) is held, until it says otherwise. What it knows and
/// can do is [`Held`]; its [`path`](Held::path) is that of the witness.
///
/// Dropping it releases the lock in the background; [`release`](Self::release) also tells how
/// that went. It keeps the session open.
#[must_use = "dropping it releases the lock"]
#[derive(Debug)]
pub struct SimpleGuard {
    held: Held,
}

impl SimpleGuard {
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
}

impl Deref for SimpleGuard {
    type Target = Held;

    fn deref(&self) -> &Held {
        &self.held
    }
}
