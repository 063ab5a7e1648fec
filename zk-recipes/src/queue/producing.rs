//! What producers call.

use std::time::Duration;

use super::Queue;
use super::item_name::{ItemId, Marks};
use super::putting::{NewItem, WhenFull};
use crate::codec::Codec;
use crate::error::RecipeError;
use crate::retry::within;

impl<T, C: Codec<T>> Queue<T, C> {
    /// Puts an item at the tail. While a bounded queue is full it waits; there is no deadline: nobody may
    /// take anything.
    ///
    /// # Errors
    /// [`RecipeError::Codec`] when the value cannot be written; `RequestTooLarge`; and the client's. Without
    /// [`RecipeError::outcome_unknown`] nothing was put.
    ///
    /// # Cancel safety
    /// After a dropped future the item is there, once, or not at all. It is not taken back: somebody may
    /// have it already.
    pub async fn put(&self, item: &T) -> Result<ItemId, RecipeError> {
        self.put_marked(item, Marks::default()).await
    }

    /// Puts an item, but waits no longer than `limit` for that, connection trouble included.
    ///
    /// # Errors
    /// [`RecipeError::Timeout`]: the item was put or not, as with a dropped future. And those of
    /// [`put`](Self::put).
    ///
    /// # Cancel safety
    /// As [`put`](Self::put).
    pub async fn put_timeout(&self, item: &T, limit: Duration) -> Result<ItemId, RecipeError> {
        within(limit, self.put(item)).await
    }

    /// Puts an item if there is room, and tells whether there was: `None` when the queue is full.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    ///
    /// # Cancel safety
    /// As [`put`](Self::put).
    pub async fn try_put(&self, item: &T) -> Result<Option<ItemId>, RecipeError> {
        let item = self.new_item(item, Marks::default())?;
        let id = item.id;
        let has_room = self.core.put(&[item], WhenFull::Refuse).await?;
        Ok(has_room.then_some(id))
    }

    /// Puts several items in one transaction, all or none, in their order and with nothing between them.
    /// Together they must fit into one request, 1 MiB unless servers are set up otherwise.
    ///
    /// # Errors
    /// As [`put`](Self::put); [`RecipeError::BadArguments`] when they are more than a bounded queue can hold.
    ///
    /// # Cancel safety
    /// As [`put`](Self::put), all or none.
    pub async fn put_all<'a>(
        &self,
        items: impl IntoIterator<Item = &'a T>,
    ) -> Result<Vec<ItemId>, RecipeError>
    where
        T: 'a,
    {
        let marks = Marks { due: self.core.due_by_default(), ..Marks::default() };
        let new: Result<Vec<_>, _> =
            items.into_iter().map(|item| self.new_item(item, marks)).collect();
        let new = new?;
        self.core.put(&new, WhenFull::Wait).await?;
        Ok(new.iter().map(|item| item.id).collect())
    }

    pub(super) async fn put_marked(&self, item: &T, marks: Marks) -> Result<ItemId, RecipeError> {
        let item = self.new_item(item, marks)?;
        let id = item.id;
        self.core.put(&[item], WhenFull::Wait).await?;
        Ok(id)
    }

    fn new_item(&self, item: &T, marks: Marks) -> Result<NewItem, RecipeError> {
        let due = marks.due.or_else(|| self.core.due_by_default());
        let error = |error| RecipeError::Codec { path: self.core.items.clone(), error };
        let data = self.codec.encode(item).map_err(error)?;
        Ok(NewItem { id: ItemId::new(), marks: Marks { due, ..marks }, data })
    }
}
