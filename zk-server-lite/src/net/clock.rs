//! Time for the engine: tokio's clock, which tests can pause.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::engine::Now;

/// Counts from the start of a server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Instant,
    start_wall_ms: i64,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { start: Instant::now(), start_wall_ms: wall_clock_ms() }
    }

    pub(super) fn now(&self) -> Now {
        let elapsed = self.start.elapsed().as_millis();
        Now {
            elapsed_ms: u64::try_from(elapsed).unwrap_or(u64::MAX),
            wall_ms: self.start_wall_ms.saturating_add(i64::try_from(elapsed).unwrap_or(i64::MAX)),
        }
    }

    /// When so many milliseconds have passed since the start; `None` for never.
    pub(super) fn at(&self, elapsed_ms: u64) -> Option<Instant> {
        self.start.checked_add(Duration::from_millis(elapsed_ms))
    }

    /// The wall clock at the start, in milliseconds since the epoch.
    pub(super) const fn start_wall_ms(&self) -> i64 {
        self.start_wall_ms
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "nodes carry wall clock times: read once at the start, tokio's clock goes on from it"
)]
fn wall_clock_ms() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}
