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

#[cfg(test)]
mod tests {
    use super::*;

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn the_odds_are_those_of_zookeepers_client() {
        let check = |before, kept, added, stays, to_move, to_added| {
            let odds = Counts { before, kept, added }.odds(stays);
            assert!(close(odds.to_move, to_move), "{before} {kept} {added} {stays}: {odds:?}");
            if to_move > 0.0 {
                assert!(
                    close(odds.to_added, to_added),
                    "{before} {kept} {added} {stays}: {odds:?}"
                );
            }
        };
        // Longer: 1 − 3/5 leave, and go to one of the two that were added.
        check(3, 3, 2, true, 0.4, 1.0);
        check(3, 2, 3, false, 1.0, 1.0);
        // As long, or shorter.
        check(3, 3, 0, true, 0.0, 0.0);
        check(5, 3, 0, true, 0.0, 0.0);
        check(3, 2, 1, false, 1.0, 1.0);
        // 3·(5 − 4) / (4·(5 − 3)) to one that was kept.
        check(5, 3, 1, false, 1.0, 1.0 - 3.0 / 8.0);
        check(5, 3, 0, false, 1.0, 0.0);
        // Nothing has gone, and the client was nowhere in the list.
        check(3, 3, 0, false, 1.0, 0.0);
    }

    #[test]
    fn clients_that_were_spread_evenly_are_spread_evenly_afterwards() {
        for before in 1..12_usize {
            for kept in 0..=before {
                for added in usize::from(kept == 0)..12 {
                    check_spread(Counts { before, kept, added });
                }
            }
        }
    }

    /// Of all clients, each server of the old list has one in `before`.
    fn check_spread(counts: Counts) {
        let Counts { before, kept, added } = counts;
        let even = ratio(1, kept + added);
        let (there, gone) = (counts.odds(true), counts.odds(false));
        let moved = ratio(kept, before) * there.to_move;
        let homeless = ratio(before - kept, before);
        let to_kept = homeless * (1.0 - gone.to_added) + moved * (1.0 - there.to_added);
        let to_added = homeless * gone.to_added + moved * there.to_added;
        if kept > 0 {
            let load = ratio(1, before) * (1.0 - there.to_move) + to_kept / kept as f64;
            assert!(close(load, even), "{counts:?}: {load} instead of {even}");
        }
        if added > 0 {
            assert!(close(to_added / added as f64, even), "{counts:?}: {to_added} are added");
        }
    }
}
