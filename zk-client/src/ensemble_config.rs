//! What the ensemble's configuration says about where clients connect.

use std::net::IpAddr;

use crate::connect_string::HostPort;

/// Which port of the servers a client follows the ensemble's configuration to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigPort {
    /// `clientPort`, without TLS.
    Client,
    /// `secureClientPort`, with TLS.
    SecureClient,
}

/// The hosts for clients that a configuration names, in its order.
///
/// A line is `server.N=host:port:port[:role][;[address:]port][;[address:]securePort]`, where the
/// part before the first semicolon may be there more than once, divided by bars
/// (`QuorumServer.toString`). What cannot be read is left out: the server has taken it, and the
/// other lines are of use without it. Lines beyond what an ensemble can have are, too: every host
/// is a name to be resolved.
pub(crate) fn client_hosts(text: &str, port: ConfigPort) -> Vec<HostPort> {
    let mut hosts: Vec<_> =
        text.lines().filter_map(|line| client_host(line, port)).take(MOST_HOSTS).collect();
    let mut seen = std::collections::BTreeSet::new();
    hosts.retain(|host| seen.insert(host.clone()));
    hosts
}

/// `myid` goes up to 255.
const MOST_HOSTS: usize = 255;

fn client_host(line: &str, port: ConfigPort) -> Option<HostPort> {
    let (key, value) = line.split_once('=')?;
    key.trim().strip_prefix("server.")?;
    let mut parts = value.split(';').map(str::trim);
    let server = parts.next()?;
    let client = match port {
        ConfigPort::Client => parts.next()?,
        ConfigPort::SecureClient => parts.nth(1)?,
    };
    let (address, port) = match client.rsplit_once(':') {
        Some((address, port)) => (without_brackets(address), port),
        None => ("", client),
    };
    let port = port.parse().ok().filter(|port| *port > 0)?;
    let host = Some(address).filter(|address| !is_everywhere(address));
    let host = host.or_else(|| Some(server_host(server)).filter(|host| !is_everywhere(host)))?;
    Some(HostPort::new(host, port))
}

/// The name that the other servers know a server by.
fn server_host(server: &str) -> &str {
    match server.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => server.split(':').next().unwrap_or_default(),
    }
}

fn without_brackets(address: &str) -> &str {
    address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address)
}

/// An address to listen at, but none to connect to.
fn is_everywhere(address: &str) -> bool {
    address.is_empty() || address.parse().is_ok_and(|address: IpAddr| address.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, port: ConfigPort, expected: &str) {
        let hosts: Vec<_> = client_hosts(text, port).iter().map(ToString::to_string).collect();
        assert_eq!(hosts.join(" "), expected, "{text}");
    }

    #[test]
    fn hosts_for_clients_are_read_from_what_servers_write() {
        let text = "server.1=zk1.example:2888:3888:participant;0.0.0.0:2181\n\
                    server.2=zk2.example:2888:3888:participant;10.0.0.2:2182\n\
                    server.3=zk3.example:2888:3888:observer;0.0.0.0:2181\n\
                    version=100000000";
        check(text, ConfigPort::Client, "zk1.example:2181 10.0.0.2:2182 zk3.example:2181");
        check(text, ConfigPort::SecureClient, "");
        check("", ConfigPort::Client, "");
        check("version=0", ConfigPort::Client, "");
    }

    #[test]
    fn every_form_of_a_line_is_understood() {
        let client = |line: &str, expected: &str| check(line, ConfigPort::Client, expected);
        client("server.1=zk1:2888:3888;2181", "zk1:2181");
        client("server.1=zk1:2888:3888", "");
        client("server.1=zk1:2888:3888:participant", "");
        client("server.1=[2001:db8::1]:2888:3888:participant;[::]:2181", "[2001:db8::1]:2181");
        client("server.1=zk1:2888:3888:participant;[2001:db8::1]:2181", "[2001:db8::1]:2181");
        client("server.1=zk1:2888:3888:participant;0:0:0:0:0:0:0:0:2181", "zk1:2181");
        client("server.1=a:2888:3888|b:2889:3889:participant;0.0.0.0:2181", "a:2181");
        client("server.1=0.0.0.0:2888:3888:participant;0.0.0.0:2181", "");
        client(
            "server.1=zk1:2888:3888:participant;zk.example:2181;0.0.0.0:2281",
            "zk.example:2181",
        );
        client("server.1=zk1:2888:3888:participant;;0.0.0.0:2281", "");
        client(" server.1 = zk1:2888:3888;2181 \nserver.2=zk1:1:2;2181", "zk1:2181");
    }

    #[test]
    fn secure_ports_are_read_behind_the_others() {
        let secure = |line: &str, expected: &str| check(line, ConfigPort::SecureClient, expected);
        secure("server.1=zk1:2888:3888:participant;0.0.0.0:2181;0.0.0.0:2281", "zk1:2281");
        secure("server.1=zk1:2888:3888:participant;;tls.example:2281", "tls.example:2281");
        secure("server.1=zk1:2888:3888:participant;0.0.0.0:2181", "");
    }

    #[test]
    fn no_more_hosts_are_taken_than_an_ensemble_can_have() {
        let text: Vec<_> = (0..100_000).map(|n| format!("server.{n}=zk{n}:1:2;2181")).collect();
        let hosts = client_hosts(&text.join("\n"), ConfigPort::Client);
        assert_eq!((hosts.len(), hosts.last().unwrap().host.as_str()), (MOST_HOSTS, "zk254"));
    }

    #[test]
    fn what_is_no_line_of_a_server_is_passed_over() {
        for text in [
            "server.1",
            "server.1=",
            "server.1=;",
            "server.1=zk;port",
            "group.1=1:2",
            "server.1=zk;0",
            "server.1=zk;70000",
            "=",
            "server.1=[;1:",
        ] {
            check(text, ConfigPort::Client, "");
        }
    }
}
