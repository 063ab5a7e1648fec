//! The rule by which clients are spread evenly when the list of hosts changes
//! (`StaticHostProvider.updateServerList`, ZOOKEEPER-1355).

use std::collections::BTreeSet;

use crate::connect_string::HostPort;

/// How many hosts there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    /// In the old list.
    pub(super) before: usize,
    /// In both lists.
    pub(super) kept: usize,
    /// In the new list only.
    pub(super) added: usize,
}

/// What one client is to do, as probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Odds {
    /// To leave its server.
    pub(super) to_move: f64,
    /// If it leaves: to try one of the added hosts next, and not one of those that were kept.
    pub(super) to_added: f64,
}

/// A move that is under way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rebalancing {
    pub(super) added: BTreeSet<HostPort>,
    /// Drawn anew for each attempt.
    pub(super) to_added: f64,
}

impl Counts {
    /// What a client does whose server stays in the list, or does not.
    pub(super) fn odds(self, server_stays: bool) -> Odds {
        let Self { before, kept, added } = self;
        let after = kept + added;
        if after > before {
            // The load of every server is to become less: nobody goes to one that was there.
            let to_move = if server_stays { 1.0 - ratio(before, after) } else { 1.0 };
            return Odds { to_move, to_added: 1.0 };
        }
        if server_stays {
            return Odds { to_move: 0.0, to_added: 0.0 };
        }
        // Without a server that has gone, the client was at none of the list.
        let gone = before.saturating_sub(kept);
        let to_kept = ratio(kept * (before - after), after * gone);
        Odds { to_move: 1.0, to_added: 1.0 - to_kept }
    }
}

impl Rebalancing {
    pub(super) fn draws_added(&self, random: &mut fastrand::Rng) -> bool {
        random.f64() < self.to_added
    }

    pub(super) fn is_added(&self, host: &HostPort) -> bool {
        self.added.contains(host)
    }

    /// The host of a list that would be tried next.
    pub(super) fn draw<'a>(
        &self,
        list: &'a [HostPort],
        random: &mut fastrand::Rng,
    ) -> Option<&'a HostPort> {
        let added = self.draws_added(random);
        let wanted: Vec<_> = list.iter().filter(|host| self.is_added(host) == added).collect();
        let wanted = random.choice(wanted);
        wanted.or_else(|| random.choice(list))
    }
}

/// Of nothing, all.
#[expect(clippy::cast_precision_loss, reason = "a list has no 2^52 hosts")]
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}
