//! A lock for many readers or one writer, fair and without herd effect.
//!
//! # Layout
//! Each contender has an ephemeral sequential node, `<path>/_c_<uuid>-__READ__<sequence>` or
//! `<path>/_c_<uuid>-__WRIT__<sequence>`, as Curator's `InterProcessReadWriteLock` names them; with
//! [`Dialect::Kazoo`] it is `<path>/<hex>__rlock__<sequence>` or `<path>/<hex>__lock__<sequence>`, as
//! kazoo's `ReadLock` and `WriteLock` do. A reader waits for the last writer before it, a writer for
//! whoever is just before it.
//!
//! A writer that becomes a reader has a node with the number of its write node (CURATOR-621), so that
//! it stays where it was. kazoo has no such thing, but compares nothing but kinds and numbers, so its
//! contenders wait for such a node as they do for any other. While a reader tries to become a writer
//! there is an ephemeral `<path>/__UPGR__`, of which other clients take no notice.
//!
//! # Costs
//! | | round trips | events |
//! |---|---|---|
//! | to enter when free | 1: the create and the listing go out back to back | |
//! | to wait | 1 for the watches; behind somebody else than one last reader, or one last writer for readers, 1 for another look | 1 |
//! | release of a reader | 1 | 1 if a writer is just behind it |
//! | release of a writer | 1 | 1 for each reader up to the next writer, or 1 for the writer just behind it |
//! | [`WriteGuard::downgrade`] | 1 | as the release of a writer |
//! | [`ReadGuard::try_upgrade`] | 3; 1 when it is refused at once | |
//!
//! Each guard has a watch on its own node, which is asked for without being waited for, and fires
//! when the node goes.
//!
//! # Guarantees
//! At most one writer whose session is alive holds the lock, and no reader with it. Contenders get in by
//! the order of their nodes: no reader overtakes a writer, so that writers do not starve, and a reader that stays
//! long keeps a writer and all behind it waiting. [Tokens](FencingToken) of writers grow from one to
//! the next. A reader's is the transaction that has created its own node, which after a downgrade may be
//! higher than that of the writer behind it: a resource that remembers the highest token must remember
//! those of writers only.
//!
//! It is not re-entrant. Who holds it and acquires it once more waits for itself: a writer that wants
//! to read as well just reads, or [downgrades](WriteGuard::downgrade).
//!
//! # What happens when
//! * **Somebody deletes a node**: its guard is lost, its waiter fails with [`RecipeError::Lost`].
//! * **A call is cancelled**, by timeout or because its future is dropped: its nodes are deleted in
//!   the background, and those behind move up.
//! * **The connection is lost**: waiters wait on. Guards are
//!   [`Suspended`](crate::Ownership::Suspended) until it is known whether the session survived, unless
//!   their [`SuspendPolicy`] says that they are lost.
//! * **The session expires**: waiters fail with `SessionExpired`, or with [`RwLock::rejoin`] begin anew
//!   at the tail of the queue; guards are lost, also when the client goes on with a new session.
//! * **The reply to a write is lost**: the nodes are looked for by their unique names, after `sync`.
//! * **The sequence numbers come to their end**: as with [`Lock`](crate::Lock), the order is that of the
//!   nodes' transactions. A writer that came in by such a number cannot become a reader in its place, and
//!   is refused with [`RecipeError::SequenceExhausted`].

mod downgrade;
mod guards;
mod upgrade;

pub use guards::{ConversionError, ReadGuard, WriteGuard};

use std::sync::Arc;
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
use crate::held::{Held, SuspendPolicy};
use crate::recipe_path;
use crate::retry::{rejoining, within};

/// A lock for many readers or one writer at a path. Cheap to clone; see the [module](self) for how it
/// works.
#[derive(Clone, Debug)]
#[doc(alias = "InterProcessReadWriteLock")]
pub struct RwLock {
    client: Client,
    /// Of readers; see [`Self::enter`].
    spec: NodeSpec,
    rules: Rules,
    policy: SuspendPolicy,
    rejoins: bool,
}

/// Who waits for whom.
#[derive(Clone, Debug)]
struct Rules {
    read: Rule,
    /// What is in the way of a writer are all contenders.
    write: Rule,
}

impl RwLock {
    /// The lock at a path. Nothing is sent yet; the node is created when it is missing.
    ///
    /// # Errors
    /// [`zk_client::Error::BadPath`] when the path breaks a rule.
    pub fn new(client: &Client, path: &str) -> Result<Self, RecipeError> {
        let rules = Rules::of(Dialect::Curator);
        let kind = rules.read.own.clone();
        let spec = NodeSpec::new(recipe_path::checked(path)?, Dialect::Curator, kind);
        let policy = SuspendPolicy::default();
        Ok(Self { client: client.clone(), spec, rules, policy, rejoins: false })
    }

