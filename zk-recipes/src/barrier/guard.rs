use std::ops::Deref;

use crate::error::ReleaseError;
use crate::held::{Held, Released};

/// Keeps a barrier closed, until it says otherwise. What it knows and can do is [`Held`]: it is lost
/// when somebody else lifts the barrier.
///
/// Dropping it lifts the barrier in the background; [`release`](Self::release) also tells how that
/// went. Both lift only the barrier that this guard has set. It keeps the session open.
///
/// The ensemble tells barriers of one path not from each other: [`multi`](Held::multi) goes through as
/// long as any is set.
#[must_use = "dropping it lifts the barrier"]
#[derive(Debug)]
pub struct BarrierGuard {
    held: Held,
}

impl BarrierGuard {
    pub(super) const fn new(held: Held) -> Self {
        Self { held }
    }

    /// Lifts the barrier, and waits for the server to confirm.
    ///
    /// # Errors
    /// [`ReleaseError`] with the guard in it, when there was no confirmation: the barrier may be lifted
    /// or not. Release again, or drop the guard and let the janitor go on.
    ///
    /// # Cancel safety
    /// A dropped future lifts the barrier in the background.
    pub async fn release(self) -> Result<Released, ReleaseError<Self>> {
        self.held
            .release()
            .await
            .map_err(|(held, source)| ReleaseError { guard: Self { held }, source })
    }
}

impl Deref for BarrierGuard {
    type Target = Held;

    fn deref(&self) -> &Held {
        &self.held
    }
}
