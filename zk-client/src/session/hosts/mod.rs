//! Which endpoint to dial next.
//!
//! The search for a server goes in rounds. A round takes the hosts of the list, has their names
//! resolved anew if the connector wants addresses, and dials every endpoint once, in random order.
//! After a round without success there is a pause, which grows from round to round until a
//! session is established.

mod attempts;
mod rebalancing;
mod round;
#[cfg(test)]
mod tests;

pub(super) use attempts::attempt_limit;

use std::collections::BTreeSet;
// An address is a value, not a socket: `core` has the one without the other.
use core::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::connect_string::HostPort;
use crate::endpoint::Endpoint;
use attempts::Pauses;
use rebalancing::{Counts, Rebalancing};
use round::Round;

/// The hosts of an ensemble, and the search for one that serves.
#[derive(Debug)]
pub(super) struct Hosts {
    list: Vec<HostPort>,
    /// Dialled as well once a round of the list has failed. Empty unless the list was followed
    /// from the ensemble: then it is what the user has named.
    seeds: Vec<HostPort>,
    /// Whether names are to be resolved.
    resolving: bool,
    /// Names that are being resolved.
    asked: BTreeSet<HostPort>,
    /// `None` while a session is established, and before the first round.
    round: Option<Round>,
    /// Where to go instead of staying, until the next session is established or all were tried.
    rebalancing: Option<Rebalancing>,
    /// The endpoint that was dialled last.
    last: Option<Endpoint>,
    pauses: Pauses,
    random: fastrand::Rng,
}

/// Where a list of hosts comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A user has named them: the list before does not count any more.
    User,
    /// The ensemble has named them: what the user has named stays as a last resort.
    Ensemble,
}

