//! How a client goes: with its session, or without.

use std::time::{Duration, Instant};

use bytes::Bytes;
use zk_proto::message::NoBody;
use zk_proto::op::Request;

use super::entry::{Entry, Purpose};
use super::output::{Answer, Failure, SubmitError, Ticket};
use super::{End, LONGEST_REQUEST_TIMEOUT, Phase, Session};
use crate::saved_session::SavedSession;

/// Requests are not taken any more; those that were taken are answered first.
#[derive(Debug)]
pub(super) enum Leaving<T> {
    /// The session is to end. The server is asked to end it, behind all other requests.
    Closing {
        /// They hear what the server says to it.
        waiters: Vec<T>,
        /// Then the server has had its time, and the session is left to expire.
        until: Instant,
    },
    /// The session is to live on at the server without us. As every request has a deadline, so
    /// has the answer; then whoever has asked leaves, or says that they do not.
    Detaching {
        /// Comes back when nothing waits for a reply any more, and has come back without it.
        ticket: Option<T>,
    },
}

impl<T> Leaving<T> {
    /// Whether only the word is missing with which the session is left.
    const fn is_left(&self) -> bool {
        matches!(self, Self::Detaching { ticket: None })
    }
}

impl<T: Ticket, W: Ticket> Session<T, W> {
    /// Ends the session within the request timeout; see [`close_within`](Self::close_within).
    pub(crate) fn close(&mut self, now: Instant, ticket: Option<T>) -> Result<(), SubmitError> {
        self.close_within(now, ticket, self.options.request_timeout)
    }

    /// Ends the session: asks the server to, and takes no further requests.
    ///
    /// `ticket` comes back when the server has confirmed, when the session turns out to be over
    /// already, or when the time has passed; then the client is at its end all the same. No limit
    /// stands in the way. Closing once more can only shorten the time, and hears the same. Whoever
    /// was about to leave the session to somebody else has nothing to leave.
    pub(crate) fn close_within(
        &mut self,
        now: Instant,
        ticket: Option<T>,
        limit: Duration,
    ) -> Result<(), SubmitError> {
        let end = now + limit.min(LONGEST_REQUEST_TIMEOUT);
        if let Some(Leaving::Closing { waiters, until }) = &mut self.leaving
            && !matches!(self.phase, Phase::Ended(_))
        {
            waiters.extend(ticket);
            *until = end.min(*until);
            return Ok(());
        }
        self.stop_detaching();
        self.admit()?;
        // There is no point in moving what is to end.
        self.stay(now);
        self.leaving = Some(Leaving::Closing { waiters: ticket.into_iter().collect(), until: end });
        let request = Request::CloseSession(NoBody {});
        // Its deadline is that of the closing.
        let entry = Entry::new(&request, Purpose::Close, None);
        self.put(now, entry, &request, usize::MAX)?;
        if self.wants_new_session() && !matches!(self.phase, Phase::Serving(_)) {
            self.end(End::Closed);
        }
        Ok(())
    }

    /// Goes without ending the session, once all requests that were taken are answered. From now
    /// on no further ones are.
    ///
    /// `ticket` comes back when nothing is in the way of [`leave`](Self::leave). When nobody waits
    /// for it by then, the session is closed: nobody can take it over.
    pub(crate) fn detach(&mut self, now: Instant, ticket: T) -> Result<(), SubmitError> {
        self.admit()?;
        if self.wants_new_session() {
            return Err(SubmitError::Expired);
        }
        self.leaving = Some(Leaving::Detaching { ticket: Some(ticket) });
        self.detach_when_answered(now);
        Ok(())
    }

    /// Goes without ending the session, as was asked for with [`detach`](Self::detach): what it
    /// takes to go on with it elsewhere is in the hands of the caller from here on.
    pub(crate) fn leave(&mut self) -> Result<SavedSession, SubmitError> {
        if self.leaving.take_if(|leaving| leaving.is_left()).is_none() {
            self.admit()?;
            return Err(SubmitError::Closed);
        }
        let saved = SavedSession::of(self.id, self.password.clone(), self.last_zxid_seen());
        self.end(End::Closed);
        Ok(saved)
    }

