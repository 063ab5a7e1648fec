//! What the handles and the driver share: the session behind a short lock, and its state.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::{Duration, Instant as StdInstant};

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use zk_proto::message::AuthPacket;
use zk_proto::op::Request;
use zk_proto::{AddWatchMode, ByteString, OpCode, WatchedEvent};

use crate::connect_string::HostPort;
use crate::error::Error;
use crate::mailbox::Mailbox;
use crate::metrics::{self, Asked, Held, Stay};
use crate::saved_session::SavedSession;
use crate::session::{
    Answer, End, Failure, News, Output, Session, Source, SubmitError, SubscriberId, Table, Ticket,
};
use crate::state::{Generation, SessionState};

pub(crate) type ClientSession = Session<ReplySlot, WatchSlot>;

#[derive(Debug)]
pub(crate) struct SharedSession {
    inner: Mutex<Inner>,
    state: watch::Sender<SessionState>,
    /// Where news of persistent watches go. Locked behind `inner`, or on its own.
    mailboxes: Mutex<BTreeMap<SubscriberId, (Arc<Mailbox>, Held)>>,
    /// Changed only by the driver, which announces.
    stay: Mutex<Stay>,
}

#[derive(Debug)]
struct Inner {
    session: ClientSession,
    /// The driver, while it sleeps.
    sleeper: Option<Waker>,
    /// Whether a handle has used the session since the driver last took its outputs.
    touched: bool,
}

/// Whether the driver may sleep.
#[derive(Debug)]
pub(crate) enum Doze {
    /// No: there is something to look at.
    Awake,
    /// No: there is this to do, at least.
    Output(Output<ReplySlot, WatchSlot>),
    /// Yes, until something comes, or that time.
    Until {
        due: Option<StdInstant>,
        /// Whether no request is under way.
        at_rest: bool,
    },
}

/// Where the reply to a request goes.
#[derive(Debug)]
pub(crate) struct ReplySlot {
    sender: oneshot::Sender<Result<Answer, Failure>>,
    /// Whether it ends with the session.
    is_bound: bool,
    asked: Asked,
}

/// Where the event of a one-shot watch goes.
#[derive(Debug)]
pub(crate) struct WatchSlot {
    sender: oneshot::Sender<WatchedEvent>,
    /// Whether the watch ends with the session.
    is_bound: bool,
    _held: Held,
}

pub(crate) type ReplyReceiver = oneshot::Receiver<Result<Answer, Failure>>;
pub(crate) type WatchReceiver = oneshot::Receiver<WatchedEvent>;

impl SharedSession {
    pub(crate) fn new(session: ClientSession) -> Self {
        Self {
            inner: Mutex::new(Inner { session, sleeper: None, touched: false }),
            state: watch::Sender::new(SessionState::Connecting),
            mailboxes: Mutex::default(),
            stay: Mutex::new(Stay::new(&SessionState::Connecting)),
        }
    }

    /// Hands a request to the session, and wakes the driver if it sleeps.
    pub(crate) fn submit(
        &self,
        bound: Option<Generation>,
        request: &Request,
        watcher: Option<WatchSlot>,
    ) -> Result<ReplyReceiver, SubmitError> {
        let op = request.op_code();
        let (slot, receiver) = reply_slot(op, bound);
        let taken = self.and_wake(|session, now| {
            session.check_bound(bound)?;
            session.submit(now, request, slot, watcher)
        });
        taken.inspect_err(|error| metrics::refused(op, error)).map(|()| receiver)
    }

    /// Hands a credential to the session.
    pub(crate) fn add_auth(
        &self,
        bound: Option<Generation>,
        packet: AuthPacket,
    ) -> Result<ReplyReceiver, SubmitError> {
        let (slot, receiver) = reply_slot(OpCode::Auth, bound);
        self.and_wake(|session, now| {
            session.check_bound(bound)?;
            session.add_auth(now, packet, Some(slot))
        })?;
        Ok(receiver)
    }

