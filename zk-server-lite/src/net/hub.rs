//! Where connections, the ticker and the embedding API meet the engine.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zk_proto::frame::{FrameError, take_frame};

use crate::engine::{ConnId, Engine, EngineOptions, FollowerId, Now, Output};

use super::client_cnxns::Place;
use super::clock::Clock;
use super::connection;
use super::four_letter::{FourLetterOptions, TraceMask};
use super::link::Link;
use super::outbox::{Cause, Fate, Outbox};

/// The engine, and what it takes to run it.
pub(crate) struct Hub {
    state: Mutex<State>,
    clock: Clock,
    max_frame: usize,
    four_letter: FourLetterOptions,
    trace_mask: TraceMask,
    runtime: Handle,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Wakes the ticker when it sleeps for longer than the engine wants.
    earlier_deadline: Notify,
    /// Whom it follows, and who it is there.
    leader: Option<(Arc<Self>, FollowerId)>,
}

struct State {
    engine: Engine,
    outboxes: BTreeMap<ConnId, Arc<Outbox>>,
    last_conn: u64,
    /// Who is told of every transaction.
    links: Vec<Arc<Link>>,
    /// What the ticker sleeps for.
    armed: Option<u64>,
    stopped: bool,
}

/// Who comes in.
#[derive(Debug)]
pub(crate) struct Visitor {
    /// From where.
    pub(crate) peer: SocketAddr,
    /// What to give back at the end, if connections from there are counted.
    pub(crate) place: Option<Place>,
    /// The subject of the certificate that was shown, if one was.
    pub(crate) x509: Option<String>,
}

/// How far a batch of frames went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fed {
    /// There is no whole frame left.
    All,
    /// There may be more, but the replies so far have to be sent first.
    Paused,
}

/// A connection that has this many bytes to send is not read from until some are gone. A reply may
/// exceed it, but then it is the last one until then.
pub(super) const OUTBOX_PAUSE: usize = 256 * 1024;

/// The number of the first follower: that of a server that stands alone is 1.
const FIRST_FOLLOWER: u8 = 2;

impl Hub {
    /// Must be called on a tokio runtime, which will run everything.
    pub(crate) fn new(
        options: impl FnOnce(u64) -> EngineOptions,
        max_frame: usize,
        four_letter: FourLetterOptions,
    ) -> Self {
        let clock = Clock::start();
        let seed = u64::try_from(clock.start_wall_ms()).unwrap_or(0);
        Self::with(Engine::new(options(seed)), clock, max_frame, four_letter)
    }

    /// A server that follows another one, which knows so far what that one knows, and the way by
    /// which it learns more.
    pub(crate) fn follower(leader: &Arc<Self>) -> (Arc<Self>, Arc<Link>) {
        let mut state = leader.lock();
        let number = u8::try_from(state.links.len()).unwrap_or(u8::MAX);
        let id = FollowerId(number.saturating_add(FIRST_FOLLOWER));
        let link = Arc::new(Link::new(id));
        state.engine.lead();
        state.links.push(Arc::clone(&link));
        let engine = state.engine.follower(id);
        drop(state);
        let mut hub =
            Self::with(engine, leader.clock, leader.max_frame, leader.four_letter.clone());
        hub.leader = Some((Arc::clone(leader), id));
        (Arc::new(hub), link)
    }

