//! The session machine: what a client decides, without doing any of it.
//!
//! Knows no sockets, no clock, no runtime and no users: [`driver`](crate::driver) runs it. What
//! happens is told to it (`submit`, `handle_*`), what is to be done comes out of
//! [`Session::poll_output`] and [`Session::take_outgoing`]. Time is an argument, chance is a seed.
//!
//! ```text
//!              ┌──────────┐ handle_timeout ┌───────────┐ handle_connected ┌─────────────┐
//!        ┌────►│ Backoff  ├───────────────►│ Dialling  ├─────────────────►│ Handshaking │
//!        │     └────┬─────┘     Dial       └─────┬─────┘  ConnectRequest  └──────┬──────┘
//!        │  Resolve └─► Resolving ──────────►────┤                               │ session granted
//!        │            handle_disconnected        │                               ▼
//!        ├◄──────────────────────────────────────┴──────────────────◄────┬───────────────┐
//!        │                 silence for 2t/3, broken protocol             │    Serving    │
//!        │                                                               └───────┬───────┘
//!        └── session over, or closed by us ─────► Ended ◄────────────────────────┘
//! ```
//!
//! The law: after every input, drain `poll_output` until it says `Wait`.
//!
//! It is generic over two kinds of ticket, which it hands back without looking inside: one comes
//! back with the reply to a request, the other with the event of a watch.
#![warn(clippy::wildcard_enum_match_arm)]

mod auth;
mod dialling;
#[cfg(feature = "sasl")]
mod digest_md5;
mod entry;
mod expiry;
mod frames;
mod handshake;
mod hosts;
mod lease;
mod leaving;
mod long_replies;
mod moving;
mod output;
mod pending;
mod proofs;
mod read_only;
mod replies;
#[cfg(feature = "sasl")]
mod sasl;
mod timers;
mod trouble;
mod watches;
mod watching;

pub(crate) use entry::watch_wanted;
pub(crate) use hosts::Source;
pub(crate) use lease::{ProvenLife, proof};
pub(crate) use output::{Answer, Failure, News, Output, SubmitError, SubscriberId, Ticket};
pub(crate) use trouble::Trouble;
pub(crate) use watches::Table;

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use zk_proto::op::Request;
use zk_proto::{Password, SessionId, WatchedEvent, Zxid};

use crate::auth_failure::AuthFailure;
use crate::connect_string::HostPort;
use crate::endpoint::Endpoint;
use crate::options::ExpiryPolicy;
use crate::state::{Generation, SessionContinuity, SessionState};
use auth::Auth;
use entry::{Entry, Purpose};
use hosts::Hosts;
use lease::LeaseClock;
use leaving::Leaving;
use output::Outputs;
use pending::Pending;
use read_only::Search;
use watches::Watches;

/// What a session is made with.
#[derive(Clone, Debug)]
pub(crate) struct SessionOptions {
    /// Asked of the server, which clamps it to 2–20 of its ticks.
    pub(crate) timeout: Duration,
    /// From submission to reply; the request fails after it.
    pub(crate) request_timeout: Duration,
    /// The longest request, in bytes; servers hang up on longer ones.
    pub(crate) max_request: usize,
    /// The longest reply, in bytes.
    pub(crate) max_reply: usize,
    /// Requests that may wait for their replies; further ones are refused.
    pub(crate) max_pending: usize,
    /// Bytes that may wait to be written, or for a connection; further requests are refused.
    pub(crate) max_outgoing: usize,
    /// The servers' tick, if the user has said so.
    pub(crate) server_tick: Option<Duration>,
    /// How often the session is proven while it is connected; never unless asked to.
    pub(crate) keep_lease: Option<Duration>,
    /// What becomes of the client when the ensemble has ended its session.
    pub(crate) on_expiry: ExpiryPolicy,
    /// Whether a server that has lost its ensemble will do, as long as there is no other.
    pub(crate) allow_read_only: bool,
    /// Where jitter and the order of hosts come from.
    pub(crate) seed: u64,
    /// Whether the shell is to resolve names before it dials.
    pub(crate) wants_addresses: bool,
    /// Whether to give up when every host has failed once before a session was established.
    pub(crate) one_round: bool,
}

