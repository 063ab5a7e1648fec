//! A barrier that members enter together and leave together, round after round.
//!
//! # Layout
//! `<path>` says as JSON which round it is, and who is in it while it is open. Each member has an
//! ephemeral sequential node `<path>/_c_<uuid>-member-<sequence>`, whose data is its payload. The
//! version of `<path>` decides who has the last word.
//!
//! A round opens in one multi, which checks the node of every member that it lets in, those that came
//! first, and writes their list. So it never opens with fewer, all of them have the same list, and
//! one whose node is gone is never counted. When all of them have left, the next round begins, in
//! the same multi if enough wait for it. Who comes while a round is open belongs to the next one.
//!
//! `<path>` is persistent, so that rounds keep their numbers; it is created when it is missing. What is
//! above it is, too, see [`DoubleBarrier::parents`].
//!
//! [`BarrierMode::Curator`] is the layout and the protocol of Curator's `DistributedDoubleBarrier`,
//! with members `<path>/<uuid>` and `<path>/ready`. kazoo's `DoubleBarrier` looks alike on the tree and
//! is another protocol: its members delete `ready` first, and count it as a member. Never mix the two.
//!
//! # Costs
//! To enter takes two round trips: the node and a listing, then the round and a watch. The last one to
//! come needs up to three more: it reads what the others say of themselves, 16 nodes a request, and opens.
//! Each member, the last one too, gets one event when the round opens. Who waits for the next round gets
//! two when this one is over.
//!
//! To leave takes three round trips, and one more when all have gone; another one for the first in the
//! list of a [strict](DoubleBarrier::strict) barrier. Each member watches one node: the first in the list
//! of those who are there stays and waits for the last one, again and again until it is alone; the others
//! take their nodes away and wait for the first. A round of `n` costs at most `2n` events to leave,
//! and another `n` of members' watches on their own nodes.
//!
//! The list, and a multi that checks everybody on it, have to fit into a request: about 3,000 members
//! without payloads, with the default limit of 1 MiB. Above it, entering fails with
//! [`RequestTooLarge`](zk_client::Error::RequestTooLarge).
//!
//! # Guarantees
//! All members of a round were alive, and wanted in, at one moment: that of the multi. Either all of
//! them learn that they are in, or have died, or had their future dropped. [`enter_timeout`](DoubleBarrier::enter_timeout)
//! that says `Timeout` was in no round, as far as there was a connection to find that out; otherwise
//! the others see it leave at once.
//!
//! # What happens when
//! * **A member dies before the round opens**: it is not counted.
//! * **A member dies inside**: it has left. In a [strict](DoubleBarrier::strict) barrier all
//!   others get [`RoundError::Broken`] when they leave.
//! * **A future is dropped**, or a guard: the node is deleted in the background. If the round has opened
//!   with it just then, the others see it leave at once.
//! * **The connection is lost**: waiting goes on. The guard of a member inside is
//!   [`Suspended`](crate::Ownership::Suspended) until it is known whether the session survived.
//! * **The session expires**: entering fails with `SessionExpired`, and a member inside has left, also
//!   when the client goes on with a new session.
//! * **The reply to a write is lost**: what the tree says is looked at, after `sync`, before anything is
//!   done again.
//! * **All members of a round die**: whoever waits for the next one, or comes next, begins it.

mod curator;
mod inside;

pub use inside::Inside;

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use tracing::{Instrument, debug_span};
use zk_client::{Acl, Client};

use crate::dialect::Parents;
use crate::error::RecipeError;
use crate::gathering::candidate::Candidate;
#[cfg(doc)]
use crate::gathering::error::RoundError;
use crate::gathering::{Gathering, LastToGo};
use crate::held::SuspendPolicy;
use crate::retry::until;
use curator::Entering;
use inside::WayOut;

/// A barrier for a number of members. Cheap to clone; see the [module](self) for how it works.
#[derive(Clone, Debug)]
#[doc(alias = "DistributedDoubleBarrier")]
pub struct DoubleBarrier {
    client: Client,
    gathering: Gathering,
    mode: BarrierMode,
    policy: SuspendPolicy,
}

/// By which protocol the members of a barrier agree. All members must use the same one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BarrierMode {
    /// Rounds that open and close atomically.
    #[default]
    Rounds,
    /// That of Curator's `DistributedDoubleBarrier`, with what it cannot do: a member may be counted
    /// that has just died or given up, and who comes while others are inside is let in with them. So
    /// more than the number of members may be inside at once.
    Curator,
}

impl DoubleBarrier {
    /// The barrier at a path, for rounds of `parties` members each. All members have to say the
    /// same number. Nothing is sent yet.
    ///
    /// # Errors
    /// [`zk_client::Error::BadPath`] when the path breaks a rule; [`RecipeError::BadArguments`] when
    /// there are no parties.
    pub fn new(client: &Client, path: &str, parties: usize) -> Result<Self, RecipeError> {
        let gathering = Gathering::new(path, parties, LastToGo::FirstInList)?;
        let (mode, policy) = (BarrierMode::default(), SuspendPolicy::default());
        Ok(Self { client: client.clone(), gathering, mode, policy })
    }

