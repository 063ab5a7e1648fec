use std::fmt;
use std::ops::Deref;
use std::time::{Duration, SystemTime};

use super::Queue;
use super::clock::Millis;
use super::item_name::{ItemId, Marks};
use crate::codec::Codec;
use crate::error::RecipeError;

/// A queue whose items are taken at their time, the earliest first. Made by [`Queue::by_due_time`], and
/// otherwise as that: what is put without a time is due at once.
///
/// The time is stored as milliseconds since 1970, by the clock of the producer, and an item is not taken
/// before the clock of the consumer says so: where these differ it is early or late by that. The first
/// consumer in line sleeps until the earliest time, and is woken by whatever is put meanwhile.
#[doc(alias = "DistributedDelayQueue")]
pub struct DelayQueue<T, C> {
    queue: Queue<T, C>,
}

impl<T, C: Codec<T>> DelayQueue<T, C> {
    pub(super) const fn new(queue: Queue<T, C>) -> Self {
        Self { queue }
    }

    /// Puts an item that is to be taken after a while.
    ///
    /// # Errors
    /// As [`Queue::put`].
    ///
    /// # Cancel safety
    /// As [`Queue::put`].
    pub async fn put_after(&self, item: &T, delay: Duration) -> Result<ItemId, RecipeError> {
        let due = Some(self.queue.core.clock.after(delay));
        self.queue.put_marked(item, Marks { due, ..Marks::default() }).await
    }

    /// Puts an item that is to be taken at a time; at once if that has come.
    ///
    /// # Errors
    /// As [`Queue::put`].
    ///
    /// # Cancel safety
    /// As [`Queue::put`].
    pub async fn put_at(&self, item: &T, time: SystemTime) -> Result<ItemId, RecipeError> {
        let due = Some(Millis::at(time));
        self.queue.put_marked(item, Marks { due, ..Marks::default() }).await
    }
}

impl<T, C> Deref for DelayQueue<T, C> {
    type Target = Queue<T, C>;

    fn deref(&self) -> &Queue<T, C> {
        &self.queue
    }
}

impl<T, C> Clone for DelayQueue<T, C> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<T, C> fmt::Debug for DelayQueue<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DelayQueue").field(&self.queue).finish()
    }
}
