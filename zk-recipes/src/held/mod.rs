//! What a holder has in its hands: what it knows, and what it can do with it.

mod fenced;
mod ownership;
mod watchdog;

pub use fenced::FencedMulti;
pub use ownership::{FencingToken, LostReason, Ownership, Released, SuspendPolicy};

use std::future::Future;

use tokio::sync::watch;
use tokio::time::Instant;
use zk_client::{Client, Error, ErrorCode, SessionState, Watch};

use crate::contender::own_node::{Deleted, OwnNode};
use crate::error::RecipeError;
use watchdog::Watchdog;

/// Something that is owned as long as a node of ours is there: what all guards have in common.
///
/// Guards of recipes dereference to it. Dropping a guard gives back what it holds, in the background.
/// A guard keeps the session open.
#[derive(Debug)]
pub struct Held {
    // Goes before what is known of it.
    node: OwnNode,
    watchdog: Watchdog,
    client: Client,
}

/// The watch on a node of ours, if it was set before the node became something that is held.
#[derive(Debug)]
pub(crate) enum OwnWatch {
    None,
    /// Since when nothing was told.
    Set(Watch),
}

impl Held {
    /// Holds what a node of ours stands for. `client` must be bound to the session that owns it, and
    /// `state` must not have missed a change since the node was last known to exist.
    pub(crate) fn new(
        client: Client,
        node: OwnNode,
        state: watch::Receiver<SessionState>,
        policy: SuspendPolicy,
    ) -> Self {
        Self::watching(client, node, state, policy, OwnWatch::None)
    }

    /// The same, with a watch that was set before.
    pub(crate) fn watching(
        client: Client,
        node: OwnNode,
        state: watch::Receiver<SessionState>,
        policy: SuspendPolicy,
        own: OwnWatch,
    ) -> Self {
        Self::of_several(client, node, state, policy, vec![own])
    }

    /// Holds what several nodes of ours stand for, as long as all of them are there. The watches are
    /// in the order of [`OwnNode::paths`]; those that are missing at the end are set.
    pub(crate) fn of_several(
        client: Client,
        mut node: OwnNode,
        state: watch::Receiver<SessionState>,
        policy: SuspendPolicy,
        own: Vec<OwnWatch>,
    ) -> Self {
        let own = own.into_iter().chain(std::iter::repeat_with(|| OwnWatch::None));
        let nodes = node.paths().map(str::to_owned).zip(own).collect();
        let watchdog = Watchdog::start(&client, nodes, node.transaction(), state, policy);
        node.followed_by(watchdog.subscribe());
        Self { node, watchdog, client }
    }

    /// A number that is higher than that of every holder before.
    #[must_use]
    pub fn token(&self) -> FencingToken {
        FencingToken::of(self.node.czxid)
    }

    /// The path of the node that it is held by.
    #[must_use]
    pub fn path(&self) -> String {
        self.node.path().to_owned()
    }

    /// A handle that is bound to the session that holds it.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Whether it is held, as far as is known here. Asks nobody.
    #[must_use]
    pub fn ownership(&self) -> Ownership {
        self.watchdog.ownership()
    }

