//! Items that nobody takes any more.

use std::fmt;

use bytes::Bytes;
use zk_client::path::join;
use zk_client::{Error, ErrorCode, Version};

use super::core::Core;
use super::ending::WHY;
use super::item_name::{ItemId, ItemName};
use crate::error::RecipeError;

/// An item that was delivered too often, cannot be read, or was refused for good.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The id that it had as an item.
    pub id: ItemId,
    /// The path of its node.
    pub path: String,
    /// What the item's node had; the codec may not be able to read it.
    pub data: Bytes,
    /// For people.
    pub why: String,
}

/// Does not show the data.
impl fmt::Debug for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetter")
            .field("path", &self.path)
            .field("why", &self.why)
            .finish_non_exhaustive()
    }
}

impl Core {
    /// The dead letters, in the order in which they came.
    pub(super) async fn dead_letters(&self) -> Result<Vec<DeadLetter>, RecipeError> {
        let children = match self.client.children_with_data(&self.dead).await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => return Ok(Vec::new()),
            children => children?,
        };
        let mut letters = Vec::new();
        for child in children {
            let Some(name) = ItemName::parse(&child.name) else { continue };
            let path = join(&self.dead, &child.name);
            let why = match self.client.get(&join(&path, WHY)).await {
                Ok((why, _)) => String::from_utf8_lossy(&why).into_owned(),
                Err(error) if error.code() == Some(ErrorCode::NoNode) => String::new(),
                Err(error) => return Err(error.into()),
            };
            let letter = DeadLetter { id: name.id, path, data: child.data, why };
            letters.push(((child.stat.czxid, name.sequence), letter));
        }
        letters.sort_by_key(|(came, _)| *came);
        Ok(letters.into_iter().map(|(_, letter)| letter).collect())
    }

    /// Deletes a dead letter; tells whether there was one.
    pub(super) async fn discard(&self, letter: &DeadLetter) -> Result<bool, Error> {
        let multi = self.client.multi().delete(&join(&letter.path, WHY), Version::ANY);
        let multi = multi.delete(&letter.path, Version::ANY);
        match multi.commit().await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(false),
            deleted => deleted.map(|_| true),
        }
    }
}
