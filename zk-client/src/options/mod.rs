//! How a client is made: what it is told before it connects; `connecting` has what happens then.

mod connecting;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use zk_proto::ByteString;
use zk_proto::frame::DEFAULT_MAX_FRAME;
use zk_proto::message::{AuthPacket, Secret};

use crate::client::Client;
use crate::ensemble_config::ConfigPort;
use crate::error::Error;
use crate::resolver::{Resolve, SystemResolver};
#[cfg(feature = "sasl")]
use crate::sasl::DigestMd5;
use crate::saved_session::SavedSession;
use crate::session::SessionOptions;
use crate::transport::{Connect, TcpConnector};

/// What a client does when the ensemble has ended its session, which it does when it has not heard
/// from the client for the session timeout. Set by [`ClientBuilder::on_expiry`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExpiryPolicy {
    /// It ends: every request and watch fails with [`Error::SessionExpired`] from then on.
    #[default]
    Fail,
    /// It asks for a new session, whose [`Generation`](crate::Generation) is one higher.
    ///
    /// What was asked in the old session and has no reply fails: writes on their way with
    /// [`Error::ConnectionLoss`], all else with [`Error::SessionExpired`]. What is asked from then
    /// on waits for the new one. The ephemeral nodes of the old session are gone, and are not made
    /// again. Credentials are told again. One-shot watches are set again and tell what they have
    /// missed; streams go on behind a [`WatchItem::Gap`](crate::WatchItem::Gap).
    ///
    /// What must not go on in another session is asked through
    /// [`Client::bound_to_session`].
    NewSession,
}

/// What is done about a chroot that does not exist.
#[derive(Clone, Copy, Debug)]
enum MissingChroot {
    Ignore,
    Fail,
    Create,
}

/// Settings of a client that is yet to connect. Made by [`Client::builder`].
#[must_use = "nothing happens until `connect` is called and awaited"]
pub struct ClientBuilder {
    connect_string: String,
    session: SessionOptions,
    seed: Option<u64>,
    connect_timeout: Option<Duration>,
    connector: Box<dyn Connect>,
    resolver: Box<dyn Resolve>,
    follow: Option<ConfigPort>,
    credentials: Vec<AuthPacket>,
    #[cfg(feature = "sasl")]
    sasl: Option<DigestMd5>,
    resumed: Option<SavedSession>,
    missing_chroot: MissingChroot,
}

/// How often [`ClientBuilder::connect`] tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectAttempts {
    /// Again and again until its time is over: for a service that may be up before its ensemble.
    #[default]
    UntilDeadline,
    /// Every endpoint of every host once; it fails as soon as the last one has: for a tool that
    /// is to say at once that nobody is there. Once there is a session this does not count any
    /// more.
    OneRound,
}

impl ClientBuilder {
    pub(crate) fn new(connect_string: impl Into<String>) -> Self {
        Self {
            connect_string: connect_string.into(),
            session: SessionOptions {
                timeout: Duration::from_secs(30),
                request_timeout: Duration::from_secs(30),
                max_request: DEFAULT_MAX_FRAME,
                max_reply: DEFAULT_MAX_REPLY,
                max_pending: MAX_PENDING,
                max_outgoing: MAX_OUTGOING,
                server_tick: None,
                keep_lease: None,
                on_expiry: ExpiryPolicy::Fail,
                allow_read_only: false,
                seed: 0,
                wants_addresses: false,
                one_round: false,
            },
            seed: None,
            connect_timeout: None,
            connector: Box::new(TcpConnector::default()),
            resolver: Box::new(SystemResolver::default()),
            follow: None,
            credentials: Vec::new(),
            #[cfg(feature = "sasl")]
            sasl: None,
            resumed: None,
            missing_chroot: MissingChroot::Ignore,
        }
    }

    /// How long the session lives on without a word from this client. The server clamps it to
    /// its own limits, 2 to 20 ticks by default. Default 30 s.
    pub const fn session_timeout(mut self, timeout: Duration) -> Self {
        self.session.timeout = timeout;
        self
    }

    /// How long an operation may take, waiting for a connection included. Default 30 s.
    pub const fn operation_timeout(mut self, timeout: Duration) -> Self {
        self.session.request_timeout = timeout;
        self
    }

    /// How long [`connect`](Self::connect) may take. Default: the operation
    /// timeout.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// The longest request in bytes; a longer one is refused before it is sent. It should be
    /// what the servers have as `jute.maxbuffer`. Default 1,048,575, as theirs.
    pub const fn max_request(mut self, bytes: usize) -> Self {
        self.session.max_request = bytes;
        self
    }

