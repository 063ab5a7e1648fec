//! Puts: each is carried out once, or not at all.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;
use zk_client::path::join;
use zk_client::{CreateMode, Error, ErrorCode, MultiReply};

use super::core::{Core, is_passing};
use super::item_name::{ItemId, ItemName, Marks};
use super::ticket::{Made, Ticket};
use crate::error::RecipeError;
use crate::retry::has_next_session;

/// An item that is to be put.
#[derive(Clone, Debug)]
pub(super) struct NewItem {
    pub(super) id: ItemId,
    pub(super) marks: Marks,
    pub(super) data: Bytes,
}

/// What to do when a bounded queue has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenFull {
    Wait,
    Refuse,
}

/// What an attempt came to.
enum Attempt {
    Done,
    /// Nothing is known to be against another one.
    Again,
    /// Somebody else was faster with a place.
    SlotTaken,
}

/// A put under way. All that it may have to send again is the same each time.
struct Put<'a> {
    core: &'a Core,
    items: Vec<NewItem>,
    ticket: Ticket,
    /// Why nobody knows whether an attempt was carried out.
    doubt: Option<Error>,
}

impl Core {
    /// Puts all of some items, or none; tells whether there was room for them. What certainly was not
    /// done in a session that is over is done in the next one, if there will be one.
    pub(super) async fn put(
        &self,
        items: &[NewItem],
        when_full: WhenFull,
    ) -> Result<bool, RecipeError> {
        if items.is_empty() {
            return Ok(true);
        }
        if self.max_items.is_some_and(|most| items.len() > most as usize) {
            let reason = "more items at once than there may be in the queue";
            return Err(RecipeError::BadArguments { reason });
        }
        loop {
            match self.put_in_a_session(items.to_vec(), when_full).await {
                Err(error)
                    if !error.outcome_unknown() && has_next_session(&self.client, &error).await => {
                }
                done => return done,
            }
        }
    }

    async fn put_in_a_session(
        &self,
        items: Vec<NewItem>,
        when_full: WhenFull,
    ) -> Result<bool, RecipeError> {
        let mut put = Put { core: self, items, ticket: self.tickets.get(self), doubt: None };
        let mut line = None;
        let mut attempts = 0;
        let mut has_places = put.guess_places();
        while attempts < MOST_ATTEMPTS {
            if !has_places && !put.find_places().await? {
                match (when_full, &line) {
                    (WhenFull::Refuse, _) => return Ok(false),
                    // Those who wait look one after the other.
                    (WhenFull::Wait, None) => line = Some(self.line_of_producers().await?),
                    (WhenFull::Wait, Some(line)) => {
                        self.room(line.client(), put.items.len()).await?;
                    }
                }
                continue;
            }
            has_places = true;
            match put.attempt().await {
                Ok(Attempt::Done) => {
                    self.tickets.put_back(put.ticket);
                    return Ok(true);
                }
                Ok(Attempt::SlotTaken) => has_places = false,
                Ok(Attempt::Again) => attempts += 1,
                // What may have been done does not become undone.
                Err(error) => return Err(put.doubt.map_or(error, RecipeError::Client)),
            }
        }
        Err(put.doubt.map_or(RecipeError::Timeout, RecipeError::Client))
    }
}