/// One session, from the first dial to its end. See the [module](self).
#[derive(Debug)]
pub(crate) struct Session<T, W> {
    options: SessionOptions,
    phase: Phase,
    id: SessionId,
    password: Password,
    /// Negotiated, or wanted as long as nothing is negotiated.
    timeout: Duration,
    /// Of the last reply: what watches are set again relative to.
    last_zxid: Zxid,
    /// Of the last event, if servers tell.
    last_event_zxid: Zxid,
    leaving: Option<Leaving<T>>,
    /// Whether a connection was ever told of.
    was_connected: bool,
    generation: Generation,
    /// What the next connection that is told of will have been.
    continuity: SessionContinuity,
    hosts: Hosts,
    lease: LeaseClock,
    /// While the session is one that a read-only server has given out.
    search: Option<Search>,
    /// The writable server that the search has found, until it is dialled.
    found: Option<Endpoint>,
    /// Handshakes, one after the other, that servers have hung up on.
    hung_up_on: usize,
    auth: Auth<T>,
    #[cfg(feature = "sasl")]
    sasl: Option<sasl::Sasl>,
    pending: Pending<T, W>,
    watches: Watches<T, W>,
    outputs: Outputs<T, W>,
    /// Why the last connection or attempt ended.
    last_trouble: Option<Trouble>,
}

#[derive(Debug)]
enum Phase {
    /// Between two attempts.
    Backoff { until: Instant },
    /// The shell is resolving names, and there is nothing to dial yet, or hardly anything.
    Resolving { until: Instant },
    /// The shell is opening a connection.
    Dialling { until: Instant },
    /// Connected, waiting for the session to be granted and for SASL, if there is any.
    Handshaking { asked: Instant, until: Instant },
    /// The session is alive on this connection.
    Serving(Serving),
    /// Over for good.
    Ended(End),
}

#[derive(Debug)]
struct Serving {
    last_sent: Instant,
    last_heard: Instant,
    /// Bytes of an over-long reply that are still to be dropped.
    to_skip: usize,
    /// The server answers a ping with xid −2 whatever xid it had (`FinalRequestProcessor`), so
    /// two could not be told apart: only one is ever in flight. When it was sent.
    ping_in_flight: Option<Instant>,
    /// When the last write was sent that has proven the session, or is to.
    last_proof: Instant,
    /// When the session was granted, until the server has accepted all credentials. Nobody is
    /// told of a connection before that.
    unknown_since: Option<Instant>,
    moving: Moving,
    /// Requests to set watches again that are not answered.
    to_set_again: usize,
    /// Events that came before the answer to such a request, and do not tell how far the server is.
    early_events: Vec<WatchedEvent>,
    /// Of those.
    early_bytes: usize,
}

/// Whether a session that serves is to be moved to another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moving {
    No,
    /// Yes, from this time on.
    At(Instant),
    /// Requests wait for the next connection; this one still has replies, until then.
    Now {
        until: Instant,
    },
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By us.
    Closed,
    /// By the ensemble.
    Expired,
    /// By a server that does not take us for who we say we are.
    AuthFailed(AuthFailure),
}

impl<T: Ticket, W: Ticket> Session<T, W> {
    /// A session that is yet to be asked for, from one of `hosts`.
    pub(crate) fn new(mut options: SessionOptions, hosts: Vec<HostPort>, now: Instant) -> Self {
        options.timeout = options.timeout.min(LONGEST_SESSION_TIMEOUT);
        options.request_timeout = options.request_timeout.min(LONGEST_REQUEST_TIMEOUT);
        options.server_tick = options.server_tick.map(|tick| tick.min(LONGEST_REQUEST_TIMEOUT));
        let every = |every: Duration| every.clamp(SHORTEST_PROOF, LONGEST_REQUEST_TIMEOUT);
        options.keep_lease = options.keep_lease.map(every);
        Self {
            phase: Phase::Backoff { until: now },
            id: SessionId::NONE,
            password: Password::NONE,
            timeout: options.timeout,
            last_zxid: Zxid::ZERO,
            last_event_zxid: Zxid::ZERO,
            leaving: None,
            was_connected: false,
            generation: Generation::FIRST,
            continuity: SessionContinuity::New,
            hosts: Hosts::new(hosts, options.wants_addresses, options.seed),
            lease: LeaseClock::new(options.server_tick),
            search: None,
            found: None,
            hung_up_on: 0,
            auth: Auth::default(),
            #[cfg(feature = "sasl")]
            sasl: None,
            pending: Pending::default(),
            watches: Watches::default(),
            outputs: Outputs::default(),
            last_trouble: None,
            options,
        }
    }

