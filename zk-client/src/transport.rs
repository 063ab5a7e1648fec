//! How to reach a host: TCP, or whatever a user brings.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

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
/// The client resolves names before ([`Resolve`](crate::Resolve)), so that each address is an
/// attempt of its own. Asked for an endpoint without an address, it resolves the name itself and
/// takes the first address that answers.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TcpConnector;

impl Connect for TcpConnector {
    fn connect(&self, endpoint: &Endpoint) -> Connecting {
        let Endpoint { host, address } = endpoint.clone();
        Box::pin(async move {
            match address {
                Some(address) => dial(&[address]).await,
                None => {
                    let addresses: Vec<_> = lookup_host((host.host, host.port)).await?.collect();
                    dial(&addresses).await
                }
            }
        })
    }

    fn wants_addresses(&self) -> bool {
        true
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
