//! One place to dial: a host as it was written down, and the address that its name stood for.

use std::fmt;
use std::net::SocketAddr;

use crate::connect_string::HostPort;

/// Where one attempt to connect goes.
///
/// A name that has several addresses is several endpoints: each is dialled by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Endpoint {
    /// The host as it was written down: what certificates and logs name.
    pub host: HostPort,
    /// What the name was resolved to for this attempt; `None` for a connector that does not want
    /// addresses ([`Connect::wants_addresses`](crate::Connect::wants_addresses)).
    pub address: Option<SocketAddr>,
}

impl Endpoint {
    /// A host that whoever connects resolves, or knows otherwise.
    #[must_use]
    pub const fn unresolved(host: HostPort) -> Self {
        Self { host, address: None }
    }

    /// One of the addresses of a host.
    #[must_use]
    pub const fn resolved(host: HostPort, address: SocketAddr) -> Self {
        Self { host, address: Some(address) }
    }
}

/// The host, and the address behind it if that tells more.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, address } = self;
        match address {
            Some(address) if address.to_string() != host.to_string() => {
                write!(f, "{host} ({address})")
            }
            Some(_) | None => host.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_prints_its_host_and_an_address_that_tells_more() {
        let check = |host: &str, address: Option<&str>, shown: &str| {
            let address = address.map(|address| address.parse().unwrap());
            let endpoint = Endpoint { host: HostPort::new(host, 2181), address };
            assert_eq!(endpoint.to_string(), shown);
        };
        check("zk", None, "zk:2181");
        check("zk", Some("10.0.0.7:2181"), "zk:2181 (10.0.0.7:2181)");
        check("10.0.0.7", Some("10.0.0.7:2181"), "10.0.0.7:2181");
        check("::1", Some("[::1]:2181"), "[::1]:2181");
    }
}
