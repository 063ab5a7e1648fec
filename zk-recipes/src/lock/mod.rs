//! A fair lock without herd effect.
//!
//! # Layout
//! Each contender has an ephemeral sequential node `<path>/_c_<uuid>-lock-<sequence>`, named as
//! Curator's `InterProcessMutex` names its own; with [`Dialect::Kazoo`] it is
//! `<path>/<hex>__lock__<sequence>`, as kazoo's `Lock` names it. The lowest sequence number holds,
//! everybody else watches the node just before its own.
//!
//! # Costs
//! A free lock is acquired in one round trip: the create and the listing go out back to back. A
//! waiter needs one more to watch its predecessor and its own node. When the predecessor was the only one
//! ahead, its going is all there is to know; otherwise the waiter looks at the queue again, one round
//! trip. A release is one round trip and one event for one waiter, and one for the releaser, whose watch
//! on its own node fires.
//!
//! # What happens when
//! * **Somebody deletes a node**: its guard is lost, its waiter fails with
//!   [`RecipeError::Lost`].
//! * **A waiter leaves**, by timeout or because its future is dropped: its node is deleted in the
//!   background, and the one behind it moves up to the next predecessor.
//! * **The connection is lost**: waiters wait on. The guard of a holder is
//!   [`Suspended`](crate::Ownership::Suspended) until it is known whether the session survived, unless
//!   its [`SuspendPolicy`] says that it is lost.
//! * **The session expires**: waiters fail with `SessionExpired`, and the guard is lost; so it is
//!   when the client goes on with a new session, in which the lock can be acquired anew. With
//!   [`Lock::rejoin`] waiters do so by themselves, at the tail of the queue.
//! * **The reply to the create is lost**: the node is looked for by its unique name, after `sync`.
//! * **A contender is asked to give way** ([`Lock::request_revoke`]): its node's data says so, as
//!   Curator's `Revoker` has it, and its guard tells if it is asked
//!   ([`LockGuard::revoke_requested`]).
//! * **A contender may not read the node ahead of it**: it fails with `NoAuth`, and leaves the queue.
//! * **The sequence numbers come to their end**, after 2,147,483,647 contenders: the order is that of
//!   the nodes' transactions, which costs a request for each contender. Deleting the parent, when
//!   nobody uses it, starts them anew; a container goes by itself.
//!
//! # Guarantees
//! At most one contender whose session is alive holds the lock, and contenders get it in the
//! order of their nodes' creation. A holder that is stopped for longer than its session timeout
//! cannot know that it has lost: let the resource check the [`FencingToken`].

mod guard;
mod revoking;
mod shared_guard;
mod waiting;

pub use guard::LockGuard;
pub use shared_guard::SharedGuard;
pub(crate) use shared_guard::WeakGuard;
pub use waiting::Waiting;

use std::time::Duration;

use bytes::Bytes;
use tracing::{Instrument, debug_span};
use zk_client::{Acl, Client};

use crate::contender::in_line::InLine;
use crate::contender::listing::{self, Contender};
use crate::contender::own_node::NodeSpec;
use crate::dialect::{Dialect, Parents, Rule};
use crate::error::RecipeError;
#[cfg(doc)]
use crate::held::FencingToken;
use crate::held::SuspendPolicy;
use crate::recipe_path;
use crate::retry::{rejoining, within};

/// A fair lock at a path. Cheap to clone; see the [module](self) for how it works.
///
/// It is not re-entrant: whoever acquires it twice waits for itself.
#[derive(Clone, Debug)]
#[doc(alias = "InterProcessMutex")]
pub struct Lock {
    client: Client,
    spec: NodeSpec,
    rule: Rule,
    policy: SuspendPolicy,
    rejoins: bool,
}

impl Lock {
    /// The lock at a path. Nothing is sent yet; the node is created when it is missing.
    ///
    /// # Errors
    /// [`zk_client::Error::BadPath`] when the path breaks a rule.
    pub fn new(client: &Client, path: &str) -> Result<Self, RecipeError> {
        let rule = rule(Dialect::Curator);
        let spec = NodeSpec::new(recipe_path::checked(path)?, Dialect::Curator, rule.own.clone());
        let policy = SuspendPolicy::default();
        Ok(Self { client: client.clone(), spec, rule, policy, rejoins: false })
    }

