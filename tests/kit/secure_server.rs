//! One real ZooKeeper with a secure port, in a container of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt};

use crate::certificates::{Authority, Certified};
use crate::container::{self, START_LIMIT};

/// A server with a plain port and a secure one.
#[derive(Debug)]
pub struct SecureServer {
    container: ContainerAsync<GenericImage>,
    plain: SocketAddr,
    secure: SocketAddr,
}

impl SecureServer {
    /// Starts one that shows `own` and trusts `authority`, and waits until it serves.
    /// `client_auth` is what ZooKeeper calls `ssl.clientAuth`.
    pub async fn start(authority: &Authority, own: &Certified, client_auth: &str) -> Self {
        Self::launch(authority, own, client_auth, |request| request).await
    }

    /// Starts one that would like to see certificates, with flags for its JVM and a file that they
    /// name.
    pub async fn start_with_file(
        authority: &Authority,
        own: &Certified,
        flags: &'static str,
        (path, text): (&str, &str),
    ) -> Self {
        let change = |request: ContainerRequest<GenericImage>| {
            let request = request.with_env_var("JVMFLAGS", flags);
            request.with_copy_to(path, text.as_bytes().to_vec())
        };
        Self::launch(authority, own, "want", change).await
    }

    async fn launch(
        authority: &Authority,
        own: &Certified,
        client_auth: &str,
        change: impl FnOnce(ContainerRequest<GenericImage>) -> ContainerRequest<GenericImage>,
    ) -> Self {
        let image = container::image();
        let settings = format!(
            "secureClientPort={SECURE_PORT} \
             serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory \
             ssl.keyStore.location=/tls/server.pem ssl.trustStore.location=/tls/ca.pem \
             ssl.clientAuth={client_auth}"
        );
        let request = container::request_with(&image, &[container::CLIENT_PORT, SECURE_PORT])
            .with_env_var("ZOO_CFG_EXTRA", settings)
            .with_copy_to("/tls/server.pem", own.store().into_bytes())
            .with_copy_to("/tls/ca.pem", authority.pem().as_bytes().to_vec());
        let container = change(request).start().await.unwrap();
        let plain = container::address(&container).await.unwrap();
        let secure = container.get_host_port_ipv4(SECURE_PORT).await.unwrap();
        let secure = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), secure);
        let serving = container::until_serving(plain).await;
        assert!(serving.is_some(), "{image}: does not serve after {START_LIMIT:?}");
        Self { container, plain, secure }
    }

    /// Its port for clients without TLS.
    #[must_use]
    pub const fn plain_port(&self) -> u16 {
        self.plain.port()
    }

    /// Its port for clients with TLS.
    #[must_use]
    pub const fn secure_port(&self) -> u16 {
        self.secure.port()
    }

    /// Removes the container.
    pub async fn stop(self) {
        if let Err(error) = self.container.rm().await {
            eprintln!("a container of real ZooKeeper is left behind: {error}");
        }
    }
}

const SECURE_PORT: u16 = 2281;
