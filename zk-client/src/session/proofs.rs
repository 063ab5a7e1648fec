//! Writes of the session's own that prove that it lives, for those who want it proven all the time.

use std::time::Instant;

use super::entry::{Entry, Purpose};
use super::lease::proof;
use super::output::Ticket;
use super::{Moving, Phase, Serving, Session};

impl<T: Ticket, W: Ticket> Session<T, W> {
    /// When the session is to be proven next; `None` unless it is wanted, and connected.
    pub(super) fn next_proof(&self) -> Option<Instant> {
        let every = self.options.keep_lease?;
        // A server that answers nothing but pings, or only tells events, is not asked for ever.
        let is_full = self.pending.count() >= self.options.max_pending;
        if self.leaving.is_some() || self.is_throw_away() || is_full {
            return None;
        }
        match &self.phase {
            // It asks nothing more of a server that it is about to leave.
            Phase::Serving(Serving { moving: Moving::Now { .. }, .. }) => None,
            Phase::Serving(serving) => Some(serving.last_proof + every),
            Phase::Backoff { .. }
            | Phase::Resolving { .. }
            | Phase::Dialling { .. }
            | Phase::Handshaking { .. }
            | Phase::Ended(_) => None,
        }
    }

    pub(super) fn prove_if_due(&mut self, now: Instant) {
        if self.next_proof().is_none_or(|due| due > now) {
            return;
        }
        let Phase::Serving(serving) = &mut self.phase else {
            return;
        };
        serving.last_proof = now;
        serving.last_sent = now;
        let request = proof();
        let entry = Entry::new(&request, Purpose::Prove, Some(now));
        // It is far below any limit, so that it is not refused.
        let _ = self.pending.send(entry, &request, usize::MAX);
    }

    /// A write of somebody else has proven the session.
    pub(super) fn put_off_proof(&mut self, sent: Instant) {
        if let Phase::Serving(serving) = &mut self.phase {
            serving.last_proof = serving.last_proof.max(sent);
        }
    }
}
