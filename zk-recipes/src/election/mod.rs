//! Leader election: candidates, terms, observers, and an operator's hand on them.
//!
//! # Layout
//! Each candidate has an ephemeral sequential node below the path, named as Curator's `LeaderLatch`
//! names its own, `_c_<uuid>-latch-<sequence>`, or by another [`Layout`]. Its data is the id of the
//! candidate, and if there is a payload, a line feed and the payload. The lowest sequence number leads,
//! everybody else watches the node just before its own.
//!
//! Beside them may be `_override`, an operator's word in JSON
//! (`{"mode":"prefer","ids":["a"],"by":"eve","reason":"…","expires":1754000000000}`), and
//! `_breadcrumb`, the trace of a leader: its term, its id and its payload on lines of their own. Both
//! are persistent, so that a container with one of them is not removed.
//!
//! [`StaticElection`] is the form without a queue: one node, for who comes first.
//!
//! # Costs
//! Joining is one round trip, a create and a listing, and one more to watch the candidate ahead and the
//! own node. A change of leader is one event for one candidate; the new leader needs no further round
//! trip if nobody else was ahead, and one otherwise. Leaving is one round trip. An election that is
//! [overridable](Election::overridable) costs one round trip before joining and a watch for each
//! candidate, and a change of the override costs an event and a round trip for each. While an override
//! prefers others, the leader watches the children. A [fence](Election::fence_previous) costs two round
//! trips at the beginning of a term and one at its end. An [`Observer`] costs an event and two
//! round trips for each change of leader.
//!
//! # Guarantees
//! At most one candidate whose session is alive leads. The number of a term, which is the transaction
//! that has created the leader's node, is higher than that of every term before, so that a resource
//! can refuse a leader that was stopped and does not know yet: see [`FencingToken`] and
//! [`Held::multi`]. One candidate never leads two terms at once, and candidates lead in the order in
//! which they have joined, unless an override is in the way. None of this depends on overrides: they
//! only make candidates withdraw, or not begin.
//!
//! # What happens when
//! * **The connection is lost**: followers wait on. By [`SuspendPolicy::Strict`], the default, a term
//!   ends at once, and the candidate joins anew at the tail, with a new node, when it is back. By the
//!   others the candidate is [`Role::Suspended`], and the same term goes on if the session survives.
//! * **The session expires**: the term is lost. If the client goes on with a new session, the candidate
//!   joins anew in that one, otherwise it has [left](Role::Left).
//! * **Somebody deletes the node of a candidate**: its term is lost, or its place; it joins anew.
//! * **The work of a leader panics**: its [`Leadership`] is dropped, so it steps down.
//! * **A callback that fences fails**: the candidate steps back, and joins anew after a second, at the
//!   tail. If it panics, the candidate has left.
//! * **The override is written by hand, and cannot be read**: candidates pass over it with a warning;
//!   [`ElectionControl::current`] tells.
//! * **A candidate is dropped**: it leaves in the background. So it does when its runtime shuts down,
//!   with its session.
//! * **The sequence numbers come to their end**: as with [`Lock`](crate::lock).

mod breadcrumb;
mod candidate;
mod candidate_info;
mod candidates;
mod control;
mod driver;
mod ensemble_time;
mod first_comer;
mod follow;
mod layout;
mod leadership;
mod leading;
mod observer;
mod place;
mod role;
mod running;
mod settings;
mod standing_override;
mod static_election;
mod transfer;

pub use breadcrumb::Breadcrumb;
pub use candidate::Candidate;
pub use candidate_info::LeaderInfo;
pub use control::ElectionControl;
pub use layout::Layout;
pub use leadership::Leadership;
pub use observer::Observer;
pub use role::{AfterTerm, CloseMode, LeftReason, Role, TermEnd};
pub use standing_override::{Override, OverrideMode};
pub use static_election::StaticElection;
pub use transfer::TransferError;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{oneshot, watch};
use tracing::{Instrument, debug_span};
use zk_client::{Acl, Client};

use crate::dialect::Parents;
use crate::error::RecipeError;
use crate::held::SuspendPolicy;
#[cfg(doc)]
use crate::held::{FencingToken, Held};
use crate::recipe_path;
use breadcrumb::Fence;
use driver::{Driver, Stage};
use leadership::Slot;
use settings::{Form, Settings};

/// An election at a path. Cheap to clone; see the [module](self) for how it works.
///
/// ```no_run
/// use zk_recipes::election::{AfterTerm, Election};
///
/// # async fn work() {}
/// # async fn run(client: zk_client::Client) -> Result<(), zk_recipes::RecipeError> {
/// let election = Election::new(&client, "/app/leader")?.id("host-1");
/// election
///     .run_when_leader(async |leadership| {
///         println!("leading term {}", leadership.term());
///         work().await; // dropped there when the term is lost
///         AfterTerm::Stop
///     })
///     .await
/// # }
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "LeaderLatch")]
#[doc(alias = "LeaderSelector")]
#[must_use = "nothing happens until somebody joins"]
pub struct Election {
    client: Client,
    settings: Settings,
}

impl Election {
    /// The election at a path. Nothing is sent yet; the node is created when it is missing.
    ///
    /// # Errors
    /// [`zk_client::Error::BadPath`] when the path breaks a rule.
    pub fn new(client: &Client, path: &str) -> Result<Self, RecipeError> {
        let path = recipe_path::checked(path)?;
        let settings = Settings::new(path, Form::Queue(Layout::default()));
        Ok(Self { client: client.clone(), settings })
    }

