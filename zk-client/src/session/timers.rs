//! What is due when.
//!
//! With t for the negotiated timeout: a ping goes out when nothing was sent for t/3, and a
//! connection that was silent for 2t/3 is given up, so that t/3 is left to save the session.

use std::time::Instant;

use zk_proto::message::RequestHeader;
use zk_proto::{OpCode, Xid};

use super::output::{Ticket, Timer};
use super::{Phase, Serving, Session, Trouble};

impl<T: Ticket, W: Ticket> Session<T, W> {
    /// Time has passed; whatever is due is done.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.auth.fail_overdue(now, &mut self.outputs);
        self.pending.fail_overdue(now, self.options.request_timeout, &mut self.outputs);
        self.close_overdue(now);
        self.watches.fail_overdue(now, &mut self.outputs);
        self.send_due(now);
        self.prove_if_due(now);
        self.detach_when_answered(now);
        self.search_if_due(now);
        match &mut self.phase {
            Phase::Backoff { until } if *until <= now => self.dial(now),
            Phase::Resolving { until } if *until <= now => self.dial_known(now),
            Phase::Dialling { until } | Phase::Handshaking { until, .. } if *until <= now => {
                self.hang_up(now, Trouble::Silence);
            }
            Phase::Serving(serving) => {
                if serving.silent_since() + self.timeout * 2 / 3 <= now {
                    self.hang_up(now, Trouble::Silence);
                } else if serving.last_sent + self.timeout / 3 <= now
                    && serving.ping_in_flight.is_none()
                {
                    serving.ping_in_flight = Some(now);
                    serving.last_sent = now;
                    self.pending.put_raw(&PING);
                }
                self.move_when_due(now);
            }
            Phase::Backoff { .. }
            | Phase::Resolving { .. }
            | Phase::Dialling { .. }
            | Phase::Handshaking { .. }
            | Phase::Ended(_) => {}
        }
    }

    pub(super) fn next_timer(&self) -> Option<(Instant, Timer)> {
        let connection = match &self.phase {
            Phase::Backoff { until } => Some((*until, Timer::Redial)),
            Phase::Resolving { until } => Some((*until, Timer::Resolve)),
            Phase::Dialling { until } | Phase::Handshaking { until, .. } => {
                Some((*until, Timer::Attempt))
            }
            Phase::Serving(serving) => {
                let silence = (serving.silent_since() + self.timeout * 2 / 3, Timer::Silence);
                let heartbeat = (serving.last_sent + self.timeout / 3, Timer::Heartbeat);
                Some(if serving.ping_in_flight.is_some() || silence.0 < heartbeat.0 {
                    silence
                } else {
                    heartbeat
                })
            }
            Phase::Ended(_) => None,
        };
        let moving = self.next_move().map(|due| (due, Timer::Move));
        let waiting = self.auth.next_deadline().into_iter().chain(self.watches.next_deadline());
        let waiting = waiting.chain(self.leaving_deadline());
        let pending = self.pending.next_deadline(self.options.request_timeout);
        let deadlines = pending.into_iter().chain(waiting);
        let proof = self.next_proof().map(|due| (due, Timer::Proof));
        let request =
            deadlines.map(|deadline| (deadline, Timer::Request)).min_by_key(|(due, _)| *due);
        let search = self.next_search().map(|due| (due, Timer::Search));
        let own = moving.into_iter().chain(proof).chain(search);
        connection.into_iter().chain(own).chain(request).min_by_key(|(due, _)| *due)
    }
}

impl Serving {
    /// A server that answers everything but the credentials is silent, too.
    fn silent_since(&self) -> Instant {
        self.unknown_since.unwrap_or(self.last_heard)
    }
}

const PING: RequestHeader = RequestHeader { xid: Xid::PING, op: OpCode::Ping.code() };
