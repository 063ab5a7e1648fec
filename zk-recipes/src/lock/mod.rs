//! A fair lock without herd effect.
//!
//! # Layout
//! Each contender has an ephemeral sequential node `<path>/_c_<uuid>-lock-<sequence>`, named as
//! Curator's `InterProcessMutex` names its own. The lowest sequence number holds, everybody else
//! watches the node just before its own.
//!
//! # Costs
//! A free lock is acquired in one round trip: the create and the listing go out back to back. A
//! waiter needs one more to watch its predecessor, and on its turn one to look again. A release
//! is one round trip and one event, for one waiter.
//!
//! # What happens when
//! * **A waiter leaves**, by timeout or because its future is dropped: its node is deleted in the
//!   background, and the one behind it moves up to the next predecessor.
//! * **The connection is lost**: waiters wait on, and the guard of a holder is
//!   [`Suspended`](crate::Ownership::Suspended) until it is known whether the session survived.
//! * **The session expires**: waiters fail with `SessionExpired`, and the guard is lost; so it is
//!   when the client goes on with a new session, in which the lock can be acquired anew.
//! * **The reply to the create is lost**: the node is looked for by its unique name, after `sync`.
//!
//! # Guarantees
//! At most one contender whose session is alive holds the lock, and contenders get it in the
//! order of their nodes' creation. A holder that is stopped for longer than its session timeout
//! cannot know that it has lost: let the resource check the [`FencingToken`].

mod guard;
mod waiting;

pub use guard::LockGuard;
pub use waiting::Waiting;

use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;
use zk_client::{Acl, Client, Error, ErrorCode, PathError, ZPath};

use crate::contender::order::in_order;
use crate::contender::protected::{Contender, ContenderSpec};
use crate::error::RecipeError;
#[cfg(doc)]
use crate::ownership::FencingToken;

/// A fair lock at a path. Cheap to clone; see the [module](self) for how it works.
///
/// It is not re-entrant: whoever acquires it twice waits for itself.
#[derive(Clone, Debug)]
#[doc(alias = "InterProcessMutex")]
pub struct Lock {
    client: Client,
    spec: ContenderSpec,
}

impl Lock {
    /// The lock at a path. Nothing is sent yet; the node is created when it is missing.
    ///
    /// # Errors
    /// [`zk_client::Error::BadPath`] when the path breaks a rule.
    pub fn new(client: &Client, path: &str) -> Result<Self, RecipeError> {
        let bad = |reason: PathError| Error::BadPath { path: path.to_owned(), reason };
        let parent = ZPath::parse(path).map_err(bad)?.to_string();
        let spec = ContenderSpec { parent, kind: KIND, data: Bytes::new(), acl: Acl::open() };
        Ok(Self { client: client.clone(), spec })
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

    /// Waits for the lock. There is no deadline: a holder may hold for ever.
    ///
    /// # Errors
    /// [`RecipeError::Lost`] when somebody deleted our node while it waited;
    /// [`RecipeError::SequenceExhausted`]; [`RecipeError::Timeout`] when the connection broke, or
    /// the parent vanished, in each of 30 attempts to take a place; and the client's errors,
    /// [`Error::SessionExpired`] among them.
    ///
    /// # Cancel safety
    /// A dropped future leaves the queue: its node is deleted in the background.
    pub async fn acquire(&self) -> Result<LockGuard, RecipeError> {
        self.enqueue().await?.acquire().await
    }

    /// Waits for the lock, but not for longer than `limit`, connection trouble included.
    ///
    /// # Errors
    /// [`RecipeError::Timeout`], and those of [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire); so it is when the time has passed.
    pub async fn acquire_timeout(&self, limit: Duration) -> Result<LockGuard, RecipeError> {
        timeout(limit, self.acquire()).await.unwrap_or(Err(RecipeError::Timeout))
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
        if !self.contenders().await?.is_empty() {
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
        // A place in the queue is the node of one session, and must not be followed by another.
        let client = self.client.bound_to_session();
        let state = client.state();
        let (contender, children) = Contender::create(&client, &self.spec).await?;
        tracing::debug!(node = contender.name(), "enqueued");
        Waiting::new(client, contender, children, state)
    }

    /// The names of the nodes that hold or wait, in their order: the first one holds.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn contenders(&self) -> Result<Vec<String>, RecipeError> {
        match self.client.children(&self.spec.parent).await {
            Ok(children) => {
                let names = children.iter().map(|name| &**name);
                Ok(in_order(names, KIND).into_iter().map(str::to_owned).collect())
            }
            Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// The path the lock was made with.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.spec.parent
    }
}

/// As Curator names the contenders of a mutex (`InterProcessMutex.LOCK_NAME`).
const KIND: &str = "lock-";
