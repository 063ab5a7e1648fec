//! Follows the nodes that something is held by, and tells its owner what is known.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};
use zk_client::{
    Client, Error, ErrorCode, EventType, SessionState, Stat, Watch, WatchedReply, Zxid,
};

use super::OwnWatch;
use super::ownership::{LostReason, Ownership, SuspendPolicy};

/// Follows nodes of ours, from their creation until they are released.
#[derive(Debug)]
pub(super) struct Watchdog {
    ownership: watch::Sender<Ownership>,
    task: AbortHandle,
    gives_back: Arc<AtomicBool>,
}

impl Watchdog {
    /// Begins to follow nodes, of which none may go. Asks for a watch where there is none, but does
    /// not wait for it. They are known by their names, unless a transaction is named that
    /// must have created them.
    ///
    /// `client` must be bound to the session that owns the nodes, and `state` must not have missed a
    /// change since they were last known to exist.
    pub(super) fn start(
        client: &Client,
        nodes: Vec<(String, OwnWatch)>,
        transaction: Option<Zxid>,
        state: watch::Receiver<SessionState>,
        policy: SuspendPolicy,
    ) -> Self {
        let ownership = watch::Sender::new(Ownership::Held);
        let nodes = nodes
            .into_iter()
            .map(|(path, own)| {
                let watched = match own {
                    OwnWatch::None => Watched::Asked(client.exists(&path).watch().send()),
                    OwnWatch::Set(watch) => Watched::Set(watch),
                };
                (path, watched)
            })
            .collect();
        let gives_back = Arc::default();
        let follow = Follow {
            client: client.clone(),
            transaction,
            ownership: ownership.clone(),
            gives_back: Arc::clone(&gives_back),
            policy,
        };
        let task = tokio::spawn(follow.run(nodes, state)).abort_handle();
        Self { ownership, task, gives_back }
    }

    pub(super) fn ownership(&self) -> Ownership {
        *self.ownership.borrow()
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Ownership> {
        self.ownership.subscribe()
    }

    /// The loss of what is followed, when it happens.
    pub(super) fn lost(&self) -> impl Future<Output = LostReason> + Send + 'static + use<> {
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

    /// Whether from here on it is the owner who deletes the node.
    pub(super) fn set_giving_back(&self, gives_back: bool) {
        self.gives_back.store(gives_back, Ordering::Relaxed);
    }

    /// Whoever waits for the loss is told.
    pub(super) fn lose(&self, reason: LostReason) {
        lose(&self.ownership, reason);
    }

    /// Stops following; whoever waits for the loss is told why.
    pub(super) fn stop(&self, reason: LostReason) {
        self.task.abort();
        self.lose(reason);
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop(LostReason::Released);
    }
}

struct Follow {
    client: Client,
    /// What tells the nodes from others of their names, if there may be such.
    transaction: Option<Zxid>,
    ownership: watch::Sender<Ownership>,
    gives_back: Arc<AtomicBool>,
    policy: SuspendPolicy,
}

/// The watch on a node.
enum Watched {
    Asked(WatchedReply<Option<Stat>>),
    Set(Watch),
}

impl Follow {
    async fn run(self, nodes: Vec<(String, Watched)>, mut state: watch::Receiver<SessionState>) {
        let paths: Vec<_> = nodes.iter().map(|(path, _)| path.clone()).collect();
        let deleted = self.any_deleted(nodes);
        let unsafe_now = self.lease_over();
        tokio::pin!(deleted, unsafe_now);
        loop {
            // A change of state that came before is seen at once.
            let changed = state.has_changed().unwrap_or(true);
            let now = *state.borrow_and_update();
            self.note(now, changed);
            let suspended = match *self.ownership.borrow() {
                Ownership::Lost(_) => return,
                Ownership::Suspended { .. } => true,
                Ownership::Held => false,
            };
            tokio::select! {
                reason = &mut deleted => return self.gone(reason),
                () = &mut unsafe_now => return lose(&self.ownership, LostReason::LeaseOver),
                changed = state.changed() => if changed.is_err() {
                    return lose(&self.ownership, LostReason::SessionClosed);
                } else {
                    // So that it is noted as a change.
                    state.mark_changed();
                },
                () = self.reconfirm(&paths), if suspended && now.is_connected() => {}
            }
        }
    }

    /// The event of a node that its owner deletes comes before the reply.
    fn gone(&self, reason: LostReason) {
        let gives_back = self.gives_back.load(Ordering::Relaxed);
        let released = gives_back && reason == LostReason::NodeDeleted;
        lose(&self.ownership, if released { LostReason::Released } else { reason });
    }

    /// What a state of the session means for the holder.
    fn note(&self, state: SessionState, changed: bool) {
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
            SessionState::Disconnected { since } => self.suspend(since),
            // Between two looks the connection was lost and is back.
            SessionState::Connected { .. } if !changed => {}
            SessionState::Connected { .. }
            | SessionState::ConnectedReadOnly { .. }
            | SessionState::Connecting
            | _ => self.suspend(Instant::now()),
        }
    }

