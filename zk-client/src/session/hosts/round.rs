//! One round: every endpoint is dialled once.

use std::collections::BTreeMap;

use super::rebalancing::Rebalancing;
use crate::connect_string::HostPort;
use crate::endpoint::Endpoint;

/// What is left of a round.
///
/// The first endpoint is drawn evenly from all, so that a fleet of clients is spread over all
/// addresses. After that names take turns, so that a name with many dead addresses does not stand
/// in the way of the others.
#[derive(Debug, Default)]
pub(super) struct Round {
    left: Vec<Endpoint>,
    dialled: usize,
    /// How many endpoints of a host were dialled.
    turns: BTreeMap<HostPort, usize>,
    /// Comes last: it has just failed.
    last: Option<Endpoint>,
}

impl Round {
    pub(super) fn new(last: Option<Endpoint>) -> Self {
        Self { last, ..Self::default() }
    }

    pub(super) fn add(&mut self, endpoint: Endpoint) {
        self.left.push(endpoint);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    pub(super) const fn dialled(&self) -> usize {
        self.dialled
    }

    /// With those that were dialled.
    pub(super) const fn len(&self) -> usize {
        self.left.len() + self.dialled
    }

    pub(super) fn next(
        &mut self,
        rebalancing: Option<&Rebalancing>,
        random: &mut fastrand::Rng,
    ) -> Option<Endpoint> {
        let mut candidates: Vec<_> = (0..self.left.len()).collect();
        if let Some(rebalancing) = rebalancing {
            let added = rebalancing.draws_added(random);
            self.prefer(&mut candidates, |left| rebalancing.is_added(&left.host) == added);
        } else {
            self.prefer(&mut candidates, |left| self.last.as_ref() != Some(left));
        }
        if self.dialled > 0 {
            let fewest = candidates
                .iter()
                .filter_map(|at| self.left.get(*at))
                .map(|e| self.turns_of(e))
                .min();
            self.prefer(&mut candidates, |left| Some(self.turns_of(left)) == fewest);
        }
        let at = random.choice(candidates)?;
        let next = self.left.swap_remove(at);
        self.dialled += 1;
        *self.turns.entry(next.host.clone()).or_default() += 1;
        Some(next)
    }

    /// Leaves only those that are wanted, unless there is none of them.
    fn prefer(&self, candidates: &mut Vec<usize>, wanted: impl Fn(&Endpoint) -> bool) {
        let is_wanted = |at: &usize| self.left.get(*at).is_some_and(&wanted);
        if candidates.iter().any(is_wanted) {
            candidates.retain(is_wanted);
        }
    }

    fn turns_of(&self, endpoint: &Endpoint) -> usize {
        self.turns.get(&endpoint.host).copied().unwrap_or_default()
    }
}
