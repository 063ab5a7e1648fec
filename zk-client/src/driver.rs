//! The one task that joins a session machine to the world: it reads, writes, sleeps and dials,
//! and decides nothing. It runs no user code but the connector and the resolver.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant as StdInstant;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::lookups::Lookups;
use crate::metrics;
use crate::probe::is_writable;
use crate::resolver::Resolve;
use crate::session::{Output, Trouble};
use crate::shared_session::{Doze, ReplySlot, SharedSession, WatchSlot};
use crate::transport::{Connect, Connecting, Stream};

/// Runs a session until it has ended.
pub(crate) async fn run(
    shared: Arc<SharedSession>,
    connector: Box<dyn Connect>,
    resolver: Box<dyn Resolve>,
) {
    let mut driver = Driver {
        link: Link::Down,
        probe: None,
        connector,
        lookups: Lookups::new(resolver),
        incoming: BytesMut::new(),
        outgoing: Bytes::new(),
        unflushed: false,
        read_size: SMALLEST_READ,
        least_room: SMALLEST_READ,
        has_grown: false,
        timer: Box::pin(sleep_until(Instant::now())),
        armed: None,
        tasks: VecDeque::new(),
        shared,
    };
    poll_fn(|cx| driver.poll(cx)).await;
}

struct Driver {
    shared: Arc<SharedSession>,
    connector: Box<dyn Connect>,
    lookups: Lookups,
    link: Link,
    /// The question to another server whether it is writable.
    probe: Option<Probing>,
    incoming: BytesMut,
    outgoing: Bytes,
    /// Whether the stream may still keep something that was written to it.
    unflushed: bool,
    /// How much room a read is given; follows what the reads bring.
    read_size: usize,
    /// A read that has this much room left from the ones before is not given more.
    least_room: usize,
    /// Whether a read was given more room than the smallest, since the session was last at rest.
    has_grown: bool,
    timer: Pin<Box<Sleep>>,
    /// What the timer is set to. It is moved only to come earlier: when it comes too early,
    /// nothing is due and it is set anew.
    armed: Option<StdInstant>,
    tasks: VecDeque<Output<ReplySlot, WatchSlot>>,
}

type Probing = Pin<Box<dyn Future<Output = bool> + Send>>;

enum Link {
    Down,
    Dialling(Connecting),
    Up(Box<dyn Stream>),
}

/// What one look at everything came to.
enum Step {
    /// Something moved: look again.
    Progress,
    /// Nothing moved, and everything will wake us.
    Idle,
    /// The session is over.
    Finished,
}

