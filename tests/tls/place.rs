//! A server with a secure port, and ways to it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use zk_client::rustls::crypto::{CryptoProvider, ring};
use zk_client::{
    Client, ClientBuilder, Connect, Endpoint, HostPort, Stream, TlsConnector, TlsOptions,
};
use zk_server_lite::{ClientAuth, Server, ServerBuilder, TlsSettings};
use zk_test_kit::{Authority, Certified};

/// A server, and who has signed its certificate.
pub(crate) struct Place {
    pub(crate) authority: Authority,
    pub(crate) server: Server,
}

impl Place {
    /// One that wants no certificates.
    pub(crate) async fn open() -> Self {
        Self::with(ClientAuth::None, |builder| builder).await
    }

    pub(crate) async fn with(
        client_auth: ClientAuth,
        change: impl FnOnce(ServerBuilder) -> ServerBuilder,
    ) -> Self {
        let authority = Authority::new("authority");
        let own = authority.server(&["localhost", "127.0.0.1"]);
        Self::showing(authority, &own, client_auth, change).await
    }

    /// One that shows this certificate.
    pub(crate) async fn showing(
        authority: Authority,
        own: &Certified,
        client_auth: ClientAuth,
        change: impl FnOnce(ServerBuilder) -> ServerBuilder,
    ) -> Self {
        let settings = TlsSettings::pem(provider(), own.certificate.as_str(), own.key.as_str())
            .trust_pem(authority.pem())
            .client_auth(client_auth);
        let builder = Server::builder().tick_time(TICK).secure_listen(ANY_PORT, settings);
        Self { authority, server: change(builder).start().await.unwrap() }
    }

    pub(crate) fn secure_port(&self) -> u16 {
        self.server.secure_local_addr().unwrap().port()
    }

    pub(crate) fn plain_port(&self) -> u16 {
        self.server.local_addr().unwrap().port()
    }

    /// Trusts the authority of this place.
    pub(crate) fn options(&self) -> TlsOptions {
        TlsOptions::ring().ca_pem(self.authority.pem())
    }

    /// A client on the secure port.
    pub(crate) async fn client(&self, options: TlsOptions) -> Client {
        self.builder(options, "").connect().await.unwrap()
    }

    pub(crate) fn builder(&self, options: TlsOptions, chroot: &str) -> ClientBuilder {
        let tls = TlsConnector::new(options).unwrap();
        Client::builder(format!("localhost:{}{chroot}", self.secure_port()))
            .connector(tls)
            .session_timeout(SESSION_TIMEOUT)
    }

    /// What a handshake with the secure port comes to.
    pub(crate) async fn dial(&self, options: TlsOptions) -> io::Result<Box<dyn Stream>> {
        dial(&TlsConnector::new(options).unwrap(), "localhost", self.secure_port()).await
    }
}

/// What a handshake with a port comes to.
pub(crate) async fn dial(
    connector: &TlsConnector,
    host: &str,
    port: u16,
) -> io::Result<Box<dyn Stream>> {
    let endpoint = Endpoint::unresolved(HostPort::new(host, port));
    timeout(LIMIT, connector.connect(&endpoint)).await.expect("neither connected nor refused")
}

/// What was said of a handshake that came to nothing.
pub(crate) fn reason(dialled: io::Result<Box<dyn Stream>>) -> String {
    match dialled {
        Ok(_) => panic!("connected"),
        Err(error) => error.to_string(),
    }
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

pub(crate) const ANY_PORT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Sessions of 0.4 s to 4 s.
pub(crate) const TICK: Duration = Duration::from_millis(200);
/// Short enough to wait for, long enough for a loaded machine.
pub(crate) const SESSION_TIMEOUT: Duration = Duration::from_secs(4);
/// Long enough for a handshake on a loaded machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);
