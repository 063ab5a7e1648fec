//! Sessions of servers that have lost their ensemble, and the search for one that has not.
//!
//! Such a session is a throw-away (`ClientCnxn.seenRwServerBefore`): only the server that gave it out
//! knows it, and it owns nothing. The next handshake asks for a new session, whatever server it is
//! to. A session of the ensemble is never shown to a read-only server: such a server could only
//! refuse it, and would not know what it says.

use std::time::{Duration, Instant};

use bytes::Bytes;
use zk_proto::{ErrorCode, SessionId};

use super::output::Ticket;
use super::{Phase, Session, Trouble};
use crate::endpoint::Endpoint;

/// The search for a writable server, as long as the session is a throw-away.
#[derive(Debug)]
pub(super) struct Search {
    /// When the next server is to be asked.
    due: Instant,
    pause: Duration,
    /// Who is being asked.
    asked: Option<Endpoint>,
    /// How many were asked so far.
    count: usize,
}

impl Search {
    fn begin(now: Instant) -> Self {
        Self { due: now + FIRST_PAUSE, pause: FIRST_PAUSE, asked: None, count: 0 }
    }
}

impl<T: Ticket, W: Ticket> Session<T, W> {
    /// Whether the next handshake asks for a new session.
    pub(super) fn wants_new_session(&self) -> bool {
        self.id == SessionId::NONE || self.search.is_some()
    }

    /// Whether a session is alive that nobody knows but the server of this connection.
    pub(super) const fn is_throw_away(&self) -> bool {
        self.search.is_some()
    }

    /// A session was granted, by a read-only server or not: a throw-away is over then, and with it
    /// its generation.
    pub(super) fn leave_throw_away(&mut self, now: Instant, read_only: bool) {
        if self.search.take().is_some() {
            self.generation = self.generation.next();
        }
        self.search = read_only.then(|| Search::begin(now));
        if read_only {
            // It is refused from now on; what has waited must not be asked, or be asked again.
            self.pending.fail_bound(&mut self.outputs);
            self.watches.fail_bound(&mut self.outputs);
        }
    }

    pub(super) fn next_search(&self) -> Option<Instant> {
        let search = self.search.as_ref().filter(|search| search.asked.is_none())?;
        (self.is_serving() && self.leaving.is_none()).then_some(search.due)
    }

    pub(super) fn search_if_due(&mut self, now: Instant) {
        if self.next_search().is_none_or(|due| due > now) {
            return;
        }
        let Some(search) = &mut self.search else {
            return;
        };
        let Some(endpoint) = self.hosts.nth(search.count) else {
            return;
        };
        search.count = search.count.wrapping_add(1);
        search.asked = Some(endpoint.clone());
        self.outputs.probe(endpoint, ANSWER_LIMIT);
    }

    /// A server was asked whether it is writable, and has said that it is; or has not.
    pub(crate) fn handle_probed(&mut self, now: Instant, is_writable: bool) {
        if !self.is_serving() {
            return;
        }
        let Some(search) = &mut self.search else {
            return;
        };
        let Some(endpoint) = search.asked.take() else {
            return;
        };
        // It may have left the list since it was asked.
        if !is_writable || !self.hosts.knows(&endpoint) {
            search.pause = (search.pause * 2).min(LONGEST_PAUSE);
            search.due = now + search.pause;
            return;
        }
        self.found = Some(endpoint);
        self.hang_up(now, Trouble::WritableServer);
    }

    const fn is_serving(&self) -> bool {
        matches!(self.phase, Phase::Serving(_))
    }
}

/// A read-only server that may not give out sessions of its own (`localSessionsEnabled`) answers to
/// a handshake as if it were a write: with the header of a reply.
pub(super) fn gives_no_session(frame: &Bytes) -> bool {
    frame.len() == REPLY_HEADER && frame.ends_with(&ErrorCode::NotReadOnly.code().to_be_bytes())
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// From the attempt to connect to the answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);
/// The bytes of a reply without a body.
const REPLY_HEADER: usize = 16;
