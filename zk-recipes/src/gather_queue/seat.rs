use std::time::Duration;

use tokio::time::Instant;

use super::turn::Turn;
use crate::error::RecipeError;
use crate::gathering::Gathering;
use crate::gathering::candidate::{Candidate, Round};
use crate::gathering::error::RoundError;
use crate::gathering::leaver::{Exit, Leaver};
use crate::gathering::rounds::RoundMember;
use crate::gathering::turn::Came;
use crate::held::SuspendPolicy;
use crate::retry::within;

/// A place in the next round of a queue, or in one that has started. Dropping it gives the place up.
#[must_use = "dropping it gives the seat up"]
#[derive(Debug)]
pub struct Seat {
    candidate: Candidate,
    gathering: Gathering,
    policy: SuspendPolicy,
    round: Option<Round>,
}

/// In which order the members of a round run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Order {
    /// The number of the round, from 1.
    pub round: u64,
    /// Who runs, the first one first: the same list for all of them.
    pub members: Vec<RoundMember>,
    /// The place of this member in the list, from 0.
    pub place: usize,
}

impl Seat {
    pub(super) const fn new(
        candidate: Candidate,
        gathering: Gathering,
        policy: SuspendPolicy,
    ) -> Self {
        Self { candidate, gathering, policy, round: None }
    }

    /// The path of our node.
    #[must_use]
    pub fn path(&self) -> String {
        self.candidate.path().to_owned()
    }

    /// Waits until a round starts with this member. There is no deadline: the others may never come.
    /// Once it has, this tells the same again at once.
    ///
    /// # Errors
    /// [`RecipeError::Lost`] when somebody deleted our node; [`RecipeError::Conflict`] when others
    /// say another number of members, and [`RecipeError::Codec`] when the data of the path is none
    /// of this recipe's; and the client's errors,
    /// [`SessionExpired`](zk_client::Error::SessionExpired) among them.
    ///
    /// # Cancel safety
    /// The seat stays, and can be waited for again.
    pub async fn started(&mut self) -> Result<Order, RecipeError> {
        self.round().await.map(|round| Order::from(round.clone()))
    }

    /// The same, but not for longer than `limit`. The seat stays when that has passed: wait again, or
    /// [`withdraw`](Self::withdraw), or drop it.
    ///
    /// # Errors
    /// [`RecipeError::Timeout`], and those of [`started`](Self::started).
    ///
    /// # Cancel safety
    /// As [`started`](Self::started).
    pub async fn started_timeout(&mut self, limit: Duration) -> Result<Order, RecipeError> {
        within(limit, self.started()).await
    }

    /// Gives the seat up, unless a round has started with it: then it comes back, and the round
    /// waits for its turn. No round starts with a seat that was given up.
    ///
    /// # Errors
    /// As [`started`](Self::started); the seat is given up in the background then.
    ///
    /// # Cancel safety
    /// A dropped future gives the seat up in the background.
    pub async fn withdraw(mut self) -> Result<Option<Self>, RecipeError> {
        if self.round.is_none() {
            self.round = self.candidate.withdraw().await?;
        }
        Ok(self.round.is_some().then_some(self))
    }

    /// Waits for the start and then until it is our turn: until all who are ahead are done, or have died.
    /// There is no deadline: one of them may take for ever.
    ///
    /// # Errors
    /// [`RoundError::Broken`] in a [strict](super::GatherQueue::strict) queue when somebody has died;
    /// and those of [`started`](Self::started). The seat is given up then.
    ///
    /// # Cancel safety
    /// A dropped future gives the seat up in the background.
    pub async fn my_turn(mut self) -> Result<Turn, RoundError> {
        let round = self.round().await?.clone();
        let came = self.candidate.turn(&round).await?;
        let held = self.candidate.into_held(self.policy);
        match came {
            Came::Turn => Ok(Turn::new(held, self.gathering, round)),
            Came::Broken => {
                let leaver = Leaver::new(self.gathering, held, round.number);
                leaver.leave(Exit::Together, None).await?;
                // It had died before we looked, and not when we told.
                Err(RoundError::Broken { who: Vec::new() })
            }
        }
    }

    /// The same, but not for longer than `limit`; then the seat is given up.
    ///
    /// # Errors
    /// [`RoundError::Timeout`], which does not name who is ahead, and those of
    /// [`my_turn`](Self::my_turn).
    ///
    /// # Cancel safety
    /// As [`my_turn`](Self::my_turn).
    pub async fn my_turn_timeout(self, limit: Duration) -> Result<Turn, RoundError> {
        let deadline = Instant::now().checked_add(limit);
        let Some(deadline) = deadline else { return self.my_turn().await };
        let turn = tokio::time::timeout_at(deadline, self.my_turn()).await;
        turn.unwrap_or_else(|_| Err(RoundError::Timeout { remaining: Vec::new() }))
    }

    async fn round(&mut self) -> Result<&Round, RecipeError> {
        let round = match self.round.take() {
            Some(round) => round,
            None => self.candidate.opened().await?,
        };
        Ok(self.round.insert(round))
    }
}

impl From<Round> for Order {
    fn from(round: Round) -> Self {
        Self { round: round.number, members: round.members, place: round.place }
    }
}
