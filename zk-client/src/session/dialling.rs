//! The search for a server: rounds of attempts, and names that are resolved for them.

use core::net::SocketAddr;
use std::time::{Duration, Instant};

use super::hosts::attempt_limit;
use super::output::Ticket;
use super::{End, Phase, Session, Trouble};
use crate::connect_string::HostPort;

impl<T: Ticket, W: Ticket> Session<T, W> {
    /// Dials the next endpoint; a new round has its names resolved before.
    pub(super) fn dial(&mut self, now: Instant) {
        if let Some(endpoint) = self.found.take() {
            self.hosts.go_to(endpoint.clone());
            self.phase = Phase::Dialling { until: now + self.attempt_limit() };
            self.outputs.dial(endpoint);
            return;
        }
        if self.hosts.is_round_over(self.is_one_round()) {
            let names = self.hosts.begin_round();
            self.outputs.resolve(names, LOOKUP_LIMIT);
        }
        if !self.hosts.awaits_names() {
            self.dial_known(now);
        } else if !self.hosts.has_endpoint() {
            self.phase = Phase::Resolving { until: now + LOOKUP_LIMIT };
        } else if self.hosts.is_round_fresh() {
            // Whoever dialled the first name that is resolved would always dial the same one.
            self.phase = Phase::Resolving { until: now + RESOLUTION_DELAY };
        } else {
            self.dial_known(now);
        }
    }

    /// The shell has resolved a name, or could not.
    pub(crate) fn handle_resolved(
        &mut self,
        now: Instant,
        host: &HostPort,
        result: Result<Vec<SocketAddr>, String>,
    ) {
        let error = match &result {
            Ok(addresses) if addresses.is_empty() => Some("no address".to_owned()),
            Ok(_) => None,
            Err(error) => Some(error.clone()),
        };
        if !self.hosts.resolved(host, result.unwrap_or_default()) {
            return;
        }
        if let Some(error) = error {
            self.last_trouble = Some(Trouble::Unresolved { host: host.clone(), error });
        }
        let Phase::Resolving { until } = &mut self.phase else {
            return;
        };
        if !self.hosts.awaits_names() {
            self.dial_known(now);
        } else if self.hosts.has_endpoint() {
            *until = (*until).min(now + RESOLUTION_DELAY);
        }
    }

    /// Names have had their time: what is resolved is dialled.
    pub(super) fn dial_known(&mut self, now: Instant) {
        let Some(endpoint) = self.hosts.next() else {
            self.attempt_failed(now);
            return;
        };
        self.phase = Phase::Dialling { until: now + self.attempt_limit() };
        self.outputs.dial(endpoint);
    }

    /// Goes on with the round, waits for the next one, or gives up.
    pub(super) fn attempt_failed(&mut self, now: Instant) {
        let one_round = self.is_one_round();
        let pause = self.hosts.failed(self.timeout, one_round);
        self.phase = Phase::Backoff { until: now + pause };
        if one_round && self.hosts.is_round_over(one_round) {
            self.end(End::Closed);
        }
    }

    /// Once there was a session, somebody counts on it, and it is tried again and again.
    const fn is_one_round(&self) -> bool {
        self.options.one_round && !self.was_connected
    }

    /// How long an attempt may take: all endpoints of the round get their turn before the time to
    /// save the session, or to wait for a first one, has passed.
    pub(super) fn attempt_limit(&self) -> Duration {
        let budget = if self.wants_new_session() { self.timeout } else { self.timeout / 3 };
        attempt_limit(budget, self.hosts.round_len())
    }
}

/// For one name. Nothing but names of which none is resolved yet wait for it.
pub(super) const LOOKUP_LIMIT: Duration = Duration::from_secs(10);
/// How long a round that has something to dial waits for names that are not resolved yet; what RFC
/// 8305 gives the slower of two look-ups.
pub(super) const RESOLUTION_DELAY: Duration = Duration::from_millis(50);
