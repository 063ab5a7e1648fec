//! A number of permits, of which one acquires some at once: all or none of them, fair and without
//! herd effect.
//!
//! # Layout
//! That of Curator's `InterProcessSemaphoreV2`: whoever wants permits queues below `<path>/locks` as for a
//! [`Lock`](crate::Lock), `_c_<uuid>-lock-<sequence>`; for each permit that is held there is an ephemeral
//! sequential node `<path>/leases/_c_<uuid>-lease-<sequence>`. As Curator counts them, each child of
//! `leases` takes up one permit, whatever it is called. How many there are is a convention of all
//! contenders ([`Semaphore::permits`]), or the value of a node that Curator's `SharedCount` can read and write
//! ([`Semaphore::shared_count`]): four bytes, big-endian.
//!
//! # Costs
//! | | round trips | events |
//! |---|---|---|
//! | to acquire free permits | 3, however many: a place in the queue, a look, one write that creates all leases and leaves the queue | |
//! | to wait as the first | 2 or 3 more for the watches; 1 look for each event, and 1 more for each that is not enough | 1 for each release and each change of the count, and one when the place goes |
//! | to wait behind others | as for a lock | 1, and one when the place goes |
//! | release | 1, however many | 1 for the first who waits |
//!
//! Each lease has a watch of its own, which is asked for without being waited for, and fires when the
//! lease goes. Dropped [`Permits`] are deleted lease by lease, all at once.
//!
//! # Guarantees
//! * At most so many permits are held by contenders whose sessions are alive. Leases are created in one write,
//!   and only by the first in the queue, which the ensemble checks with that write: so nobody takes a permit that
//!   was counted by somebody else. Curator checks nothing with its write.
//! * Contenders get their permits in the order in which they came: who wants many is not overtaken by
//!   those who want few. So permits may be free while somebody waits for more of them.
//! * Two who want all permits do not wait for each other, as all are taken at once.
//!
//! # What happens when
//! * **The shared count is raised**: the first who waits is told at once. **It is lowered**: no permit is taken
//!   away; nobody gets one until fewer are held.
//! * **Somebody deletes a lease**: its [`Permits`] are lost. Nothing is put in its place; it is free.
//!   **Somebody deletes a place in the queue**: its waiter fails with [`RecipeError::Lost`].
//! * **A call is cancelled**, by timeout or because its future is dropped: neither its place nor a lease stays;
//!   both are deleted in the background.
//! * **The connection is lost**: waiters wait on. Permits are [`Suspended`](crate::Ownership::Suspended) until it is
//!   known whether the session survived, unless their [`SuspendPolicy`] says that they are lost.
//! * **The session expires**: waiters fail with `SessionExpired`, or with [`Semaphore::rejoin`] begin anew at
//!   the tail of the queue; permits are lost, and free for others, also when the client goes on with a new
//!   session.
//! * **The reply to the write is lost**: the leases are looked for by their unique names, after `sync`.
//! * **The value of the shared count is no number**: [`RecipeError::Codec`]; its node is missing: `NoNode`.

mod leases;
mod maximum;
mod ownership;
mod permits;
mod taking;
mod waiting;

pub use permits::Permits;

use std::time::Duration;

use bytes::Bytes;
use tracing::{Instrument, debug_span};
use zk_client::path::join;
use zk_client::{Acl, Client};

use crate::contender::in_line::InLine;
use crate::contender::listing::{self, Contender};
use crate::contender::own_node::NodeSpec;
use crate::dialect::{Dialect, Parents};
use crate::error::RecipeError;
use crate::held::SuspendPolicy;
use crate::recipe_path;
use crate::retry::{rejoining, within};
use maximum::Maximum;

