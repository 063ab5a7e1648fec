//! Waiting, in an open round, until all members ahead in the list have gone.

use tokio::select;
use zk_client::path::join;

use super::candidate::{Candidate, LOST, Round, fired};
use super::rounds::Standing;
use crate::error::RecipeError;

/// Why the wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// Nobody is ahead any more.
    Turn,
    /// Somebody has died in a strict round.
    Broken,
}

impl Candidate {
    /// Waits for the turn of a member of an open round. There is no deadline.
    ///
    /// # Cancel safety
    /// Nothing is lost: it can be waited for again.
    pub(crate) async fn turn(&mut self, round: &Round) -> Result<Came, RecipeError> {
        loop {
            match self.step_up(round).await {
                Ok(Some(came)) => return Ok(came),
                Ok(None) => {}
                Err(error) => self.recover(error).await?,
            }
        }
    }

    /// Looks who is ahead, and waits for that one alone.
    async fn step_up(&mut self, round: &Round) -> Result<Option<Came>, RecipeError> {
        self.client.connected().await?;
        let behind = self.in_doubt | self.state.has_changed().unwrap_or(true);
        self.state.mark_unchanged();
        // Until this look is over, also if it is dropped.
        self.in_doubt = behind;
        self.watch_own().await?;
        let look = self.gathering.look(&self.client, behind).await?.ok_or(LOST)?;
        self.in_doubt = false;
        let own = self.node.name();
        let Standing::Open(open) = look.rounds.standing(round.number) else { return Err(LOST) };
        if !look.present.iter().any(|name| name == own) {
            return Err(LOST);
        }
        if self.gathering.strict && !open.dead(&look.present, open.members.len()).is_empty() {
            return Ok(Some(Came::Broken));
        }
        let remaining = open.remaining(&look.present);
        let Some(ahead) = remaining.into_iter().take_while(|name| *name != own).last() else {
            // What a server told before a disconnection may be old.
            let certain = !self.state.has_changed().unwrap_or(true);
            return Ok(certain.then_some(Came::Turn));
        };
        let (stat, mut gone) =
            self.client.exists(&join(self.gathering.path(), ahead)).watch().await?;
        if stat.is_some() {
            tracing::debug!(node = own, ahead, "waiting");
            select! {
                biased;
                event = fired(self.own.as_mut()) => { self.own = None; event? }
                event = &mut gone => { event?; }
            }
        }
        Ok(None)
    }
}