    /// Has news of a persistent watch put into a mailbox from now on.
    pub(crate) fn open_mailbox(
        &self,
        bound: Option<Generation>,
        path: ByteString,
        mode: AddWatchMode,
        mailbox: Arc<Mailbox>,
    ) -> Result<(SubscriberId, ReplyReceiver), SubmitError> {
        let (slot, receiver) = reply_slot(OpCode::AddWatch, bound);
        let subscriber = self.and_wake(|session, now| {
            session.check_bound(bound)?;
            let subscriber = session.subscribe(now, path, mode, slot)?;
            if bound.is_some() {
                session.bind_subscriber(subscriber);
            }
            // Still under the lock: the first news may be there as soon as it is released.
            self.mailboxes().insert(subscriber, (mailbox, Held::stream()));
            Ok(subscriber)
        })?;
        Ok((subscriber, receiver))
    }

    /// Nobody reads that mailbox any more.
    pub(crate) fn close_mailbox(
        &self,
        path: &ByteString,
        mode: AddWatchMode,
        subscriber: SubscriberId,
    ) {
        self.and_wake(|session, now| session.unsubscribe(now, path, mode, subscriber));
        // With its reader's waker, which is somebody else's code: not to be dropped under a lock.
        let mailbox = self.mailboxes().remove(&subscriber);
        drop(mailbox);
    }

    /// Nobody waits for that one-shot watch any more; its slot says so already.
    pub(crate) fn forget_watch(&self, path: &ByteString, table: Table) {
        self.and_wake(|session, now| session.forget_watch(now, path, table));
    }

    /// Puts news into mailboxes.
    pub(crate) fn tell(&self, subscribers: &[SubscriberId], news: &News) {
        let mailboxes = self.mailboxes();
        let here = subscribers.iter().filter_map(|subscriber| mailboxes.get(subscriber));
        let readers: Vec<_> = here.filter_map(|(mailbox, _)| mailbox.put(news.clone())).collect();
        drop(mailboxes);
        readers.into_iter().for_each(Waker::wake);
    }

    fn end_mailboxes(&self) {
        let mailboxes = std::mem::take(&mut *self.mailboxes());
        for reader in mailboxes.values().filter_map(|(mailbox, _)| mailbox.end()) {
            reader.wake();
        }
    }

    /// Hands another list of hosts to the session.
    pub(crate) fn update_hosts(&self, hosts: Vec<HostPort>, source: Source) {
        self.and_wake(|session, now| session.update_hosts(now, hosts, source));
    }

    /// Asks for the end of the session.
    pub(crate) fn close(
        &self,
        bound: Option<Generation>,
        limit: Duration,
    ) -> Result<ReplyReceiver, SubmitError> {
        let (slot, receiver) = reply_slot(OpCode::CloseSession, bound);
        self.and_wake(|session, now| {
            session.check_bound(bound)?;
            session.close_within(now, Some(slot), limit)
        })?;
        Ok(receiver)
    }

    /// Goes without ending the session, if [`detach`](Self::detach) has cleared the way.
    pub(crate) fn leave(&self) -> Result<SavedSession, SubmitError> {
        self.and_wake(|session, _| session.leave())
    }

    /// Whoever has asked for [`detach`](Self::detach) has gone.
    pub(crate) fn not_left(&self) {
        self.and_wake(ClientSession::not_left);
    }

