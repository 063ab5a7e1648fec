//! Going, with the others or without them.

use tokio::time::{Instant, timeout_at};
use zk_client::path::join;
use zk_client::{Client, Error};

use super::Gathering;
use super::error::RoundError;
use super::look::{Changed, Look, leaving, recover};
use super::rounds::{Open, RoundMember, Rounds, Standing};
use crate::contender::own_node::{Deleted, OwnNode};
use crate::error::RecipeError;
use crate::held::{Held, LostReason, Released};

/// A member of an open round that goes. Dropping it goes in the background.
///
/// The first in the list of those who are there stays until it is alone, and ends the round as it
/// goes. The others take their nodes away at once, and wait for it. So each watches one node.
#[derive(Debug)]
pub(crate) struct Leaver {
    gathering: Gathering,
    client: Client,
    node: OwnNode,
    /// Of the node, also when it is gone.
    name: String,
    presence: Presence,
    round: u64,
    in_doubt: bool,
    remaining: Vec<RoundMember>,
}

/// Whether to wait for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Together,
    Alone,
}

/// What is known of our node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    There,
    /// It may be there, or gone because we have asked for that.
    Asked,
    /// Gone, by us.
    Gone,
    /// Gone, by somebody else.
    Lost,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ended {
    Whole,
    Broken(Vec<RoundMember>),
}

impl Leaver {
    pub(crate) fn new(gathering: Gathering, held: Held, round: u64) -> Self {
        let (client, node) = held.into_node();
        let name = node.name().to_owned();
        Self {
            gathering,
            client,
            node,
            name,
            presence: Presence::There,
            round,
            in_doubt: false,
            remaining: Vec::new(),
        }
    }

    /// Goes, until the deadline.
    ///
    /// # Cancel safety
    /// A dropped future goes in the background.
    pub(crate) async fn leave(
        mut self,
        exit: Exit,
        deadline: Option<Instant>,
    ) -> Result<Released, RoundError> {
        let ended = match deadline {
            Some(deadline) => match timeout_at(deadline, self.until_ended(exit)).await {
                Ok(ended) => ended?,
                Err(_) => return Err(RoundError::Timeout { remaining: self.remaining }),
            },
            None => self.until_ended(exit).await?,
        };
        match ended {
            Ended::Broken(who) => Err(RoundError::Broken { who }),
            Ended::Whole if self.presence == Presence::Lost => Ok(Released::AlreadyLost),
            Ended::Whole => Ok(Released::Now),
        }
    }

    async fn until_ended(&mut self, exit: Exit) -> Result<Ended, RecipeError> {
        loop {
            match self.step(exit).await {
                Ok(Some(ended)) => return Ok(ended),
                Ok(None) => {}
                Err(error) => {
                    self.in_doubt = true;
                    recover(&self.client, error).await.map_err(as_lost)?;
                }
            }
        }
    }

    async fn step(&mut self, exit: Exit) -> Result<Option<Ended>, RecipeError> {
        let sync = std::mem::take(&mut self.in_doubt);
        let Some(mut look) = self.gathering.look(&self.client, sync).await? else {
            // Without a parent there is no node.
            self.note_gone();
            return Ok(Some(Ended::Whole));
        };
        if !look.present.contains(&self.name) {
            self.note_gone();
        }
        look.present.retain(|name| *name != self.name);
        let ended = match look.rounds.standing(self.round) {
            Standing::Open(open) => {
                let open = open.clone();
                return self.go(look, &open, exit).await;
            }
            Standing::Over => Ended::Whole,
            Standing::Broken(who) => Ended::Broken(who),
            Standing::Unknown => return Err(self.conflict()),
        };
        // Somebody has made a new round of it while our node is there.
        self.delete().await?;
        Ok(Some(ended))
    }

    async fn go(
        &mut self,
        look: Look,
        open: &Open,
        exit: Exit,
    ) -> Result<Option<Ended>, RecipeError> {
        let others = open.remaining(&look.present);
        self.remaining = open.named(&others);
        let mut dead = if self.gathering.strict {
            open.dead(&look.present, open.members.len())
        } else {
            Vec::new()
        };
        dead.retain(|name| *name != self.name);
        if !dead.is_empty() && exit == Exit::Together {
            return self.tell_missing(look, open, dead).await;
        }
        let (Some(first), Some(last)) = (others.first(), others.last()) else {
            return Ok(self.end(look).await?.then_some(Ended::Whole));
        };
        if !self.is_there() {
            self.until_gone(first).await?;
            return Ok(None);
        }
        match exit {
            Exit::Alone => {
                let gone = self.take_node_away(&look).await?;
                Ok(gone.then_some(Ended::Whole))
            }
            Exit::Together if is_before(open, &self.name, first) => {
                if self.gathering.strict && !open.has_left(&self.name) {
                    self.say_so(&look).await?;
                } else {
                    self.until_gone(last).await?;
                }
                Ok(None)
            }
            Exit::Together => {
                if self.take_node_away(&look).await? {
                    self.until_gone(first).await?;
                }
                Ok(None)
            }
        }
    }

