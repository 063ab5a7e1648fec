//! Which host to dial next, and how long to wait before.

use std::time::Duration;

use crate::connect_string::HostPort;

/// The hosts in a shuffled order that is kept, dialled in turn.
///
/// After a full round without success there is a pause, which grows until a session is
/// established. Names are resolved by whoever dials, anew each time.
#[derive(Debug)]
pub(super) struct Hosts {
    hosts: Vec<HostPort>,
    next: usize,
    /// Attempts since the last established session.
    failures: usize,
    random: fastrand::Rng,
}

impl Hosts {
    pub(super) fn new(mut hosts: Vec<HostPort>, seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        random.shuffle(&mut hosts);
        Self { hosts, next: 0, failures: 0, random }
    }

    pub(super) const fn count(&self) -> usize {
        self.hosts.len()
    }

    /// The host whose turn it is; `None` only without any hosts.
    pub(super) fn next(&mut self) -> Option<HostPort> {
        let host = self.hosts.get(self.next).cloned();
        self.next = (self.next + 1) % self.hosts.len().max(1);
        host
    }

    /// A session was established: the next failure starts from the shortest pause again.
    pub(super) const fn established(&mut self) {
        self.failures = 0;
    }

    /// How long to wait before the next attempt.
    ///
    /// A broken connection waits a moment, so that the clients of a server that went down do not
    /// come back in one wave. Then the other hosts are tried at once, and each further round
    /// waits twice as long, up to a sixth of the session timeout.
    pub(super) fn pause(&mut self, was_serving: bool, session_timeout: Duration) -> Duration {
        if was_serving {
            return self.jittered(FIRST_PAUSE.min(session_timeout / 12).max(SHORTEST_PAUSE));
        }
        self.failures += 1;
        if !self.failures.is_multiple_of(self.hosts.len().max(1)) {
            return Duration::ZERO;
        }
        let rounds = self.failures / self.hosts.len().max(1);
        let doublings = u32::try_from(rounds - 1).unwrap_or(u32::MAX).min(16);
        let longest = LONGEST_PAUSE.min(session_timeout / 6);
        let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(longest);
        self.jittered(pause.max(SHORTEST_PAUSE))
    }

    /// Between half of `pause` and all of it.
    fn jittered(&mut self, pause: Duration) -> Duration {
        pause.mul_f64(0.5 + self.random.f64() / 2.0)
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// However short the session timeout, no host is dialled in a hot loop.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(count: u16) -> Hosts {
        let hosts = (1..=count).map(|port| HostPort::new("zk", port)).collect();
        Hosts::new(hosts, 7)
    }

    #[test]
    fn every_host_gets_its_turn_in_a_round() {
        let mut hosts = hosts(5);
        let mut ports: Vec<_> = (0..5).filter_map(|_| hosts.next()).map(|h| h.port).collect();
        let again: Vec<_> = (0..5).filter_map(|_| hosts.next()).map(|h| h.port).collect();
        assert_eq!(ports, again);
        ports.sort_unstable();
        assert_eq!(ports, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn the_pause_comes_after_a_round_and_grows_until_a_session_is_established() {
        let timeout = Duration::from_secs(30);
        let mut hosts = hosts(2);
        let mut rounds = Vec::new();
        for _ in 0..8 {
            assert_eq!(hosts.pause(false, timeout), Duration::ZERO);
            rounds.push(hosts.pause(false, timeout));
        }
        assert!(rounds[0] >= Duration::from_millis(50) && rounds[0] <= Duration::from_millis(100));
        assert!(rounds[3] >= Duration::from_millis(400));
        assert!(rounds.iter().all(|pause| *pause <= timeout / 6));
        hosts.established();
        hosts.pause(false, timeout);
        assert!(hosts.pause(false, timeout) <= Duration::from_millis(100));
    }
}