    fn suspend(&self, since: Instant) {
        if self.policy == SuspendPolicy::Strict {
            return lose(&self.ownership, LostReason::Suspended);
        }
        let safe_until = self.client.lease().safe_until();
        self.ownership.send_if_modified(|ownership| {
            let held = *ownership == Ownership::Held;
            if held {
                *ownership = Ownership::Suspended { since, safe_until };
            }
            held
        });
    }

    /// The session has survived; whether the nodes have is the server's to say.
    async fn reconfirm(&self, paths: &[String]) {
        let asked: Vec<_> = paths.iter().map(|path| self.client.exists(path).send()).collect();
        for reply in asked {
            match reply.await {
                Ok(Some(stat)) if self.is_meant(&stat) => {}
                Ok(_) => return self.gone(LostReason::NodeDeleted),
                // Disconnected again, or over: the next change of state tells.
                Err(error) => {
                    tracing::debug!(%error, "cannot confirm a node of our own");
                    return sleep(ASK_AGAIN).await;
                }
            }
        }
        self.ownership.send_if_modified(|ownership| {
            let suspended = matches!(ownership, Ownership::Suspended { .. });
            if suspended {
                *ownership = Ownership::Held;
            }
            suspended
        });
    }

    /// Ends when one of the nodes is gone.
    async fn any_deleted(&self, nodes: Vec<(String, Watched)>) -> LostReason {
        let mut each: Vec<Pin<Box<dyn Future<Output = LostReason> + Send + '_>>> = Vec::new();
        for (path, watched) in nodes {
            each.push(Box::pin(self.deleted(path, watched)));
        }
        poll_fn(|cx| {
            let mut polled = each.iter_mut().map(|deleted| deleted.as_mut().poll(cx));
            polled.find(Poll::is_ready).unwrap_or(Poll::Pending)
        })
        .await
    }

    /// Ends when the node is gone.
    async fn deleted(&self, path: String, own: Watched) -> LostReason {
        let mut watched = match own {
            Watched::Set(watch) => Ok(watch),
            Watched::Asked(reply) => self.seen(reply.await),
        };
        loop {
            match watched {
                Ok(watch) => match watch.await {
                    Ok(event) if event.event_type == EventType::NodeDeleted => {
                        return LostReason::NodeDeleted;
                    }
                    // Somebody has set its data.
                    Ok(_) => {}
                    Err(Error::SessionExpired) => return LostReason::SessionExpired,
                    Err(_) => return LostReason::SessionClosed,
                },
                Err(None) => return LostReason::NodeDeleted,
                Err(Some(Error::SessionExpired)) => return LostReason::SessionExpired,
                Err(Some(Error::Closed)) => return LostReason::SessionClosed,
                Err(Some(error)) if error.code() == Some(ErrorCode::NoAuth) => {
                    // Whoever may not read the node cannot follow it; the session still can.
                    tracing::warn!(%error, "cannot watch a node of our own");
                    return pending().await;
                }
                // Timed out, or too many requests: the question stays.
                Err(Some(_)) => sleep(ASK_AGAIN).await,
            }
            watched = self.seen(self.client.exists(&path).watch().await);
        }
    }

    /// The watch on the node, if it is there.
    fn seen(&self, watched: Result<(Option<Stat>, Watch), Error>) -> Result<Watch, Option<Error>> {
        match watched {
            Ok((Some(stat), watch)) if self.is_meant(&stat) => Ok(watch),
            Ok(_) => Err(None),
            Err(error) => Err(Some(error)),
        }
    }

    fn is_meant(&self, stat: &Stat) -> bool {
        self.transaction.is_none_or(|transaction| transaction == stat.czxid)
    }

    /// Ends when the session is not certain to live any more, if that is what is to be known. Until
    /// then it has the session proven before its lease is half over.
    async fn lease_over(&self) {
        if self.policy != SuspendPolicy::UntilSafe {
            return pending().await;
        }
        // An old lease says nothing of a session that has just written something.
        let mut proof = self.client.prove_session().await;
        loop {
            if let Err(error) = &proof {
                tracing::debug!(%error, "cannot prove the session");
            }
            let lease = self.client.lease();
            if !lease.is_safe(Instant::now()) {
                return;
            }
            let due = (self.client.session_timeout() / 3).max(ASK_AGAIN);
            tokio::select! {
                () = self.client.lease_lost() => return,
                proven = async {
                    sleep(due).await;
                    self.client.prove_session().await
                } => proof = proven,
            }
        }
    }
}

/// The first reason stays.
fn lose(ownership: &watch::Sender<Ownership>, reason: LostReason) {
    ownership.send_if_modified(|ownership| {
        let first = !matches!(ownership, Ownership::Lost(_));
        if first {
            tracing::debug!(%reason, "not held any more");
            *ownership = Ownership::Lost(reason);
        }
        first
    });
}

/// Between two attempts at what the server or the client had no room for.
const ASK_AGAIN: Duration = Duration::from_millis(100);
