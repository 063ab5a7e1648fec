//! Connect strings: hosts and a chroot in one text, as every ZooKeeper client takes them.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use zk_proto::{PathError, ZPath};

/// A host name or address, and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    /// A name or an address; an IPv6 address without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl HostPort {
    /// Puts the two together.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// `host1:2181,host2,[::1]:2183/chroot`: servers of one ensemble, and the node that paths start
/// from (`ConnectStringParser`).
///
/// The port is 2181 unless said otherwise; blanks around hosts and empty entries are passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectString {
    /// At least one.
    pub hosts: Vec<HostPort>,
    /// [`ZPath::ROOT`] when there is none.
    pub chroot: ZPath,
}

/// Why a text is no connect string.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectStringError {
    /// There is no host in it.
    #[error("no host in the connect string")]
    NoHost,
    /// The text behind the colon is no port.
    #[error("{0:?} has no valid port")]
    BadPort(String),
    /// Brackets that hold no address, or do not end where they should.
    #[error("{0:?} is not an address in brackets")]
    BadAddress(String),
    /// A path behind hosts where only hosts may stand.
    #[error("a list of hosts has no chroot: {0:?}")]
    UnwantedChroot(String),
    /// The part from the first slash on is no path.
    #[error("bad chroot: {0}")]
    BadChroot(#[from] PathError),
}

impl FromStr for ConnectString {
    type Err = ConnectStringError;

    fn from_str(text: &str) -> Result<Self, ConnectStringError> {
        let (hosts, chroot) = match text.find('/') {
            Some(slash) => {
                let (hosts, chroot) = text.split_at(slash);
                (hosts, ZPath::parse(chroot.trim_end())?)
            }
            None => (text, ZPath::ROOT),
        };
        Ok(Self { hosts: host_list(hosts)?, chroot })
    }
}

/// `host1:2181,host2`: as in a connect string, but without a chroot.
pub(crate) fn hosts_only(text: &str) -> Result<Vec<HostPort>, ConnectStringError> {
    if text.contains('/') {
        return Err(ConnectStringError::UnwantedChroot(text.to_owned()));
    }
    host_list(text)
}

fn host_list(text: &str) -> Result<Vec<HostPort>, ConnectStringError> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let hosts: Vec<_> = entries.map(host_port).collect::<Result<_, _>>()?;
    if hosts.is_empty() { Err(ConnectStringError::NoHost) } else { Ok(hosts) }
}

fn host_port(entry: &str) -> Result<HostPort, ConnectStringError> {
    let bad_address = || ConnectStringError::BadAddress(entry.to_owned());
    let (host, port) = match entry.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or_else(bad_address)?;
            let port = match port {
                "" => None,
                port => Some(port.strip_prefix(':').ok_or_else(bad_address)?),
            };
            (host, port)
        }
        None => match entry.rsplit_once(':') {
            // A lone trailing colon is passed over, as Java does.
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port)),
            None => (entry, None),
        },
    };
    if host.is_empty() {
        return Err(bad_address());
    }
    let port = match port {
        Some(port) => port.parse().map_err(|_| ConnectStringError::BadPort(entry.to_owned()))?,
        None => DEFAULT_PORT,
    };
    Ok(HostPort::new(host, port))
}

const DEFAULT_PORT: u16 = 2181;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, hosts: &[(&str, u16)], chroot: &str) {
        let parsed: ConnectString = text.parse().unwrap();
        let expected: Vec<_> = hosts.iter().map(|(h, p)| HostPort::new(*h, *p)).collect();
        assert_eq!(parsed.hosts, expected, "{text}");
        assert_eq!(parsed.chroot.as_str(), chroot, "{text}");
    }

    #[test]
    fn hosts_ports_and_chroot_are_taken_apart() {
        check("zk", &[("zk", 2181)], "/");
        check("zk1:2182,zk2", &[("zk1", 2182), ("zk2", 2181)], "/");
        check(" zk1 , ,zk2: /app/a", &[("zk1", 2181), ("zk2", 2181)], "/app/a");
        check("[2001:db8::1]:2182,[::1]/", &[("2001:db8::1", 2182), ("::1", 2181)], "/");
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_a_reason() {
        let error = |text: &str| text.parse::<ConnectString>().unwrap_err();
        assert_eq!(error(""), ConnectStringError::NoHost);
        assert_eq!(error(" , /a"), ConnectStringError::NoHost);
        assert_eq!(error("zk:port"), ConnectStringError::BadPort("zk:port".into()));
        assert_eq!(error("zk:70000"), ConnectStringError::BadPort("zk:70000".into()));
        for text in ["[]", "[::1]x", "[::1", ":2181"] {
            assert_eq!(error(text), ConnectStringError::BadAddress(text.into()));
        }
        assert_eq!(error("[::1]:"), ConnectStringError::BadPort("[::1]:".into()));
        assert_eq!(error("zk/a//b"), ConnectStringError::BadChroot(PathError::EmptyName(3)));
    }

    #[test]
    fn a_list_of_hosts_has_no_chroot() {
        let hosts = [HostPort::new("zk1", 2181), HostPort::new("::1", 2182)];
        assert_eq!(hosts_only("zk1, [::1]:2182"), Ok(hosts.to_vec()));
        assert_eq!(hosts_only(" ,"), Err(ConnectStringError::NoHost));
        let error = ConnectStringError::UnwantedChroot("zk1/app".into());
        assert_eq!(hosts_only("zk1/app"), Err(error));
    }

    #[test]
    fn a_host_prints_so_that_it_can_be_read_back() {
        for text in ["zk:2181", "[::1]:2182"] {
            assert_eq!(host_port(text).unwrap().to_string(), text);
        }
    }
}
