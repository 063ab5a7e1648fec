//! Who this client says it is: credentials, and the packets that tell a server.
//!
//! A server keeps identities by connection, so after a reconnect all of them are told again, before
//! anything else: whatever follows in the same connection is asked by somebody it knows. Packets
//! have an xid of their own, and are answered by the network thread, in their order.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use zk_proto::message::{AuthPacket, ReplyHeader};
use zk_proto::op::Request;
use zk_proto::{ErrorCode, Xid};

use super::output::{Answer, Failure, Outputs, SubmitError, Ticket};
use super::pending::Pending;
use super::{End, Phase, Session, Trouble};
use crate::auth_failure::AuthFailure;
use crate::error::{Delivery, Violation};

/// All credentials of a session. They are kept until it ends.
#[derive(Debug)]
pub(super) struct Auth<T> {
    /// In the order in which they were added.
    credentials: Vec<Credential<T>>,
    /// Those that this connection was told and has not answered for, by their place.
    in_flight: VecDeque<usize>,
}

#[derive(Debug)]
struct Credential<T> {
    /// The packet; `Debug` shows its scheme only.
    request: Request,
    waiters: Vec<Waiter<T>>,
}

/// Somebody who waits until a server has accepted a credential.
#[derive(Debug)]
struct Waiter<T> {
    ticket: T,
    deadline: Instant,
}

impl<T> Default for Auth<T> {
    fn default() -> Self {
        Self { credentials: Vec::new(), in_flight: VecDeque::new() }
    }
}

impl<T: Ticket, W: Ticket> Session<T, W> {
    /// Adds an identity, on this connection and all that follow.
    ///
    /// `ticket` comes back when a server has accepted it. A server that refuses ends the session.
    pub(crate) fn add_auth(
        &mut self,
        now: Instant,
        packet: AuthPacket,
        ticket: Option<T>,
    ) -> Result<(), SubmitError> {
        self.admit()?;
        let request = Request::Auth(packet);
        let (length, limit) = (Pending::<T, W>::length(&request), self.options.max_request);
        if length > limit {
            return Err(SubmitError::RequestTooLarge { length, limit });
        }
        if self.auth.waiters() >= self.options.max_pending {
            return Err(SubmitError::TooManyRequests);
        }
        let deadline = now + self.options.request_timeout;
        let waiter = ticket.map(|ticket| Waiter { ticket, deadline });
        let place = self.auth.remember(request, waiter)?;
        let Phase::Serving(serving) = &mut self.phase else {
            return Ok(());
        };
        if !self.auth.in_flight.contains(&place) {
            self.auth.tell(place, &mut self.pending);
            serving.last_sent = now;
        }
        Ok(())
    }

    /// A packet was answered. What one server refuses, the session cannot go on without: requests
    /// would be asked by somebody else than the caller thinks (`ClientCnxn`, `AUTH_FAILED`).
    pub(super) fn handle_auth_reply(&mut self, header: ReplyHeader) -> Result<(), Trouble> {
        let Some(place) = self.auth.in_flight.pop_front() else {
            return Err(Violation::UnexpectedXid { got: Xid::AUTH, expected: None }.into());
        };
        if header.err != ErrorCode::Ok {
            self.end(End::AuthFailed(AuthFailure::CredentialRefused));
            return Ok(());
        }
        let answer = Answer { zxid: header.zxid, body: Bytes::new() };
        self.auth.accept(place, &answer, &mut self.outputs);
        self.announce_once_known();
        Ok(())
    }
}

impl<T: Ticket> Auth<T> {
    /// The same credential twice is one.
    fn remember(
        &mut self,
        request: Request,
        waiter: Option<Waiter<T>>,
    ) -> Result<usize, SubmitError> {
        let known = self.credentials.iter().position(|known| known.request == request);
        let place = known.unwrap_or(self.credentials.len());
        if place >= MOST_CREDENTIALS {
            return Err(SubmitError::TooManyRequests);
        }
        if known.is_none() {
            self.credentials.push(Credential { request, waiters: Vec::new() });
        }
        if let Some(credential) = self.credentials.get_mut(place) {
            credential.waiters.retain(|waiter| !waiter.ticket.is_abandoned());
            credential.waiters.extend(waiter);
        }
        Ok(place)
    }

    fn waiters(&self) -> usize {
        self.credentials.iter().map(|credential| credential.waiters.len()).sum()
    }

    /// Tells a new connection everything.
    pub(super) fn replay<W: Ticket>(&mut self, pending: &mut Pending<T, W>) {
        for place in 0..self.credentials.len() {
            self.tell(place, pending);
        }
    }

    fn tell<W: Ticket>(&mut self, place: usize, pending: &mut Pending<T, W>) {
        if let Some(credential) = self.credentials.get(place) {
            pending.put_auth(&credential.request);
            self.in_flight.push_back(place);
        }
    }

    /// Whether the connection has accepted all that it was told.
    pub(super) fn is_settled(&self) -> bool {
        self.in_flight.is_empty()
    }

    fn accept<W>(&mut self, place: usize, answer: &Answer, outputs: &mut Outputs<T, W>) {
        if let Some(credential) = self.credentials.get_mut(place) {
            for waiter in credential.waiters.drain(..) {
                outputs.reply(waiter.ticket, Ok(answer.clone()));
            }
        }
    }

    /// The next connection is told all of it, those in flight included.
    pub(super) fn connection_lost(&mut self) {
        self.in_flight.clear();
    }

    /// Credentials are not those of a session; but who waits has asked in one that is over.
    pub(super) fn session_expired<W>(&mut self, outputs: &mut Outputs<T, W>) {
        self.in_flight.clear();
        for credential in &mut self.credentials {
            for waiter in credential.waiters.drain(..) {
                outputs.reply(waiter.ticket, Err(Failure::SessionExpired));
            }
        }
    }

    pub(super) fn session_ended<W>(&mut self, how: End, outputs: &mut Outputs<T, W>) {
        self.in_flight.clear();
        for credential in self.credentials.drain(..) {
            for waiter in credential.waiters {
                outputs.reply(waiter.ticket, Err(how.failure()));
            }
        }
    }

    /// Those who have waited for too long. The credential stays, and may yet be accepted.
    pub(super) fn fail_overdue<W>(&mut self, now: Instant, outputs: &mut Outputs<T, W>) {
        for credential in &mut self.credentials {
            for waiter in credential.waiters.extract_if(.., |waiter| waiter.deadline <= now) {
                outputs.reply(waiter.ticket, Err(Failure::Timeout(Delivery::Unknown)));
            }
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let waiters = self.credentials.iter().flat_map(|credential| &credential.waiters);
        waiters.map(|waiter| waiter.deadline).min()
    }
}

/// A client is one or two people, not a crowd; all of them are told on every connection.
const MOST_CREDENTIALS: usize = 128;
