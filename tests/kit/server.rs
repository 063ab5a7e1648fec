//! A server to test against.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use zk_client::{Client, ClientBuilder, Connecting, Stream};
use zk_proto::message::ConnectResponse;
use zk_server_lite::{FourLetterWords, Server};

use crate::network::{Dial, Network};
use crate::raw::RawConnection;

/// Which server the tests run against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// zk-server-lite over pipes, in virtual time.
    Memory,
    /// zk-server-lite over TCP.
    Tcp,
    /// Real ZooKeeper in a container that was started before, or whatever listens there.
    Address(SocketAddr),
}

/// `3.9.3` as numbers.
pub type Release = (u32, u32, u32);

/// A server, and a part of its tree that one case has for itself.
pub struct TestServer {
    backend: Backend,
    dial: Dial,
    embedded: Option<Server>,
    base: String,
}

impl TestServer {
    /// Starts or finds the server, and makes a node for the case.
    pub async fn start(backend: Backend) -> Self {
        let embedded = match backend {
            Backend::Memory => Some(embedded().memory_only().start().await.unwrap()),
            Backend::Tcp => Some(embedded().start().await.unwrap()),
            Backend::Address(_) => None,
        };
        let dial = dial(&backend, embedded.as_ref());
        let base = format!("/case-{:016x}", fastrand::u64(..));
        let server = Self { backend, dial, embedded, base };
        let client = server.builder_at_root().connect().await.unwrap();
        client.create(&server.base, "").await.unwrap();
        client.close().await.unwrap();
        server
    }

    /// A client of its own for the part of the tree that belongs to the case.
    pub async fn client(&self) -> Client {
        self.builder(&self.network()).connect().await.unwrap()
    }

    /// A client that reaches the server by `network`.
    pub async fn client_on(&self, network: &Network) -> Client {
        self.builder(network).connect().await.unwrap()
    }

    /// Settings of a client that reaches the server by `network`, as host `a`.
    pub fn builder(&self, network: &Network) -> ClientBuilder {
        self.builder_for(network, "a:1")
    }

    /// The same, with other hosts.
    pub fn builder_for(&self, network: &Network, hosts: &str) -> ClientBuilder {
        Client::builder(format!("{hosts}{}", self.base))
            .connector(network.connector())
            .session_timeout(SESSION_TIMEOUT)
    }

    fn builder_at_root(&self) -> ClientBuilder {
        Client::builder("a:1")
            .connector(self.network().connector())
            .session_timeout(SESSION_TIMEOUT)
    }

    /// A client that sees the whole tree.
    pub async fn client_at_root(&self) -> Client {
        self.builder_at_root().connect().await.unwrap()
    }

    /// A new way to the server, without faults so far.
    #[must_use]
    pub fn network(&self) -> Network {
        Network::new(Arc::clone(&self.dial))
    }

    /// A connection without a client.
    pub async fn raw(&self) -> RawConnection {
        RawConnection::new((self.dial)().await.unwrap())
    }

    /// A connection without a client, with a session on it.
    pub async fn raw_session(&self) -> RawConnection {
        let mut raw = self.raw().await;
        raw.open_session(SESSION_TIMEOUT).await;
        raw
    }

    /// Has a client of its own do this and that, to see whether the server is still well.
    pub async fn assert_serves(&self) {
        let client = self.client().await;
        let (path, data) = ("/still-served", "as ever");
        client.create(path, data).await.unwrap();
        assert_eq!(client.get(path).await.unwrap().0, data);
        client.delete(path).await.unwrap();
        client.close().await.unwrap();
    }

    /// Whether a session that was granted can be taken up on a new connection.
    pub async fn resumes(&self, granted: &ConnectResponse) -> bool {
        let (id, passwd) = (granted.session_id, &granted.passwd);
        for _ in 0..RESUME_ATTEMPTS {
            let mut raw = self.raw().await;
            if let Some(resumed) = raw.resume_session(SESSION_TIMEOUT, id, passwd.clone()).await {
                return resumed.timeout > 0 && resumed.session_id == id;
            }
            // ZooKeeper closes right behind a refusal, and on the way through a container's port
            // the one can overtake the other.
        }
        panic!("the server hangs up on {id} instead of answering");
    }

    /// The answer to a four letter word.
    pub async fn four_letter_word(&self, word: &str) -> String {
        let mut raw = self.raw().await;
        raw.send_bytes(word.as_bytes()).await;
        String::from_utf8(raw.rest().await.into()).unwrap()
    }