    /// Whoever has asked for [`detach`](Self::detach) has gone. A session that is left already is
    /// not touched; any other one is closed, as nobody can take it over.
    pub(crate) fn not_left(&mut self, now: Instant) {
        if self.is_detaching() {
            // Nothing refuses it: the session has not ended.
            let _ = self.close(now, None);
        }
    }

    fn stop_detaching(&mut self) {
        if let Some(Leaving::Detaching { ticket }) =
            self.leaving.take_if(|leaving| matches!(leaving, Leaving::Detaching { .. }))
        {
            self.outputs.reply_all(ticket.into_iter().collect(), &Err(Failure::Closed));
        }
    }

    /// The session is one that another client has left.
    pub(crate) fn resume(&mut self, saved: SavedSession) {
        (self.id, self.password, self.last_zxid) = saved.into_parts();
        self.continuity = crate::state::SessionContinuity::Same;
    }

    pub(super) fn detach_when_answered(&mut self, now: Instant) {
        if self.pending.has_requests_of_users() || matches!(self.phase, Phase::Ended(_)) {
            return;
        }
        let Some(Leaving::Detaching { ticket }) = &mut self.leaving else {
            return;
        };
        let Some(ticket) = ticket.take() else {
            return;
        };
        if ticket.is_abandoned() {
            self.not_left(now);
        } else {
            self.outputs.reply(ticket, Ok(self.nothing_to_say()));
        }
    }

    /// The server has had its time.
    pub(super) fn close_overdue(&mut self, now: Instant) {
        let Some(Leaving::Closing { waiters, .. }) = self
            .leaving
            .take_if(|leaving| matches!(leaving, Leaving::Closing { until, .. } if *until <= now))
        else {
            return;
        };
        let delivery = self.pending.close_delivery();
        self.outputs.reply_all(waiters, &Err(Failure::Timeout(delivery)));
        self.end(End::Closed);
    }

    /// The server has answered the close: it is the last thing that it does in a session.
    pub(super) fn close_answered(&mut self, outcome: &Result<Answer, Failure>) {
        if let Some(Leaving::Closing { waiters, .. }) = self.leaving.take() {
            self.outputs.reply_all(waiters, outcome);
        }
        self.end(End::Closed);
    }

    /// Tells those who have asked for the end that it has come.
    pub(super) fn leaving_ended(&mut self, how: End) {
        match self.leaving.take() {
            // A session that is over is what a close asks for.
            Some(Leaving::Closing { waiters, .. }) if how == End::Expired => {
                self.outputs.reply_all(waiters, &Ok(self.nothing_to_say()));
            }
            Some(Leaving::Closing { waiters, .. }) if self.wants_new_session() => {
                self.outputs.reply_all(waiters, &Ok(self.nothing_to_say()));
            }
            Some(Leaving::Closing { waiters, .. }) => {
                self.outputs.reply_all(waiters, &Err(how.failure()));
            }
            Some(Leaving::Detaching { ticket }) => {
                self.outputs.reply_all(ticket.into_iter().collect(), &Err(how.failure()));
            }
            None => {}
        }
    }

    pub(super) const fn is_closing(&self) -> bool {
        matches!(self.leaving, Some(Leaving::Closing { .. }))
    }

    const fn is_detaching(&self) -> bool {
        matches!(self.leaving, Some(Leaving::Detaching { .. }))
    }

    pub(super) const fn leaving_deadline(&self) -> Option<Instant> {
        match self.leaving {
            Some(Leaving::Closing { until, .. }) => Some(until),
            Some(Leaving::Detaching { .. }) | None => None,
        }
    }

    const fn nothing_to_say(&self) -> Answer {
        Answer { zxid: self.last_zxid, body: Bytes::new() }
    }
}
