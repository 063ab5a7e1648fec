//! From an accepted TCP connection to a client that is served over TLS.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

use super::pem::TlsError;
use super::settings::TlsSettings;
use super::subject::subject;
use crate::net::hub::{Hub, Visitor};

/// What handshakes go by.
#[derive(Debug)]
pub(crate) struct Acceptor {
    settings: TlsSettings,
    /// What was good last.
    config: Mutex<Arc<ServerConfig>>,
}

impl Acceptor {
    /// Reads all files.
    ///
    /// # Errors
    /// When they do not make a listener.
    pub(crate) fn new(settings: TlsSettings) -> Result<Self, TlsError> {
        let config = Mutex::new(settings.load()?);
        Ok(Self { settings, config })
    }

    /// The configuration for the next connection.
    async fn config(self: &Arc<Self>) -> Arc<ServerConfig> {
        if self.settings.has_files() {
            let this = Arc::clone(self);
            // The task ends without a result only when the runtime goes.
            match spawn_blocking(move || this.settings.load()).await {
                Ok(Ok(config)) => self.keep(config),
                Ok(Err(error)) => tracing::warn!(%error, "TLS goes on with what was read before"),
                Err(_) => {}
            }
        }
        Arc::clone(&self.config.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, config: Arc<ServerConfig>) {
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = config;
    }
}

/// Lets a client in once it has spoken TLS, and has shown what is asked for.
pub(crate) async fn welcome(
    hub: Arc<Hub>,
    acceptor: Arc<Acceptor>,
    stream: TcpStream,
    visitor: Visitor,
) {
    let peer = visitor.peer;
    match timeout(HANDSHAKE_TIMEOUT, handshake(&acceptor, stream)).await {
        Ok(Ok(stream)) => {
            let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let x509 = certificate.map(subject).transpose();
            match x509 {
                Ok(x509) => {
                    hub.open(stream, Visitor { x509, ..visitor });
                }
                Err(error) => {
                    tracing::debug!(%peer, %error, "the client's certificate has no name to read");
                }
            }
        }
        Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS with this client"),
        Err(_) => tracing::debug!(%peer, "no TLS with this client in time"),
    }
}

async fn handshake(
    acceptor: &Arc<Acceptor>,
    stream: TcpStream,
) -> io::Result<TlsStream<TcpStream>> {
    let acceptor = TlsAcceptor::from(acceptor.config().await);
    match acceptor.accept(stream).into_fallible().await {
        Ok(stream) => Ok(stream),
        Err((error, mut stream)) => {
            // What the client still sends is read and thrown away, or the system would reset the
            // connection and the client might lose the alert that says what is wrong.
            stream.shutdown().await?;
            let mut rest = [0; 1024];
            while stream.read(&mut rest).await? > 0 {}
            Err(error)
        }
    }
}

/// As long as Netty gives it, with the farewell to those who fail.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
