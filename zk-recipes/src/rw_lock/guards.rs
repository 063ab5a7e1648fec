use std::ops::Deref;
use std::sync::Arc;

use thiserror::Error;

use super::RwLock;
use crate::error::{RecipeError, ReleaseError};
use crate::held::{Held, Released};

/// Proof that the lock is held for reading, until it says otherwise. What it knows and can do is
/// [`Held`]; its token is that of its own node, see the [module](super).
///
/// Dropping it releases the lock in the background; [`release`](Self::release) also tells how
/// that went. It keeps the session open.
#[must_use = "dropping it releases the lock"]
#[derive(Debug)]
pub struct ReadGuard {
    pub(super) held: Held,
    pub(super) lock: Arc<RwLock>,
}

/// Proof that the lock is held for writing, until it says otherwise. What it knows and can do is
/// [`Held`].
///
/// Dropping it releases the lock in the background; [`release`](Self::release) also tells how
/// that went. It keeps the session open.
#[must_use = "dropping it releases the lock"]
#[derive(Debug)]
pub struct WriteGuard {
    pub(super) held: Held,
    pub(super) lock: Arc<RwLock>,
}

/// A guard that could not become one of the other kind. The guard is in it, and knows by itself
/// whether it is still held.
#[derive(Debug, Error)]
#[error("not converted: {source}")]
pub struct ConversionError<G> {
    /// As it was.
    pub guard: G,
    /// Why not.
    pub source: RecipeError,
}

impl ReadGuard {
    pub(super) const fn new(held: Held, lock: Arc<RwLock>) -> Self {
        Self { held, lock }
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
        let Self { held, lock } = self;
        held.release()
            .await
            .map_err(|(held, source)| ReleaseError { guard: Self { held, lock }, source })
    }
}

impl WriteGuard {
    pub(super) const fn new(held: Held, lock: Arc<RwLock>) -> Self {
        Self { held, lock }
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
        let Self { held, lock } = self;
        held.release()
            .await
            .map_err(|(held, source)| ReleaseError { guard: Self { held, lock }, source })
    }
}

impl Deref for ReadGuard {
    type Target = Held;

    fn deref(&self) -> &Held {
        &self.held
    }
}

impl Deref for WriteGuard {
    type Target = Held;

    fn deref(&self) -> &Held {
        &self.held
    }
}