impl Put<'_> {
    /// Whether places need not be looked for: there is no bound, or one place is as good a guess as
    /// any other.
    fn guess_places(&mut self) -> bool {
        match (self.core.max_items, self.items.as_mut_slice()) {
            (None, _) => true,
            (Some(most), [item]) => {
                item.marks.slot = Some(item.id.chance(most));
                true
            }
            (Some(_), _) => false,
        }
    }

    async fn find_places(&mut self) -> Result<bool, RecipeError> {
        let chance = self.items.first().map_or(0, |item| item.id.chance(u32::MAX));
        let client = &self.core.client;
        let free = self.core.free_slots(client, self.items.len(), chance).await?;
        let Some(free) = free else { return Ok(false) };
        for (item, slot) in self.items.iter_mut().zip(free) {
            item.marks.slot = Some(slot);
        }
        Ok(true)
    }

    async fn attempt(&mut self) -> Result<Attempt, RecipeError> {
        let made = self.ticket.make(self.core);
        let put = self.send();
        let mut parent_is_missing = false;
        if let Some(made) = made {
            let made = made.await;
            match (self.ticket.made(&made), made) {
                (Made::WithoutParent, _) => parent_is_missing = true,
                (Made::No, Err(error)) if !is_passing(&error) && self.doubt.is_none() => {
                    // The put cannot have been carried out without it.
                    return self.judge(error).await;
                }
                (Made::Yes | Made::No, _) => {}
            }
        }
        let Err(error) = put.await else { return Ok(self.done()) };
        if parent_is_missing {
            self.core.ensure(&self.ticket.client, &self.core.producers).await?;
            self.make_parents().await?;
            return Ok(Attempt::Again);
        }
        self.judge(error).await
    }

    fn send(&self) -> MultiReply {
        let core = self.core;
        let multi = self.ticket.client.multi();
        let mut multi = multi.set(self.ticket.path(), "", self.ticket.version());
        for item in &self.items {
            if let Some(slot) = item.marks.slot {
                let slot = core.slot(slot);
                multi = multi.create_with(&slot, "", CreateMode::Persistent, core.acl.clone());
            }
            let path = join(&core.items, &ItemName::to_be_numbered(item.id, item.marks));
            let mode = CreateMode::PersistentSequential;
            multi = multi.create_with(&path, item.data.clone(), mode, core.acl.clone());
        }
        multi.commit()
    }

    fn done(&mut self) -> Attempt {
        self.ticket.used();
        tracing::debug!(items = self.items.len(), path = self.core.path, "put");
        Attempt::Done
    }

    /// What an attempt that failed comes to.
    async fn judge(&mut self, error: Error) -> Result<Attempt, RecipeError> {
        match &error {
            Error::Multi { index: 0, code: ErrorCode::BadVersion, .. } if self.doubt.is_some() => {
                tracing::debug!("an attempt whose reply was lost was carried out");
                return Ok(self.done());
            }
            Error::Multi { index: 0, code: ErrorCode::BadVersion | ErrorCode::NoNode, .. }
                if self.doubt.is_none() =>
            {
                tracing::debug!("somebody has changed the ticket");
                self.renew_ticket();
            }
            Error::Multi { index: 1.., code: ErrorCode::NoNode, .. } => self.make_parents().await?,
            Error::Multi { code: ErrorCode::NodeExists, .. } => {
                // The ticket was as it should be, so nothing was done before.
                self.doubt = None;
                return Ok(Attempt::SlotTaken);
            }
            error if is_passing(error) => {
                if error.outcome_unknown() {
                    self.doubt.get_or_insert_with(|| error.clone());
                }
                if let Err(over) = self.ticket.client.connected().await {
                    return self.session_is_over(over).await;
                }
                sleep(BREATH).await;
            }
            error if error.is_session_over() => return self.session_is_over(error.clone()).await,
            _ => return Err(error.into()),
        }
        Ok(Attempt::Again)
    }

    /// The ticket has gone with its session. What may have been put is there, or was taken already;
    /// who cannot see it does not know.
    async fn session_is_over(&mut self, over: Error) -> Result<Attempt, RecipeError> {
        let over = RecipeError::Client(over);
        let client = &self.core.client;
        if let (Some(_), Some(first)) = (&self.doubt, self.items.first())
            && has_next_session(client, &over).await
            && self.core.find(client, first.id).await?.is_some()
        {
            self.renew_ticket();
            return Ok(Attempt::Done);
        }
        Err(over)
    }

    fn renew_ticket(&mut self) {
        self.ticket = self.core.tickets.get(self.core);
    }

    async fn make_parents(&self) -> Result<(), RecipeError> {
        self.core.ensure(&self.ticket.client, &self.core.items).await?;
        if self.core.max_items.is_some() {
            self.core.ensure(&self.ticket.client, &self.core.slots).await?;
        }
        Ok(())
    }
}

/// Connections that break each time, and parents that vanish, are not waited out for ever.
const MOST_ATTEMPTS: usize = 30;
/// Before a request is sent again that the server was too busy for.
const BREATH: Duration = Duration::from_millis(5);
