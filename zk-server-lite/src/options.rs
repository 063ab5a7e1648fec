//! How a server is set up.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use thiserror::Error;

use crate::core::{Features, SaslScheme};
#[cfg(feature = "sasl")]
use crate::engine::SaslOptions;
use crate::engine::{ContainerOptions, EngineOptions};
use crate::net::FourLetterWords;
#[cfg(feature = "tls")]
use crate::net::{TlsError, TlsSettings};
use crate::server::Server;

/// Sets up a [`Server`]; see [`Server::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing runs before start"]
pub struct ServerBuilder {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) max_frame: usize,
    pub(crate) max_client_cnxns: u32,
    pub(crate) four_letter_words: FourLetterWords,
    tick_time: Duration,
    min_session_timeout: Option<Duration>,
    max_session_timeout: Option<Duration>,
    features: Features,
    container_check_interval: Duration,
    container_max_per_minute: NonZeroU32,
    container_max_never_used: Duration,
    super_digest: Option<Hash>,
    skip_acl: bool,
    read_only: bool,
    enforced_schemes: Vec<String>,
    #[cfg(feature = "sasl")]
    sasl: SaslOptions,
    #[cfg(feature = "tls")]
    pub(crate) secure: Option<(SocketAddr, TlsSettings)>,
    x509_super_user: Option<String>,
}

/// The hash of a password, which is not shown.
#[derive(Clone)]
struct Hash(String);

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

/// Why a server did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// Which address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// What the secure listener should show or trust is of no use.
    #[cfg(feature = "tls")]
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A tick is shorter than a millisecond.
    #[error("a tick must last at least a millisecond")]
    TickTooShort,
    /// The time between two looks for containers to remove is shorter than a millisecond.
    #[error("the interval to check containers must be at least a millisecond")]
    ContainerCheckIntervalTooShort,
    /// Clients are to be somebody of a scheme that nobody can be anybody of.
    #[error("the scheme {scheme:?} is demanded of clients, and there is no such scheme")]
    UnknownScheme {
        /// Which.
        scheme: String,
    },
    /// The shortest session timeout is longer than the longest one.
    #[error("the shortest session timeout, {min:?}, is above the longest, {max:?}")]
    SessionTimeouts {
        /// The shortest.
        min: Duration,
        /// The longest.
        max: Duration,
    },
}

impl Default for ServerBuilder {
    fn default() -> Self {
        Self {
            listen: Some((Ipv4Addr::LOCALHOST, 0).into()),
            max_frame: zk_proto::frame::DEFAULT_MAX_FRAME,
            max_client_cnxns: 0,
            four_letter_words: FourLetterWords::default(),
            tick_time: Duration::from_millis(3000),
            min_session_timeout: None,
            max_session_timeout: None,
            features: Features::default(),
            container_check_interval: Duration::from_secs(60),
            container_max_per_minute: CONTAINER_MAX_PER_MINUTE,
            container_max_never_used: Duration::ZERO,
            super_digest: None,
            skip_acl: false,
            read_only: false,
            enforced_schemes: Vec::new(),
            #[cfg(feature = "sasl")]
            sasl: SaslOptions::default(),
            #[cfg(feature = "tls")]
            secure: None,
            x509_super_user: None,
        }
    }
}

