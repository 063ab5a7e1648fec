//! Terms of leadership as calls of a function.

use std::future::Future;

use super::candidate::Candidate;
use super::leadership::Leadership;
use super::role::{AfterTerm, CloseMode};
use crate::error::RecipeError;

/// Calls `work` for each term, one after the other, until it wants to stop or the candidate has left.
pub(super) async fn run<F, R>(
    join: impl Fn() -> Candidate,
    rejoins: bool,
    mut work: F,
) -> Result<(), RecipeError>
where
    F: FnMut(Leadership) -> R,
    R: Future<Output = AfterTerm>,
{
    let mut candidate = join();
    loop {
        // What is given out is held at this moment, and nothing is waited for before the work begins.
        let leadership = candidate.leadership().await?;
        let lost = leadership.lost();
        let after = {
            let working = work(leadership);
            tokio::select! {
                biased;
                reason = lost => {
                    tracing::debug!(%reason, "the work of a leader is dropped");
                    None
                }
                after = working => Some(after),
            }
        };
        match after {
            Some(AfterTerm::Stop) => return candidate.leave(CloseMode::Notify).await,
            // It says so itself; a candidate that does not rejoin has left.
            Some(AfterTerm::Rejoin) if !rejoins => {
                candidate.leave(CloseMode::Notify).await?;
                candidate = join();
            }
            Some(AfterTerm::Rejoin) | None => {}
        }
    }
}