impl Driver {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.step(cx) {
                Step::Progress => {}
                Step::Idle => return Poll::Pending,
                Step::Finished => return Poll::Ready(()),
            }
        }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Step {
        let now = Instant::now().into_std();
        // First of all: what is dialled here must be polled below before we may sleep.
        if self.carry_out() {
            return Step::Finished;
        }
        let mut progress = self.poll_lookups(cx, now);
        progress |= self.poll_dial(cx, now);
        progress |= self.poll_read(cx, now);
        progress |= self.poll_write(cx, now);
        progress |= self.poll_probe(cx, now);
        progress |= self.poll_armed(now);
        if progress {
            return Step::Progress;
        }
        match self.shared.doze(cx) {
            Doze::Awake => Step::Progress,
            Doze::Output(output) => {
                self.carry_out_one(output);
                Step::Progress
            }
            Doze::Until { due, at_rest } => {
                if at_rest {
                    self.rest();
                }
                if self.poll_timer(cx, now, due) { Step::Progress } else { Step::Idle }
            }
        }
    }

    fn poll_lookups(&mut self, cx: &mut Context<'_>, now: StdInstant) -> bool {
        let Poll::Ready((host, result)) = self.lookups.poll(cx) else {
            return false;
        };
        let result = result.map_err(|error| error.to_string());
        tracing::debug!(%host, ?result, "resolved");
        self.shared.with_session(|session| session.handle_resolved(now, &host, result));
        true
    }

    /// Gives memory back that only a burst of replies needs.
    fn rest(&mut self) {
        if self.has_grown && self.incoming.is_empty() {
            self.has_grown = false;
            self.incoming = BytesMut::new();
            self.tasks = VecDeque::new();
        }
    }

    fn poll_dial(&mut self, cx: &mut Context<'_>, now: StdInstant) -> bool {
        let Link::Dialling(dialling) = &mut self.link else {
            return false;
        };
        let Poll::Ready(dialled) = dialling.as_mut().poll(cx) else {
            return false;
        };
        match dialled {
            Ok(stream) => {
                self.link = Link::Up(stream);
                self.shared.with_session(|session| session.handle_connected(now));
            }
            Err(error) => self.lost(now, Trouble::Io(error.to_string())),
        }
        true
    }

    fn poll_probe(&mut self, cx: &mut Context<'_>, now: StdInstant) -> bool {
        let Some(probe) = &mut self.probe else {
            return false;
        };
        let Poll::Ready(is_writable) = probe.as_mut().poll(cx) else {
            return false;
        };
        self.probe = None;
        self.shared.with_session(|session| session.handle_probed(now, is_writable));
        true
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, now: StdInstant) -> bool {
        let Link::Up(stream) = &mut self.link else {
            return false;
        };
        if self.incoming.capacity() - self.incoming.len() < self.least_room {
            self.incoming.reserve(self.read_size);
        }
        let room = self.incoming.capacity() - self.incoming.len();
        let Poll::Ready(read) = pin!(stream.read_buf(&mut self.incoming)).poll(cx) else {
            return false;
        };
        match read {
            Ok(0) => self.lost(now, Trouble::HungUp),
            Ok(length) => {
                metrics::received(length);
                self.read_size = if length == room { LARGEST_READ } else { SMALLEST_READ };
                self.least_room = (2 * length).clamp(LEAST_ROOM, SMALLEST_READ);
                self.has_grown |= length == room;
                let incoming = &mut self.incoming;
                self.shared.with_session(|session| session.handle_bytes(now, incoming));
                if self.incoming.capacity() > LARGEST_KEPT && self.incoming.is_empty() {
                    self.incoming = BytesMut::new();
                }
            }
            Err(error) => self.lost(now, Trouble::Io(error.to_string())),
        }
        true
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, now: StdInstant) -> bool {
        let Link::Up(stream) = &mut self.link else {
            return false;
        };
        if self.outgoing.is_empty() {
            self.outgoing = self.shared.with_session(|session| session.take_outgoing());
        }
        if self.outgoing.is_empty() {
            return self.poll_flush(cx, now);
        }
        let Poll::Ready(written) = pin!(stream.write_buf(&mut self.outgoing)).poll(cx) else {
            return false;
        };
        match written {
            Ok(0) => self.lost(now, Trouble::HungUp),
            Ok(length) => {
                metrics::sent(length);
                self.unflushed = true;
                if self.outgoing.is_empty() {
                    // Not to keep what it was a slice of.
                    self.outgoing = Bytes::new();
                    // What a handle has added since keeps the driver awake; there is no need for
                    // one more look at everything else.
                    return self.poll_flush(cx, now);
                }
            }
            Err(error) => self.lost(now, Trouble::Io(error.to_string())),
        }
        true
    }

    /// A stream may keep what was written to it until it is told not to, as TLS does.
    fn poll_flush(&mut self, cx: &mut Context<'_>, now: StdInstant) -> bool {
        let Link::Up(stream) = &mut self.link else {
            return false;
        };
        if !self.unflushed {
            return false;
        }
        let Poll::Ready(flushed) = Pin::new(stream).poll_flush(cx) else {
            return false;
        };
        self.unflushed = false;
        if let Err(error) = flushed {
            self.lost(now, Trouble::Io(error.to_string()));
        }
        true
    }

    /// The timer is looked at only before the driver sleeps, which a busy connection puts off.
    fn poll_armed(&mut self, now: StdInstant) -> bool {
        if self.armed.is_none_or(|armed| armed > now) {
            return false;
        }
        self.armed = None;
        self.shared.with_session(|session| session.handle_timeout(now));
        true
    }

    fn poll_timer(
        &mut self,
        cx: &mut Context<'_>,
        now: StdInstant,
        due: Option<StdInstant>,
    ) -> bool {
        // What is due already is not left to the timer, which goes by whole milliseconds.
        let late = due.is_some_and(|due| due <= now);
        if !late && !self.timer_fires(cx, due) {
            return false;
        }
        self.armed = None;
        self.shared.with_session(|session| session.handle_timeout(now));
        true
    }

    fn timer_fires(&mut self, cx: &mut Context<'_>, due: Option<StdInstant>) -> bool {
        if let Some(due) = due
            && self.armed.is_none_or(|armed| due < armed)
        {
            self.armed = Some(due);
            self.timer.as_mut().reset(due.into());
        }
        self.armed.is_some() && self.timer.as_mut().poll(cx).is_ready()
    }

    /// Does what the session wants; tells whether it is over, and wants nothing any more.
    ///
    /// Outputs are taken under the lock and carried out without it: a woken task may call the
    /// session at once.
    fn carry_out(&mut self) -> bool {
        let is_over = self.shared.take_outputs(&mut self.tasks);
        if !self.tasks.is_empty() {
            let mut tasks = std::mem::take(&mut self.tasks);
            for task in tasks.drain(..) {
                self.carry_out_one(task);
            }
            self.tasks = tasks;
        }
        is_over
    }

    fn carry_out_one(&mut self, output: Output<ReplySlot, WatchSlot>) {
        match output {
            Output::Resolve { names, limit } => self.lookups.begin(names, limit),
            Output::Dial(endpoint) => {
                metrics::dialled();
                tracing::debug!(%endpoint, "dialling");
                self.link = Link::Dialling(self.connector.connect(&endpoint));
            }
            Output::Probe { endpoint, within } => {
                tracing::debug!(%endpoint, "looking for a writable server");
                let connecting = self.connector.connect(&endpoint);
                self.probe = Some(Box::pin(is_writable(connecting, within)));
            }
            Output::HangUp => self.hang_up(),
            Output::Reply { ticket, outcome } => ticket.answer(outcome),
            Output::Notify { watcher, event } => watcher.notify(event),
            Output::Tell { subscribers, news } => self.shared.tell(&subscribers, &news),
            Output::StateChanged(state) => self.shared.announce(state),
            Output::Wait(_) | Output::Finished => {}
        }
    }

    fn lost(&mut self, now: StdInstant, trouble: Trouble) {
        self.hang_up();
        self.shared.with_session(|session| session.handle_disconnected(now, trouble));
    }

    fn hang_up(&mut self) {
        self.link = Link::Down;
        self.probe = None;
        self.incoming = BytesMut::new();
        self.outgoing = Bytes::new();
        self.unflushed = false;
    }
}

/// A driver that is dropped with its runtime leaves nobody waiting.
impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.with_session(|session| session.abandon());
        self.carry_out();
    }
}

const SMALLEST_READ: usize = 4 * 1024;
/// For a few replies that come one at a time.
const LEAST_ROOM: usize = 512;
const LARGEST_READ: usize = 64 * 1024;
/// A buffer that grew beyond this is not kept once it is empty.
const LARGEST_KEPT: usize = 256 * 1024;
