//! Clients in the same process, over pipes in memory.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{DuplexStream, duplex};

use super::hub::{Hub, Visitor};

/// Connects clients of the same process to a server, without a socket.
///
/// Cheap to clone; does not keep the server running.
#[derive(Clone, Debug)]
pub struct MemoryTransport {
    hub: Arc<Hub>,
}

impl MemoryTransport {
    pub(crate) const fn new(hub: Arc<Hub>) -> Self {
        Self { hub }
    }

    /// Opens a connection; the other end of the pipe is served like a TCP connection. Each
    /// direction holds up to 64 KiB that were not read yet.
    ///
    /// # Errors
    /// [`io::ErrorKind::ConnectionRefused`] once the server has been shut down or dropped.
    ///
    /// # Cancel safety
    /// The future is ready at its first poll.
    #[expect(
        clippy::unused_async,
        reason = "connecting is asynchronous over every other transport"
    )]
    pub async fn connect(&self) -> io::Result<DuplexStream> {
        let (ours, theirs) = duplex(PIPE);
        if self.hub.open(ours, Visitor { peer: PEER, place: None, x509: None }) {
            Ok(theirs)
        } else {
            Err(io::ErrorKind::ConnectionRefused.into())
        }
    }
}

/// Bytes that a pipe holds in each direction.
const PIPE: usize = 64 * 1024;

/// Where clients of this process connect from, as far as access lists go; nobody looks at the port.
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