    /// By which protocol the members agree. Also sets how missing parents are made: as containers
    /// with Curator's. Default: [`BarrierMode::Rounds`].
    #[must_use]
    pub const fn mode(mut self, mode: BarrierMode) -> Self {
        self.mode = mode;
        self.parents(match mode {
            BarrierMode::Rounds => Parents::Persistent,
            BarrierMode::Curator => Parents::Container,
        })
    }

    /// Whether a member that dies inside, or whose guard is dropped, breaks the round for all others,
    /// as a cyclic barrier is broken. One that has begun to [leave](Inside::leave) has left. All
    /// members have to say the same. Has no effect in Curator's mode. Default: no, it counts as one
    /// that has left.
    #[must_use]
    pub const fn strict(mut self, strict: bool) -> Self {
        self.gathering.strict = strict;
        self
    }

    /// The ACL of the members' nodes. All members must be able to read each other's. Default: open.
    #[must_use]
    pub fn acl(mut self, acl: Vec<Acl>) -> Self {
        self.gathering.spec.acl = acl;
        self
    }

    /// What is made of the path and its parents when they are missing. As containers, they go some
    /// time after the last member has, and rounds are counted from 1 again. Default: persistent nodes.
    #[must_use]
    pub const fn parents(mut self, parents: Parents) -> Self {
        self.gathering.spec.parents = parents;
        self
    }

    /// What becomes of a guard when the connection is lost. Default: [`SuspendPolicy::Session`].
    #[must_use]
    pub const fn on_suspend(mut self, policy: SuspendPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Waits until enough members are there, and enters with them. There is no deadline: they may
    /// never come.
    ///
    /// # Errors
    /// [`RecipeError::Lost`] when somebody deleted our node while it waited;
    /// [`RecipeError::Conflict`] when others say another number of members, and
    /// [`RecipeError::Codec`] when the data of the path is none of this recipe's; `NoNode` when the
    /// parents are missing and [`Parents::Required`]; and the client's errors,
    /// [`SessionExpired`](zk_client::Error::SessionExpired) among them.
    ///
    /// # Cancel safety
    /// A dropped future leaves the barrier: its node is deleted in the background.
    pub async fn enter(&self, payload: impl Into<Bytes>) -> Result<Inside, RecipeError> {
        self.enter_until(payload.into(), None).await
    }

    /// The same, but not for longer than `limit`, connection trouble included. When the time has passed
    /// just as the round opens with this member, it is in: that may take a second longer to find out.
    ///
    /// # Errors
    /// [`RecipeError::Timeout`], and those of [`enter`](Self::enter).
    ///
    /// # Cancel safety
    /// As [`enter`](Self::enter).
    pub async fn enter_timeout(
        &self,
        payload: impl Into<Bytes>,
        limit: Duration,
    ) -> Result<Inside, RecipeError> {
        self.enter_until(payload.into(), Instant::now().checked_add(limit)).await
    }

    /// The path the barrier was made with.
    #[must_use]
    pub fn path(&self) -> &str {
        self.gathering.path()
    }

    async fn enter_until(
        &self,
        payload: Bytes,
        deadline: Option<Instant>,
    ) -> Result<Inside, RecipeError> {
        let span = debug_span!("double_barrier", path = self.path(), mode = ?self.mode);
        let enter = async {
            match self.mode {
                BarrierMode::Rounds => self.enter_round(payload, deadline).await,
                BarrierMode::Curator => self.enter_as_curator(payload, deadline).await,
            }
        };
        enter.instrument(span).await
    }

    async fn enter_round(
        &self,
        payload: Bytes,
        deadline: Option<Instant>,
    ) -> Result<Inside, RecipeError> {
        let joined = Candidate::join(&self.gathering, &self.client, payload);
        let mut candidate = until(deadline, joined).await?;
        let round = match deadline {
            Some(deadline) => candidate.opened_until(deadline).await?,
            None => candidate.opened().await?,
        };
        let way_out = WayOut::Rounds { gathering: self.gathering.clone(), round: round.number };
        Ok(Inside::new(candidate.into_held(self.policy), round.members, way_out))
    }

    async fn enter_as_curator(
        &self,
        payload: Bytes,
        deadline: Option<Instant>,
    ) -> Result<Inside, RecipeError> {
        let Gathering { spec, parties, .. } = &self.gathering;
        let begun = Entering::begin(spec, *parties, &self.client, payload);
        let mut entering = until(deadline, begun).await?;
        let members = match deadline {
            Some(deadline) => entering.opened_until(deadline).await?,
            None => entering.opened().await?,
        };
        let (held, textbook) = entering.into_inside(self.policy);
        Ok(Inside::new(held, members, WayOut::Curator(textbook)))
    }
}
