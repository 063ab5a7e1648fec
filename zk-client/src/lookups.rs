//! Names that are being resolved for the driver, each within its time.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::timeout;

use crate::connect_string::HostPort;
use crate::resolver::Resolve;

pub(crate) struct Lookups {
    resolver: Box<dyn Resolve>,
    /// As many as there are hosts at most: the session asks for none twice at a time.
    under_way: Vec<Lookup>,
}

struct Lookup {
    host: HostPort,
    resolving: Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>,
}

impl Lookups {
    pub(crate) const fn new(resolver: Box<dyn Resolve>) -> Self {
        Self { resolver, under_way: Vec::new() }
    }

    /// Begins to resolve names. They begin to move when polled.
    pub(crate) fn begin(&mut self, names: Vec<HostPort>, limit: Duration) {
        for host in names {
            let resolving = timeout(limit, self.resolver.resolve(&host));
            let resolving = Box::pin(async move {
                resolving.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            });
            self.under_way.push(Lookup { host, resolving });
        }
    }

    /// The next one that is over.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<(HostPort, io::Result<Vec<SocketAddr>>)> {
        for at in 0..self.under_way.len() {
            if let Some(lookup) = self.under_way.get_mut(at)
                && let Poll::Ready(result) = lookup.resolving.as_mut().poll(cx)
            {
                return Poll::Ready((self.under_way.swap_remove(at).host, result));
            }
        }
        Poll::Pending
    }
}