    /// Whose lock it is: all contenders must agree on it. Also sets how missing parents are made.
    /// Default: Curator's.
    #[must_use]
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.rule = rule(dialect);
        self.spec.dialect = dialect;
        self.spec.kind = self.rule.own.clone();
        self.parents(Parents::of(dialect))
    }

    /// Also waits for nodes of this kind that are ahead: those whose names end with it and a sequence
    /// number, as `-lock-`. They need not wait for ours (kazoo's `extra_lock_patterns`).
    #[must_use]
    pub fn respect(mut self, kind: &str) -> Self {
        self.rule = self.rule.respecting(kind.to_owned());
        self
    }

    /// What the nodes of this lock carry, for people who look at the tree. Default: nothing.
    #[must_use]
    pub fn data(mut self, data: impl Into<Bytes>) -> Self {
        self.spec.data = data.into();
        self
    }

    /// The ACL of the nodes of this lock. All contenders must be able to read each other's: one that
    /// stands behind a node that it cannot read fails with `NoAuth`. It must not be taken away from them
    /// later, as servers keep the event from those who may not read. Default: open.
    #[must_use]
    pub fn acl(mut self, acl: Vec<Acl>) -> Self {
        self.spec.acl = acl;
        self
    }

    /// What is made of parents that are missing. Default: containers, as Curator does; persistent
    /// nodes with kazoo's dialect.
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

    /// Whether [`acquire`](Self::acquire) begins anew, at the tail of the queue, when the session has
    /// expired and the client goes on with another one
    /// ([`ExpiryPolicy::NewSession`](zk_client::ExpiryPolicy::NewSession)). Default: no, it fails.
    #[must_use]
    pub const fn rejoin(mut self, rejoin: bool) -> Self {
        self.rejoins = rejoin;
        self
    }

    /// Waits for the lock. There is no deadline: a holder may hold for ever.
    ///
    /// # Errors
    /// [`RecipeError::Lost`] when somebody deleted our node while it waited; `NoNode` when the parents
    /// are missing and [`Parents::Required`]; [`RecipeError::Timeout`] when the connection broke, or
    /// the parent vanished, in each of 30 attempts to take a place; and the client's errors,
    /// [`SessionExpired`](zk_client::Error::SessionExpired) among them.
    ///
    /// # Cancel safety
    /// A dropped future leaves the queue: its node is deleted in the background.
    pub async fn acquire(&self) -> Result<LockGuard, RecipeError> {
        let span = debug_span!("lock", path = self.path(), dialect = ?self.spec.dialect);
        let acquire = || async { self.enqueue().await?.acquire().await };
        rejoining(&self.client, self.rejoins, acquire).instrument(span).await
    }

    /// Waits for the lock, but not for longer than `limit`, connection trouble included.
    ///
    /// # Errors
    /// [`RecipeError::Timeout`], and those of [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire); so it is when the time has passed.
    pub async fn acquire_timeout(&self, limit: Duration) -> Result<LockGuard, RecipeError> {
        within(limit, self.acquire()).await
    }

    /// Takes the lock if it is free, and never jumps the queue.
    ///
    /// Two that try at once may both be refused, if neither is first when it looks.
    ///
    /// # Errors
    /// [`RecipeError::Contended`] when somebody else is ahead, and those of
    /// [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire).
    pub async fn try_acquire(&self) -> Result<LockGuard, RecipeError> {
        // Most losers are spared the write.
        if !listing::names(&self.client, self.path(), &self.rule.blocking).await?.is_empty() {
            return Err(RecipeError::Contended);
        }
        self.enqueue().await?.acquire_now().await
    }

    /// Takes a place in the queue, and tells who is ahead.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire).
    pub async fn enqueue(&self) -> Result<Waiting, RecipeError> {
        let line = InLine::enter(&self.client, &self.spec, self.rule.clone()).await?;
        Ok(Waiting::new(line, self.policy))
    }

    /// Those who hold or wait, in their order: the first one holds. Two round trips; who leaves in
    /// between is left out.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    #[doc(alias = "getParticipantNodes")]
    pub async fn contenders(&self) -> Result<Vec<Contender>, RecipeError> {
        listing::contenders(&self.client, self.path(), &self.rule.blocking).await
    }

    /// Who holds the lock, as the server that is asked knows it.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn holder(&self) -> Result<Option<Contender>, RecipeError> {
        Ok(self.contenders().await?.into_iter().next())
    }

    /// The path the lock was made with.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.spec.parent
    }
}

/// As Curator names the contenders of a mutex (`InterProcessMutex.LOCK_NAME`), and kazoo those of a
/// lock (`Lock._NODE_NAME`).
pub(crate) fn rule(dialect: Dialect) -> Rule {
    match dialect {
        Dialect::Curator => Rule::new("lock-", &["lock-"]),
        Dialect::Kazoo => Rule::new("__lock__", &["__lock__"]),
    }
}
