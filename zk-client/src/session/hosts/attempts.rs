//! How long attempts take, and how long to wait between them.

use std::time::Duration;

/// The pauses of one search for a server.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    /// Rounds since the last established session.
    failed_rounds: u32,
}

impl Pauses {
    pub(super) const fn is_first_round(&self) -> bool {
        self.failed_rounds == 0
    }

    pub(super) const fn reset(&mut self) {
        self.failed_rounds = 0;
    }

    /// Behind the loss of a connection that served.
    pub(super) fn after_loss(
        &self,
        session_timeout: Duration,
        random: &mut fastrand::Rng,
    ) -> Duration {
        jittered(FIRST_PAUSE.min(session_timeout / 12).max(SHORTEST_PAUSE), random)
    }

    /// Behind a round without success: each further one waits twice as long, up to a sixth of the
    /// session timeout.
    pub(super) fn after_round(
        &mut self,
        session_timeout: Duration,
        random: &mut fastrand::Rng,
    ) -> Duration {
        let doublings = self.failed_rounds.min(MOST_DOUBLINGS);
        self.failed_rounds = self.failed_rounds.saturating_add(1);
        let longest = LONGEST_PAUSE.min(session_timeout / 6);
        let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(longest);
        jittered(pause.max(SHORTEST_PAUSE), random)
    }
}

/// How long one of so many attempts may take: all get their turn within `budget`, unless they are
/// so many that none would have a chance.
pub(in crate::session) fn attempt_limit(budget: Duration, attempts: usize) -> Duration {
    let attempts = u32::try_from(attempts).unwrap_or(u32::MAX).max(1);
    (budget / attempts).max(SHORT_ATTEMPT).min(budget).max(SHORTEST_ATTEMPT)
}

/// Between half of `pause` and all of it.
fn jittered(pause: Duration, random: &mut fastrand::Rng) -> Duration {
    pause.mul_f64(0.5 + random.f64() / 2.0)
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// However short the session timeout, no host is dialled in a hot loop.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause is reached long before.
const MOST_DOUBLINGS: u32 = 16;
/// A handshake behind a slow disk must not be cut short because there are many endpoints.
const SHORT_ATTEMPT: Duration = Duration::from_secs(1);
/// Below this, a session timeout of next to nothing would keep the shell spinning.
const SHORTEST_ATTEMPT: Duration = Duration::from_millis(10);