impl Hosts {
    pub(super) fn new(list: Vec<HostPort>, resolving: bool, seed: u64) -> Self {
        Self {
            list: once_each(list),
            seeds: Vec::new(),
            resolving,
            asked: BTreeSet::new(),
            round: None,
            rebalancing: None,
            last: None,
            pauses: Pauses::default(),
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Begins a round; tells the names that are to be resolved for it.
    pub(super) fn begin_round(&mut self) -> Vec<HostPort> {
        let mut round = Round::new(self.last.clone());
        let last_resort = if self.pauses.is_first_round() { &[][..] } else { &self.seeds[..] };
        let more = last_resort.iter().filter(|seed| !self.list.contains(seed));
        let mut names = Vec::new();
        for host in self.list.iter().chain(more) {
            match literal(host) {
                _ if !self.resolving => round.add(Endpoint::unresolved(host.clone())),
                Some(address) => round.add(Endpoint::resolved(host.clone(), address)),
                None if self.asked.contains(host) => {}
                None => names.push(host.clone()),
            }
        }
        self.asked.extend(names.iter().cloned());
        self.round = Some(round);
        names
    }

    /// A name was resolved, or not: then there are no addresses. Tells whether that matters.
    pub(super) fn resolved(&mut self, host: &HostPort, mut addresses: Vec<SocketAddr>) -> bool {
        let known = self.list.contains(host) || self.seeds.contains(host);
        if !self.asked.remove(host) || !known {
            return false;
        }
        let Some(round) = &mut self.round else {
            return false;
        };
        addresses.sort_unstable();
        addresses.dedup();
        self.random.shuffle(&mut addresses);
        for address in addresses.into_iter().take(MOST_ADDRESSES) {
            round.add(Endpoint::resolved(host.clone(), address));
        }
        true
    }

    /// The endpoint whose turn it is; `None` when all that is known was dialled.
    pub(super) fn next(&mut self) -> Option<Endpoint> {
        let round = self.round.as_mut()?;
        let next = round.next(self.rebalancing.as_ref(), &mut self.random)?;
        self.last = Some(next.clone());
        Some(next)
    }

    /// Any host of the list, as a number says, to be asked and not dialled; `None` only without any.
    pub(super) fn nth(&self, number: usize) -> Option<Endpoint> {
        let host = self.list.get(number % self.list.len().max(1))?;
        let endpoint = literal(host).map(|address| Endpoint::resolved(host.clone(), address));
        Some(endpoint.unwrap_or_else(|| Endpoint::unresolved(host.clone())))
    }

    /// Whether that endpoint is one of the list.
    pub(super) fn knows(&self, endpoint: &Endpoint) -> bool {
        self.list.iter().any(|host| is_at(host, endpoint))
    }

    /// An endpoint is dialled out of turn.
    pub(super) fn go_to(&mut self, endpoint: Endpoint) {
        self.last = Some(endpoint);
    }

    /// Whether there is something to dial.
    pub(super) fn has_endpoint(&self) -> bool {
        self.round.as_ref().is_some_and(|round| !round.is_empty())
    }

    /// Whether nothing was dialled in this round yet.
    pub(super) fn is_round_fresh(&self) -> bool {
        self.round.as_ref().is_some_and(|round| round.dialled() == 0)
    }

    /// Whether names are being resolved that there may be something to dial behind.
    pub(super) fn awaits_names(&self) -> bool {
        self.asked.iter().any(|host| self.list.contains(host) || self.seeds.contains(host))
    }

    /// Whether there is no round, or nothing is left of it. Only a `patient` one waits for names
    /// when it has dialled all others.
    pub(super) fn is_round_over(&self, patient: bool) -> bool {
        let dialled = !self.is_round_fresh();
        !self.has_endpoint() && (!self.awaits_names() || (dialled && !patient))
    }

    /// How many attempts the time of this round is for.
    pub(super) fn round_len(&self) -> usize {
        let awaited = self.asked.iter().filter(|host| self.list.contains(host)).count();
        let round = self.round.as_ref().map_or(0, Round::len);
        (round + awaited).max(1)
    }

    /// A session was established: the next search starts from the shortest pause again.
    pub(super) fn established(&mut self) {
        self.round = None;
        self.rebalancing = None;
        self.pauses.reset();
    }

    /// An established session has lost its connection; how long to wait.
    ///
    /// A moment, so that the clients of a server that went down do not come back in one wave.
    pub(super) fn lost(&mut self, session_timeout: Duration) -> Duration {
        self.round = None;
        self.pauses.after_loss(session_timeout, &mut self.random)
    }

    /// Some moment within so much time.
    pub(super) fn moment_within(&mut self, time: Duration) -> Duration {
        time.mul_f64(self.random.f64())
    }

    /// The session is to be moved: the next round begins without a pause.
    pub(super) fn moved(&mut self) {
        self.round = None;
    }

    /// An attempt has failed; how long to wait before the next one. Within a round, not at all.
    pub(super) fn failed(&mut self, session_timeout: Duration, patient: bool) -> Duration {
        if !self.is_round_over(patient) {
            return Duration::ZERO;
        }
        self.rebalancing = None;
        self.pauses.after_round(session_timeout, &mut self.random)
    }

    /// Takes another list; tells whether the session is to be moved to another server.
    ///
    /// The rule is that of `StaticHostProvider.updateServerList`: the clients of an ensemble are
    /// spread evenly over its servers afterwards if they were before, and no more of them move
    /// than must.
    pub(super) fn update(&mut self, list: Vec<HostPort>, source: Source) -> bool {
        let list = once_each(list);
        let old = std::mem::replace(&mut self.list, list);
        let current = self.current(&old);
        let was_followed = !self.seeds.is_empty();
        match source {
            Source::User => self.seeds.clear(),
            Source::Ensemble if self.seeds.is_empty() => self.seeds.clone_from(&old),
            Source::Ensemble => {}
        }
        self.round = None;
        self.rebalancing = None;
        let Some(current) = current else {
            return false;
        };
        let stays = self.list.iter().any(|host| is_at(host, &current));
        let was_named = was_followed && old.contains(&current.host);
        if source == Source::Ensemble && !stays && !was_named {
            // A name that the ensemble has never used, such as that of a balancer, may well stand
            // for a server that it has.
            return false;
        }
        let added: BTreeSet<_> =
            self.list.iter().filter(|host| !old.contains(host)).cloned().collect();
        let counts =
            Counts { before: old.len(), kept: self.list.len() - added.len(), added: added.len() };
        let odds = counts.odds(stays);
        if self.random.f64() >= odds.to_move {
            return false;
        }
        self.rebalancing = Some(Rebalancing { added, to_added: odds.to_added });
        true
    }

    /// Where this client counts as being: where it is or was last, else at the first of the list.
    /// One that was about to move counts as having done so (`StaticHostProvider`).
    fn current(&mut self, old: &[HostPort]) -> Option<Endpoint> {
        if let Some(rebalancing) = &self.rebalancing
            && let Some(host) = rebalancing.draw(old, &mut self.random)
        {
            return Some(Endpoint::unresolved(host.clone()));
        }
        let first = || old.first().cloned().map(Endpoint::unresolved);
        self.last.clone().or_else(first)
    }

    /// Whether that endpoint belongs to a host that is still in the list, or may be.
    pub(super) fn is_last_known(&self) -> bool {
        let mut known = self.list.iter().chain(&self.seeds);
        self.last.as_ref().is_some_and(|last| known.any(|host| is_at(host, last)))
    }
}

/// Whether a host is the one that an endpoint belongs to, by its name or by its address.
fn is_at(host: &HostPort, endpoint: &Endpoint) -> bool {
    *host == endpoint.host || (endpoint.address.is_some() && literal(host) == endpoint.address)
}

/// The address that a host is written as, if it is one.
fn literal(host: &HostPort) -> Option<SocketAddr> {
    let address: IpAddr = host.host.parse().ok()?;
    Some(SocketAddr::new(address, host.port))
}

fn once_each(list: Vec<HostPort>) -> Vec<HostPort> {
    let mut seen = BTreeSet::new();
    list.into_iter().filter(|host| seen.insert(host.clone())).collect()
}

/// Of one name; more are left out, other ones each time.
const MOST_ADDRESSES: usize = 64;
