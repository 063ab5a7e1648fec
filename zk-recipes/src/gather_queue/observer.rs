use std::future::pending;

use zk_client::{Client, Error, ErrorCode, Watch};

use crate::error::RecipeError;
use crate::gathering::Gathering;
use crate::gathering::look::{Look, recover};
use crate::gathering::rounds::{Phase, RoundMember};
use crate::retry::has_next_session;

/// How a queue stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueueState {
    /// There are too few members so far.
    Gathering {
        /// The number of the round that will start, from 1.
        round: u64,
        /// The names of those who are there, in their order.
        waiting: Vec<String>,
    },
    /// A round has started.
    Running {
        /// Its number.
        round: u64,
        /// Who runs, the first one first.
        members: Vec<RoundMember>,
        /// The names of those who are not done: the first one has its turn. Empty when all are done, or
        /// dead, and nobody has begun the next round yet.
        remaining: Vec<String>,
        /// The names of those who wait for the next round.
        waiting: Vec<String>,
    },
}

impl QueueState {
    pub(super) fn of(look: Option<&Look>) -> Self {
        let Some(Look { rounds, present, .. }) = look else {
            return Self::Gathering { round: 1, waiting: Vec::new() };
        };
        match &rounds.phase {
            Phase::Gathering => Self::Gathering { round: rounds.round, waiting: present.clone() },
            Phase::Open(open) => {
                let is_member = |name: &&String| rounds.round_of(name).is_some();
                let remaining = open.remaining(present);
                Self::Running {
                    round: rounds.round,
                    members: open.members.clone(),
                    remaining: remaining.into_iter().map(str::to_owned).collect(),
                    waiting: present.iter().filter(|name| !is_member(name)).cloned().collect(),
                }
            }
        }
    }
}

/// Tells how a queue stands, and whenever that changes. Made by
/// [`GatherQueue::observe`](super::GatherQueue::observe).
///
/// Every observer is woken by every member that comes or goes.
#[derive(Debug)]
pub struct Observer {
    client: Client,
    gathering: Gathering,
    told: Option<QueueState>,
    data: Option<Watch>,
    children: Option<Watch>,
}

impl Observer {
    pub(super) const fn new(client: Client, gathering: Gathering) -> Self {
        Self { client, gathering, told: None, data: None, children: None }
    }

    /// How the queue stands, the first time; then how it stands when that has changed. What comes and
    /// goes between two looks is not told. There is no deadline.
    ///
    /// # Errors
    /// [`RecipeError::Conflict`] and [`RecipeError::Codec`] when the data of the path is not that of
    /// such a queue; the end of the session, unless the client goes on with a new one; and the
    /// client's.
    ///
    /// # Cancel safety
    /// Nothing is lost: what was not told is told the next time.
    pub async fn next(&mut self) -> Result<QueueState, RecipeError> {
        loop {
            match self.step().await {
                Ok(Some(state)) => return Ok(state),
                Ok(None) => {}
                Err(error) => {
                    // Watches go with their session.
                    (self.data, self.children) = (None, None);
                    if !has_next_session(&self.client, &error).await {
                        recover(&self.client, error).await?;
                    }
                }
            }
        }
    }

    async fn step(&mut self) -> Result<Option<QueueState>, RecipeError> {
        self.set_watches().await?;
        let state = QueueState::of(self.gathering.look(&self.client, false).await?.as_ref());
        if self.told.as_ref() != Some(&state) {
            return Ok(Some(self.told.insert(state).clone()));
        }
        let (data, children) = (self.data.as_mut(), self.children.as_mut());
        tokio::select! {
            event = either(data) => { self.data = None; event? }
            event = either(children) => { self.children = None; event? }
        }
        Ok(None)
    }

    /// On the node that tells the round and its children; on its creation where it is missing.
    async fn set_watches(&mut self) -> Result<(), Error> {
        let path = self.gathering.path();
        if self.data.is_none() {
            let (_, watch) = self.client.exists(path).watch().await?;
            self.data = Some(watch);
        }
        if self.children.is_none() {
            self.children = match self.client.children(path).watch().await {
                Ok((_, watch)) => Some(watch),
                // The other watch tells when there is one.
                Err(error) if error.code() == Some(ErrorCode::NoNode) => None,
                Err(error) => return Err(error),
            };
        }
        Ok(())
    }
}

async fn either(watch: Option<&mut Watch>) -> Result<(), Error> {
    match watch {
        Some(watch) => watch.await.map(|_| ()),
        None => pending().await,
    }
}
