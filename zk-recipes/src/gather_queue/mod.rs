//! A queue that starts when so many members are there, and then has them run one after the other.
//!
//! # Layout
//! `<path>` says as JSON which round it is, and in which order its members run once it has started.
//! Each member has an ephemeral sequential node `<path>/_c_<uuid>-member-<sequence>`, whose data is its
//! payload. A round starts as one of a [double barrier](crate::double_barrier) opens: in one multi that
//! checks the node of each member. They run in the order in which they came; who comes after
//! the start belongs to the next round, which begins when the last one of this round is done.
//!
//! `<path>` is persistent, so that rounds keep their numbers; it is created when it is missing. What is
//! above it is, too, see [`GatherQueue::parents`].
//!
//! # Costs
//! To join takes two round trips: the node and a listing, then the round and a watch. The last one to
//! come needs up to three more, and one to see that it has started: it reads what the others say of themselves, 16 nodes a request, and starts the round. Each member gets one
//! event when the round starts; then it watches nobody but the one just ahead of it, so that each turn
//! wakes one member. It takes two round trips to see who is ahead, one to see that it is one's turn, and
//! two to be done. Who waits for the next round gets two events when this one is over.
//!
//! The list, and a multi that checks everybody on it, have to fit into a request: about 3,000 members
//! without payloads, with the default limit of 1 MiB. Above it,
//! [`RequestTooLarge`](zk_client::Error::RequestTooLarge).
//!
//! # Guarantees
//! A round starts with neither more nor fewer members than it is to have, all of them alive at
//! that moment, and all with the same list. No two of them whose sessions are alive have their turn at
//! once. One that is stopped for longer than its session timeout cannot know that its turn is over: see
//! [`Held::multi`](crate::Held::multi).
//!
//! # What happens when
//! * **A member dies before the start**: it is not counted.
//! * **A member dies after it**: it is skipped; its turn, if it had it, is over. In a
//!   [strict](GatherQueue::strict) queue the round is broken: all who have not run get
//!   [`RoundError::Broken`], as soon as they are woken.
//! * **A seat or a turn is dropped**: the same, as its node is deleted in the background.
//! * **The connection is lost**: waiting goes on. A [`Turn`] is
//!   [`Suspended`](crate::Ownership::Suspended) until it is known whether the session survived.
//! * **The session expires**: waiting fails with `SessionExpired`, and the turn is lost, also when
//!   the client goes on with a new session.
//! * **The reply to a write is lost**: what the tree says is looked at, after `sync`, before anything is
//!   done again.
//! * **All members of a round die**: whoever waits for the next one, or comes next, begins it.

mod observer;
mod seat;
mod turn;

pub use observer::{Observer, QueueState};
pub use seat::{Order, Seat};
pub use turn::Turn;

use bytes::Bytes;
use tracing::{Instrument, debug_span};
use zk_client::{Acl, Client};

use crate::dialect::Parents;
use crate::error::RecipeError;
use crate::gathering::candidate::Candidate;
#[cfg(doc)]
use crate::gathering::error::RoundError;
use crate::gathering::{Gathering, LastToGo};
use crate::held::SuspendPolicy;

/// A queue that starts with a number of members. Cheap to clone; see the [module](self) for how it
/// works.
#[derive(Clone, Debug)]
pub struct GatherQueue {
    client: Client,
    gathering: Gathering,
    policy: SuspendPolicy,
}

impl GatherQueue {
    /// The queue at a path, for rounds of `parties` members each. All members have to say the same
    /// number. Nothing is sent yet.
    ///
    /// # Errors
    /// [`zk_client::Error::BadPath`] when the path breaks a rule; [`RecipeError::BadArguments`] when
    /// there are no parties.
    pub fn new(client: &Client, path: &str, parties: usize) -> Result<Self, RecipeError> {
        let gathering = Gathering::new(path, parties, LastToGo::LastInList)?;
        Ok(Self { client: client.clone(), gathering, policy: SuspendPolicy::default() })
    }

    /// Whether a member that dies, or gives up its seat after the start, or drops its turn without
    /// [`Turn::done`], breaks the round for those who have not run yet. All members have to say the
    /// same. Default: no, it is skipped.
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

    /// What becomes of a turn when the connection is lost. Default: [`SuspendPolicy::Session`].
    #[must_use]
    pub const fn on_suspend(mut self, policy: SuspendPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Takes a seat in the next round, and starts it if there are enough now; does not wait for that.
    /// Wait at the seat: members that take a seat and look away may not notice that enough have come while
    /// the round before was still running.
    ///
    /// # Errors
    /// Those of [`Seat::started`]; `NoNode` when the parents are missing and [`Parents::Required`]; [`RecipeError::Timeout`] when
    /// the connection broke, or the parent vanished, in each of 30 attempts; and the client's errors.
    ///
    /// # Cancel safety
    /// A dropped future leaves no node.
    pub async fn join(&self, payload: impl Into<Bytes>) -> Result<Seat, RecipeError> {
        let span = debug_span!("gather_queue", path = self.path());
        let join = async {
            let joined = Candidate::join(&self.gathering, &self.client, payload.into());
            let mut candidate = joined.await?;
            candidate.open_if_enough().await?;
            Ok(Seat::new(candidate, self.gathering.clone(), self.policy))
        };
        join.instrument(span).await
    }

    /// How the queue stands, as the server that is asked knows it.
    ///
    /// # Errors
    /// [`RecipeError::Conflict`] and [`RecipeError::Codec`] when the data of the path is not that of
    /// such a queue, and the client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn state(&self) -> Result<QueueState, RecipeError> {
        let look = self.gathering.look(&self.client, false).await?;
        Ok(QueueState::of(look.as_ref()))
    }

    /// Tells how the queue stands, and whenever that changes, without being a member of it. Nothing is
    /// sent yet.
    #[must_use]
    pub fn observe(&self) -> Observer {
        Observer::new(self.client.clone(), self.gathering.clone())
    }

    /// The path the queue was made with.
    #[must_use]
    pub fn path(&self) -> &str {
        self.gathering.path()
    }
}
