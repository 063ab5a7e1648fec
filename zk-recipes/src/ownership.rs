//! What a holder knows of what it holds.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};
use zk_client::{Client, Error, ErrorCode, EventType, SessionState, WatchedReply, Zxid};

/// A number that grows with each change of owner: the `czxid` of the owner's node.
///
/// A resource that remembers the highest token it has seen and refuses lower ones is safe even
/// from an owner that was stopped and does not know yet that it has lost. It grows over the life
/// of an ensemble, also when the parent is deleted and made anew; it starts again only when the
/// ensemble is rebuilt from nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FencingToken(u64);

/// Whether something is still owned, as far as is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ownership {
    /// Owned, as far as the server has told.
    Held,
    /// The connection is lost. It is still owned if the session survives, which will be known
    /// when there is a connection again.
    Suspended {
        /// When the loss was noticed.
        since: Instant,
    },
    /// Not owned any more, for good.
    Lost(LostReason),
}

/// Why something is not owned any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LostReason {
    /// The ensemble has ended the session.
    SessionExpired,
    /// The client was closed, or a server has refused its credentials.
    SessionClosed,
    /// Somebody has deleted the node.
    NodeDeleted,
    /// It was given back.
    Released,
}

/// What a confirmed release found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// It was owned until now.
    Now,
    /// It had been lost before.
    AlreadyLost,
}

/// Follows one node of ours, from its creation until it is released.
#[derive(Debug)]
pub(crate) struct Watchdog {
    ownership: watch::Sender<Ownership>,
    task: AbortHandle,
}

impl Watchdog {
    /// Begins to follow the node at `path`. Asks for a watch, but does not wait for it.
    ///
    /// `client` must be bound to the session that owns the node, and `state` must not have missed a
    /// change since the node was last known to exist.
    pub(crate) fn start(client: &Client, path: &str, state: watch::Receiver<SessionState>) -> Self {
        let ownership = watch::Sender::new(Ownership::Held);
        let watched = client.exists(path).watch().send();
        let follow =
            Follow { client: client.clone(), path: path.to_owned(), ownership: ownership.clone() };
        let task = tokio::spawn(follow.run(watched, state)).abort_handle();
        Self { ownership, task }
    }

    pub(crate) fn ownership(&self) -> Ownership {
        *self.ownership.borrow()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Ownership> {
        self.ownership.subscribe()
    }

    /// The loss of what is followed, when it happens.
    pub(crate) fn lost(&self) -> impl Future<Output = LostReason> + Send + 'static {
        let mut ownership = self.ownership.subscribe();
        async move {
            loop {
                if let Ownership::Lost(reason) = *ownership.borrow_and_update() {
                    return reason;
                }
                if ownership.changed().await.is_err() {
                    return LostReason::Released;
                }
            }
        }
    }

    /// Stops following; whoever waits for the loss is told why.
    pub(crate) fn stop(&self, reason: LostReason) {
        self.task.abort();
        lose(&self.ownership, reason);
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop(LostReason::Released);
    }
}

struct Follow {
    client: Client,
    path: String,
    ownership: watch::Sender<Ownership>,
}

impl Follow {
    async fn run(
        self,
        watched: WatchedReply<Option<zk_client::Stat>>,
        mut state: watch::Receiver<SessionState>,
    ) {
        let deleted = self.deleted(watched);
        tokio::pin!(deleted);
        loop {
            // A change of state that came before is seen at once.
            let now = *state.borrow_and_update();
            self.follow(now).await;
            if let Ownership::Lost(_) = *self.ownership.borrow() {
                return;
            }
            tokio::select! {
                reason = &mut deleted => return lose(&self.ownership, reason),
                changed = state.changed() => if changed.is_err() {
                    return lose(&self.ownership, LostReason::SessionClosed);
                },
            }
        }
    }

    async fn follow(&self, state: SessionState) {
        match state {
            SessionState::Expired | SessionState::Renewing { .. } => {
                lose(&self.ownership, LostReason::SessionExpired);
            }
            SessionState::Connected { generation, .. }
                if generation != self.client.generation() =>
            {
                lose(&self.ownership, LostReason::SessionExpired);
            }
            SessionState::Closed | SessionState::AuthFailed { .. } => {
                lose(&self.ownership, LostReason::SessionClosed);
            }
            SessionState::Disconnected { since } => self.set(Ownership::Suspended { since }),
            _ if matches!(*self.ownership.borrow(), Ownership::Suspended { .. }) => {
                self.reconfirm().await;
            }
            _ => {}
        }
    }

    /// The session has survived; whether the node has is the server's to say.
    async fn reconfirm(&self) {
        match self.client.exists(&self.path).await {
            Ok(Some(_)) => self.set(Ownership::Held),
            Ok(None) => lose(&self.ownership, LostReason::NodeDeleted),
            // Disconnected again, or over: the next change of state tells.
            Err(error) => tracing::debug!(%error, "cannot confirm a node of our own"),
        }
    }

    fn set(&self, next: Ownership) {
        self.ownership.send_if_modified(|ownership| {
            let changes = !matches!(ownership, Ownership::Lost(_)) && *ownership != next;
            if changes {
                *ownership = next;
            }
            changes
        });
    }

    /// Ends when the node is gone.
    async fn deleted(&self, watched: WatchedReply<Option<zk_client::Stat>>) -> LostReason {
        let mut watched = watched.await;
        loop {
            match watched {
                Ok((Some(_), watch)) => match watch.await {
                    Ok(event) if event.event_type == EventType::NodeDeleted => {
                        return LostReason::NodeDeleted;
                    }
                    // Somebody has set its data.
                    Ok(_) => {}
                    Err(Error::SessionExpired) => return LostReason::SessionExpired,
                    Err(_) => return LostReason::SessionClosed,
                },
                Ok((None, _)) => return LostReason::NodeDeleted,
                Err(Error::SessionExpired) => return LostReason::SessionExpired,
                Err(Error::Closed) => return LostReason::SessionClosed,
                Err(error) if error.code() == Some(ErrorCode::NoAuth) => {
                    // Whoever may not read the node cannot follow it; the session still can.
                    tracing::warn!(%error, "cannot watch a node of our own");
                    return std::future::pending().await;
                }
                // Timed out, or too many requests: the question stays.
                Err(_) => sleep(ASK_AGAIN).await,
            }
            watched = self.client.exists(&self.path).watch().await;
        }
    }
}

/// The first reason stays.
fn lose(ownership: &watch::Sender<Ownership>, reason: LostReason) {
    ownership.send_if_modified(|ownership| {
        let first = !matches!(ownership, Ownership::Lost(_));
        if first {
            *ownership = Ownership::Lost(reason);
        }
        first
    });
}

impl FencingToken {
    pub(crate) const fn of(czxid: Zxid) -> Self {
        Self(czxid.0.cast_unsigned())
    }

    /// The token as a number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl From<FencingToken> for u64 {
    fn from(token: FencingToken) -> Self {
        token.0
    }
}

impl fmt::Display for FencingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for LostReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SessionExpired => "the session has expired",
            Self::SessionClosed => "the client was closed",
            Self::NodeDeleted => "the node was deleted by somebody else",
            Self::Released => "it was released",
        })
    }
}

/// Between two attempts to set a watch that the server or the client had no room for.
const ASK_AGAIN: Duration = Duration::from_millis(100);
