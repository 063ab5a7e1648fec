//! A lock that is one node: for few contenders, or for a path that others lock in the same way.
//!
//! # Layout
//! The lock is the ephemeral node `<path>`. Whoever creates it holds it, so that programs which do
//! the same without this library take part. Beside it, `<parent>/_w_<name>` is a node that stays as
//! long as the lock is used, with an ephemeral witness `_w_<name>/<uuid>` for the holder. One multi
//! creates the lock and the witness and sets the node that stays: its data version counts the holders.
//!
//! # Costs
//! A free lock is acquired in one round trip; in three or so the first time, when the nodes around it are
//! missing, and in one more before ZooKeeper 3.8.2, which does not tell a multi what it has created. A
//! lock that is held costs a waiter that refusal and a watch. **Each release wakes all `n` waiters**,
//! which costs `n` events and `2n` requests; one of them gets in. Above a handful of contenders
//! use [`Lock`](crate::Lock), which wakes one. A release is one round trip, and two events for the
//! releaser; one more round trip when the guard knows that something has happened.
//!
//! # Guarantees
//! At most one contender whose session is alive holds the lock. There is no order among waiters, and one
//! may starve. Tokens grow with each holder.
//!
//! A fenced write ([`Held::multi`](crate::Held::multi)) checks the lock, the witness and the number of
//! holders. So it is refused when somebody has deleted the lock, also when another contender has
//! created it anew; what it cannot tell is a new holder that does not use this recipe.
//!
//! # What happens when
//! * **Somebody deletes the lock or the witness**: the guard is lost, and leaves alone what somebody
//!   else has created since.
//! * **The connection is lost**: waiters wait on; the guard of a holder is
//!   [`Suspended`](crate::Ownership::Suspended), as its [`SuspendPolicy`] says.
//! * **The session expires**: waiters fail with `SessionExpired`, and the guard is lost. The node of an
//!   old session of the same client is waited for like anybody else's.
//! * **A future is dropped**: nothing is left; what may have been created is deleted in the background.
//! * **The reply to the multi is lost**: the witness is looked for, after `sync`.

mod guard;

pub use guard::SimpleGuard;

use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;
use tracing::{Instrument, debug_span};
use uuid::Uuid;
use zk_client::{Acl, Client, ErrorCode, SessionId};

use crate::contender::one_node::OneNode;
use crate::dialect::Parents;
use crate::error::RecipeError;
use crate::held::{FencingToken, SuspendPolicy};
use crate::recipe_path;
use crate::retry::within;

/// A lock that is one node, for few contenders. Cheap to clone; see the [module](self).
///
/// It is not re-entrant: whoever acquires it twice waits for itself.
#[derive(Clone, Debug)]
#[doc(alias = "ActiveStandbyElector")]
pub struct SimpleLock {
    client: Client,
    node: OneNode,
    policy: SuspendPolicy,
    backoff: Duration,
}

/// Who holds a [`SimpleLock`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// What it says of itself; may be empty.
    pub data: Bytes,
    /// Its session.
    pub session: SessionId,
    /// Its token.
    pub token: FencingToken,
}

impl SimpleLock {
    /// The lock at a path, which must not be `/`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`zk_client::Error::BadPath`] when the path breaks a rule, and [`RecipeError::BadArguments`] when
    /// it is the root.
    pub fn new(client: &Client, path: &str) -> Result<Self, RecipeError> {
        let node = OneNode::at(recipe_path::checked(path)?, Parents::Container)
            .ok_or(RecipeError::BadArguments { reason: "the root cannot be a lock" })?;
        let policy = SuspendPolicy::default();
        Ok(Self { client: client.clone(), node, policy, backoff: Duration::ZERO })
    }

    /// What the node says of its holder, for people who look at the tree. Default: nothing.
    #[must_use]
    pub fn data(mut self, data: impl Into<Bytes>) -> Self {
        self.node.data = data.into();
        self
    }

    /// The ACL of the nodes of this lock. All contenders must be allowed to do everything with each
    /// other's. Default: open.
    #[must_use]
    pub fn acl(mut self, acl: Vec<Acl>) -> Self {
        self.node.acl = acl;
        self
    }

    /// What is made of parents that are missing. Default: containers.
    #[must_use]
    pub const fn parents(mut self, parents: Parents) -> Self {
        self.node.parents = parents;
        self
    }

    /// What becomes of a guard when the connection is lost. Default: [`SuspendPolicy::Session`].
    #[must_use]
    pub const fn on_suspend(mut self, policy: SuspendPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Has a waiter pause for a random time up to this one before it tries again, so that not all of
    /// them do so at once. Default: no pause.
    #[must_use]
    pub const fn backoff(mut self, most: Duration) -> Self {
        self.backoff = most;
        self
    }

    /// Waits for the lock. There is no deadline, and no order: others may get in before, for ever.
    ///
    /// # Errors
    /// `NoNode` when the parent is missing and [`Parents::Required`]; [`RecipeError::Timeout`] when the
    /// connection broke in each of 30 attempts in a row; and the client's errors,
    /// [`SessionExpired`](zk_client::Error::SessionExpired) among them.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing: what it may have created is deleted in the background.
    pub async fn acquire(&self) -> Result<SimpleGuard, RecipeError> {
        let acquire = async {
            let client = self.client.bound_to_session();
            loop {
                if let Some(taken) = self.node.take(&client).await? {
                    return Ok(SimpleGuard::new(taken.into_held(client, self.policy)));
                }
                self.node.until_free(&client).await?;
                sleep(up_to(self.backoff)).await;
            }
        };
        acquire.instrument(debug_span!("simple_lock", path = self.path())).await
    }

    /// Waits for the lock, but not for longer than `limit`, connection trouble included.
    ///
    /// # Errors
    /// [`RecipeError::Timeout`], and those of [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire); so it is when the time has passed.
    pub async fn acquire_timeout(&self, limit: Duration) -> Result<SimpleGuard, RecipeError> {
        within(limit, self.acquire()).await
    }

    /// Takes the lock if it is free. One round trip.
    ///
    /// # Errors
    /// [`RecipeError::Contended`] when somebody has it, and those of [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire).
    pub async fn try_acquire(&self) -> Result<SimpleGuard, RecipeError> {
        let client = self.client.bound_to_session();
        match self.node.take(&client).await? {
            Some(taken) => Ok(SimpleGuard::new(taken.into_held(client, self.policy))),
            None => Err(RecipeError::Contended),
        }
    }

    /// Who holds the lock, as the server that is asked knows it.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn holder(&self) -> Result<Option<Holder>, RecipeError> {
        match self.client.get(self.path()).await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(None),
            Err(error) => Err(error.into()),
            Ok((data, stat)) => {
                let (session, token) = (stat.ephemeral_owner, FencingToken::of(stat.czxid));
                Ok(Some(Holder { data, session, token }))
            }
        }
    }

    /// The path the lock was made with.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.node.path
    }
}

/// A random time.
fn up_to(most: Duration) -> Duration {
    // A UUID is as random as this needs.
    let (random, _) = Uuid::new_v4().as_u64_pair();
    match u64::try_from(most.as_nanos()) {
        Ok(nanos @ 1..) => Duration::from_nanos(random % nanos),
        Ok(0) | Err(_) => most,
    }
}
