//! The identities of a connection.

use ::core::net::IpAddr;
use std::sync::Arc;

use zk_proto::{Acl, ByteString, Permissions, data::Id};

use super::{digest, ip};

/// What a connection has shown of itself (`ServerCnxn.authInfo`): grows, and goes with the
/// connection. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct AuthIds {
    ids: Arc<[Id]>,
}

impl Default for AuthIds {
    /// Nobody in particular.
    fn default() -> Self {
        Self { ids: Arc::new([]) }
    }
}

impl AuthIds {
    /// What every connection has: the address of its other end.
    pub(crate) fn of_peer(peer: IpAddr) -> Self {
        let id = ByteString::from(ip::address_text(peer));
        Self {
            ids: Arc::new([Id { scheme: Some(ByteString::from_static(ip::SCHEME)), id: Some(id) }]),
        }
    }

    /// Whether an access list allows any of the wanted permissions (`ZooKeeperServer.checkACL`).
    /// An empty list allows everything; no client can make one.
    pub(crate) fn may(&self, wanted: Permissions, list: &[Acl]) -> bool {
        list.is_empty()
            || list.iter().any(|entry| entry.perms.intersects(wanted) && self.match_one(&entry.id))
    }

    /// Those that `auth` stands for: who somebody is, not where they connect from
    /// (`AuthenticationProvider.isAuthenticated`).
    pub(super) fn authenticated(&self) -> impl Iterator<Item = &Id> {
        self.ids.iter().filter(|id| id.scheme.as_deref() == Some(digest::SCHEME))
    }

    fn match_one(&self, wanted: &Id) -> bool {
        let (Some(scheme), Some(expression)) = (wanted.scheme.as_deref(), wanted.id.as_deref())
        else {
            return false;
        };
        match scheme {
            "world" => expression == "anyone",
            ip::SCHEME => self.of_scheme(scheme).any(|id| ip::matches(id, expression)),
            _ => self.of_scheme(scheme).any(|id| id == expression),
        }
    }

    fn of_scheme<'a>(&'a self, scheme: &'a str) -> impl Iterator<Item = &'a str> {
        let own = self.ids.iter().filter(move |id| id.scheme.as_deref() == Some(scheme));
        own.filter_map(|id| id.id.as_deref())
    }
}
