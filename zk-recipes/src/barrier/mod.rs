//! A barrier that keeps everybody waiting until it is lifted.
//!
//! # Layout
//! The barrier is closed as long as `<path>` exists, as with Curator's `DistributedBarrier` and kazoo's
//! `Barrier`. [`Barrier::set`] makes it a persistent node, and its missing parents containers;
//! [`Barrier::set_while_alive`] makes it an ephemeral one, whose data is a UUID.
//!
//! # Costs
//! An open barrier is passed in one round trip. A waiter needs one more to set a watch, and gets one
//! event when the barrier is lifted; then one round trip tells that it is gone. All waiters of a barrier
//! are woken at once: that is what it is for. To set or lift it takes one round trip.
//!
//! # Guarantees
//! What was lifted before a call to [`wait`](Barrier::wait) does not stop it, and what was set before
//! does: the server is asked to catch up first. A waiter that has seen the barrier closed passes once
//! that barrier was lifted, also when another one was set before it could look: it knows it by
//! the transaction that has created it. See [`Barrier::each_generation`].
//!
//! # What happens when
//! * **The connection is lost**: waiting goes on, and a lift in the meantime is told afterwards.
//! * **The session expires**: waiting goes on if the client does with a new session
//!   ([`ExpiryPolicy::NewSession`](zk_client::ExpiryPolicy::NewSession)), and fails otherwise. A
//!   persistent barrier stays; the barrier of a guard falls, and is not set again.
//! * **A waiter is dropped**: its watch is removed.
//! * **The reply to a set or a lift is lost**: it is done again. A barrier that somebody lifts between the two is
//!   set again; one that somebody else sets between the two is not lifted.

mod guard;
mod setting;

pub use guard::BarrierGuard;

use std::time::Duration;

use bytes::Bytes;
use tracing::{Instrument, debug_span};
use zk_client::{Acl, Client, CreateMode, Error, ErrorCode, Stat, Zxid};

use crate::dialect::Parents;
use crate::error::RecipeError;
use crate::gathering::look::recover;
use crate::held::SuspendPolicy;
use crate::recipe_path;
use crate::retry::{Attempt, has_next_session, until_settled, within};

/// A barrier at a path. Cheap to clone; see the [module](self) for how it works.
#[derive(Clone, Debug)]
#[doc(alias = "DistributedBarrier")]
pub struct Barrier {
    client: Client,
    path: String,
    data: Bytes,
    acl: Vec<Acl>,
    parents: Parents,
    each_generation: bool,
    policy: SuspendPolicy,
}

impl Barrier {
    /// The barrier at a path. Nothing is sent yet.
    ///
    /// # Errors
    /// [`zk_client::Error::BadPath`] when the path breaks a rule.
    pub fn new(client: &Client, path: &str) -> Result<Self, RecipeError> {
        Ok(Self {
            client: client.clone(),
            path: recipe_path::checked(path)?,
            data: Bytes::new(),
            acl: Acl::open(),
            parents: Parents::Container,
            each_generation: true,
            policy: SuspendPolicy::default(),
        })
    }

    /// What the node of [`set`](Self::set) carries, for people who look at the tree. Default: nothing.
    #[must_use]
    pub fn data(mut self, data: impl Into<Bytes>) -> Self {
        self.data = data.into();
        self
    }

    /// The ACL of the node. Whoever waits has to be able to read it. Default: open.
    #[must_use]
    pub fn acl(mut self, acl: Vec<Acl>) -> Self {
        self.acl = acl;
        self
    }

    /// What is made of parents that are missing. Default: containers, as Curator does.
    #[must_use]
    pub const fn parents(mut self, parents: Parents) -> Self {
        self.parents = parents;
        self
    }

    /// Whether a waiter passes once the barrier that it has seen was lifted, although another one was
    /// set in the meantime. Otherwise it waits until it sees none. Default: yes.
    #[must_use]
    pub const fn each_generation(mut self, each: bool) -> Self {
        self.each_generation = each;
        self
    }