    /// Who the candidate is, in one line: for people, for observers, and for overrides, to which a
    /// candidate without an id is unknown. It need not be unique. Default: empty.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.settings.id = id.into();
        self
    }

    /// What else the candidate says of itself, such as where it can be reached. Curator and kazoo take
    /// it for a part of the id. Default: nothing.
    pub fn payload(mut self, payload: impl Into<Bytes>) -> Self {
        self.settings.payload = payload.into();
        self
    }

    /// Whose election it is: all candidates must agree on it. Also sets how missing parents are made.
    /// Default: that of Curator's `LeaderLatch`.
    pub fn layout(mut self, layout: Layout) -> Self {
        self.settings.form = Form::Queue(layout);
        self.settings.parents = layout.parents();
        self
    }

    /// The ACL of all nodes that are made. All candidates must be able to read each other's, or they
    /// cannot watch them. Default: open.
    pub fn acl(mut self, acl: Vec<Acl>) -> Self {
        self.settings.acl = acl;
        self
    }

    /// What is made of parents that are missing. Default: as the [`Layout`] has it.
    pub const fn parents(mut self, parents: Parents) -> Self {
        self.settings.parents = parents;
        self
    }

    /// What becomes of a term when the connection is lost. Default: [`SuspendPolicy::Strict`].
    pub const fn on_suspend(mut self, policy: SuspendPolicy) -> Self {
        self.settings.policy = policy;
        self
    }

    /// Whether a candidate joins anew when its term, its place or its session is lost, and when it has
    /// stepped down. What an override has it do is not that. Default: yes.
    pub const fn rejoin(mut self, rejoin: bool) -> Self {
        self.settings.rejoins = rejoin;
        self
    }

    /// How long the holder of a [`Leadership`] may take to finish when it is told to stop, by an
    /// override or because its candidate leaves. It should drop the leadership when it has; after this
    /// time it is lost. Default: 1 s.
    pub const fn grace(mut self, limit: Duration) -> Self {
        self.settings.grace = limit;
        self
    }

    /// Whether the candidate heeds the [`Override`] of the election. All candidates should agree on it.
    /// Default: no.
    pub const fn overridable(mut self, overridable: bool) -> Self {
        self.settings.overridable = overridable;
        self
    }

    /// Has the leader before fenced when it has not stopped in an orderly way: `fence` is called with
    /// the breadcrumb that it has left, before a new leader is announced. As Hadoop's
    /// `ActiveStandbyElector`. All candidates should agree on it.
    ///
    /// It may be called more than once for one breadcrumb, and not at all for a leader that has
    /// stepped down, dropped its [`Leadership`], or left. A leader that was lost, has panicked, or has
    /// not finished in [time](Self::grace) is fenced. If `fence` fails, the candidate steps back. While
    /// it runs, nobody leads; it is dropped if the place is lost.
    pub fn fence_previous<F, R, E>(mut self, fence: F) -> Self
    where
        F: Fn(Breadcrumb) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        self.settings.fence = Some(Fence::new(fence));
        self
    }

    /// Takes part, by a task of its own on the present runtime, also while there is no connection.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn join(&self) -> Candidate {
        let settings = Arc::new(self.settings.clone());
        let id = settings.id.clone();
        let span = debug_span!("election", path = settings.path, id);
        let (role, state) = watch::channel(Role::Joining);
        let (leave, leaving) = oneshot::channel();
        let slot = Arc::new(Slot::default());
        let driver = Driver {
            client: self.client.clone(),
            settings,
            role,
            slot: Arc::clone(&slot),
            stage: Stage::Out,
        };
        tokio::spawn(driver.run(leaving).instrument(span));
        Candidate::new(id, state, slot, leave)
    }

    /// Takes part, and does some work in each term, one after the other, until the work says that it
    /// wants to stop.
    ///
    /// The work gets the [`Leadership`], and is dropped at an await when that is
    /// [lost](Held::lost). If it looks at [`Leadership::cancelled`] it may finish before that, where
    /// there is time. The next term does not begin before the work of the last one has ended. It is
    /// not begun for a term that is lost by then. When it ends, so does the term. If it panics, so
    /// does this, and the candidate leaves.
    ///
    /// # Errors
    /// Why the candidate has left the election.
    ///
    /// # Cancel safety
    /// A dropped future drops the work and leaves in the background.
    pub fn run_when_leader<F, R>(
        &self,
        work: F,
    ) -> impl Future<Output = Result<(), RecipeError>> + use<F, R>
    where
        F: FnMut(Leadership) -> R,
        R: Future<Output = AfterTerm>,
    {
        let election = self.clone();
        async move {
            let rejoins = election.settings.rejoins;
            running::run(|| election.join(), rejoins, work).await
        }
    }

    /// Tells who leads, without taking part.
    pub fn observe(&self) -> Observer {
        Observer::new(self.client.clone(), self.settings.clone())
    }

    /// Who leads, as the server that is asked knows it: the first in the queue. It may not know yet, and
    /// an override may not let it.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn leader(&self) -> Result<Option<LeaderInfo>, RecipeError> {
        candidates::leader_now(&self.client, &self.settings).await
    }

    /// Those who take part, in their order: the first one leads. Two round trips; who leaves in between
    /// is left out.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    #[doc(alias = "getParticipants")]
    pub async fn candidates(&self) -> Result<Vec<LeaderInfo>, RecipeError> {
        candidates::all(&self.client, &self.settings).await
    }

    /// An operator's hand on this election, which must be [overridable](Self::overridable).
    #[must_use]
    pub fn control(&self) -> ElectionControl {
        ElectionControl::new(&self.client, &self.settings)
    }

    /// The path that it was made with.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.settings.path
    }
}