/// A number of permits at a path. Cheap to clone; see the [module](self) for how it works.
#[derive(Clone, Debug)]
#[doc(alias = "InterProcessSemaphoreV2")]
pub struct Semaphore {
    client: Client,
    path: String,
    /// Where the queue is, and what its nodes are.
    queue: NodeSpec,
    /// Where the leases are.
    leases: String,
    maximum: Maximum,
    policy: SuspendPolicy,
    rejoins: bool,
}

impl Semaphore {
    /// The semaphore at a path, of one permit. Nothing is sent yet; nodes are created when they are
    /// missing.
    ///
    /// # Errors
    /// [`zk_client::Error::BadPath`] when the path breaks a rule.
    pub fn new(client: &Client, path: &str) -> Result<Self, RecipeError> {
        let path = recipe_path::checked(path)?;
        let kind = crate::lock::rule(Dialect::Curator).own;
        Ok(Self {
            client: client.clone(),
            queue: NodeSpec::new(join(&path, QUEUE), Dialect::Curator, kind),
            leases: join(&path, LEASES),
            path,
            maximum: Maximum::Fixed(1),
            policy: SuspendPolicy::default(),
            rejoins: false,
        })
    }

    /// How many permits there are: all contenders must agree on it, nobody checks that.
    #[must_use]
    pub fn permits(mut self, permits: u32) -> Self {
        self.maximum = Maximum::Fixed(permits);
        self
    }

    /// How many permits there are is the value of a node, which can be changed at any time:
    /// [`set_permits`](Self::set_permits), or Curator's `SharedCount`. A negative value is as much as 0.
    ///
    /// # Errors
    /// [`zk_client::Error::BadPath`] when the path breaks a rule.
    #[doc(alias = "SharedCountReader")]
    pub fn shared_count(mut self, path: &str) -> Result<Self, RecipeError> {
        self.maximum = Maximum::Shared { path: recipe_path::checked(path)? };
        Ok(self)
    }

    /// What the nodes of this semaphore carry, for people who look at the tree. Default: nothing.
    #[must_use]
    pub fn data(mut self, data: impl Into<Bytes>) -> Self {
        self.queue.data = data.into();
        self
    }

    /// The ACL of the nodes of this semaphore. All contenders must be able to read each other's, or
    /// they cannot watch them. Default: open.
    #[must_use]
    pub fn acl(mut self, acl: Vec<Acl>) -> Self {
        self.queue.acl = acl;
        self
    }

    /// What is made of parents that are missing. Default: containers, as Curator does.
    #[must_use]
    pub const fn parents(mut self, parents: Parents) -> Self {
        self.queue.parents = parents;
        self
    }

