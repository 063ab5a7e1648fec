use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::claim::Nodes;
use super::core::Core;
use super::ending::{Ended, Ending};
use super::item_name::{ItemId, ItemName, Marks};
use crate::error::RecipeError;
use crate::held::{Held, LostReason, Ownership};

/// An item in our hand. What it knows of that and can do with it is [`Held`], which stands for the
/// witness of the claim: its `lost` tells when the item may be somebody else's, and its `multi` writes
/// only as long as it is ours.
///
/// Dropping it gives the item back in the background, as [`nack`](Self::nack) does.
#[must_use = "dropping it gives the item back"]
pub struct Delivery<T> {
    held: Held,
    item: T,
    nodes: Nodes,
    attempts: u32,
    /// Of the item's node.
    data: Bytes,
    core: Arc<Core>,
}

/// What became of an item that was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// It will be delivered again.
    Again,
    /// It was delivered often enough, and is a dead letter now.
    DeadLetter,
    /// It was not ours any more, and is somebody else's to take.
    AlreadyLost,
}

impl<T> Delivery<T> {
    pub(super) fn new(
        (held, nodes): (Held, Nodes),
        item: T,
        attempts: u32,
        data: Bytes,
        core: Arc<Core>,
    ) -> Self {
        Self { held, item, nodes, attempts, data, core }
    }

    /// What was put.
    #[must_use]
    pub const fn item(&self) -> &T {
        &self.item
    }

    /// Which item it is.
    #[must_use]
    pub const fn id(&self) -> ItemId {
        self.nodes.name.id
    }

    /// How often the item was delivered, this time included: also to those who have died with it.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Is done with the item: deletes it, if it is still ours. One round trip.
    ///
    /// A lost reply is settled: the ack is sent again, and what is there tells whether it was ours. With
    /// an error the item is given back in the background, if it is not known to be lost.
    ///
    /// # Errors
    /// [`RecipeError::Lost`] when the item was not ours any more: nothing was done, and others have it or
    /// will get it. After [`RecipeError::outcome_unknown`] the session has ended before anybody could tell:
    /// the item is acknowledged or is delivered again. The client's others: it was not acknowledged.
    ///
    /// # Cancel safety
    /// After a dropped future the item is acknowledged, or given back in the background.
    pub async fn ack(self) -> Result<(), RecipeError> {
        self.end_for_good(&Ending::Acked).await
    }

    /// Gives the item back: it keeps its place, and is the next one to be taken, or is taken after a
    /// while. When it was delivered [`max_attempts`](super::Queue::max_attempts) times it becomes a dead
    /// letter in the same transaction. One round trip.
    ///
    /// # Errors
    /// The client's. The item is given back in the background all the same, without the delay.
    ///
    /// # Cancel safety
    /// As an error.
    pub async fn nack(self, delay: Option<Duration>) -> Result<Returned, RecipeError> {
        let ending = match delay {
            None => Ending::Back,
            Some(delay) => {
                let due = Some(self.core.clock.after(delay));
                let marks = Marks { due, ..self.nodes.name.marks };
                let name = ItemName { marks, ..self.nodes.name.clone() };
                Ending::PutOff { name, data: self.data.clone() }
            }
        };
        self.give_back(ending).await
    }

    /// Gives the item back and puts it at the tail; it keeps its id and its attempts. Otherwise as
    /// [`nack`](Self::nack).
    ///
    /// # Errors
    /// As [`nack`](Self::nack): then it keeps its place.
    ///
    /// # Cancel safety
    /// As an error.
    pub async fn requeue(self) -> Result<Returned, RecipeError> {
        let marks = Marks { due: self.core.due_by_default(), ..self.nodes.name.marks };
        let ending = Ending::Tail { marks, data: self.data.clone() };
        self.give_back(ending).await
    }

    /// Makes the item a dead letter, whatever the number of attempts: nobody takes it any more. See
    /// [`Queue::dead_letters`](super::Queue::dead_letters). What `why` is longer than 1 KiB is cut off.
    ///
    /// # Errors
    /// As [`ack`](Self::ack).
    ///
    /// # Cancel safety
    /// As [`ack`](Self::ack).
    pub async fn dead_letter(self, why: &str) -> Result<(), RecipeError> {
        let ending = dead(&self.data, why);
        self.end_for_good(&ending).await
    }

    async fn give_back(self, ending: Ending) -> Result<Returned, RecipeError> {
        let is_last = self.core.max_attempts.is_some_and(|most| self.attempts >= most);
        if !is_last {
            return self.end(&ending, Returned::Again).await;
        }
        let ending = dead(&self.data, &given_up_after(self.attempts));
        self.end(&ending, Returned::DeadLetter).await
    }

    async fn end_for_good(self, ending: &Ending) -> Result<(), RecipeError> {
        let lost = self.held.watch();
        match self.end(ending, Returned::Again).await? {
            Returned::AlreadyLost => {
                let reason = match *lost.borrow() {
                    Ownership::Lost(reason) if reason != LostReason::Released => reason,
                    _ => LostReason::NodeDeleted,
                };
                Err(RecipeError::Lost(reason))
            }
            Returned::Again | Returned::DeadLetter => Ok(()),
        }
    }

    async fn end(self, ending: &Ending, ended: Returned) -> Result<Returned, RecipeError> {
        let Self { held, nodes, core, .. } = self;
        // The deletion of the witness is no loss.
        held.set_giving_back(true);
        match core.end(held.client(), &nodes, ending).await {
            Ok(Ended::Now) => {
                let (_, mut node) = held.into_node();
                node.forget();
                tracing::debug!(item = %nodes.name, ?ended, "done with an item");
                Ok(ended)
            }
            Ok(Ended::Lost) => {
                held.mark_lost(LostReason::NodeDeleted);
                Ok(Returned::AlreadyLost)
            }
            Err(error) => {
                let over = matches!(&error, RecipeError::Client(error) if error.is_session_over());
                if over { Err(RecipeError::Lost(reason_of(&held))) } else { Err(error) }
            }
        }
    }
}

/// Why it is lost when the session is over.
fn reason_of(held: &Held) -> LostReason {
    match held.ownership() {
        Ownership::Lost(reason) => reason,
        _ => LostReason::SessionExpired,
    }
}

pub(super) fn dead(data: &Bytes, why: &str) -> Ending {
    let mut ends = (0..=why.len().min(LONGEST_REASON)).rev();
    let end = ends.find(|end| why.is_char_boundary(*end)).unwrap_or_default();
    let why = why.get(..end).unwrap_or_default().to_owned();
    Ending::Dead { data: data.clone(), why }
}

pub(super) fn given_up_after(attempts: u32) -> String {
    format!("given up after {attempts} attempts")
}

impl<T> Deref for Delivery<T> {
    type Target = Held;

    fn deref(&self) -> &Held {
        &self.held
    }
}

/// Does not show the item.
impl<T> fmt::Debug for Delivery<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("item", &self.nodes.item)
            .field("attempts", &self.attempts)
            .field("ownership", &self.held.ownership())
            .finish_non_exhaustive()
    }
}

/// Of the reason of a dead letter, in bytes.
const LONGEST_REASON: usize = 1024;
