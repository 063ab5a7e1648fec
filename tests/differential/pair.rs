//! The two servers, and programs done on both at once.

use std::sync::atomic::{AtomicU64, Ordering};

use zk_test_kit::network::Dial;

use crate::compare::{Difference, Outcome};
use crate::coverage::Coverage;
use crate::generate;
use crate::known::{Known, Version};
use crate::observe::ROOT_PREFIX;
use crate::program::Program;
use crate::setup::Setup;
use crate::shrink::smaller;
use crate::side::{self, Quiet};

/// A server to be like, and one that should be.
pub(crate) struct Pair {
    pub(crate) real: Dial,
    pub(crate) ours: Dial,
    pub(crate) version: Version,
    /// Makes the roots of programs different.
    run: u64,
    programs: AtomicU64,
}

/// What came of many programs.
pub(crate) struct Report {
    /// One text for each difference that looks like no other.
    pub(crate) differences: Vec<Found>,
    pub(crate) operations: usize,
    pub(crate) programs: usize,
    pub(crate) coverage: Coverage,
    pub(crate) known: Known,
}

/// A difference, shrunk.
pub(crate) struct Found {
    pub(crate) signature: String,
    pub(crate) program: Program,
    pub(crate) text: String,
}

impl Pair {
    pub(crate) fn new(real: Dial, ours: Dial, version: Version) -> Self {
        Self { real, ours, version, run: fastrand::u64(..), programs: AtomicU64::new(0) }
    }

    /// Does the programs of a seed and those after it, until there were so many operations or so
    /// many differences.
    pub(crate) async fn compare(&self, seed: u64, operations: usize, differences: usize) -> Report {
        let mut report = Report {
            differences: Vec::new(),
            operations: 0,
            programs: 0,
            coverage: Coverage::default(),
            known: Known::new(self.version),
        };
        let mut seed = seed;
        while report.operations < operations && report.differences.len() < differences {
            let program = generate::program(seed, Setup::of(self.version));
            let outcome = self.run(&program, Quiet::WhenNeeded).await;
            report.operations += program.operations();
            report.programs += 1;
            report.coverage.count(&outcome.real);
            if let Some(difference) = outcome.difference(&mut report.known)
                && !report.differences.iter().any(|one| one.signature == difference.signature)
            {
                let found = self.explain(seed, program, difference).await;
                report.differences.push(found);
            }
            seed = seed.wrapping_add(1);
        }
        report
    }

    async fn run(&self, program: &Program, quiet: Quiet) -> Outcome {
        let number = self.programs.fetch_add(1, Ordering::Relaxed);
        let root = format!("/{ROOT_PREFIX}{:08x}-{number:06}", self.run & 0xffff_ffff);
        let (real, ours) = tokio::join!(
            side::run(&self.real, &root, program, quiet),
            side::run(&self.ours, &root, program, quiet),
        );
        Outcome { real, ours }
    }

    /// Finds the least that shows the same difference, and tells of it.
    async fn explain(&self, seed: u64, program: Program, difference: Difference) -> Found {
        let mut known = Known::new(self.version);
        let signature = difference.signature;
        let mut least = program;
        // Nothing behind the difference can have caused it.
        let mut cut = least.clone();
        cut.steps.truncate(difference.step + 1);
        if self.shows(&cut, &signature, &mut known).await {
            least = cut;
        }
        let mut tries = SHRINK_TRIES;
        'again: while tries > 0 {
            for program in smaller(&least) {
                tries = tries.saturating_sub(1);
                if self.shows(&program, &signature, &mut known).await {
                    least = program;
                    continue 'again;
                }
                if tries == 0 {
                    break 'again;
                }
            }
            break;
        }
        let outcome = self.run(&least, Quiet::AfterEachStep).await;
        let again = outcome.difference(&mut known).is_some();
        let doubt = if again { "" } else { " (not seen when done again: does it depend on time?)" };
        let text = format!(
            "{signature}{doubt}\nZK_TEST_SEED={seed} brings it again; shrunk to:\n{}",
            outcome.describe(&least, &mut known)
        );
        Found { signature, program: least, text }
    }

    async fn shows(&self, program: &Program, signature: &str, known: &mut Known) -> bool {
        let outcome = self.run(program, Quiet::WhenNeeded).await;
        outcome.difference(known).is_some_and(|found| found.signature == signature)
    }
}

/// A difference is told as it is after so many tries to make it shorter.
const SHRINK_TRIES: usize = 1500;