    /// Asks for our end without the session's.
    pub(crate) fn detach(&self, bound: Option<Generation>) -> Result<ReplyReceiver, SubmitError> {
        let (slot, receiver) = reply_slot(OpCode::CloseSession, bound);
        self.and_wake(|session, now| {
            session.check_bound(bound)?;
            session.detach(now, slot)
        })?;
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

    /// Swaps `tasks`, which must be empty, for all outputs; tells whether no more will come.
    pub(crate) fn take_outputs(&self, tasks: &mut VecDeque<Output<ReplySlot, WatchSlot>>) -> bool {
        let mut inner = self.lock();
        inner.touched = false;
        inner.session.take_outputs(tasks);
        inner.session.ended().is_some()
    }

    /// Lets the driver sleep, unless a handle has used the session since it last took outputs.
    pub(crate) fn doze(&self, cx: &Context<'_>) -> Doze {
        let mut inner = self.lock();
        if inner.touched {
            return Doze::Awake;
        }
        let due = match inner.session.poll_output() {
            Output::Wait(due) => due.map(|(due, _)| due),
            output => return Doze::Output(output),
        };
        inner.sleeper = Some(cx.waker().clone());
        Doze::Until { due, at_rest: inner.session.rest() }
    }

    pub(crate) fn announce(&self, state: SessionState) {
        match state {
            SessionState::Connecting => {}
            SessionState::Connected { session_id, timeout, generation, session } => {
                tracing::info!(id = %session_id, ?timeout, %generation, ?session, "connected");
            }
            SessionState::ConnectedReadOnly { session_id, timeout } => {
                tracing::info!(session = %session_id, ?timeout, "connected to a read-only server");
            }
            SessionState::Disconnected { .. } => {
                let trouble = self.last_trouble();
                tracing::info!(trouble, "disconnected");
            }
            SessionState::Renewing { expired } => {
                tracing::warn!(%expired, "session expired, asking for a new one");
            }
            SessionState::Expired => tracing::warn!("session expired"),
            SessionState::AuthFailed { reason } => {
                tracing::warn!(%reason, "authentication failed");
            }
            SessionState::Closed => tracing::info!("closed"),
        }
        self.stay.lock().unwrap_or_else(PoisonError::into_inner).change_to(&state);
        self.state.send_replace(state);
        if state.is_over() {
            self.end_mailboxes();
        }
    }

    pub(crate) fn state(&self) -> SessionState {
        *self.state.borrow()
    }

    /// What to tell those who will hear nothing any more. The session knows it before its state is
    /// announced.
    pub(crate) fn end_error(&self, bound: Option<Generation>) -> Error {
        let end = self.with_session(|session| {
            session.check_bound(bound).map_or(Some(End::Expired), |()| session.ended())
        });
        match end {
            Some(End::Expired) => Error::SessionExpired,
            Some(End::AuthFailed(reason)) => Error::AuthFailed { reason },
            Some(End::Closed) | None => Error::Closed,
        }
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<SessionState> {
        self.state.subscribe()
    }

    pub(crate) fn last_trouble(&self) -> Option<String> {
        self.with_session(|session| session.last_trouble().map(ToString::to_string))
    }

    fn mailboxes(&self) -> MutexGuard<'_, BTreeMap<SubscriberId, (Arc<Mailbox>, Held)>> {
        self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A panic while the lock is held is a bug of ours; the session is as whole as before.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReplySlot {
    /// Whoever waited may have gone in the meantime.
    pub(crate) fn answer(self, outcome: Result<Answer, Failure>) {
        self.asked.answered(&outcome);
        let _ = self.sender.send(outcome);
    }
}

impl WatchSlot {
    pub(crate) fn new(is_bound: bool) -> (Self, WatchReceiver) {
        let (sender, receiver) = oneshot::channel();
        (Self { sender, is_bound, _held: Held::once() }, receiver)
    }

    /// Whoever waited may have gone in the meantime.
    pub(crate) fn notify(self, event: WatchedEvent) {
        let _ = self.sender.send(event);
    }
}

impl Ticket for ReplySlot {
    fn is_abandoned(&self) -> bool {
        self.sender.is_closed()
    }

    fn is_bound(&self) -> bool {
        self.is_bound
    }
}

impl Ticket for WatchSlot {
    fn is_abandoned(&self) -> bool {
        self.sender.is_closed()
    }

    fn is_bound(&self) -> bool {
        self.is_bound
    }
}

fn reply_slot(op: OpCode, bound: Option<Generation>) -> (ReplySlot, ReplyReceiver) {
    let (sender, receiver) = oneshot::channel();
    let is_bound = bound.is_some();
    (ReplySlot { sender, is_bound, asked: Asked::new(op) }, receiver)
}
