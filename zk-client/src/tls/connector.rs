//! Opens connections over TLS.

use std::fmt;
use std::io;
use std::sync::Arc;

use tokio::task::spawn_blocking;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::explain::Circumstances;
use super::options::{TlsOptions, parse_name};
use super::pem::TlsError;
use super::stream::TlsStream;
use crate::connect_string::HostPort;
use crate::endpoint::Endpoint;
use crate::transport::{Connect, Connecting, Stream, TcpConnector};

/// Connects over TLS, to a server's `secureClientPort`.
///
/// The time for the handshake is part of that for the attempt to connect. A server's certificate
/// must be for the host as it stands in the connect string, a name or an address, and names are
/// told to the server (SNI).
///
/// ```no_run
/// use zk_client::{Client, TlsConnector, TlsOptions};
///
/// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(feature = "tls-ring")] {
/// let tls = TlsOptions::ring()
///     .ca_file("/etc/zookeeper/ca.pem")
///     .client_certificate_files("/etc/zookeeper/client.pem", "/etc/zookeeper/client.key");
/// let client = Client::builder("zk1:2281,zk2:2281").connector(TlsConnector::new(tls)?).connect().await?;
/// # drop(client);
/// # }
/// # Ok(())
/// # }
/// ```
pub struct TlsConnector {
    config: Source,
    server_name: Option<ServerName<'static>>,
    transport: Box<dyn Connect>,
}

/// Where the configuration of a connection comes from.
#[derive(Clone)]
enum Source {
    /// It is the same for all.
    Fixed(Arc<ClientConfig>),
    /// It is read anew, because there are files in it.
    Files(Arc<TlsOptions>),
}

impl TlsConnector {
    /// TLS over TCP.
    ///
    /// Everything is read at once, to tell now what is wrong; what is in files is then read again
    /// for each connection. A file that cannot be read later fails the attempt to connect, and
    /// the present connection, if there is one, goes on.
    ///
    /// # Errors
    /// When a file cannot be read, is no PEM, or does not hold what it should, and when no CA is
    /// given.
    pub fn new(options: TlsOptions) -> Result<Self, TlsError> {
        let server_name = options.server_name.as_deref().map(parse_name).transpose()?;
        let config = options.load()?;
        let config = if options.has_files() {
            Source::Files(Arc::new(options))
        } else {
            Source::Fixed(Arc::new(config))
        };
        Ok(Self { config, server_name, transport: Box::new(TcpConnector::default()) })
    }

    /// TLS over TCP with a configuration of your own, for all that [`TlsOptions`] cannot say:
    /// revocation lists, the platform's verifier, keys in hardware.
    #[must_use]
    pub fn with_config(config: Arc<ClientConfig>) -> Self {
        let transport = Box::new(TcpConnector::default());
        Self { config: Source::Fixed(config), server_name: None, transport }
    }

    /// TLS over another transport than TCP.
    #[must_use]
    pub fn over(mut self, transport: impl Connect) -> Self {
        self.transport = Box::new(transport);
        self
    }

    fn name_of(&self, host: &HostPort) -> io::Result<ServerName<'static>> {
        match &self.server_name {
            Some(name) => Ok(name.clone()),
            None => parse_name(&host.host).map_err(|error| {
                let what = format!("{error}: say by TlsOptions::server_name what to expect");
                io::Error::new(io::ErrorKind::InvalidInput, what)
            }),
        }
    }
}

impl Connect for TlsConnector {
    fn connect(&self, endpoint: &Endpoint) -> Connecting {
        let name = self.name_of(&endpoint.host);
        let config = self.config.clone();
        let connecting = self.transport.connect(endpoint);
        let host = endpoint.host.clone();
        Box::pin(async move {
            let name = name?;
            // First, so that a bad file is what is told, whatever the server does.
            let config = config.load().await?;
            let has_certificate = config.client_auth_cert_resolver.has_certs();
            let circumstances = Circumstances { host, has_certificate };
            let below = connecting.await?;
            let handshake = tokio_rustls::TlsConnector::from(config).connect(name, below);
            match handshake.await {
                Ok(stream) => {
                    Ok(Box::new(TlsStream::new(stream, circumstances)) as Box<dyn Stream>)
                }
                Err(error) => Err(circumstances.of_handshake(error)),
            }
        })
    }

    fn wants_addresses(&self) -> bool {
        self.transport.wants_addresses()
    }
}

impl Source {
    /// # Cancel safety
    /// A dropped future may leave a file being read, and nobody waits for that.
    async fn load(self) -> io::Result<Arc<ClientConfig>> {
        match self {
            Self::Fixed(config) => Ok(config),
            Self::Files(options) => {
                let loaded = spawn_blocking(move || options.load()).await?;
                loaded.map(Arc::new).map_err(|error| io::Error::other(format!("TLS: {error}")))
            }
        }
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("TlsConnector");
        if let Source::Files(options) = &self.config {
            debug.field("options", options);
        }
        debug.field("server_name", &self.server_name).finish_non_exhaustive()
    }
}