    /// Takes a request. It is sent at once when the session is alive, and waits otherwise.
    ///
    /// `watcher` comes back with the event if the reply sets a watch.
    pub(crate) fn submit(
        &mut self,
        now: Instant,
        request: impl Borrow<Request>,
        ticket: T,
        watcher: Option<W>,
    ) -> Result<(), SubmitError> {
        self.admit()?;
        self.make_room()?;
        let purpose = Purpose::User { ticket, watcher };
        self.take(now, request.borrow(), purpose, self.options.max_request)
    }

    /// Sends a request, or keeps it until there is a session to send it in.
    fn take(
        &mut self,
        now: Instant,
        request: &Request,
        purpose: Purpose<T, W>,
        limit: usize,
    ) -> Result<(), SubmitError> {
        let entry = Entry::new(request, purpose, Some(now));
        self.put(now, entry, request, limit)
    }

    fn put(
        &mut self,
        now: Instant,
        entry: Entry<T, W>,
        request: &Request,
        limit: usize,
    ) -> Result<(), SubmitError> {
        let Some(serving) = self.phase.asking() else {
            return self.pending.wait(entry, request, limit);
        };
        self.pending.send(entry, request, limit)?;
        serving.last_sent = now;
        Ok(())
    }

    fn make_room(&self) -> Result<(), SubmitError> {
        let waiting = self.pending.count() + self.watches.waiting_count();
        if waiting.saturating_sub(self.watches.removals_in_flight()) >= self.options.max_pending
            || self.pending.unsent_len() >= self.options.max_outgoing
        {
            return Err(SubmitError::TooManyRequests);
        }
        Ok(())
    }

    fn admit(&self) -> Result<(), SubmitError> {
        match self.phase {
            Phase::Ended(End::Expired) => return Err(SubmitError::Expired),
            Phase::Ended(End::Closed) => return Err(SubmitError::Closed),
            Phase::Ended(End::AuthFailed(reason)) => return Err(SubmitError::AuthFailed(reason)),
            Phase::Backoff { .. }
            | Phase::Resolving { .. }
            | Phase::Dialling { .. }
            | Phase::Handshaking { .. }
            | Phase::Serving(_) => {}
        }
        if self.leaving.is_some() {
            return Err(SubmitError::Closed);
        }
        Ok(())
    }

    /// The shell has connected to the host it was told to dial.
    pub(crate) fn handle_connected(&mut self, now: Instant) {
        if let Phase::Dialling { until } = self.phase {
            let until = until.max(now + self.attempt_limit());
            self.phase = Phase::Handshaking { asked: now, until };
            self.pending.put_raw(&self.connect_request());
        }
    }

    /// The connection, or the attempt at one, is over.
    pub(crate) fn handle_disconnected(&mut self, now: Instant, why: Trouble) {
        let was_serving = match self.phase {
            Phase::Backoff { .. } | Phase::Resolving { .. } | Phase::Ended(_) => return,
            Phase::Dialling { .. } | Phase::Handshaking { .. } => false,
            Phase::Serving(Serving { unknown_since, .. }) => unknown_since.is_none(),
        };
        let moves = matches!(why, Trouble::OtherHosts | Trouble::WritableServer);
        self.last_trouble = Some(self.explain(why));
        self.pending.connection_lost(&mut self.outputs);
        self.auth.connection_lost();
        #[cfg(feature = "sasl")]
        if let Some(sasl) = &mut self.sasl {
            sasl.connection_lost();
        }
        self.watches.connection_lost();
        self.lease.connection_lost();
        if was_serving {
            self.outputs.state(SessionState::Disconnected { since: now.into() });
        }
        if moves {
            self.hosts.moved();
            self.phase = Phase::Backoff { until: now };
        } else if was_serving {
            self.phase = Phase::Backoff { until: now + self.hosts.lost(self.timeout) };
        } else {
            self.attempt_failed(now);
        }
        if self.is_closing() && self.is_throw_away() {
            // Nobody else knows it, and it owns nothing.
            self.end(End::Closed);
        }
        self.detach_when_answered(now);
    }

