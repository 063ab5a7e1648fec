//! Hosts that come and go, names that are resolved or not, and what is dialled of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Instant;

use super::{Link, World};
use crate::connect_string::HostPort;
use crate::endpoint::Endpoint;
use crate::session::{Source, Trouble};

/// The reference: what may be dialled, and what is being resolved.
#[derive(Debug)]
pub(super) struct Search {
    wants_addresses: bool,
    list: Vec<HostPort>,
    /// Those that a user has named before the ensemble did.
    seeds: Vec<HostPort>,
    /// Names that the shell is resolving, and how long it has.
    asked: BTreeMap<HostPort, Instant>,
    /// Every address that a name was ever resolved to.
    given: BTreeSet<(HostPort, SocketAddr)>,
    /// What was asked last whether it is writable; it is dialled as it was asked.
    probed: Option<Endpoint>,
    dialled: BTreeSet<(HostPort, Option<SocketAddr>)>,
}

impl Search {
    pub(super) fn new(wants_addresses: bool) -> Self {
        Self {
            wants_addresses,
            list: hosts(0),
            seeds: Vec::new(),
            asked: BTreeMap::new(),
            given: BTreeSet::new(),
            probed: None,
            dialled: BTreeSet::new(),
        }
    }

    fn update(&mut self, list: Vec<HostPort>, source: Source) {
        let old = std::mem::replace(&mut self.list, list);
        match source {
            Source::User => self.seeds.clear(),
            Source::Ensemble if self.seeds.is_empty() => self.seeds = old,
            Source::Ensemble => {}
        }
    }

    fn knows(&self, host: &HostPort) -> bool {
        self.list.contains(host) || self.seeds.contains(host)
    }

    pub(super) fn ask(&mut self, names: Vec<HostPort>, until: Instant) {
        assert!(self.wants_addresses && !names.is_empty(), "resolves {names:?}");
        for name in names {
            assert!(self.knows(&name), "{name} is not in the list");
            assert!(self.asked.insert(name, until).is_none(), "asked for twice at a time");
        }
    }

    pub(super) fn probe(&mut self, endpoint: Endpoint) {
        assert!(self.knows(&endpoint.host), "{endpoint} is not in the list");
        self.probed = Some(endpoint);
    }

    pub(super) fn dial(&mut self, endpoint: &Endpoint) {
        assert!(self.knows(&endpoint.host), "{endpoint} is not in the list");
        if self.wants_addresses && self.probed.as_ref() != Some(endpoint) {
            let address = endpoint.address.expect("an address to dial");
            let is_given = self.given.contains(&(endpoint.host.clone(), address));
            assert!(is_given || is_literal(&endpoint.host), "nobody has told of {endpoint}");
        }
        self.dialled.insert((endpoint.host.clone(), endpoint.address));
    }

    /// All that a search must get to when nothing answers.
    fn wanted(&self) -> BTreeSet<(HostPort, Option<SocketAddr>)> {
        let each = self.list.iter().flat_map(|host| {
            let addresses = addresses(host, 0).into_iter().map(Some);
            let addresses = if self.wants_addresses { addresses.collect() } else { vec![None] };
            addresses.into_iter().map(|address| (host.clone(), address))
        });
        each.collect()
    }

    /// Nothing that was asked by a session before is waited for.
    pub(super) fn begin(&mut self) {
        *self = Self::new(self.wants_addresses);
    }
}

impl World {
    pub(super) fn update_hosts(&mut self, which: usize) {
        let source = if which.is_multiple_of(3) { Source::Ensemble } else { Source::User };
        let list = hosts(which / 3);
        if !self.finished {
            self.search.update(list.clone(), source);
            self.session.update_hosts(self.now, list, source);
            self.seen.lists += 1;
        }
    }

    /// One of the names that are being resolved has no address, or some, or none but later.
    pub(super) fn resolve(&mut self, which: usize) {
        let names = &self.search.asked;
        let Some(host) = names.keys().nth(which / 4 % names.len().max(1)).cloned() else {
            return;
        };
        let result = match which % 4 {
            0 => Err("no such host".to_owned()),
            1 => Ok(Vec::new()),
            other => Ok(addresses(&host, other - 2)),
        };
        self.resolved(host, result);
    }

    fn resolved(&mut self, host: HostPort, result: Result<Vec<SocketAddr>, String>) {
        self.search.asked.remove(&host);
        for address in result.iter().flatten() {
            self.search.given.insert((host.clone(), *address));
        }
        self.seen.resolved += usize::from(result.is_ok());
        self.session.handle_resolved(self.now, &host, result);
        self.settle();
    }

    /// The shell does not wait longer than it is told to.
    pub(super) fn give_up_names(&mut self) {
        let overdue = self.search.asked.iter().find(|(_, until)| **until <= self.now);
        if let Some((host, _)) = overdue {
            self.resolved(host.clone(), Err("timed out".to_owned()));
            self.give_up_names();
        }
    }

    pub(super) fn resolve_all(&mut self) {
        while let Some(host) = self.search.asked.keys().next().cloned() {
            let addresses = addresses(&host, 0);
            self.resolved(host, Ok(addresses));
        }
    }

    /// When nothing can be connected to, everything is dialled before long.
    pub(super) fn fail_everywhere(&mut self) {
        self.lose();
        self.settle();
        let wanted = self.search.wanted();
        self.search.dialled.clear();
        for _ in 0..MOST_ATTEMPTS {
            self.resolve_all();
            if self.finished || wanted.is_subset(&self.search.dialled) {
                self.seen.dialled_all += usize::from(!self.finished);
                return;
            }
            if self.link == Link::Down {
                self.now = self.now.max(self.due);
                self.ensemble.pass(self.now);
            } else {
                self.hang_up();
                let why = Trouble::Io("refused".to_owned());
                self.session.handle_disconnected(self.now, why);
            }
            self.settle();
        }
        panic!("{:?} were dialled, not all of {wanted:?}", self.search.dialled);
    }
}

/// Some lists, with a host among them that is written as an address.
pub(super) fn hosts(which: usize) -> Vec<HostPort> {
    const LISTS: [&[u16]; 6] = [&[1, 2, 3], &[1], &[2, 3], &[4, 5], &[1, 2, 3, 4, 5], &[4, 4, 1]];
    let ports = LISTS[which % LISTS.len()].iter();
    ports.map(|port| HostPort::new(if *port == 5 { "10.0.0.5" } else { "zk" }, *port)).collect()
}

fn is_literal(host: &HostPort) -> bool {
    host.host != "zk"
}

/// Those that a name has now, or had at some other time.
fn addresses(host: &HostPort, other: usize) -> Vec<SocketAddr> {
    if is_literal(host) {
        return vec![([10, 0, 0, 5], host.port).into()];
    }
    let last = u8::try_from(host.port).unwrap();
    let network = u8::try_from(other).unwrap();
    let count = 1 + last % 2;
    (0..count).map(|each| ([10, network, each, last], host.port).into()).collect()
}

/// Two rounds of the longest list with as many seeds, and the pauses between them.
const MOST_ATTEMPTS: usize = 60;
