//! What becomes of everything when the ensemble has ended the session.
//!
//! With [`ExpiryPolicy::NewSession`] one rule holds: what was asked in the old session and was not
//! answered fails, and nothing that was asked in the old one is answered in the new one. What does
//! not belong to a session goes on: credentials are told again, watches are set again relative to
//! the last transaction that was seen, and those who listen to a persistent watch hear of a gap.
//! What is bound to the old session ends with it.

use std::time::Instant;

use zk_proto::{Password, SessionId};

use super::output::{Failure, News, SubmitError, SubscriberId, Ticket};
use super::{End, Phase, Session};
use crate::options::ExpiryPolicy;
use crate::state::{Generation, SessionContinuity, SessionState};

impl<T: Ticket, W: Ticket> Session<T, W> {
    /// A server has said that the session is over.
    pub(super) fn expired(&mut self, now: Instant) {
        if self.leaving.is_some() || self.options.on_expiry == ExpiryPolicy::Fail {
            self.end(End::Expired);
        } else {
            self.renew(now);
        }
    }

    /// Gives up everything of the old session, and asks for a new one on the next connection.
    fn renew(&mut self, now: Instant) {
        self.outputs.hang_up();
        let expired = std::mem::replace(&mut self.id, SessionId::NONE);
        self.password = Password::NONE;
        self.timeout = self.options.timeout;
        self.continuity = SessionContinuity::New;
        self.lease.session_over();
        // A server that answers is not out of order; but its other clients may have expired, too.
        self.phase = Phase::Backoff { until: now + self.hosts.lost(self.timeout) };
        self.pending.session_ended(End::Expired, &mut self.outputs);
        self.auth.session_expired(&mut self.outputs);
        let bound = self.watches.session_expired(&Failure::SessionExpired, &mut self.outputs);
        self.outputs.tell(bound, News::Over);
        // Nobody has a handle yet while no session was told of: the first one is still to come.
        if self.was_connected {
            self.generation = self.generation.next();
            self.outputs.state(SessionState::Renewing { expired });
        }
    }

    /// Refuses what is bound to a session that is over, or to one of a read-only server: that one
    /// owns nothing, and is over as soon as its connection is.
    pub(crate) fn check_bound(&self, bound: Option<Generation>) -> Result<(), SubmitError> {
        match bound {
            Some(generation) if generation != self.generation || self.is_throw_away() => {
                Err(SubmitError::Expired)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Has somebody who listens to a persistent watch end with the present session.
    pub(crate) fn bind_subscriber(&mut self, subscriber: SubscriberId) {
        self.watches.bind(subscriber);
    }
}
