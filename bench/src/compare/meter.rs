//! What a piece of work costs this process.

use std::time::Duration;

use stats_alloc::INSTRUMENTED_SYSTEM;
use tokio::time::Instant;

use super::order::Cost;
use crate::{Failure, cpu};

/// Runs from its making on.
pub(crate) struct Meter {
    begun: Instant,
    cpu: Duration,
    allocations: usize,
}

impl Meter {
    pub(crate) fn start() -> Result<Self, Failure> {
        let allocations = allocations();
        Ok(Self { allocations, cpu: cpu::own()?, begun: Instant::now() })
    }

    pub(crate) fn stop(self) -> Result<Cost, Failure> {
        let took = self.begun.elapsed();
        let cpu = cpu::own()?.saturating_sub(self.cpu);
        let allocations = allocations().saturating_sub(self.allocations).try_into()?;
        Ok(Cost { cpu, took, allocations, ..Cost::default() })
    }
}

/// So far; always nought in the program that does not count.
fn allocations() -> usize {
    let stats = INSTRUMENTED_SYSTEM.stats();
    stats.allocations + stats.reallocations
}
