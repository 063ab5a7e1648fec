use std::ops::Deref;
use std::sync::Arc;

use super::guard::LockGuard;
use crate::error::ReleaseError;
use crate::held::{Held, Released};

/// A lock that several parts of a program hold as one. Made by [`LockGuard::share`].
///
/// Clones share the lock; it is released, in the background, when the last one is dropped. All of them
/// see its loss.
#[must_use = "dropping the last one releases the lock"]
#[derive(Clone, Debug)]
pub struct SharedGuard {
    guard: Arc<LockGuard>,
}

impl SharedGuard {
    pub(super) fn new(guard: LockGuard) -> Self {
        Self { guard: Arc::new(guard) }
    }

    /// How many there are, this one included.
    #[must_use]
    pub fn count(&self) -> usize {
        Arc::strong_count(&self.guard)
    }

    /// Gives this one back. The last one releases the lock and waits for the server to confirm; for the
    /// others there is nothing to do, and `None` to tell.
    ///
    /// # Errors
    /// As [`LockGuard::release`], of the last one.
    ///
    /// # Cancel safety
    /// A dropped future has given this one back; the last one releases the lock in the background.
    pub async fn release(self) -> Result<Option<Released>, ReleaseError<Self>> {
        match Arc::into_inner(self.guard) {
            None => Ok(None),
            Some(guard) => match guard.release().await {
                Ok(released) => Ok(Some(released)),
                Err(ReleaseError { guard, source }) => {
                    Err(ReleaseError { guard: Self::new(guard), source })
                }
            },
        }
    }

    /// Does not count.
    pub(crate) fn downgrade(&self) -> WeakGuard {
        WeakGuard(Arc::downgrade(&self.guard))
    }
}

impl Deref for SharedGuard {
    type Target = Held;

    fn deref(&self) -> &Held {
        &self.guard
    }
}

/// A lock that others may hold.
#[derive(Debug, Default)]
pub(crate) struct WeakGuard(std::sync::Weak<LockGuard>);

impl WeakGuard {
    pub(crate) fn upgrade(&self) -> Option<SharedGuard> {
        self.0.upgrade().map(|guard| SharedGuard { guard })
    }
}
