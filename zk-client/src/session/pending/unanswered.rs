//! What becomes of requests without an answer: their connection or their session is over, or their
//! time.
//!
//! What is known of a request then follows from where it stands: bytes that the shell has not
//! taken yet were not sent, bytes that it has taken may have been acted upon.

use std::time::{Duration, Instant};

use super::super::End;
use super::super::entry::Purpose;
use super::super::frames::Frames;
use super::super::output::{Failure, Outputs, Ticket};
use super::waiting::Queued;
use super::{InFlight, Pending};
use crate::error::Delivery;

impl<T: Ticket, W: Ticket> Pending<T, W> {
    /// Ends the oldest request of a user that is in flight without a reply.
    pub(in crate::session) fn fail_oldest(
        &mut self,
        failure: Failure,
        outputs: &mut Outputs<T, W>,
    ) {
        let oldest = self.oldest_sent().and_then(|oldest| oldest.entry.as_ref());
        if let Some(Purpose::User { .. }) = oldest.map(|entry| &entry.purpose)
            && let Some(entry) = self.pop_oldest()
        {
            entry.fail(failure, outputs);
        }
    }

    /// Sorts what was in flight: what was not sent or only reads waits for the next connection,
    /// everything else fails, and nobody knows whether it was done.
    pub(in crate::session) fn connection_lost(&mut self, outputs: &mut Outputs<T, W>) {
        let sent = self.in_flight.len() - self.untaken;
        let later = std::mem::take(&mut self.waiting);
        let frames = self.frames.give_up();
        for (position, (in_flight, bytes)) in self.in_flight.drain(..).zip(frames).enumerate() {
            let InFlight { start, length, entry: Some(mut entry), .. } = in_flight else {
                continue;
            };
            entry.sent |= position < sent;
            match &entry.purpose {
                // What the next connection needs is decided there.
                Purpose::SetWatches
                | Purpose::AddWatch { .. }
                | Purpose::RemoveWatches
                | Purpose::Prove => {}
                Purpose::User { .. } if entry.is_abandoned() => {}
                Purpose::User { .. } if entry.sent && !entry.is_repeatable() => {
                    entry.fail(Failure::ConnectionLoss(Delivery::Unknown), outputs);
                }
                Purpose::User { .. } | Purpose::Close => {
                    let body = bytes.slice(start..start + length);
                    self.waiting.push(Queued { entry, body });
                }
            }
        }
        for queued in later.entries {
            self.waiting.push(queued);
        }
        self.forget_connection();
    }

    /// Nothing that is left will be answered by a server any more.
    pub(in crate::session) fn session_ended(&mut self, how: End, outputs: &mut Outputs<T, W>) {
        let sent = self.in_flight.len() - self.untaken;
        for (position, in_flight) in self.in_flight.drain(..).enumerate() {
            let Some(entry) = in_flight.entry else {
                continue;
            };
            if position < sent && !entry.is_repeatable() {
                entry.fail(Failure::ConnectionLoss(Delivery::Unknown), outputs);
            } else {
                entry.fail(how.failure(), outputs);
            }
        }
        for Queued { entry, .. } in std::mem::take(&mut self.waiting).entries {
            entry.fail(how.failure(), outputs);
        }
        self.forget_connection();
    }

    fn forget_connection(&mut self) {
        self.frames = Frames::default();
        self.overdue = 0;
        self.untaken = 0;
    }

    /// Fails what has waited for too long.
    ///
    /// All deadlines are equally far from submission, so the order of submission is their order.
    pub(in crate::session) fn fail_overdue(
        &mut self,
        now: Instant,
        request_timeout: Duration,
        outputs: &mut Outputs<T, W>,
    ) {
        for in_flight in self.in_flight.iter_mut().skip(self.overdue) {
            let deadline =
                in_flight.entry.as_ref().and_then(|entry| entry.deadline(request_timeout));
            if deadline.is_some_and(|deadline| deadline > now) {
                break;
            }
            self.overdue += 1;
            if let Some(entry) =
                in_flight.entry.take_if(|entry| entry.is_overdue(now, request_timeout))
            {
                // Not written yet is no excuse: its bytes still stand among those to be taken.
                entry.fail(Failure::Timeout(Delivery::Unknown), outputs);
            }
        }
        while let Some(entry) = self.waiting.pop_overdue(now, request_timeout) {
            let delivery = if entry.sent { Delivery::Unknown } else { Delivery::NotSent };
            entry.fail(Failure::Timeout(delivery), outputs);
        }
    }

    /// Fails what waits for a session and is bound to it: there is none for it.
    pub(in crate::session) fn fail_bound(&mut self, outputs: &mut Outputs<T, W>) {
        for queued in std::mem::take(&mut self.waiting).entries {
            if queued.entry.is_bound() {
                queued.entry.fail(Failure::SessionExpired, outputs);
            } else {
                self.waiting.push(queued);
            }
        }
    }

    pub(in crate::session) fn next_deadline(&self, request_timeout: Duration) -> Option<Instant> {
        let in_flight =
            self.in_flight.iter().skip(self.overdue).find_map(|sent| sent.entry.as_ref()?.asked);
        let waiting = self.waiting.entries.front().and_then(|queued| queued.entry.asked);
        Some(in_flight.into_iter().chain(waiting).min()? + request_timeout)
    }
}