    /// Ends the round, as nobody else is in it. Tells whether it did.
    async fn end(&mut self, mut look: Look) -> Result<bool, RecipeError> {
        if self.gathering.strict {
            look.rounds = look.rounds.without(&self.name);
        }
        let Some(next) = look.rounds.next(&look.present) else { return Ok(false) };
        let own = self.ask();
        let changed = self.gathering.advance(&self.client, &look, &next, own.as_deref()).await?;
        self.settle(changed)
    }

    /// Tells the others that it goes, and stays until they have gone.
    async fn say_so(&mut self, look: &Look) -> Result<(), RecipeError> {
        let rounds = look.rounds.without(&self.name);
        let changed = self.gathering.change(self.client.multi(), &rounds, look.version).await?;
        self.in_doubt = changed == Changed::Not;
        Ok(())
    }

    /// Goes while others are there; in a strict round with a word.
    async fn take_node_away(&mut self, look: &Look) -> Result<bool, RecipeError> {
        if !self.gathering.strict {
            self.delete().await?;
            return Ok(true);
        }
        self.change(look.rounds.without(&self.name), look).await
    }

    /// Tells the others who is missing, and goes.
    async fn tell_missing(
        &mut self,
        mut look: Look,
        open: &Open,
        dead: Vec<String>,
    ) -> Result<Option<Ended>, RecipeError> {
        let rounds = look.rounds.missing(&dead).without(&self.name);
        let told = if open.remaining(&look.present).is_empty() {
            look.rounds = rounds;
            self.end(look).await?
        } else if self.is_there() || rounds != look.rounds {
            self.change(rounds, &look).await?
        } else {
            true
        };
        Ok(told.then(|| Ended::Broken(open.named(&dead))))
    }

    async fn change(&mut self, rounds: Rounds, look: &Look) -> Result<bool, RecipeError> {
        let own = self.ask();
        let multi = leaving(&self.client, own.as_deref());
        let changed = self.gathering.change(multi, &rounds, look.version).await?;
        self.settle(changed)
    }

    fn settle(&mut self, changed: Changed) -> Result<bool, RecipeError> {
        match changed {
            Changed::Now => self.note_gone(),
            Changed::Not => self.in_doubt = true,
        }
        Ok(changed == Changed::Now)
    }

    async fn delete(&mut self) -> Result<(), Error> {
        let before = self.presence;
        if self.ask().is_some() {
            let deleted = self.node.delete(&self.client).await?;
            if before == Presence::There && deleted == Deleted::Before {
                self.presence = Presence::There;
            }
            self.note_gone();
        }
        Ok(())
    }

    const fn is_there(&self) -> bool {
        matches!(self.presence, Presence::There | Presence::Asked)
    }

    /// The path of our node, which is about to be deleted, if it is there.
    fn ask(&mut self) -> Option<String> {
        if !self.is_there() {
            return None;
        }
        self.presence = Presence::Asked;
        Some(self.node.path().to_owned())
    }

    /// Our node is gone, by us or by somebody else.
    fn note_gone(&mut self) {
        match self.presence {
            Presence::There => self.presence = Presence::Lost,
            Presence::Asked => self.presence = Presence::Gone,
            Presence::Gone | Presence::Lost => return,
        }
        self.node.forget();
    }

    async fn until_gone(&self, name: &str) -> Result<(), RecipeError> {
        let path = join(self.gathering.path(), name);
        let (stat, watch) = self.client.exists(&path).watch().await?;
        if stat.is_some() {
            tracing::debug!(name = self.name, waits_for = name, "leaving");
            watch.await?;
        }
        Ok(())
    }

    fn conflict(&self) -> RecipeError {
        let reason = format!("there was no round {} yet", self.round);
        RecipeError::Conflict { path: self.gathering.path().to_owned(), reason }
    }
}

/// Whether one comes before another in the list.
fn is_before(open: &Open, one: &str, other: &str) -> bool {
    let first = open.members.iter().find(|member| member.name == one || member.name == other);
    first.is_some_and(|first| first.name == one)
}

/// A member whose session is over has gone, and nobody knows when the others did.
fn as_lost(error: RecipeError) -> RecipeError {
    match error {
        RecipeError::Client(Error::SessionExpired) => RecipeError::Lost(LostReason::SessionExpired),
        error => error,
    }
}