    /// What becomes of the guard of [`set_while_alive`](Self::set_while_alive) when the connection is
    /// lost. Default: [`SuspendPolicy::Session`].
    #[must_use]
    pub const fn on_suspend(mut self, policy: SuspendPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Closes the barrier, until somebody lifts it. One that is closed already stays as it is.
    ///
    /// # Errors
    /// [`RecipeError::Timeout`] when the connection broke in each of 30 attempts; `NoNode` when the
    /// parents are missing and [`Parents::Required`]; and the client's.
    ///
    /// # Cancel safety
    /// After a dropped future the barrier may be set.
    #[doc(alias = "setBarrier")]
    pub async fn set(&self) -> Result<(), RecipeError> {
        let set = || async {
            match self.create(&self.client, self.data.clone(), CreateMode::Persistent).await {
                Err(error) if error.code() == Some(ErrorCode::NodeExists) => Ok(()),
                created => created.map(|_| ()),
            }
        };
        until_settled(&self.client, |_| set()).await
    }

    /// Closes the barrier as long as the guard lives, and the session that this client has now.
    ///
    /// # Errors
    /// [`RecipeError::Contended`] when the barrier is closed already, and those of [`set`](Self::set).
    ///
    /// # Cancel safety
    /// A dropped future lifts the barrier in the background, if it has set it.
    pub async fn set_while_alive(&self) -> Result<BarrierGuard, RecipeError> {
        let span = debug_span!("barrier", path = self.path);
        setting::set_while_alive(self).instrument(span).await
    }

    /// Lifts the barrier, whoever has set it. Tells whether it was closed.
    ///
    /// # Errors
    /// [`RecipeError::Timeout`] when the connection broke in each of 30 attempts, and the client's:
    /// `NotEmpty` when somebody has made nodes below it.
    ///
    /// # Cancel safety
    /// After a dropped future the barrier may be lifted.
    #[doc(alias = "removeBarrier")]
    pub async fn lift(&self) -> Result<bool, RecipeError> {
        // Known from the first look that was answered: another barrier is none of this call's.
        let meant = std::sync::Mutex::new(None);
        let lift = |attempt| {
            let meant = &meant;
            async move {
                if attempt == Attempt::InDoubt
                    && let Some(stat) = self.look(true).await?
                    && lock(meant).is_some_and(|czxid| czxid != stat.czxid)
                {
                    return Ok(true);
                }
                let seen = self.client.exists(&self.path).send();
                let deleted = self.client.delete(&self.path).send();
                if let Some(stat) = seen.await? {
                    lock(meant).get_or_insert(stat.czxid);
                }
                match deleted.await {
                    Err(error) if error.code() == Some(ErrorCode::NoNode) => {
                        Ok::<_, RecipeError>(attempt == Attempt::InDoubt)
                    }
                    deleted => Ok(deleted.map(|()| true)?),
                }
            }
        };
        until_settled(&self.client, lift).await
    }

    /// Whether the barrier is closed. It is not told what was before this call.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn is_set(&self) -> Result<bool, RecipeError> {
        Ok(self.look(true).await?.is_some())
    }

    /// Waits until the barrier is lifted; not at all where there is none. There is no deadline: it may
    /// stay closed for ever.
    ///
    /// # Errors
    /// `NoAuth`, and the end of the session, unless the client goes on with a new one.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    #[doc(alias = "waitOnBarrier")]
    pub async fn wait(&self) -> Result<(), RecipeError> {
        let span = debug_span!("barrier", path = self.path);
        let wait = async {
            let mut waits_for = None;
            loop {
                let error = match self.step(&mut waits_for).await {
                    Ok(true) => return Ok(()),
                    Ok(false) => continue,
                    Err(error) => error,
                };
                if has_next_session(&self.client, &error).await {
                    tracing::debug!(%error, "waiting on in the next session");
                } else {
                    recover(&self.client, error).await?;
                }
            }
        };
        wait.instrument(span).await
    }

    /// Waits until the barrier is lifted, but not for longer than `limit`, connection trouble included.
    ///
    /// # Errors
    /// [`RecipeError::Timeout`], and those of [`wait`](Self::wait).
    ///
    /// # Cancel safety
    /// As [`wait`](Self::wait).
    pub async fn wait_timeout(&self, limit: Duration) -> Result<(), RecipeError> {
        within(limit, self.wait()).await
    }

    /// The path the barrier was made with.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Looks, and waits until something may have changed. Tells whether the barrier is lifted.
    async fn step(&self, waits_for: &mut Option<Zxid>) -> Result<bool, RecipeError> {
        // The first look sets no watch, as a server keeps one on a missing node (CURATOR-107).
        if self.has_passed(self.look(true).await?, waits_for) {
            return Ok(true);
        }
        let (stat, changed) = self.client.exists(&self.path).watch().await?;
        if self.has_passed(stat, waits_for) {
            return Ok(true);
        }
        tracing::debug!("waiting");
        changed.await?;
        Ok(false)
    }

    fn has_passed(&self, stat: Option<Stat>, waits_for: &mut Option<Zxid>) -> bool {
        is_lifted(stat.map(|stat| stat.czxid), waits_for, self.each_generation)
    }

    async fn look(&self, sync: bool) -> Result<Option<Stat>, Error> {
        let synced = sync.then(|| self.client.sync(&self.path).send());
        let looked = self.client.exists(&self.path).send();
        if let Some(synced) = synced {
            synced.await?;
        }
        looked.await
    }

    async fn create(&self, client: &Client, data: Bytes, mode: CreateMode) -> Result<Zxid, Error> {
        let create = client.create(&self.path, data).mode(mode).acl(self.acl.clone());
        let created = match self.parents {
            Parents::Container => create.with_container_parents().await?,
            Parents::Persistent => create.with_parents().await?,
            Parents::Required => create.await?,
        };
        Ok(created.stat.czxid)
    }
}

/// Whether the barrier that is waited for is lifted, where `seen` is the one that is there.
fn is_lifted(seen: Option<Zxid>, waits_for: &mut Option<Zxid>, each_generation: bool) -> bool {
    let Some(seen) = seen else { return true };
    let first = *waits_for.get_or_insert(seen);
    each_generation && first != seen
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_barrier_is_lifted_when_it_is_gone_or_another_one_is_there() {
        let (one, other) = (Some(Zxid(7)), Some(Zxid(9)));
        let check = |seen: &[Option<Zxid>], each_generation, expected: &[bool]| {
            let mut waits_for = None;
            let lifted: Vec<_> =
                seen.iter().map(|seen| is_lifted(*seen, &mut waits_for, each_generation)).collect();
            assert_eq!(lifted, expected, "{seen:?}");
        };
        check(&[None], true, &[true]);
        check(&[one, one, None], true, &[false, false, true]);
        check(&[one, other], true, &[false, true]);
        check(&[one, other, other, None], false, &[false, false, false, true]);
    }
}
