//! What the handles and the driver share: the session behind a short lock, and its state.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Instant as StdInstant;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use zk_proto::WatchedEvent;
use zk_proto::message::AuthPacket;
use zk_proto::op::Request;

use crate::session::{Answer, End, Failure, Output, Session, SubmitError, Ticket};
use crate::state::SessionState;

pub(crate) type ClientSession = Session<ReplySlot, WatchSlot>;

#[derive(Debug)]
pub(crate) struct SharedSession {
    inner: Mutex<Inner>,
    state: watch::Sender<SessionState>,
}

#[derive(Debug)]
struct Inner {
    session: ClientSession,
    /// The driver, while it sleeps.
    sleeper: Option<Waker>,
    /// Whether a handle has used the session since the driver last looked.
    touched: bool,
}

/// Where the reply to a request goes.
#[derive(Debug)]
pub(crate) struct ReplySlot(oneshot::Sender<Result<Answer, Failure>>);

/// Where the event of a one-shot watch goes.
#[derive(Debug)]
pub(crate) struct WatchSlot(oneshot::Sender<WatchedEvent>);

pub(crate) type ReplyReceiver = oneshot::Receiver<Result<Answer, Failure>>;
pub(crate) type WatchReceiver = oneshot::Receiver<WatchedEvent>;

impl SharedSession {
    pub(crate) fn new(session: ClientSession) -> Self {
        Self {
            inner: Mutex::new(Inner { session, sleeper: None, touched: false }),
            state: watch::Sender::new(SessionState::Connecting),
        }
    }

    /// Hands a request to the session, and wakes the driver if it sleeps.
    pub(crate) fn submit(
        &self,
        request: Request,
        watcher: Option<WatchSlot>,
    ) -> Result<ReplyReceiver, SubmitError> {
        let (slot, receiver) = reply_slot();
        self.and_wake(|session, now| session.submit(now, request, slot, watcher))?;
        Ok(receiver)
    }

    /// Hands a credential to the session.
    pub(crate) fn add_auth(&self, packet: AuthPacket) -> Result<ReplyReceiver, SubmitError> {
        let (slot, receiver) = reply_slot();
        self.and_wake(|session, now| session.add_auth(now, packet, Some(slot)))?;
        Ok(receiver)
    }

    /// Asks for the end of the session.
    pub(crate) fn close(&self) -> Result<ReplyReceiver, SubmitError> {
        let (slot, receiver) = reply_slot();
        self.and_wake(|session, now| session.close(now, Some(slot)))?;
        Ok(receiver)
    }

    /// Asks for the end of the session when nobody is left who could wait for it.
    pub(crate) fn close_unheard(&self) {
        // It may be closed or expired already, which is as good.
        let _ = self.and_wake(|session, now| session.close(now, None));
    }

    fn and_wake<R>(&self, input: impl FnOnce(&mut ClientSession, StdInstant) -> R) -> R {
        let now = Instant::now().into_std();
        let mut inner = self.lock();
        let result = input(&mut inner.session, now);
        inner.touched = true;
        let sleeper = inner.sleeper.take();
        drop(inner);
        if let Some(sleeper) = sleeper {
            sleeper.wake();
        }
        result
    }

    pub(crate) fn with_session<R>(&self, input: impl FnOnce(&mut ClientSession) -> R) -> R {
        input(&mut self.lock().session)
    }

    /// Moves outputs into `tasks`, and returns the one that says that there are no more.
    pub(crate) fn take_outputs(
        &self,
        tasks: &mut Vec<Output<ReplySlot, WatchSlot>>,
    ) -> Output<ReplySlot, WatchSlot> {
        let mut inner = self.lock();
        loop {
            match inner.session.poll_output() {
                last @ (Output::Wait(_) | Output::Finished) => return last,
                output => tasks.push(output),
            }
        }
    }

    /// Lets the driver sleep, unless a handle has used the session since it last tried to.
    pub(crate) fn doze(&self, cx: &Context<'_>) -> bool {
        let mut inner = self.lock();
        if std::mem::take(&mut inner.touched) {
            return false;
        }
        inner.sleeper = Some(cx.waker().clone());
        true
    }

    pub(crate) fn announce(&self, state: SessionState) {
        match state {
            SessionState::Connecting => {}
            SessionState::Connected { session_id, timeout, resumed } => {
                tracing::info!(session = %session_id, ?timeout, resumed, "connected");
            }
            SessionState::Disconnected { .. } => {
                let trouble = self.last_trouble();
                tracing::info!(trouble, "disconnected");
            }
            SessionState::Expired => tracing::info!("session expired"),
            SessionState::AuthFailed => tracing::warn!("authentication failed"),
            SessionState::Closed => tracing::info!("closed"),
        }
        self.state.send_replace(state);
    }

    pub(crate) fn state(&self) -> SessionState {
        *self.state.borrow()
    }

    /// How the session ended, if it has.
    pub(crate) fn ended(&self) -> Option<End> {
        self.with_session(|session| session.ended())
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<SessionState> {
        self.state.subscribe()
    }

    pub(crate) fn last_trouble(&self) -> Option<String> {
        self.with_session(|session| session.last_trouble().map(ToString::to_string))
    }

    /// A panic while the lock is held is a bug of ours; the session is as whole as before.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReplySlot {
    /// Whoever waited may have gone in the meantime.
    pub(crate) fn answer(self, outcome: Result<Answer, Failure>) {
        let _ = self.0.send(outcome);
    }
}

impl WatchSlot {
    pub(crate) fn new() -> (Self, WatchReceiver) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), receiver)
    }

    /// Whoever waited may have gone in the meantime.
    pub(crate) fn notify(self, event: WatchedEvent) {
        let _ = self.0.send(event);
    }
}

impl Ticket for ReplySlot {
    fn is_abandoned(&self) -> bool {
        self.0.is_closed()
    }
}

impl Ticket for WatchSlot {
    fn is_abandoned(&self) -> bool {
        self.0.is_closed()
    }
}

fn reply_slot() -> (ReplySlot, ReplyReceiver) {
    let (sender, receiver) = oneshot::channel();
    (ReplySlot(sender), receiver)
}