impl ServerBuilder {
    /// Where to listen for TCP connections; port 0 takes a free one. Default `127.0.0.1:0`.
    pub const fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = Some(address);
        self
    }

    /// No TCP at all: only [`Server::memory`] lets clients in. Nothing outside of the runtime is
    /// waited for then, so tests can pause the clock.
    pub fn memory_only(mut self) -> Self {
        self.listen = None;
        #[cfg(feature = "tls")]
        {
            self.secure = None;
        }
        self
    }

    /// Where to listen for clients that speak TLS, beside [`listen`](Self::listen); port 0 takes
    /// a free one. Default nowhere (`secureClientPort`).
    #[cfg(feature = "tls")]
    pub fn secure_listen(mut self, address: SocketAddr, settings: TlsSettings) -> Self {
        self.secure = Some((address, settings));
        self
    }

    /// Lets nobody in over TCP without TLS, as ZooKeeper does with a `secureClientPort` and no
    /// `clientPort`.
    #[cfg(feature = "tls")]
    pub const fn secure_only(mut self) -> Self {
        self.listen = None;
        self
    }

    /// Who shows a certificate with this subject, as RFC 2253 writes it, may do everything.
    /// Default none (`zookeeper.X509AuthenticationProvider.superUser`).
    #[cfg(feature = "tls")]
    pub fn x509_super_user(mut self, subject: impl Into<String>) -> Self {
        self.x509_super_user = Some(subject.into());
        self
    }

    /// The unit of session timeouts: sessions expire in whole ticks. At least a millisecond;
    /// default 3 s (`tickTime`).
    pub const fn tick_time(mut self, tick: Duration) -> Self {
        self.tick_time = tick;
        self
    }

    /// The shortest session timeout a client can get. Default two ticks (`minSessionTimeout`).
    pub const fn min_session_timeout(mut self, timeout: Duration) -> Self {
        self.min_session_timeout = Some(timeout);
        self
    }

    /// The longest session timeout a client can get. Default twenty ticks (`maxSessionTimeout`).
    pub const fn max_session_timeout(mut self, timeout: Duration) -> Self {
        self.max_session_timeout = Some(timeout);
        self
    }

    /// The longest frame to accept from a client, in bytes. Default
    /// [`DEFAULT_MAX_FRAME`](zk_proto::frame::DEFAULT_MAX_FRAME) (`jute.maxbuffer`).
    pub const fn max_frame(mut self, bytes: usize) -> Self {
        self.max_frame = bytes;
        self
    }

    /// Whether nodes with a time to live can be created. Default false: such a create is refused
    /// with `Unimplemented` (`zookeeper.extendedTypesEnabled`).
    pub const fn extended_types(mut self, enabled: bool) -> Self {
        self.features.extended_types = enabled;
        self
    }

    /// Whether the hard limits of quotas hold: a write that would pass one is refused with
    /// `QuotaExceeded`, and passing a soft one is logged. Default false: usage is counted, and
    /// that is all (`zookeeper.enforceQuota`).
    pub const fn enforce_quota(mut self, enabled: bool) -> Self {
        self.features.enforce_quota = enabled;
        self
    }

    /// Whether a reconfig is refused with `Unimplemented`, which is all that a server that stands
    /// alone can do, and not with `ReconfigDisabled`. Default false (`zookeeper.reconfigEnabled`).
    pub const fn reconfig_enabled(mut self, enabled: bool) -> Self {
        self.features.reconfig_enabled = enabled;
        self
    }

    /// How often the server looks for containers and nodes with a time to live that it has to
    /// remove; the first time is one interval after the start. At least a millisecond; default
    /// 60 s (`znode.container.checkIntervalMs`).
    pub const fn container_check_interval(mut self, interval: Duration) -> Self {
        self.container_check_interval = interval;
        self
    }

    /// How many containers and nodes with a time to live are removed in a minute at the most, one
    /// after the other. Default 10 000 (`znode.container.maxPerMinute`).
    pub const fn container_max_per_minute(mut self, nodes: NonZeroU32) -> Self {
        self.container_max_per_minute = nodes;
        self
    }

    /// How long a container lasts that never had a child, in whole milliseconds; zero for ever.
    /// Default zero, as up to ZooKeeper 3.9 (`znode.container.maxNeverUsedIntervalMs`).
    pub const fn container_max_never_used(mut self, time: Duration) -> Self {
        self.container_max_never_used = time;
        self
    }

    /// Who authenticates with this identity of the scheme `digest` may do everything, whatever
    /// access lists say. It is `user:hash`, as [`digest`](zk_proto::data::digest) makes it of
    /// `user:password`. Default none (`zookeeper.DigestAuthenticationProvider.superDigest`).
    pub fn super_digest(mut self, digest: impl Into<String>) -> Self {
        self.super_digest = Some(Hash(digest.into()));
        self
    }

    /// Whether everybody may do everything: access lists are stored and shown but not looked at.
    /// Default false (`zookeeper.skipACL`).
    pub const fn skip_acl(mut self, skip: bool) -> Self {
        self.skip_acl = skip;
        self
    }

    /// Whether it starts as a server that has lost its ensemble: it answers reads to clients that
    /// put up with a read-only server, and hangs up on all others. Default false. See
    /// [`Server::set_read_only`].
    pub const fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Whether a client has to be somebody of one of these schemes before it can ask for anything:
    /// `digest`, `sasl` where there are users of it, or `ip`, which everybody is. A session is
    /// granted all the same; the first request without such an identity is refused with
    /// `SessionClosedRequireSaslAuth` and ends the connection. Default: anybody can
    /// (`zookeeper.enforce.auth.schemes`; `["sasl"]` is `zookeeper.sessionRequireClientSASLAuth`).
    pub fn enforce_auth<S: Into<String>>(mut self, schemes: impl IntoIterator<Item = S>) -> Self {
        self.enforced_schemes = schemes.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a user of SASL's mechanism DIGEST-MD5, in ACLs `sasl:user`. The password is not kept,
    /// only what its proof takes. Default: none, and then SASL is answered as by a ZooKeeper that
    /// it is not configured for (`user_NAME` in the section `Server` of a JAAS file).
    #[cfg(feature = "sasl")]
    pub fn sasl_user(mut self, user: &str, password: &str) -> Self {
        self.sasl.add_user(user, password);
        self.features.sasl = SaslScheme::Known;
        self
    }

    /// Who has proven by SASL to be this user may do everything, whatever access lists say. May be
    /// called more than once. Default: nobody (`zookeeper.superUser`).
    #[cfg(feature = "sasl")]
    pub fn sasl_super_user(mut self, user: &str) -> Self {
        self.sasl.add_super_user(user);
        self
    }

    /// Whether a client that fails at SASL keeps its connection, as nobody. Where `sasl` is
    /// [demanded](Self::enforce_auth) it does not. Default false
    /// (`zookeeper.allowSaslFailedClients`).
    #[cfg(feature = "sasl")]
    pub const fn allow_sasl_failed_clients(mut self, allow: bool) -> Self {
        self.sasl.allow_failed = allow;
        self
    }

    /// How many TCP connections one address may have open, whether they are sessions, four letter
    /// words or nothing yet; one more is reset. 0 is any number, and the default
    /// (`maxClientCnxns`): ZooKeeper's 60 are there to protect a server from one machine, and all
    /// clients of a test come from one. Clients over [`Server::memory`] are never too many.
    pub const fn max_client_cnxns(mut self, most: u32) -> Self {
        self.max_client_cnxns = most;
        self
    }

    /// Which four letter words are answered. Default `srvr` alone, as ZooKeeper's
    /// (`4lw.commands.whitelist`).
    pub const fn four_letter_words(mut self, words: FourLetterWords) -> Self {
        self.four_letter_words = words;
        self
    }

    /// Starts the server on the present tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the times make no sense.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its timer (and, unless
    /// [`memory_only`](Self::memory_only), its IO driver) switched on.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing behind.
    pub async fn start(self) -> Result<Server, StartError> {
        Server::start(self).await
    }

    /// Checks the times.
    pub(crate) fn engine_options(
        &self,
    ) -> Result<impl FnOnce(u64) -> EngineOptions + use<>, StartError> {
        let tick_ms = whole_millis(self.tick_time);
        if tick_ms == 0 {
            return Err(StartError::TickTooShort);
        }
        let min = self.min_session_timeout.unwrap_or_else(|| self.tick_time.saturating_mul(2));
        let max = self.max_session_timeout.unwrap_or_else(|| self.tick_time.saturating_mul(20));
        if min > max {
            return Err(StartError::SessionTimeouts { min, max });
        }
        let features = Features { x509: self.has_secure_listener(), ..self.features };
        let containers = ContainerOptions {
            check_interval_ms: whole_millis(self.container_check_interval),
            max_per_minute: self.container_max_per_minute.get().into(),
            max_never_used_ms: whole_millis(self.container_max_never_used),
        };
        if containers.check_interval_ms == 0 {
            return Err(StartError::ContainerCheckIntervalTooShort);
        }
        let super_digest = self.super_digest.clone().map(|Hash(digest)| digest);
        let skip_acl = self.skip_acl;
        let read_only = self.read_only;
        let enforced_schemes = self.enforced_schemes.clone();
        if let Some(scheme) = enforced_schemes.iter().find(|scheme| !self.is_known(scheme)) {
            return Err(StartError::UnknownScheme { scheme: scheme.clone() });
        }
        #[cfg(feature = "sasl")]
        let sasl = {
            let mut sasl = self.sasl.clone();
            sasl.set_nonce_key(uuid::Uuid::new_v4().into_bytes());
            sasl
        };
        let x509_super_user = self.x509_super_user.clone();
        Ok(move |session_id_seed_ms| EngineOptions {
            tick_ms,
            min_session_timeout_ms: millis(min),
            max_session_timeout_ms: millis(max),
            session_id_seed_ms,
            features,
            containers,
            super_digest,
            x509_super_user,
            skip_acl,
            read_only,
            enforced_schemes,
            #[cfg(feature = "sasl")]
            sasl,
        })
    }

    /// Whether a client can be somebody of this scheme.
    fn is_known(&self, scheme: &str) -> bool {
        matches!(scheme, "ip" | "digest")
            || scheme == "sasl" && self.features.sasl == SaslScheme::Known
            || scheme == "x509" && self.has_secure_listener()
    }
}

impl ServerBuilder {
    #[cfg(feature = "tls")]
    const fn has_secure_listener(&self) -> bool {
        self.secure.is_some()
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_self, reason = "with TLS it looks")]
    const fn has_secure_listener(&self) -> bool {
        false
    }
}

fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Timeouts are 32-bit milliseconds on the wire.
fn millis(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}

/// One every 6 ms.
const CONTAINER_MAX_PER_MINUTE: NonZeroU32 = NonZeroU32::new(10_000).unwrap();
