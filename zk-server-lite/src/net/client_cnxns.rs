//! How many connections one address may have open (`maxClientCnxns`).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts the connections of each address, sessions or not.
#[derive(Debug)]
pub(crate) struct ClientCnxns {
    /// 0 for any number.
    most: u32,
    open: Mutex<BTreeMap<IpAddr, u32>>,
}

/// A connection's place among those of its address; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    cnxns: Arc<ClientCnxns>,
    address: IpAddr,
}

impl ClientCnxns {
    pub(crate) const fn new(most: u32) -> Self {
        Self { most, open: Mutex::new(BTreeMap::new()) }
    }

    /// A place for a connection from an address; `None` when it has as many as it may have.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut open = self.lock();
        let count = open.entry(address).or_default();
        if self.most > 0 && *count >= self.most {
            return None;
        }
        *count = count.saturating_add(1);
        drop(open);
        Some(Place { cnxns: Arc::clone(self), address })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpAddr, u32>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.cnxns.lock();
        if let Some(count) = open.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_as_many_places_as_it_may_have_and_others_theirs() {
        let cnxns = Arc::new(ClientCnxns::new(2));
        let [a, b] = ["10.0.0.1", "::1"].map(|address| address.parse().unwrap());
        let first = cnxns.admit(a).unwrap();
        let _second = cnxns.admit(a).unwrap();
        assert!(cnxns.admit(a).is_none());
        assert!(cnxns.admit(b).is_some());
        drop(first);
        let _third = cnxns.admit(a).unwrap();
        assert!(cnxns.admit(a).is_none());
    }

    #[test]
    fn nothing_is_kept_of_an_address_without_connections() {
        let cnxns = Arc::new(ClientCnxns::new(1));
        drop(cnxns.admit("10.0.0.1".parse().unwrap()));
        assert!(cnxns.lock().is_empty());
    }

    #[test]
    fn zero_is_no_limit() {
        let cnxns = Arc::new(ClientCnxns::new(0));
        let places: Vec<_> = (0..100).map(|_| cnxns.admit("10.0.0.1".parse().unwrap())).collect();
        assert!(places.iter().all(Option::is_some));
    }
}
