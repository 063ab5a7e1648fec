//! Another list of hosts, and the move of a live session to another server.
//!
//! The session asks nothing more of the server that it leaves, waits for the replies to what it has
//! asked, and is taken up by another one; requests that come in the meantime wait. So a move loses
//! nothing, unless the server takes longer than a limit to answer.

use std::time::{Duration, Instant};

use super::hosts::Source;
use super::output::Ticket;
use super::{Moving, Phase, Serving, Session, Trouble};
use crate::connect_string::HostPort;

impl<T: Ticket, W: Ticket> Session<T, W> {
    /// Takes another list of hosts, and moves to another server if the rule says so.
    pub(crate) fn update_hosts(&mut self, now: Instant, hosts: Vec<HostPort>, source: Source) {
        let moves = self.hosts.update(hosts, source);
        match &mut self.phase {
            Phase::Serving(serving) => match serving.moving {
                Moving::No | Moving::At(_) if moves && self.leaving.is_none() => {
                    let wave = LONGEST_WAVE.min(self.timeout / 12);
                    serving.moving = Moving::At(now + self.hosts.moment_within(wave));
                }
                Moving::At(_) => serving.moving = Moving::No,
                Moving::No | Moving::Now { .. } => {}
            },
            Phase::Resolving { .. } => self.phase = Phase::Backoff { until: now },
            Phase::Dialling { .. } | Phase::Handshaking { .. } => {
                if moves || !self.hosts.is_last_known() {
                    self.hang_up(now, Trouble::OtherHosts);
                }
            }
            // The round that follows is of the new list.
            Phase::Backoff { .. } | Phase::Ended(_) => {}
        }
    }

    /// Begins to leave, or does not wait for replies any longer, if it is time to.
    pub(super) fn move_when_due(&mut self, now: Instant) {
        if self.next_move().is_none_or(|due| due > now) {
            return;
        }
        let Phase::Serving(serving) = &mut self.phase else {
            return;
        };
        match serving.moving {
            Moving::No => {}
            Moving::At(_) => {
                let limit = LONGEST_LEAVE.min(self.timeout / 6);
                serving.moving = Moving::Now { until: now + limit };
                self.move_if_quiet(now);
            }
            Moving::Now { .. } => self.hang_up(now, Trouble::OtherHosts),
        }
    }

    pub(super) const fn next_move(&self) -> Option<Instant> {
        let Phase::Serving(serving) = &self.phase else {
            return None;
        };
        match serving.moving {
            Moving::No => None,
            // Nobody was told of the connection yet: its time comes.
            Moving::At(_) if serving.unknown_since.is_some() => None,
            Moving::At(due) | Moving::Now { until: due } => Some(due),
        }
    }

    /// Goes when everything that was asked is answered.
    pub(super) fn move_if_quiet(&mut self, now: Instant) {
        if let Phase::Serving(serving) = &self.phase
            && matches!(serving.moving, Moving::Now { .. })
            && self.pending.is_quiet()
            && self.auth.is_settled()
        {
            self.hang_up(now, Trouble::OtherHosts);
        }
    }

    /// Does not leave after all, and sends what has waited for the move.
    pub(super) fn stay(&mut self, now: Instant) {
        let Phase::Serving(serving) = &mut self.phase else {
            return;
        };
        if let Moving::Now { .. } = std::mem::replace(&mut serving.moving, Moving::No) {
            serving.last_sent = now;
            self.send_due(now);
            self.pending.send_waiting();
        }
    }
}

impl Phase {
    /// The connection that requests are sent on: there is none while a session is being moved.
    pub(super) const fn asking(&mut self) -> Option<&mut Serving> {
        match self {
            Self::Serving(Serving { moving: Moving::Now { .. }, .. }) => None,
            Self::Serving(serving) => Some(serving),
            Self::Backoff { .. }
            | Self::Resolving { .. }
            | Self::Dialling { .. }
            | Self::Handshaking { .. }
            | Self::Ended(_) => None,
        }
    }
}

/// The clients of a fleet hear of a new list at once, and are not to move at once.
const LONGEST_WAVE: Duration = Duration::from_secs(1);
/// How long replies are waited for.
const LONGEST_LEAVE: Duration = Duration::from_secs(5);