    /// What becomes of permits when the connection is lost. Default: [`SuspendPolicy::Session`].
    #[must_use]
    pub const fn on_suspend(mut self, policy: SuspendPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Whether [`acquire`](Self::acquire) begins anew, at the tail of the queue, when the session has
    /// expired and the client goes on with another one
    /// ([`ExpiryPolicy::NewSession`](zk_client::ExpiryPolicy::NewSession)). Default: no, it fails.
    #[must_use]
    pub const fn rejoin(mut self, rejoin: bool) -> Self {
        self.rejoins = rejoin;
        self
    }

    /// Waits for `count` permits, and takes them all at once. There is no deadline: others may hold
    /// theirs for ever. More than a [shared count](Self::shared_count) has at present are waited for, too.
    ///
    /// # Errors
    /// [`RecipeError::BadArguments`] for no permit at all, and for more than there are when their
    /// number is fixed; [`RecipeError::Codec`] when the shared count is no number, and `NoNode` when
    /// it is missing; [`RecipeError::Lost`] when somebody deleted our node while it waited; `NoNode` when the
    /// parents are missing and [`Parents::Required`]; [`RecipeError::Timeout`] when the connection broke, or
    /// a parent vanished, in each of 30 attempts at one step; and the client's errors,
    /// [`SessionExpired`](zk_client::Error::SessionExpired) and, for thousands of permits at once,
    /// [`RequestTooLarge`](zk_client::Error::RequestTooLarge) among them.
    ///
    /// # Cancel safety
    /// A dropped future leaves the queue, and no lease: they are deleted in the background.
    pub async fn acquire(&self, count: u32) -> Result<Permits, RecipeError> {
        self.maximum.check(count)?;
        let span = debug_span!("semaphore", path = self.path, count);
        let acquire = || async {
            let mut line = self.enter().await?;
            line.turn().await?;
            self.take(line, count).await
        };
        rejoining(&self.client, self.rejoins, acquire).instrument(span).await
    }

    /// The same, but not for longer than `limit` in all, connection trouble included.
    ///
    /// # Errors
    /// [`RecipeError::Timeout`], and those of [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire); so it is when the time has passed.
    pub async fn acquire_timeout(
        &self,
        count: u32,
        limit: Duration,
    ) -> Result<Permits, RecipeError> {
        within(limit, self.acquire(count)).await
    }

    /// Takes permits if so many are free and nobody waits, and never jumps the queue.
    ///
    /// Two that try at once may both be refused, and so is one that tries while somebody is about to
    /// take permits, even if there are more.
    ///
    /// # Errors
    /// [`RecipeError::Contended`] when somebody else is ahead or too few are free, and those of
    /// [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire).
    pub async fn try_acquire(&self, count: u32) -> Result<Permits, RecipeError> {
        self.maximum.check(count)?;
        // Most losers are spared the write.
        let kinds = [self.queue.kind.clone()];
        let queue = listing::names(&self.client, &self.queue.parent, &kinds).await?;
        if !queue.is_empty() || !self.room(&self.client).await?.is_for(count) {
            return Err(RecipeError::Contended);
        }
        let line = self.enter().await?.now().await?;
        self.take_now(line, count).await
    }

    /// How many permits are free, as the server that is asked knows it; it may be old when it is told.
    ///
    /// # Errors
    /// [`RecipeError::Codec`] and `NoNode` for the shared count, and the client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn available(&self) -> Result<u32, RecipeError> {
        Ok(self.room(&self.client).await?.left())
    }

    /// Sets the [shared count](Self::shared_count), for all who use it, and creates it when it is
    /// missing. Whoever waits for more permits is told at once; nobody loses any.
    ///
    /// # Errors
    /// [`RecipeError::BadArguments`] when the number is fixed, or above `i32::MAX`; and the client's.
    /// After [`RecipeError::outcome_unknown`] it may have been set.
    ///
    /// # Cancel safety
    /// It may have been set.
    #[doc(alias = "setCount")]
    pub async fn set_permits(&self, permits: u32) -> Result<(), RecipeError> {
        self.maximum.set(&self.client, permits).await
    }

    /// The leases that are held, one for each permit, in the order in which they were taken. Two round
    /// trips; who leaves in between is left out.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    #[doc(alias = "getParticipantNodes")]
    pub async fn participants(&self) -> Result<Vec<Contender>, RecipeError> {
        listing::contenders(&self.client, &self.leases, &[LEASE.into()]).await
    }

    /// Those who wait for permits, or are about to take some, in their order. Two round trips; who leaves
    /// in between is left out.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn waiting(&self) -> Result<Vec<Contender>, RecipeError> {
        let kinds = [self.queue.kind.clone()];
        listing::contenders(&self.client, &self.queue.parent, &kinds).await
    }

    /// The path the semaphore was made with.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    async fn enter(&self) -> Result<InLine, RecipeError> {
        InLine::enter(&self.client, &self.queue, crate::lock::rule(Dialect::Curator)).await
    }
}

/// `InterProcessSemaphoreV2.LOCK_PARENT`.
const QUEUE: &str = "locks";
/// `InterProcessSemaphoreV2.LEASE_PARENT`.
const LEASES: &str = "leases";
/// `InterProcessSemaphoreV2.LEASE_BASE_NAME`.
const LEASE: &str = "lease-";
