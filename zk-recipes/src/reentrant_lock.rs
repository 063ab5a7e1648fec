//! A [`Lock`] that whoever holds it can take again.
//!
//! # Layout
//! That of [`Lock`]: each owner has one node, however often it holds.
//!
//! # Costs
//! Those of [`Lock`] for the first time; none for the others.
//!
//! # Guarantees
//! Those of [`Lock`] between owners. Who is one is told by a key, as there is nothing in an async program
//! that could be taken for the thread of Curator's `InterProcessMutex`: a task may be split, and futures
//! of several owners may run in one. Keys are compared within one [`ReentrantLock`] and its clones;
//! others contend with it through the server, whatever their keys.
//!
//! # What happens when
//! * **Several acquire with one key at once**: one of them waits in the queue, the others for it. When
//!   it gives up, by timeout or because its future is dropped, the next of them takes a place of its own,
//!   at the tail.
//! * **The connection is lost**: an acquire with the key of the holder waits until it is known whether
//!   the lock is still held.
//! * **The lock is lost**: the guards of the owner are lost together. The next acquire with its key
//!   begins anew, beside them; with [`SuspendPolicy::Strict`](crate::SuspendPolicy::Strict) and
//!   [`UntilSafe`](crate::SuspendPolicy::UntilSafe) their node may still be there, and is waited for.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{RecipeError, ReleaseError};
use crate::held::{Held, Ownership, Released};
use crate::lock::{Lock, SharedGuard, WeakGuard};
use crate::retry::within;

/// A fair lock whose owners, told by their keys, may hold it more than once. See the [module](self).
#[doc(alias = "InterProcessMutex")]
pub struct ReentrantLock<K: Ord> {
    lock: Lock,
    owners: Arc<Owners<K>>,
}

/// Proof that the lock is held once more; what it knows and can do is [`Held`]. The lock is released
/// with the last one of its owner.
#[must_use = "dropping the last one of its owner releases the lock"]
pub struct ReentrantGuard<K: Ord> {
    guard: SharedGuard,
    slot: OwnSlot<K>,
}

impl<K: Ord + Clone> ReentrantLock<K> {
    /// Makes a lock re-entrant, for this value and its clones.
    #[must_use]
    pub fn new(lock: Lock) -> Self {
        Self { lock, owners: Arc::new(Owners { slots: Mutex::new(BTreeMap::new()) }) }
    }

    /// Takes the lock for an owner: at once if that has it already, and otherwise as
    /// [`Lock::acquire`]. There is no deadline: a holder may hold for ever.
    ///
    /// # Errors
    /// As [`Lock::acquire`].
    ///
    /// # Cancel safety
    /// A dropped future leaves the queue; whoever waits with the same key goes on.
    pub async fn acquire(&self, owner: K) -> Result<ReentrantGuard<K>, RecipeError> {
        let slot = self.owners.slot(owner);
        let guard = {
            let mut current = slot.slot.lock().await;
            match still_held(&current).await {
                Some(guard) => guard,
                None => {
                    let guard = self.lock.acquire().await?.share();
                    *current = guard.downgrade();
                    guard
                }
            }
        };
        Ok(ReentrantGuard { guard, slot })
    }

    /// Takes the lock for an owner, but does not wait for longer than `limit`.
    ///
    /// # Errors
    /// [`RecipeError::Timeout`], and those of [`Lock::acquire`].
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire); so it is when the time has passed.
    pub async fn acquire_timeout(
        &self,
        owner: K,
        limit: Duration,
    ) -> Result<ReentrantGuard<K>, RecipeError> {
        within(limit, self.acquire(owner)).await
    }

    /// The lock that owners contend for.
    #[must_use]
    pub const fn lock(&self) -> &Lock {
        &self.lock
    }
}

impl<K: Ord> ReentrantGuard<K> {
    /// The key it was acquired with.
    #[must_use]
    pub const fn owner(&self) -> &K {
        &self.slot.owner
    }

    /// How often the owner holds the lock.
    #[must_use]
    pub fn count(&self) -> usize {
        self.guard.count()
    }

    /// Gives this one back. The last one of its owner releases the lock and waits for the server to
    /// confirm; for the others there is nothing to do, and `None` to tell.
    ///
    /// # Errors
    /// As [`Lock`]'s guard, of the last one. Until that is dropped or released again the owner holds
    /// the lock, as far as is known.
    ///
    /// # Cancel safety
    /// A dropped future has given this one back; the last one releases the lock in the background.
    pub async fn release(self) -> Result<Option<Released>, ReleaseError<Self>> {
        let Self { guard, slot } = self;
        match guard.release().await {
            Ok(released) => Ok(released),
            Err(ReleaseError { guard, source }) => {
                // Whoever acquires meanwhile stands behind the node, and is in when it is gone.
                if let Ok(mut current) = slot.slot.try_lock() {
                    *current = guard.downgrade();
                }
                Err(ReleaseError { guard: Self { guard, slot }, source })
            }
        }
    }
}

/// What an owner holds, if it does. Waits while that is not known.
async fn still_held(current: &WeakGuard) -> Option<SharedGuard> {
    let guard = current.upgrade()?;
    let mut ownership = guard.watch();
    let known = ownership.wait_for(|now| !matches!(now, Ownership::Suspended { .. })).await;
    let is_held = matches!(known.as_deref(), Ok(Ownership::Held));
    drop(known);
    is_held.then_some(guard)
}

/// What each owner holds, or waits for. The lock of a slot is kept by the one who waits for its owner.
type Slot = Arc<tokio::sync::Mutex<WeakGuard>>;

struct Owners<K: Ord> {
    slots: Mutex<BTreeMap<K, Slot>>,
}

/// The slot of an owner, which goes with the last one who has it.
struct OwnSlot<K: Ord> {
    owner: K,
    slot: Slot,
    owners: Arc<Owners<K>>,
}

impl<K: Ord + Clone> Owners<K> {
    fn slot(self: &Arc<Self>, owner: K) -> OwnSlot<K> {
        let slot = Arc::clone(self.lock().entry(owner.clone()).or_default());
        OwnSlot { owner, slot, owners: Arc::clone(self) }
    }
}

impl<K: Ord> Owners<K> {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<K, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Ord> Drop for OwnSlot<K> {
    fn drop(&mut self) {
        let mut slots = self.owners.lock();
        // Nobody but the map and this one has it, and nobody gets it meanwhile.
        if Arc::strong_count(&self.slot) == 2 {
            slots.remove(&self.owner);
        }
    }
}

impl<K: Ord> Clone for ReentrantLock<K> {
    fn clone(&self) -> Self {
        Self { lock: self.lock.clone(), owners: Arc::clone(&self.owners) }
    }
}

impl<K: Ord> Deref for ReentrantGuard<K> {
    type Target = Held;

    fn deref(&self) -> &Held {
        &self.guard
    }
}

/// Does not show the owners.
impl<K: Ord> fmt::Debug for ReentrantLock<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReentrantLock").field("lock", &self.lock).finish_non_exhaustive()
    }
}

/// Does not show the owner.
impl<K: Ord> fmt::Debug for ReentrantGuard<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReentrantGuard").field("guard", &self.guard).finish_non_exhaustive()
    }
}
