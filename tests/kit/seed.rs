//! Where the chance of a test comes from.

use std::env;
use std::thread;

use fastrand::Rng;

/// A seed that is told when the test fails; `ZK_TEST_SEED` repeats one.
#[derive(Debug)]
pub struct Seed(u64);

impl Seed {
    /// The one that is asked for, or any.
    #[must_use]
    pub fn pick() -> Self {
        let given = env::var("ZK_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        Self(given.unwrap_or_else(|| fastrand::u64(..)))
    }

    /// Chance for one of several who are to be independent of each other.
    #[must_use]
    pub fn random(&self, number: usize) -> Rng {
        Rng::with_seed(self.0.wrapping_add(u64::try_from(number).unwrap()))
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("ZK_TEST_SEED={}", self.0);
        }
    }
}