    /// Gives up the present connection.
    fn hang_up(&mut self, now: Instant, why: Trouble) {
        self.outputs.hang_up();
        self.handle_disconnected(now, why);
    }

    /// Ends the session for good: nothing that waits will be answered by a server any more.
    fn end(&mut self, how: End) {
        let had_connection = matches!(self.phase, Phase::Handshaking { .. } | Phase::Serving(_));
        let was_dialling = matches!(self.phase, Phase::Dialling { .. });
        if had_connection || was_dialling {
            self.outputs.hang_up();
        }
        let is_closing = self.is_closing();
        // A session that the ensemble has ended is what a close asked for.
        let end = if is_closing { End::Closed } else { how };
        self.phase = Phase::Ended(end);
        self.lease.session_over();
        self.pending.session_ended(end, &mut self.outputs);
        self.leaving_ended(how);
        let how = end;
        self.auth.session_ended(how, &mut self.outputs);
        self.watches.session_ended(&how.failure(), &mut self.outputs);
        self.outputs.state(match how {
            End::Closed => SessionState::Closed,
            End::Expired => SessionState::Expired,
            End::AuthFailed(reason) => SessionState::AuthFailed { reason },
        });
    }

    /// What to do next. `Wait` means: nothing until bytes come, a request, or the time it names.
    pub(crate) fn poll_output(&mut self) -> Output<T, W> {
        match self.outputs.next() {
            Some(output) => output,
            None if matches!(self.phase, Phase::Ended(_)) => Output::Finished,
            None => Output::Wait(self.next_timer()),
        }
    }

    /// All that is to be done before `Wait`, in exchange for an empty queue.
    pub(crate) fn take_outputs(&mut self, empty: &mut VecDeque<Output<T, W>>) {
        self.outputs.swap(empty);
    }

    /// Gives memory back that only a burst of requests needs; tells whether none is under way.
    pub(crate) fn rest(&mut self) -> bool {
        self.outputs.rest();
        self.pending.rest()
    }

    /// The shell goes away: whatever waits will not be done.
    pub(crate) fn abandon(&mut self) {
        if !matches!(self.phase, Phase::Ended(_)) {
            self.end(End::Closed);
        }
    }

    /// How the session ended, if it has.
    pub(crate) const fn ended(&self) -> Option<End> {
        match self.phase {
            Phase::Ended(how) => Some(how),
            Phase::Backoff { .. }
            | Phase::Resolving { .. }
            | Phase::Dialling { .. }
            | Phase::Handshaking { .. }
            | Phase::Serving(_) => None,
        }
    }

    /// Takes all bytes that wait to be sent.
    ///
    /// From now on the requests in them count as sent.
    pub(crate) fn take_outgoing(&mut self) -> Bytes {
        self.pending.take_outgoing()
    }

    /// The session's id; [`SessionId::NONE`] before the first one was granted.
    pub(crate) const fn id(&self) -> SessionId {
        self.id
    }

    /// Which of the sessions that were had one after the other it is.
    pub(crate) const fn generation(&self) -> Generation {
        self.generation
    }

    /// The negotiated session timeout; the wanted one before a session was granted.
    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// How long the session is known to live; `None` when nothing proves that it does.
    pub(crate) fn proven_life(&self) -> Option<ProvenLife> {
        self.lease.life()
    }

    /// How long a request may take.
    pub(crate) const fn request_timeout(&self) -> Duration {
        self.options.request_timeout
    }

    /// Why the last connection or attempt came to nothing.
    pub(crate) const fn last_trouble(&self) -> Option<&Trouble> {
        self.last_trouble.as_ref()
    }
}

impl End {
    fn failure(self) -> Failure {
        match self {
            Self::Closed => Failure::Closed,
            Self::Expired => Failure::SessionExpired,
            Self::AuthFailed(reason) => Failure::AuthFailed(reason),
        }
    }
}

/// However eager the user, a server has other things to do.
const SHORTEST_PROOF: Duration = Duration::from_millis(10);
/// The protocol has 31 bits for the milliseconds of a session timeout.
const LONGEST_SESSION_TIMEOUT: Duration = Duration::from_millis(i32::MAX as u64);
/// As good as for ever, and an instant can be moved by it.
pub(crate) const LONGEST_REQUEST_TIMEOUT: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

#[cfg(test)]
mod tests;
