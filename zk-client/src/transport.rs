//! How to reach a host: TCP, or whatever a user brings.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};

use crate::connect_string::HostPort;
use crate::endpoint::Endpoint;

/// A byte stream to a server.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// A connection in the making.
pub type Connecting = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>>;

/// Opens byte streams to hosts of the connect string.
///
/// It is asked anew for each attempt. The client bounds the time of an attempt and drops the
/// future when it has passed.
pub trait Connect: Send + Sync + 'static {
    /// Begins to connect.
    fn connect(&self, endpoint: &Endpoint) -> Connecting;

    /// Whether names are to be resolved before, so that each endpoint has an address. Default
    /// false: the connector makes of names what it likes.
    fn wants_addresses(&self) -> bool {
        false
    }
}

/// Connects over TCP: the default.
///
/// A name with several addresses is one host; its addresses are tried in turn, each attempt
/// beginning with another one.
#[derive(Debug, Default)]
pub struct TcpConnector {
    /// By host: if all counted together, two hosts would begin with the same ones for ever.
    attempts: Mutex<BTreeMap<HostPort, usize>>,
}

impl TcpConnector {
    /// How many attempts there were at this host before.
    fn attempt(&self, host: &HostPort) -> usize {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = attempts.entry(host.clone()).or_default();
        let attempt = *count;
        *count = count.wrapping_add(1);
        attempt
    }
}

impl Connect for TcpConnector {
    fn connect(&self, endpoint: &Endpoint) -> Connecting {
        if let Some(address) = endpoint.address {
            return Box::pin(async move { dial(&[address]).await });
        }
        let attempt = self.attempt(&endpoint.host);
        let HostPort { host, port } = endpoint.host.clone();
        Box::pin(async move {
            let mut addresses: Vec<_> = lookup_host((host, port)).await?.collect();
            let first = attempt % addresses.len().max(1);
            addresses.rotate_left(first);
            dial(&addresses).await
        })
    }
}

/// The first of the addresses that answers.
async fn dial(addresses: &[SocketAddr]) -> io::Result<Box<dyn Stream>> {
    let stream = TcpStream::connect(addresses).await?;
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}

/// Makes a [`Connect`] of a function that opens a stream to a host: a pipe to an embedded
/// server, a proxy, a tunnel.
///
/// ```
/// use std::io;
/// use zk_client::{Client, HostPort, connect_with};
///
/// let builder = Client::builder("anywhere:2181").connector(connect_with(|host: HostPort| async move {
///     let (ours, _theirs) = tokio::io::duplex(64 * 1024);
///     Ok::<_, io::Error>(ours)
/// }));
/// ```
pub fn connect_with<F, Connected, S>(function: F) -> impl Connect
where
    F: Fn(HostPort) -> Connected + Send + Sync + 'static,
    Connected: Future<Output = io::Result<S>> + Send + 'static,
    S: Stream,
{
    FnConnector(function)
}

struct FnConnector<F>(F);

impl<F, Connected, S> Connect for FnConnector<F>
where
    F: Fn(HostPort) -> Connected + Send + Sync + 'static,
    Connected: Future<Output = io::Result<S>> + Send + 'static,
    S: Stream,
{
    fn connect(&self, endpoint: &Endpoint) -> Connecting {
        let connected = self.0(endpoint.host.clone());
        Box::pin(async move { connected.await.map(|stream| Box::new(stream) as Box<dyn Stream>) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_for_each_host_by_itself() {
        let connector = TcpConnector::default();
        let (a, b) = (HostPort::new("a", 1), HostPort::new("b", 1));
        let turns: Vec<_> = [&a, &b, &a, &b].iter().map(|host| connector.attempt(host)).collect();
        assert_eq!(turns, [0, 0, 1, 1]);
    }
}