    /// The longest reply in bytes; a longer one fails its request with [`Error::ReplyTooLarge`] and
    /// is dropped as it comes. Servers do not limit replies, so this is well above what they accept:
    /// default 16 MiB.
    pub const fn max_reply(mut self, bytes: usize) -> Self {
        self.session.max_reply = bytes;
        self
    }

    /// How many requests may wait for their replies; further ones fail with
    /// [`Error::TooManyRequests`]. Default 65,536.
    pub const fn max_pending(mut self, requests: usize) -> Self {
        self.session.max_pending = requests;
        self
    }

    /// How many bytes of requests may wait to be written, or for a connection; when there are as
    /// many, further requests fail with [`Error::TooManyRequests`]. Default 64 MiB.
    pub const fn max_outgoing(mut self, bytes: usize) -> Self {
        self.session.max_outgoing = bytes;
        self
    }

    /// Whether a server that has lost its ensemble will do, as long as no other one is found: it
    /// answers reads, which may be old, and refuses writes. Default false: such servers are passed
    /// over. [`connect`](Self::connect) is content with one, too; see
    /// [`SessionState::ConnectedReadOnly`](crate::SessionState::ConnectedReadOnly).
    ///
    /// The session on such a server is a throw-away. Once the client has a session of the ensemble,
    /// it does not go to read-only servers any more: they could not keep it alive.
    ///
    /// Servers are asked by the four letter word `isro` whether they are writable, which they have
    /// to answer (`4lw.commands.whitelist`).
    #[doc(alias = "canBeReadOnly")]
    pub const fn allow_read_only_server(mut self, allow: bool) -> Self {
        self.session.allow_read_only = allow;
        self
    }

    /// The servers' `tickTime`: how soon a server passes on to the leader that it has heard of a
    /// session. It may be longer than the real one, and must not be shorter. Only
    /// [`Client::lease`](crate::Client::lease) goes by it: the shorter, the longer the lease.
    ///
    /// Default: a third of the session timeout, which is right wherever `minSessionTimeout` is two
    /// ticks or more, as it is unless it was set.
    pub const fn server_tick(mut self, tick: Duration) -> Self {
        self.session.server_tick = Some(tick);
        self
    }

    /// Keeps the [lease](crate::Client::lease) of the session long: while there is a connection,
    /// and nobody else has written anything for that long, a write that changes nothing is sent,
    /// which a quorum of the ensemble has to agree on. It takes the place of a ping. At least 10 ms.
    ///
    /// The lease then counts from at most twice this and [`server_tick`](Self::server_tick) ago,
    /// and from what the last of these writes took. Default: never.
    pub const fn keep_lease(mut self, every: Duration) -> Self {
        self.session.keep_lease = Some(every);
        self
    }

    /// How byte streams to the hosts are opened. Default: [`TcpConnector`].
    pub fn connector(mut self, connector: impl Connect) -> Self {
        self.connector = Box::new(connector);
        self
    }

    /// How names of hosts are resolved, for connectors that want addresses. Default:
    /// [`SystemResolver`].
    ///
    /// Names are resolved anew for each round of attempts, all at once and each within 10 s. Hosts
    /// that are written as addresses are not asked for.
    pub fn resolver(mut self, resolver: impl Resolve) -> Self {
        self.resolver = Box::new(resolver);
        self
    }

    /// Has the list of hosts follow the ensemble's own configuration (`/zookeeper/config`, since
    /// ZooKeeper 3.5) while the client lives. Default: it does not.
    ///
    /// Names are taken as the configuration has them; a server that listens everywhere is taken
    /// by the name that the other servers know it by, and one without such a port is left out. The
    /// hosts of the connect string stay as a last resort, and the chroot as it is. Sessions move
    /// as with [`Client::update_hosts`]. A configuration that names no host for clients, such as
    /// that of a server that stands alone, changes nothing.
    pub const fn follow_config(mut self, port: ConfigPort) -> Self {
        self.follow = Some(port);
        self
    }

    /// When [`connect`](Self::connect) gives up. Default: [`ConnectAttempts::UntilDeadline`].
    pub const fn connect_attempts(mut self, attempts: ConnectAttempts) -> Self {
        self.session.one_round = matches!(attempts, ConnectAttempts::OneRound);
        self
    }

    /// Who this client is: told to every server before anything else. May be called more than
    /// once; a client can be several people. Neither logs nor `Debug` show it.
    ///
    /// Schemes that every server knows: `digest`, with `user:password`, and `ip`, which adds
    /// nothing. Others are a server's own.
    #[doc(alias = "addAuthInfo")]
    pub fn auth(mut self, scheme: impl Into<String>, auth: impl Into<Bytes>) -> Self {
        self.credentials.push(auth_packet(scheme.into().into(), auth.into()));
        self
    }

