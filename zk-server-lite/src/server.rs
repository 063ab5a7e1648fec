//! A running server, as the program sees it that it is embedded in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use zk_proto::{SessionId, Zxid};

use crate::follower::Follower;
#[cfg(feature = "tls")]
use crate::net::{Acceptor, welcome};
use crate::net::{ClientCnxns, FourLetterOptions, Hub, MemoryTransport, accept_loop, tick_loop};
use crate::options::{ServerBuilder, StartError};

/// A standalone server that keeps everything in memory.
///
/// It runs on the tokio runtime that it was started on. [`Server::shutdown`] stops it and waits
/// for that; dropping it stops it, too, but does not wait.
#[derive(Debug)]
pub struct Server {
    hub: Arc<Hub>,
    local_addr: Option<SocketAddr>,
    #[cfg(feature = "tls")]
    secure_local_addr: Option<SocketAddr>,
}

impl Server {
    /// Sets up a server.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    pub(crate) async fn start(options: ServerBuilder) -> Result<Self, StartError> {
        let engine_options = options.engine_options()?;
        let (listener, local_addr) = bind(options.listen).await?;
        #[cfg(feature = "tls")]
        let (secure, secure_local_addr) = match options.secure {
            Some((address, settings)) => {
                let acceptor = Arc::new(Acceptor::new(settings)?);
                let (listener, local_addr) = bind(Some(address)).await?;
                (listener.map(|listener| (listener, acceptor)), local_addr)
            }
            None => (None, None),
        };
        let four_letter = FourLetterOptions {
            words: options.four_letter_words,
            local_addr,
            max_client_cnxns: options.max_client_cnxns,
        };
        let hub = Arc::new(Hub::new(engine_options, options.max_frame, four_letter));
        hub.spawn(tick_loop(Arc::clone(&hub)));
        if let Some(listener) = listener {
            let cnxns = Arc::new(ClientCnxns::new(options.max_client_cnxns));
            let door = Arc::clone(&hub);
            let welcome = move |stream, visitor| door.open(stream, visitor);
            hub.spawn(accept_loop(Arc::clone(&hub), listener, cnxns, welcome));
        }
        #[cfg(feature = "tls")]
        if let Some((listener, acceptor)) = secure {
            let cnxns = Arc::new(ClientCnxns::new(options.max_client_cnxns));
            let door = Arc::clone(&hub);
            let welcome = move |stream, visitor| {
                let acceptor = Arc::clone(&acceptor);
                door.spawn(welcome(Arc::clone(&door), acceptor, stream, visitor));
                true
            };
            hub.spawn(accept_loop(Arc::clone(&hub), listener, cnxns, welcome));
        }
        Ok(Self {
            hub,
            local_addr,
            #[cfg(feature = "tls")]
            secure_local_addr,
        })
    }

    /// The address it listens on; `None` when it is in memory only.
    #[must_use]
    pub const fn local_addr(&self) -> Option<SocketAddr> {
        self.local_addr
    }

    /// What a client on this machine connects to: `127.0.0.1:PORT`, or `memory:2181` when there
    /// is only [`Server::memory`].
    #[must_use]
    pub fn connect_string(&self) -> String {
        match self.local_addr {
            Some(address) => SocketAddr::new(reachable(address.ip()), address.port()).to_string(),
            None => "memory:2181".to_owned(),
        }
    }

    /// The address where it listens for clients that speak TLS, if it does.
    #[cfg(feature = "tls")]
    #[must_use]
    pub const fn secure_local_addr(&self) -> Option<SocketAddr> {
        self.secure_local_addr
    }

    /// Lets clients of this process in without a socket.
    #[must_use]
    pub fn memory(&self) -> MemoryTransport {
        MemoryTransport::new(Arc::clone(&self.hub))
    }

    /// Starts another server beside it that follows it, and that can be told to lag.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn follower(&self) -> Follower {
        Follower::start(&self.hub)
    }

    /// Ends a session as if its timeout had passed: its ephemeral nodes go and its connection is
    /// closed without a word. Returns whether there was such a session.
    pub fn expire_session(&self, session: SessionId) -> bool {
        self.hub.with_engine(|engine, now| engine.expire_session(session, now))
    }

    /// Presets the counter that numbers the children of a node: `cversion` is the number that its
    /// next child gets. It may be any, also one that was given before or that is negative. Returns
    /// whether there is such a node.
    ///
    /// It is for tests of what clients do near the counter's end. As in ZooKeeper since 3.6, the
    /// counter goes up to 2147483647 and stays there, so that creates carried out one after the
    /// other all get this number. A create that is decided while others wait to be carried out
    /// counts on from them, with -2147483648, -2147483647 and so on, and once they are carried out
    /// the next one gets 2147483647 again. Here nothing waits but the operations of a multi; what
    /// ZooKeeper gives to pipelined creates can be had by presetting each of their numbers.
    ///
    /// It is a transaction like any other, with a zxid also when there is no such node, and
    /// followers take it in its turn. No watch fires.
    pub fn set_child_counter(&self, path: &str, cversion: i32) -> bool {
        self.hub.with_engine(|engine, now| engine.set_child_counter(path, cversion, now))
    }

    /// Closes every connection. Sessions stay, and clients may take them up again.
    pub fn drop_connections(&self) {
        self.hub.with_engine(|engine, _| engine.close_all());
    }

    /// Lets the server lose its ensemble, or find it again, as a member of a real one does with
    /// `readonlymode.enabled`. All connections are closed.
    ///
    /// While it is read-only it lets in only clients that say that they put up with that, gives them
    /// sessions of its own, answers their reads, and refuses writes and `sync` with `NotReadOnly`.
    /// The sessions of before are hung up on, and neither they nor their nodes end; they have all
    /// their time again afterwards. Clients look for a writable server with the four letter word
    /// `isro`: the other servers must answer it ([`ServerBuilder::four_letter_words`]). It is for a
    /// server without followers.
    pub fn set_read_only(&self, read_only: bool) {
        self.hub.with_engine(|engine, now| engine.set_read_only(read_only, now));
    }

    /// The last transaction, refused writes included.
    #[must_use]
    pub fn last_zxid(&self) -> Zxid {
        self.hub.with_engine(|engine, _| engine.replica().last_zxid())
    }

    /// How many sessions there are, with a connection or without.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.hub.with_engine(|engine, _| engine.replica().session_count())
    }

    /// How many connections are open.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.hub.with_engine(|engine, _| engine.connection_count())
    }

    /// How many watches are set, on data and on children.
    #[must_use]
    pub fn watch_count(&self) -> usize {
        self.hub.with_engine(|engine, _| engine.watch_count())
    }

    /// How many nodes there are, with the root and `/zookeeper`: 4 in a fresh server.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.hub.with_engine(|engine, _| engine.replica().tree().node_count())
    }

    /// A number that is equal for equal states: the tree, the sessions and the last zxid. Visits
    /// every node.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.hub.with_engine(|engine, _| engine.replica().digest())
    }

    /// Stops the server: closes all connections and waits until none of its tasks runs any more.
    ///
    /// # Cancel safety
    /// The server stops even when the future is dropped, but then nobody waits for it.
    pub async fn shutdown(self) {
        self.hub.stop();
        self.hub.stopped().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.hub.stop();
    }
}

/// Listens there, if anywhere, and says where that has become.
async fn bind(
    address: Option<SocketAddr>,
) -> Result<(Option<TcpListener>, Option<SocketAddr>), StartError> {
    let Some(address) = address else {
        return Ok((None, None));
    };
    let failed = |source| StartError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let local_addr = listener.local_addr().map_err(failed)?;
    Ok((Some(listener), Some(local_addr)))
}

/// A server that listens on every address can be reached on the loopback one.
const fn reachable(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    }
}
