use std::fmt;
use std::ops::Deref;

use super::Queue;
use super::item_name::{ItemId, Marks};
use crate::codec::Codec;
use crate::error::RecipeError;

/// A queue whose items have a priority: the lowest number is taken first. Made by
/// [`Queue::by_priority`], and otherwise as that: what is put without a priority has 0.
///
/// The most urgent of all items that are there is taken next, also when others were seen before it came.
#[doc(alias = "DistributedPriorityQueue")]
pub struct PriorityQueue<T, C> {
    queue: Queue<T, C>,
}

impl<T, C: Codec<T>> PriorityQueue<T, C> {
    pub(super) const fn new(queue: Queue<T, C>) -> Self {
        Self { queue }
    }

    /// Puts an item; the lower the number, the sooner it is taken.
    ///
    /// # Errors
    /// As [`Queue::put`].
    ///
    /// # Cancel safety
    /// As [`Queue::put`].
    pub async fn put(&self, item: &T, priority: i32) -> Result<ItemId, RecipeError> {
        let marks = Marks { priority: Some(priority), ..Marks::default() };
        self.queue.put_marked(item, marks).await
    }
}

impl<T, C> Deref for PriorityQueue<T, C> {
    type Target = Queue<T, C>;

    fn deref(&self) -> &Queue<T, C> {
        &self.queue
    }
}

impl<T, C> Clone for PriorityQueue<T, C> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<T, C> fmt::Debug for PriorityQueue<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PriorityQueue").field(&self.queue).finish()
    }
}
