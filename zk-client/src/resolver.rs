//! How names become addresses: the system's way, or whatever a user brings.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use tokio::net::lookup_host;

use crate::connect_string::HostPort;

/// A name that is being resolved.
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Finds the addresses of hosts.
///
/// It is asked anew for each round of attempts to connect, for all names at once. The client bounds
/// the time of each, and drops the future when it has passed. A name without an address, or with an
/// error, is passed over in this round and asked for again in the next one.
///
/// It is asked only for connectors that [want addresses](crate::Connect::wants_addresses), and not
/// for hosts that are written as addresses.
pub trait Resolve: Send + Sync + 'static {
    /// Begins to resolve. The addresses carry the host's port, in any order.
    fn resolve(&self, host: &HostPort) -> Resolving;
}

/// Resolves as the system does (`getaddrinfo`): the default.
///
/// The system's call blocks, so each name takes one of the runtime's blocking threads for a moment.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: &HostPort) -> Resolving {
        let HostPort { host, port } = host.clone();
        Box::pin(async move { Ok(lookup_host((host, port)).await?.collect()) })
    }
}

/// Makes a [`Resolve`] of a function.
///
/// ```
/// use std::net::SocketAddr;
/// use zk_client::{Client, HostPort, resolve_with};
///
/// let builder = Client::builder("zk:2181").resolver(resolve_with(|host: HostPort| async move {
///     Ok(vec![SocketAddr::from(([10, 0, 0, 7], host.port))])
/// }));
/// ```
pub fn resolve_with<F, Resolved>(function: F) -> impl Resolve
where
    F: Fn(HostPort) -> Resolved + Send + Sync + 'static,
    Resolved: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
{
    FnResolver(function)
}

struct FnResolver<F>(F);

impl<F, Resolved> Resolve for FnResolver<F>
where
    F: Fn(HostPort) -> Resolved + Send + Sync + 'static,
    Resolved: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
{
    fn resolve(&self, host: &HostPort) -> Resolving {
        Box::pin(self.0(host.clone()))
    }
}