    /// The version of ZooKeeper that answers, or that the embedded server stands in for.
    pub async fn version(&self) -> Release {
        let srvr = self.four_letter_word("srvr").await;
        let version = srvr.strip_prefix("Zookeeper version: ").expect("no version");
        let numbers = version.split_once('-').map_or(version, |(numbers, _)| numbers);
        let mut numbers = numbers.split('.').map(|number| number.parse().unwrap());
        let mut next = || numbers.next().unwrap();
        (next(), next(), next())
    }

    /// Whether the server has a change that came with these releases, the first of each line that
    /// has it, oldest line first.
    pub async fn has_change_of(&self, releases: &[Release]) -> bool {
        has_change(self.version().await, releases)
    }

    /// The path, as seen without the case's chroot.
    #[must_use]
    pub fn path(&self, path: &str) -> String {
        if path == "/" { self.base.clone() } else { format!("{}{path}", self.base) }
    }

    /// Whether it is the original.
    #[must_use]
    pub const fn is_real(&self) -> bool {
        matches!(self.backend, Backend::Address(_))
    }

    /// Whether time jumps when nothing is left to do.
    #[must_use]
    pub const fn has_virtual_time(&self) -> bool {
        matches!(self.backend, Backend::Memory)
    }

    /// The embedded server, for cases that only it can do.
    #[must_use]
    pub const fn embedded(&self) -> Option<&Server> {
        self.embedded.as_ref()
    }

    pub(crate) async fn stop(self) {
        if let Some(server) = self.embedded {
            server.shutdown().await;
        }
    }
}

impl std::fmt::Debug for TestServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestServer")
            .field("backend", &self.backend)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

/// Whether a release has a change that came with the first of each of these lines, oldest first.
pub(crate) fn has_change(version: Release, releases: &[Release]) -> bool {
    let line = |(major, minor, _): Release| (major, minor);
    match releases.iter().find(|release| line(**release) == line(version)) {
        Some(release) => version >= *release,
        None => releases.iter().all(|release| version > *release),
    }
}

impl Backend {
    /// The server of the environment variable's value, if it is one without a container.
    pub async fn parse(text: &str) -> Option<Self> {
        match text {
            "" | "memory" => Some(Self::Memory),
            "tcp" => Some(Self::Tcp),
            address => {
                let address = lookup_host(address).await.ok()?.next()?;
                Some(Self::Address(address))
            }
        }
    }
}

pub(crate) fn embedded() -> zk_server_lite::ServerBuilder {
    Server::builder()
        .tick_time(TICK)
        .extended_types(true)
        .enforce_quota(true)
        .container_check_interval(CONTAINER_CHECK_INTERVAL)
        .super_digest(SUPER_DIGEST)
        .four_letter_words(FourLetterWords::ALL)
}

fn dial(backend: &Backend, embedded: Option<&Server>) -> Dial {
    match backend {
        Backend::Memory => dial_memory(embedded.unwrap()),
        Backend::Tcp => dial_tcp(embedded.unwrap().local_addr().unwrap()),
        Backend::Address(address) => dial_tcp(*address),
    }
}

/// The way to an embedded server, without a socket.
#[must_use]
pub fn dial_memory(server: &Server) -> Dial {
    let memory = server.memory();
    Arc::new(move || {
        let memory = memory.clone();
        Box::pin(async move { Ok(Box::new(memory.connect().await?) as Box<dyn Stream>) })
    })
}

/// The way to whatever listens there.
#[must_use]
pub fn dial_tcp(address: SocketAddr) -> Dial {
    Arc::new(move || -> Connecting {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    })
}

/// The tick of every server we start: sessions of 0.4 s to 4 s.
pub const TICK: Duration = Duration::from_millis(200);

/// How often every server we start looks for containers and nodes with a time to live to remove.
pub const CONTAINER_CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// What clients ask for: short enough to wait for, long enough for a loaded machine.
pub const SESSION_TIMEOUT: Duration = Duration::from_secs(4);

/// How often a server that hangs up without a word is asked again about a session.
const RESUME_ATTEMPTS: usize = 5;

/// Who may do everything on every server we start: the user `super`, by the password `admin`.
pub const SUPER_DIGEST: &str = "super:xQJmxLMiHGwaqBvst5y6rkB6HQs=";
