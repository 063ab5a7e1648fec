//! The places of a bounded queue: nodes with fixed names, of which there cannot be more.

use std::collections::BTreeSet;

use zk_client::{ByteString, Client, ErrorCode};

use super::core::{Core, is_passing, none_without_parent};
use crate::error::RecipeError;

impl Core {
    /// So many places that are free, found from a place by chance on; `None` when there are fewer.
    pub(super) async fn free_slots(
        &self,
        client: &Client,
        wanted: usize,
        chance: u32,
    ) -> Result<Option<Vec<u32>>, RecipeError> {
        let taken = loop {
            match client.children(&self.slots).await {
                Err(error) if is_passing(&error) => client.connected().await?,
                listed => break none_without_parent(listed)?,
            }
        };
        Ok(free(&taken, self.max_items.unwrap_or(u32::MAX), wanted, chance))
    }

    /// Waits until there may be so many free places.
    pub(super) async fn room(&self, client: &Client, wanted: usize) -> Result<(), RecipeError> {
        let most = self.max_items.unwrap_or(u32::MAX);
        let mut state = client.state();
        let (taken, watch) = match client.children(&self.slots).watch().await {
            Ok(listed) => listed,
            Err(error) if is_passing(&error) => {
                client.connected().await?;
                return Ok(());
            }
            // An empty one was removed: there is room.
            Err(error) if error.code() == Some(ErrorCode::NoNode) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if free(&taken, most, wanted, 0).is_some() {
            return Ok(());
        }
        tracing::debug!(path = self.path, most, "full");
        tokio::select! {
            event = watch => event.map(|_| ())?,
            // What has happened without a connection is looked for anew.
            _ = state.changed() => client.connected().await?,
        }
        Ok(())
    }
}

/// The first `wanted` numbers below `most` that are not taken, from `chance` on and around.
fn free(taken: &[ByteString], most: u32, wanted: usize, chance: u32) -> Option<Vec<u32>> {
    let taken: BTreeSet<u32> = taken.iter().filter_map(|name| name.parse().ok()).collect();
    let begin = chance % most.max(1);
    let all = (begin..most).chain(0..begin);
    let free: Vec<u32> = all.filter(|number| !taken.contains(number)).take(wanted).collect();
    (free.len() == wanted).then_some(free)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(taken: &[&str], most: u32, wanted: usize, chance: u32, expected: Option<&[u32]>) {
        let taken: Vec<_> = taken.iter().map(|name| ByteString::from(*name)).collect();
        assert_eq!(free(&taken, most, wanted, chance).as_deref(), expected);
    }

    #[test]
    fn places_are_given_out_that_nobody_has() {
        check(&[], 3, 1, 0, Some(&[0]));
        check(&[], 3, 1, 5, Some(&[2]));
        check(&["0", "2", "notes"], 3, 1, 2, Some(&[1]));
        check(&["1"], 3, 2, 1, Some(&[2, 0]));
        check(&[], 0, 0, 7, Some(&[]));
    }

    #[test]
    fn there_are_never_more_places_than_that() {
        check(&["0", "1", "2"], 3, 1, 0, None);
        check(&["0"], 3, 3, 0, None);
        check(&["7", "8"], 1, 1, 0, Some(&[0]));
    }
}