    fn with(
        engine: Engine,
        clock: Clock,
        max_frame: usize,
        four_letter: FourLetterOptions,
    ) -> Self {
        let state = State {
            engine,
            outboxes: BTreeMap::new(),
            last_conn: 0,
            links: Vec::new(),
            armed: None,
            stopped: false,
        };
        Self {
            state: Mutex::new(state),
            clock,
            max_frame,
            four_letter,
            trace_mask: TraceMask::default(),
            runtime: Handle::current(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            earlier_deadline: Notify::new(),
            leader: None,
        }
    }

    /// Runs a task until it ends or the server stops.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn_on(
            async move {
                let _ = stop.run_until_cancelled_owned(task).await;
            },
            &self.runtime,
        );
    }

    /// Serves a client on a stream; false once the server has stopped.
    pub(crate) fn open<S>(self: &Arc<Self>, stream: S, visitor: Visitor) -> bool
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        // The task is spawned under the lock, so that none is when `stop` has returned.
        let mut state = self.lock();
        if state.stopped {
            return false;
        }
        state.last_conn = state.last_conn.wrapping_add(1);
        let conn = ConnId(state.last_conn);
        let outbox = Arc::new(Outbox::default());
        state.outboxes.insert(conn, Arc::clone(&outbox));
        let Visitor { peer, place, x509 } = visitor;
        state.engine.handle_opened(conn, peer, self.clock.now());
        if let Some(subject) = x509 {
            state.engine.handle_certificate(conn, subject);
        }
        self.settle(&mut state, None);
        self.spawn(connection::serve(Arc::clone(self), conn, outbox, stream, place));
        true
    }

    /// Hands all whole frames in `inbox` to the engine, until the replies fill the outbox.
    pub(super) fn feed(&self, conn: ConnId, inbox: &mut BytesMut) -> Result<Fed, FrameError> {
        let read = self.clock.now();
        let mut state = self.lock();
        let outcome = loop {
            if state.engine.unsent(conn) >= OUTBOX_PAUSE {
                break Ok(Fed::Paused);
            }
            match take_frame(inbox, self.max_frame) {
                Ok(Some(frame)) => state.engine.handle_frame(conn, frame, read),
                Ok(None) => break Ok(Fed::All),
                Err(error) => break Err(error),
            }
        };
        self.settle(&mut state, Some(conn));
        state.engine.handle_answered(conn, read, self.clock.now());
        outcome
    }

    /// A connection's task has ended.
    pub(super) fn close(&self, conn: ConnId) {
        let mut state = self.lock();
        state.engine.handle_closed(conn);
        state.outboxes.remove(&conn);
    }

    /// Looks at the engine, or gives it an input of another kind.
    pub(crate) fn with_engine<T>(&self, visit: impl FnOnce(&mut Engine, Now) -> T) -> T {
        let mut state = self.lock();
        let outcome = visit(&mut state.engine, self.clock.now());
        self.settle(&mut state, None);
        outcome
    }

    /// How many bytes wait to be written to a connection.
    pub(super) fn unsent(&self, conn: ConnId) -> usize {
        self.lock().outboxes.get(&conn).map_or(0, |outbox| outbox.len())
    }

    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) const fn four_letter(&self) -> &FourLetterOptions {
        &self.four_letter
    }

    pub(super) const fn trace_mask(&self) -> &TraceMask {
        &self.trace_mask
    }

    /// When the ticker has to act next. It is woken if that moves to an earlier time.
    pub(super) fn arm(&self) -> Option<Instant> {
        let mut state = self.lock();
        state.armed = state.engine.next_deadline();
        state.armed.and_then(|deadline| self.clock.at(deadline))
    }

    /// Waits until the ticker sleeps for too long.
    pub(super) async fn earlier_deadline(&self) {
        self.earlier_deadline.notified().await;
    }

    /// Lets nobody in any more and tells all tasks to end.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.stop.cancel();
        self.tasks.close();
    }

    /// Waits until all tasks have ended.
    pub(crate) async fn stopped(&self) {
        self.tasks.wait().await;
    }

    /// Passes on what the engine has put out, while the lock still keeps it in order.
    fn settle(&self, state: &mut State, awake: Option<ConnId>) {
        self.ask_leader(state);
        state.tell_followers();
        while let Some(output) = state.engine.poll_output() {
            match output {
                Output::Send { conn, bytes } => {
                    let cause = if awake == Some(conn) { Cause::Own } else { Cause::Other };
                    let taken =
                        state.outboxes.get(&conn).is_none_or(|outbox| outbox.push(bytes, cause));
                    if !taken {
                        tracing::warn!(conn = conn.0, "client does not read its events: cut");
                        state.engine.handle_closed(conn);
                        state.end(conn, Fate::Cut);
                    }
                }
                Output::Close { conn } => state.end(conn, Fate::Finish),
            }
        }
        let next = state.engine.next_deadline();
        if next.is_some_and(|next| state.armed.is_none_or(|armed| next < armed)) {
            state.armed = next;
            self.earlier_deadline.notify_one();
        }
    }

    /// The leader may be locked while a follower is, never the other way round.
    fn ask_leader(&self, state: &mut State) {
        let Some((leader, me)) = &self.leader else {
            return;
        };
        while let Some(forward) = state.engine.poll_forward() {
            let answer = leader.with_engine(|engine, now| engine.handle_forward(*me, forward, now));
            if let Some(answer) = answer {
                state.engine.handle_revalidated(answer, self.clock.now());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows nothing of the engine: what nodes hold may be secret.
impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}

impl State {
    fn tell_followers(&mut self) {
        while let Some(ordered) = self.engine.poll_ordered() {
            for link in self.links.iter().filter(|link| !link.is_closed()) {
                link.push(ordered.clone());
            }
        }
    }

    fn end(&mut self, conn: ConnId, fate: Fate) {
        if let Some(outbox) = self.outboxes.remove(&conn) {
            outbox.end(fate);
        }
    }
}