    /// Who this client is, in the scheme `digest`. See [`auth`](Self::auth), and
    /// [`Id::digest`](crate::Id::digest) for an ACL that names it.
    ///
    /// The password goes over the wire as it is: let the connector encrypt.
    pub fn auth_digest(self, user: &str, password: &str) -> Self {
        self.auth("digest", format!("{user}:{password}"))
    }

    /// Who this client is, by SASL's mechanism DIGEST-MD5: shown on every connection before
    /// anything else, without the password going over the wire. See [`sasl`](Self::sasl).
    #[cfg(feature = "sasl")]
    pub fn sasl_digest_md5(self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.sasl(DigestMd5::new(user, password))
    }

    /// Who this client is, by SASL. Credentials, watches and requests wait until server and client
    /// have proven each other that they know the password; so does the state
    /// [`Connected`](crate::SessionState::Connected). If they have not, the client ends with
    /// [`Error::AuthFailed`], which says why. Neither logs nor `Debug` show the password.
    ///
    /// In ACLs the user has the scheme `sasl`: `Id { scheme: Some("sasl".into()), .. }`.
    #[cfg(feature = "sasl")]
    pub fn sasl(mut self, who: DigestMd5) -> Self {
        self.sasl = Some(who);
        self
    }

    /// Has [`connect`](Self::connect) create the chroot of the connect string where it is missing,
    /// with all above it: persistent nodes without data, open to everybody. By default nobody asks
    /// for it, as with the Java client, and whatever is asked below a chroot that does not exist
    /// ends with `NoNode`.
    pub const fn ensure_chroot(mut self) -> Self {
        self.missing_chroot = MissingChroot::Create;
        self
    }

    /// Has [`connect`](Self::connect) fail with [`Error::NoChroot`] when the chroot of the connect
    /// string does not exist.
    pub const fn require_chroot(mut self) -> Self {
        self.missing_chroot = MissingChroot::Fail;
        self
    }

    /// What is done when the session has expired. Default: [`ExpiryPolicy::Fail`].
    pub const fn on_expiry(mut self, policy: ExpiryPolicy) -> Self {
        self.session.on_expiry = policy;
        self
    }

    /// Goes on with a session that another client [has left](Client::detach), or has lost: its
    /// ephemeral nodes are those of this client. The first
    /// [`SessionState::Connected`](crate::SessionState::Connected) then tells of [`SessionContinuity::Same`].
    ///
    /// A session that is over, or another password than its own, is an expired session: by
    /// [`on_expiry`](Self::on_expiry), [`connect`](Self::connect) fails with
    /// [`Error::SessionExpired`], or there is a new session, whose generation is 1 all the same and
    /// which tells of [`SessionContinuity::New`]. Servers do not tell the two apart, and hang up on
    /// the session's present owner before they look at the password: resume what nobody else uses.
    ///
    /// [`SessionContinuity::Same`]: crate::SessionContinuity::Same
    /// [`SessionContinuity::New`]: crate::SessionContinuity::New
    pub fn resume(mut self, session: SavedSession) -> Self {
        self.resumed = Some(session);
        self
    }

    /// Where jitter and the order of hosts come from, to repeat a run. Default: random.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Connects, and waits until a session is granted.
    ///
    /// # Errors
    /// [`Error::BadConnectString`]; [`Error::AuthFailed`] when a server refuses what
    /// [`auth`](Self::auth) has said; [`Error::SessionExpired`] when the session to
    /// [`resume`](Self::resume) is over; [`Error::NoChroot`] where
    /// [it is required](Self::require_chroot), and those of a create where
    /// [it is to be made](Self::ensure_chroot); or [`Error::Connect`] when no session was granted in time: it
    /// tells what the last attempt ran into.
    ///
    /// # Panics
    /// In a tokio runtime without a timer; see `enable_time` of tokio's runtime builder.
    ///
    /// # Cancel safety
    /// Dropping the future ends the attempt; a session that was just granted is closed.
    pub async fn connect(self) -> Result<Client, Error> {
        self.establish().await
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("connect_string", &self.connect_string)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

pub(crate) const fn auth_packet(scheme: ByteString, auth: Bytes) -> AuthPacket {
    // ZooKeeper's own clients send 0, and servers ignore it.
    AuthPacket { auth_type: 0, scheme, auth: Secret(Some(auth)) }
}

/// A node may be as large as a request, and a reply holds more than the request did.
const DEFAULT_MAX_REPLY: usize = 16 * 1024 * 1024;
/// Requests that may wait; at the default deadline of 30 s that is 2,000 per second unanswered.
const MAX_PENDING: usize = 65_536;
/// Bytes that may wait to be written, when the server does not read.
const MAX_OUTGOING: usize = 64 * 1024 * 1024;