    /// Whether it is held now, without any doubt of this process: also without a connection as long as
    /// the session is certain to live. Asks nobody, so that a process that was stopped may be wrong for
    /// a moment: see [`token`](Self::token) and [`multi`](Self::multi).
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.ownership().is_valid(Instant::now())
    }

    /// Every change of [`ownership`](Self::ownership).
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Ownership> {
        self.watchdog.subscribe()
    }

    /// Resolves when it is lost, and tells why; also after it was released. There is no deadline.
    ///
    /// ```no_run
    /// # async fn run(guard: zk_recipes::LockGuard, work: impl Future<Output = ()>) {
    /// tokio::select! {
    ///     () = work => println!("done"),
    ///     reason = guard.lost() => println!("stopped: {reason}"),
    /// }
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub fn lost(&self) -> impl Future<Output = LostReason> + Send + 'static + use<> {
        self.watchdog.lost()
    }

    /// Does some work, and drops it when what is held is lost.
    ///
    /// Work that is suspended at an await is stopped there; what it has begun elsewhere goes on. While
    /// the connection is lost it goes on as long as the [`SuspendPolicy`] lets it.
    ///
    /// # Errors
    /// Why it was lost.
    ///
    /// # Cancel safety
    /// Dropping the future drops the work.
    pub async fn run<F: Future>(&self, work: F) -> Result<F::Output, LostReason> {
        tokio::select! {
            biased;
            reason = self.lost() => Err(reason),
            output = work => Ok(output),
        }
    }

    /// Asks a quorum of the ensemble whether it is held: a write that changes nothing and is refused
    /// when the node is gone. When this has succeeded it was held at some time since the call.
    ///
    /// # Errors
    /// [`RecipeError::Lost`] when the node is gone or the session over, which [`lost`](Self::lost) then
    /// knows as well; and the client's errors, after which nothing is known.
    ///
    /// # Cancel safety
    /// Nothing is changed.
    pub async fn verify(&self) -> Result<(), RecipeError> {
        self.multi().commit().await.map(|_| ())
    }

    /// Writes that are done only if it is still held, all or none: the ensemble checks that with the
    /// writes, so that a holder that has lost it, and does not know yet, cannot do harm.
    ///
    /// ```no_run
    /// # async fn run(guard: zk_recipes::LockGuard) -> Result<(), zk_recipes::RecipeError> {
    /// guard.multi().set("/report", "done", zk_client::Version::ANY).commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn multi(&self) -> FencedMulti<'_> {
        let checks = self.node.checks();
        let mut multi = self.client.multi();
        for (path, version) in &checks {
            multi = multi.check(path, *version);
        }
        FencedMulti::new(self, multi, checks.len())
    }

    /// Gives it back, and waits for the server to confirm.
    pub(crate) async fn release(mut self) -> Result<Released, (Self, Error)> {
        let was_lost = matches!(self.ownership(), Ownership::Lost(_));
        self.watchdog.set_giving_back(true);
        match self.node.delete(&self.client).await {
            Ok(deleted) => {
                self.watchdog.stop(LostReason::Released);
                let lost = was_lost || deleted == Deleted::Before;
                tracing::debug!(lost, "released");
                Ok(if lost { Released::AlreadyLost } else { Released::Now })
            }
            Err(source) => {
                self.watchdog.set_giving_back(source.outcome_unknown());
                Err((self, source))
            }
        }
    }

    /// Deletes the nodes while others look at this as well.
    pub(crate) async fn delete_shared(&self) -> Result<Deleted, Error> {
        self.node.delete_shared(&self.client).await
    }

    /// Has the nodes deleted in the background while others look at this as well.
    pub(crate) fn leave_to_janitor(&self) {
        self.node.leave_to_janitor();
    }

    /// Takes note that the node is gone.
    pub(crate) fn mark_lost(&self, reason: LostReason) {
        self.watchdog.lose(reason);
    }

    /// Whether a write of the owner's is on its way that deletes the node: then that is no loss.
    pub(crate) fn set_giving_back(&self, gives_back: bool) {
        self.watchdog.set_giving_back(gives_back);
    }

    /// Stops following the node, which stays where it is: it is the caller's to delete, or to forget.
    pub(crate) fn into_node(self) -> (Client, OwnNode) {
        self.watchdog.stop(LostReason::Released);
        (self.client, self.node)
    }

    /// What an error of a write that was fenced means for the holder. It begins with `checks` of what
    /// must be there.
    pub(crate) fn judge(&self, error: Error, checks: usize) -> RecipeError {
        let reason = match &error {
            Error::Multi { index, code: ErrorCode::NoNode | ErrorCode::BadVersion, .. }
                if *index < checks =>
            {
                LostReason::NodeDeleted
            }
            Error::SessionExpired => LostReason::SessionExpired,
            error if error.is_session_over() => LostReason::SessionClosed,
            _ => return RecipeError::Client(error),
        };
        self.mark_lost(reason);
        RecipeError::Lost(reason)
    }
}
