//! What a session tells its shell to do.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use zk_proto::{ErrorCode, WatchedEvent, Zxid};

use crate::auth_failure::AuthFailure;
use crate::connect_string::HostPort;
use crate::endpoint::Endpoint;
use crate::error::Delivery;
use crate::state::SessionState;

/// Something the shell keeps for somebody who waits.
pub(crate) trait Ticket {
    /// Whether nobody waits any more.
    fn is_abandoned(&self) -> bool;

    /// Whether what is waited for ends with the session that it was asked for in.
    fn is_bound(&self) -> bool {
        false
    }
}

/// One thing to do.
#[must_use = "an output that is dropped never happens"]
#[derive(Debug)]
pub(crate) enum Output<T, W> {
    /// Resolve names, all at once; answer for each with `handle_resolved`, within the limit.
    Resolve {
        /// As written down.
        names: Vec<HostPort>,
        /// For each of them.
        limit: Duration,
    },
    /// Open a connection; answer with `handle_connected` or `handle_disconnected`.
    Dial(Endpoint),
    /// Drop the connection, or the attempt at one; no answer is wanted.
    HangUp,
    /// Ask a server, on another connection, whether it is writable; answer with `handle_probed`. A
    /// `HangUp` calls it off.
    Probe {
        /// Which server.
        endpoint: Endpoint,
        /// How long it has to answer.
        within: Duration,
    },
    /// A request is over.
    Reply {
        /// As submitted.
        ticket: T,
        /// How it went.
        outcome: Result<Answer, Failure>,
    },
    /// A watch has fired.
    Notify {
        /// As submitted.
        watcher: W,
        /// What happened.
        event: WatchedEvent,
    },
    /// There is news for those who listen to persistent watches.
    Tell {
        /// Who listens.
        subscribers: Vec<SubscriberId>,
        /// What there is to tell.
        news: News,
    },
    /// The session is in another state.
    StateChanged(SessionState),
    /// Nothing to do until then, and why then.
    Wait(Option<(Instant, Timer)>),
    /// Nothing to do any more.
    Finished,
}

/// Somebody who listens to a persistent watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SubscriberId(pub(crate) u64);

/// What those who listen to a persistent watch are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Something happened.
    Event {
        /// What.
        event: WatchedEvent,
        /// By which transaction, if the server has said so.
        zxid: Option<Zxid>,
    },
    /// There is a new connection. What happened between the last one and this one is not told.
    Gap,
    /// Nothing will be told any more: the session that the listener is bound to has ended.
    Over,
}

/// The body of a successful reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The transaction of a write, the last one the server knew otherwise.
    pub(crate) zxid: Zxid,
    /// Not decoded yet.
    pub(crate) body: Bytes,
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The server refused.
    Server(ErrorCode),
    /// The connection broke, and the request is not one that may be repeated.
    ConnectionLoss(Delivery),
    /// The deadline passed.
    Timeout(Delivery),
    /// The reply is over the limit.
    ReplyTooLarge { length: usize, limit: usize },
    /// The session ended.
    SessionExpired,
    /// A server does not take us for who we say we are.
    AuthFailed(AuthFailure),
    /// The client was closed.
    Closed,
}

/// Why a request was not even taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SubmitError {
    /// The session has ended.
    Expired,
    /// A server does not take us for who we say we are.
    AuthFailed(AuthFailure),
    /// The client was closed.
    Closed,
    /// Over the limit of what servers accept.
    RequestTooLarge { length: usize, limit: usize },
    /// Too many requests, or too many bytes, wait already.
    TooManyRequests,
}

/// Why the shell is to come back at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// Dial the next endpoint, or begin a round.
    Redial,
    /// Dial what is resolved.
    Resolve,
    /// Move the session to another server.
    Move,
    /// Give up this attempt to connect.
    Attempt,
    /// Send a ping: nothing was sent for a third of the session timeout.
    Heartbeat,
    /// Prove that the session lives: no write has done so for as long as the user wants.
    Proof,
    /// Ask the next server whether it is writable.
    Search,
    /// Give up this connection: nothing was heard for two thirds of the session timeout.
    Silence,
    /// A request has waited long enough.
    Request,
}

/// Outputs that wait to be polled, in order.
#[derive(Debug)]
pub(super) struct Outputs<T, W>(VecDeque<Output<T, W>>);

impl<T, W> Default for Outputs<T, W> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T, W> Outputs<T, W> {
    /// Swaps all of them for an empty queue, so that none is moved.
    pub(super) fn swap(&mut self, empty: &mut VecDeque<Output<T, W>>) {
        if empty.is_empty() {
            std::mem::swap(&mut self.0, empty);
        }
    }

    pub(super) fn rest(&mut self) {
        if self.0.is_empty() && self.0.capacity() > MOST_KEPT {
            self.0 = VecDeque::new();
        }
    }

    pub(super) fn next(&mut self) -> Option<Output<T, W>> {
        self.0.pop_front()
    }

    /// Does nothing if there is no name.
    pub(super) fn resolve(&mut self, names: Vec<HostPort>, limit: Duration) {
        if !names.is_empty() {
            self.0.push_back(Output::Resolve { names, limit });
        }
    }

    pub(super) fn dial(&mut self, endpoint: Endpoint) {
        self.0.push_back(Output::Dial(endpoint));
    }

    pub(super) fn probe(&mut self, endpoint: Endpoint, within: Duration) {
        self.0.push_back(Output::Probe { endpoint, within });
    }

    pub(super) fn hang_up(&mut self) {
        self.0.push_back(Output::HangUp);
    }

    pub(super) fn reply(&mut self, ticket: T, outcome: Result<Answer, Failure>) {
        self.0.push_back(Output::Reply { ticket, outcome });
    }

    /// Ends all that have waited for one thing in the same way.
    pub(super) fn reply_all(&mut self, tickets: Vec<T>, outcome: &Result<Answer, Failure>) {
        for ticket in tickets {
            self.reply(ticket, outcome.clone());
        }
    }

    /// Does nothing if nobody listens.
    pub(super) fn tell(&mut self, subscribers: Vec<SubscriberId>, news: News) {
        if !subscribers.is_empty() {
            self.0.push_back(Output::Tell { subscribers, news });
        }
    }

    pub(super) fn notify(&mut self, watcher: W, event: WatchedEvent) {
        self.0.push_back(Output::Notify { watcher, event });
    }

    pub(super) fn state(&mut self, state: SessionState) {
        self.0.push_back(Output::StateChanged(state));
    }
}

/// Outputs that a session at rest has room for.
const MOST_KEPT: usize = 8;
