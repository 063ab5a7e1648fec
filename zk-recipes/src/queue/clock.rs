//! The time of day, which is what items are put off until: it is the only one that processes share.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::sleep;

/// A time of day: milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Millis(pub(super) u64);

/// Where the time of day comes from.
#[derive(Clone)]
pub(super) struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    pub(super) fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The present time, rounded down, so that nothing is early.
    pub(super) fn now(&self) -> Millis {
        let since = (self.0)().duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis(since.as_millis().try_into().unwrap_or(u64::MAX))
    }

    /// The time after a while.
    pub(super) fn after(&self, while_: Duration) -> Millis {
        let now = (self.0)().duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis::round_up(now.saturating_add(while_))
    }

    /// Waits until a time has come. It sleeps by tokio's clock, for no more than half a minute at a
    /// time, so that a step of the time of day is noticed.
    pub(super) async fn until(&self, due: Millis) {
        loop {
            let now = self.now();
            if now >= due {
                return;
            }
            sleep(Duration::from_millis(due.0 - now.0).min(NAP)).await;
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the only place that reads the time of day, unless another clock is given"
        )]
        let now = SystemTime::now;
        Self::new(now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl Millis {
    /// A time of day, rounded up; one before 1970 has come long ago.
    pub(super) fn at(time: SystemTime) -> Self {
        Self::round_up(time.duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    fn round_up(since: Duration) -> Self {
        let millis = since.as_nanos().div_ceil(1_000_000);
        Self(millis.try_into().unwrap_or(u64::MAX))
    }
}

const NAP: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_early_by_a_part_of_a_millisecond() {
        let clock = Clock::new(|| UNIX_EPOCH + Duration::from_micros(5_900));
        assert_eq!(clock.now(), Millis(5));
        assert_eq!(clock.after(Duration::ZERO), Millis(6));
        assert_eq!(clock.after(Duration::from_micros(101)), Millis(7));
        assert_eq!(Millis::at(UNIX_EPOCH + Duration::from_micros(1)), Millis(1));
        assert_eq!(Millis::at(UNIX_EPOCH - Duration::from_secs(1)), Millis(0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_put_forward_is_noticed() {
        let begun = tokio::time::Instant::now();
        let steps = move || {
            let jump = if begun.elapsed() > Duration::from_secs(40) { 1_000 } else { 0 };
            UNIX_EPOCH + begun.elapsed() + Duration::from_secs(jump)
        };
        Clock::new(steps).until(Millis(900_000)).await;
        assert_eq!(begun.elapsed().as_secs(), 60);
    }
}
