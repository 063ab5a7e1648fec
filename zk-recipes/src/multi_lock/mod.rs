//! Several fair locks that are held together.
//!
//! # Layout
//! At each path a contender as [`Lock`](crate::Lock) has it, all of them created by one multi. So it
//! contends with locks at single paths, of this library and of those whose [`Dialect`] it has.
//!
//! # Costs
//! With `n` paths: free locks are acquired in one round trip, a multi and `n` listings that go out back
//! to back; in two more before ZooKeeper 3.8.2. Whoever has to wait needs one more to watch its own nodes,
//! and for each path that is taken one for the watch on its predecessor, and one for another look if there
//! are several ahead. A release is one round trip, one event for a waiter at each path, and `n` for the
//! releaser.
//!
//! # Guarantees
//! Those of [`Lock`](crate::Lock) at each path. **There is no deadlock**, in whatever order paths are
//! given: all places are taken in one transaction, so that of two who share several paths the same one
//! is ahead at all of them. The price is that a place in a free queue is kept while others are
//! waited for.
//!
//! # What happens when
//! * **One of the nodes is deleted**: the guard is lost; a waiter fails with [`RecipeError::Lost`]. The
//!   others are given back with the guard.
//! * **The connection is lost, the session expires, a future is dropped, a reply is lost**: as for
//!   [`Lock`](crate::Lock). Nodes of a lost reply are looked for at all paths, after `sync`.
//! * **A parent is missing**: all of them are made, and then the nodes, all or none.

mod entering;
mod guard;
mod places;

pub use guard::MultiGuard;

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use tracing::{Instrument, debug_span};
use zk_client::{Acl, Client};

use crate::contender::listing;
use crate::contender::own_node::NodeSpec;
use crate::dialect::{Dialect, Parents, Rule};
use crate::error::RecipeError;
use crate::held::SuspendPolicy;
use crate::lock::rule;
use crate::recipe_path;
use crate::retry::within;
use places::Places;

/// Fair locks at several paths, held together or not at all. Cheap to clone; see the [module](self).
#[derive(Clone, Debug)]
#[doc(alias = "InterProcessMultiLock")]
pub struct MultiLock {
    client: Client,
    /// Sorted, each one once.
    paths: Vec<String>,
    /// What to create at each; its parent is not used.
    spec: NodeSpec,
    rule: Rule,
    policy: SuspendPolicy,
}

impl MultiLock {
    /// The locks at these paths; one that is given twice counts once. Nothing is sent yet.
    ///
    /// # Errors
    /// [`zk_client::Error::BadPath`] when a path breaks a rule, and [`RecipeError::BadArguments`] when
    /// there is none.
    pub fn new<P: AsRef<str>>(
        client: &Client,
        paths: impl IntoIterator<Item = P>,
    ) -> Result<Self, RecipeError> {
        let checked = paths.into_iter().map(|path| recipe_path::checked(path.as_ref()));
        let paths: Vec<_> = checked.collect::<Result<BTreeSet<_>, _>>()?.into_iter().collect();
        if paths.is_empty() {
            return Err(NO_PATHS);
        }
        let rule = rule(Dialect::Curator);
        let spec = NodeSpec::new(String::new(), Dialect::Curator, rule.own.clone());
        let policy = SuspendPolicy::default();
        Ok(Self { client: client.clone(), paths, spec, rule, policy })
    }

    /// Whose locks they are: all contenders must agree on it. Also sets how missing parents are made.
    /// Default: Curator's.
    #[must_use]
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.rule = rule(dialect);
        self.spec.dialect = dialect;
        self.spec.kind = self.rule.own.clone();
        self.parents(Parents::of(dialect))
    }

    /// What the nodes carry, for people who look at the tree. Default: nothing.
    #[must_use]
    pub fn data(mut self, data: impl Into<Bytes>) -> Self {
        self.spec.data = data.into();
        self
    }

    /// The ACL of the nodes, and of parents that are missing. All contenders must be able to read each
    /// other's nodes. Default: open.
    #[must_use]
    pub fn acl(mut self, acl: Vec<Acl>) -> Self {
        self.spec.acl = acl;
        self
    }

    /// What is made of parents that are missing. Default: containers; persistent nodes with kazoo's
    /// dialect.
    #[must_use]
    pub const fn parents(mut self, parents: Parents) -> Self {
        self.spec.parents = parents;
        self
    }

    /// What becomes of a guard when the connection is lost. Default: [`SuspendPolicy::Session`].
    #[must_use]
    pub const fn on_suspend(mut self, policy: SuspendPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Waits for all locks. There is no deadline: a holder may hold for ever.
    ///
    /// # Errors
    /// [`RecipeError::Lost`] when somebody deleted one of our nodes while it waited; `NoNode` when a parent
    /// is missing and [`Parents::Required`]; [`RecipeError::Timeout`] when the connection broke, or
    /// a parent vanished, in each of 30 attempts to take the places; and the client's errors,
    /// [`SessionExpired`](zk_client::Error::SessionExpired) among them.
    ///
    /// # Cancel safety
    /// A dropped future leaves all queues: its nodes are deleted in the background.
    pub async fn acquire(&self) -> Result<MultiGuard, RecipeError> {
        let acquire = async {
            let mut places = Places::enter(self).await?;
            places.turn().await?;
            self.granted(places)
        };
        acquire.instrument(debug_span!("multi_lock", paths = ?self.paths)).await
    }

    /// Waits for all locks, but not for longer than `limit`, connection trouble included.
    ///
    /// # Errors
    /// [`RecipeError::Timeout`], and those of [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire); so it is when the time has passed.
    pub async fn acquire_timeout(&self, limit: Duration) -> Result<MultiGuard, RecipeError> {
        within(limit, self.acquire()).await
    }

    /// Takes all locks if they are free, and none otherwise.
    ///
    /// # Errors
    /// [`RecipeError::Contended`] when somebody is ahead at one of them, and those of
    /// [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire).
    pub async fn try_acquire(&self) -> Result<MultiGuard, RecipeError> {
        // Most losers are spared the write.
        for path in &self.paths {
            if !listing::names(&self.client, path, &self.rule.blocking).await?.is_empty() {
                return Err(RecipeError::Contended);
            }
        }
        let mut places = Places::enter(self).await?;
        if places.is_our_turn().await? {
            return self.granted(places);
        }
        // Whoever tries next should not meet nodes that are about to go.
        if let Err(error) = places.leave().await {
            tracing::debug!(%error, "left to the janitor");
        }
        Err(RecipeError::Contended)
    }

    /// The paths, each one once, sorted.
    #[must_use]
    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    fn granted(&self, places: Places) -> Result<MultiGuard, RecipeError> {
        let nodes = self.paths.iter().cloned().zip(places.nodes()).collect();
        let held = places.into_held(self.policy).ok_or(NO_PATHS)?;
        Ok(MultiGuard::new(held, nodes))
    }
}

const NO_PATHS: RecipeError = RecipeError::BadArguments { reason: "no paths to lock" };
