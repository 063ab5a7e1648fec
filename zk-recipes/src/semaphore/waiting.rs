//! Waiting for permits as the first in the queue: nobody else watches the leases.

use std::future::pending;

use zk_client::{ErrorCode, Watch};

use super::Semaphore;
use super::maximum::{Maximum, decode};
use super::taking::Room;
use crate::contender::in_line::InLine;
use crate::error::RecipeError;
use crate::held::LostReason;
use crate::retry::until_settled;

/// What was read, and the watch on it, which has not fired. Without one it is not to be followed.
struct Seen<T> {
    value: T,
    watch: Option<Watch>,
}

impl Semaphore {
    /// Looks, and only where there is no room yet looks again with those watches that are not set or
    /// have fired: the last event is often all it takes, and what is watched would be changed by
    /// ourselves then. Returns the watch on our place, which is about to fire.
    pub(super) async fn until_room(
        &self,
        line: &InLine,
        count: u32,
    ) -> Result<Option<Watch>, RecipeError> {
        let client = line.client();
        let (mut place, mut permits, mut held) = (None::<Seen<()>>, None, None);
        loop {
            let room = self.settled_room(client).await?;
            if room.is_for(count) {
                return Ok(place.and_then(|seen| seen.watch));
            }
            tracing::debug!(left = room.left(), count, "waiting for permits");
            if place.is_none() {
                place = Some(until_settled(client, |_| place_of(line)).await?);
            }
            if permits.is_none() {
                permits = Some(until_settled(client, |_| self.permits_seen(line)).await?);
            }
            if held.is_none() {
                held = Some(until_settled(client, |_| self.leases_seen(line)).await?);
            }
            if let (Some(permits), Some(held)) = (&permits, &held) {
                let room = Room { permits: permits.value, held: held.value };
                if room.is_for(count) {
                    return Ok(place.and_then(|seen| seen.watch));
                }
            }
            tokio::select! {
                () = fired(&mut place) => place = None,
                () = fired(&mut permits) => permits = None,
                () = fired(&mut held) => held = None,
            }
        }
    }

    async fn permits_seen(&self, line: &InLine) -> Result<Seen<u32>, RecipeError> {
        match &self.maximum {
            Maximum::Fixed(permits) => Ok(Seen { value: *permits, watch: None }),
            Maximum::Shared { path } => {
                let ((data, _), watch) = line.client().get(path).watch().await?;
                Ok(Seen { value: decode(path, &data)?, watch: Some(watch) })
            }
        }
    }

    async fn leases_seen(&self, line: &InLine) -> Result<Seen<usize>, RecipeError> {
        match line.client().children(&self.leases).watch().await {
            Ok((leases, watch)) => Ok(Seen { value: leases.len(), watch: Some(watch) }),
            // None is held, and nobody but us can change that.
            Err(error) if error.code() == Some(ErrorCode::NoNode) => {
                Ok(Seen { value: 0, watch: None })
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Our place in the queue.
async fn place_of(line: &InLine) -> Result<Seen<()>, RecipeError> {
    match line.client().exists(line.path()).watch().await {
        Ok((Some(_), watch)) => Ok(Seen { value: (), watch: Some(watch) }),
        Ok((None, _)) => Err(RecipeError::Lost(LostReason::NodeDeleted)),
        // Whoever may not read its own node waits without a watch on it.
        Err(error) if error.code() == Some(ErrorCode::NoAuth) => {
            Ok(Seen { value: (), watch: None })
        }
        Err(error) => Err(error.into()),
    }
}

/// Waits until what was read may be old. An error is for the next look to tell.
async fn fired<T>(seen: &mut Option<Seen<T>>) {
    match seen.as_mut().and_then(|seen| seen.watch.as_mut()) {
        Some(watch) => drop(watch.await),
        None => pending().await,
    }
}