    /// Whose lock it is: all contenders must agree on it. Also sets how missing parents are made.
    /// Default: Curator's.
    #[must_use]
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.rules = Rules::of(dialect);
        self.spec.dialect = dialect;
        self.parents(Parents::of(dialect))
    }

    /// What the nodes of this lock carry, for people who look at the tree. Default: nothing.
    #[must_use]
    pub fn data(mut self, data: impl Into<Bytes>) -> Self {
        self.spec.data = data.into();
        self
    }

    /// The ACL of the nodes of this lock. All contenders must be able to read each other's, or
    /// they cannot watch them. Default: open.
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

    /// Whether [`read`](Self::read) and [`write`](Self::write) begin anew, at the tail of the queue,
    /// when the session has expired and the client goes on with another one
    /// ([`ExpiryPolicy::NewSession`](zk_client::ExpiryPolicy::NewSession)). Default: no, they fail.
    #[must_use]
    pub const fn rejoin(mut self, rejoin: bool) -> Self {
        self.rejoins = rejoin;
        self
    }

    /// Waits until no writer is before us. There is no deadline: a writer may hold for ever.
    ///
    /// # Errors
    /// [`RecipeError::Lost`] when somebody deleted our node while it waited; `NoNode` when the parents
    /// are missing and [`Parents::Required`]; [`RecipeError::Timeout`] when the connection broke, or
    /// the parent vanished, in each of 30 attempts to take a place; and the client's errors,
    /// [`SessionExpired`](zk_client::Error::SessionExpired) among them.
    ///
    /// # Cancel safety
    /// A dropped future leaves the queue: its node is deleted in the background.
    #[doc(alias = "readLock")]
    pub async fn read(&self) -> Result<ReadGuard, RecipeError> {
        let held = self.acquire(&self.rules.read).await?;
        Ok(ReadGuard::new(held, Arc::new(self.clone())))
    }

    /// The same, but not for longer than `limit`, connection trouble included.
    ///
    /// # Errors
    /// [`RecipeError::Timeout`], and those of [`read`](Self::read).
    ///
    /// # Cancel safety
    /// As [`read`](Self::read); so it is when the time has passed.
    pub async fn read_timeout(&self, limit: Duration) -> Result<ReadGuard, RecipeError> {
        within(limit, self.read()).await
    }

    /// Takes the lock for reading if no writer holds it or waits for it, and never jumps the queue.
    ///
    /// # Errors
    /// [`RecipeError::Contended`] when there is a writer, and those of [`read`](Self::read).
    ///
    /// # Cancel safety
    /// As [`read`](Self::read).
    pub async fn try_read(&self) -> Result<ReadGuard, RecipeError> {
        let held = self.try_acquire(&self.rules.read).await?;
        Ok(ReadGuard::new(held, Arc::new(self.clone())))
    }

    /// Waits until nobody is before us. There is no deadline: others may hold for ever.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// # Cancel safety
    /// As [`read`](Self::read).
    #[doc(alias = "writeLock")]
    pub async fn write(&self) -> Result<WriteGuard, RecipeError> {
        let held = self.acquire(&self.rules.write).await?;
        Ok(WriteGuard::new(held, Arc::new(self.clone())))
    }

    /// The same, but not for longer than `limit`, connection trouble included.
    ///
    /// # Errors
    /// [`RecipeError::Timeout`], and those of [`read`](Self::read).
    ///
    /// # Cancel safety
    /// As [`read`](Self::read); so it is when the time has passed.
    pub async fn write_timeout(&self, limit: Duration) -> Result<WriteGuard, RecipeError> {
        within(limit, self.write()).await
    }

    /// Takes the lock for writing if nobody holds it or waits for it.
    ///
    /// Two that try at once may both be refused, if neither is first when it looks.
    ///
    /// # Errors
    /// [`RecipeError::Contended`] when somebody else is there, and those of [`read`](Self::read).
    ///
    /// # Cancel safety
    /// As [`read`](Self::read).
    pub async fn try_write(&self) -> Result<WriteGuard, RecipeError> {
        let held = self.try_acquire(&self.rules.write).await?;
        Ok(WriteGuard::new(held, Arc::new(self.clone())))
    }

    /// All who hold or wait, in their order. Two round trips; who leaves in between is left out.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    #[doc(alias = "getParticipantNodes")]
    pub async fn contenders(&self) -> Result<Vec<Contender>, RecipeError> {
        listing::contenders(&self.client, self.path(), &self.rules.write.blocking).await
    }

    /// The readers among them.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn readers(&self) -> Result<Vec<Contender>, RecipeError> {
        let kinds = [self.rules.read.own.clone()];
        listing::contenders(&self.client, self.path(), &kinds).await
    }

    /// The writers among them.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn writers(&self) -> Result<Vec<Contender>, RecipeError> {
        let kinds = [self.rules.write.own.clone()];
        listing::contenders(&self.client, self.path(), &kinds).await
    }

    /// The path the lock was made with.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.spec.parent
    }

    async fn acquire(&self, rule: &Rule) -> Result<Held, RecipeError> {
        let span = debug_span!("rw_lock", path = self.path(), kind = %rule.own);
        let acquire = || async {
            let mut line = self.enter(rule).await?;
            line.turn().await?;
            Ok(line.into_held(self.policy))
        };
        rejoining(&self.client, self.rejoins, acquire).instrument(span).await
    }

    async fn try_acquire(&self, rule: &Rule) -> Result<Held, RecipeError> {
        // Most losers are spared the write.
        if !listing::names(&self.client, self.path(), &rule.blocking).await?.is_empty() {
            return Err(RecipeError::Contended);
        }
        Ok(self.enter(rule).await?.now().await?.into_held(self.policy))
    }

    async fn enter(&self, rule: &Rule) -> Result<InLine, RecipeError> {
        let spec = NodeSpec { kind: rule.own.clone(), ..self.spec.clone() };
        InLine::enter(&self.client, &spec, rule.clone()).await
    }
}

impl Rules {
    /// As Curator names them (`InterProcessReadWriteLock.READ_LOCK_NAME`, `WRITE_LOCK_NAME`), and kazoo
    /// (`ReadLock._NODE_NAME`, `WriteLock._NODE_NAME`).
    fn of(dialect: Dialect) -> Self {
        let (read, write) = match dialect {
            Dialect::Curator => ("__READ__", "__WRIT__"),
            Dialect::Kazoo => ("__rlock__", "__lock__"),
        };
        Self {
            read: Rule::new(read, &[write]),
            write: Rule::new(write, &[write, read]).replaceable(write),
        }
    }
}
