//! Real ZooKeeper in a container.

use std::env;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use testcontainers::bollard::models::{HostConfig, PortBinding};
use testcontainers::core::IntoContainerPort;
use testcontainers::runners::AsyncRunner;
use testcontainers::{
    ContainerAsync, ContainerRequest, GenericImage, ImageExt, TestcontainersError,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::run::Settings;
use crate::server::{CONTAINER_CHECK_INTERVAL, SUPER_DIGEST, TICK};

/// A container that serves.
#[derive(Debug)]
pub(crate) struct Running {
    container: ContainerAsync<GenericImage>,
}

impl Running {
    /// Starts ZooKeeper, and waits until it serves. `settings` are variables of its image, which
    /// win over those of here.
    pub(crate) async fn start(settings: Settings) -> Result<(SocketAddr, Self), String> {
        let image = image();
        let request = settings
            .iter()
            .fold(request(&image), |request, (name, value)| request.with_env_var(*name, *value));
        let container = request.start().await.map_err(|error| format!("{image}: {error}"))?;
        let address = address(&container).await.map_err(|error| format!("{image}: {error}"))?;
        let version = until_serving(address)
            .await
            .ok_or_else(|| format!("{image}: does not serve after {START_LIMIT:?}"))?;
        eprintln!("{image}: {version}");
        Ok((address, Self { container }))
    }

    /// Removes it.
    pub(crate) async fn stop(self) {
        if let Err(error) = self.container.rm().await {
            eprintln!("a container of real ZooKeeper is left behind: {error}");
        }
    }
}

/// The image of real ZooKeeper.
pub(crate) fn image() -> String {
    env::var("ZK_TEST_IMAGE").unwrap_or_else(|_| DEFAULT_IMAGE.to_owned())
}

/// A container as all tests want it, before it is started.
pub(crate) fn request(image: &str) -> ContainerRequest<GenericImage> {
    request_with(image, &[CLIENT_PORT])
}

/// The same, with these ports to be reached.
pub(crate) fn request_with(image: &str, ports: &'static [u16]) -> ContainerRequest<GenericImage> {
    let (name, tag) = image.rsplit_once(':').unwrap_or((image, "latest"));
    ports
        .iter()
        .fold(GenericImage::new(name, tag), |image, port| image.with_exposed_port(port.tcp()))
        .with_env_var("ZOO_TICK_TIME", TICK.as_millis().to_string())
        .with_env_var("ZOO_MAX_CLIENT_CNXNS", "0")
        .with_env_var("ZOO_ADMINSERVER_ENABLED", "false")
        .with_env_var("ZOO_4LW_COMMANDS_WHITELIST", "*")
        .with_env_var("ZOO_CFG_EXTRA", "extendedTypesEnabled=true enforceQuota=true")
        .with_env_var("JVMFLAGS", jvm_flags())
        .with_host_config_modifier(|config| publish_on_loopback(config, ports))
}

/// Where clients reach it. The port is another one after each start.
pub(crate) async fn address(
    container: &ContainerAsync<GenericImage>,
) -> Result<SocketAddr, TestcontainersError> {
    let port = container.get_host_port_ipv4(CLIENT_PORT).await?;
    Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
}

/// What is set by properties of the JVM only.
fn jvm_flags() -> String {
    let interval = CONTAINER_CHECK_INTERVAL.as_millis();
    format!("-D{SUPER_DIGEST_PROPERTY}={SUPER_DIGEST} -Dznode.container.checkIntervalMs={interval}")
}

/// Nobody but this machine has business with a server under test.
fn publish_on_loopback(config: &mut HostConfig, ports: &[u16]) {
    let loopback = PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: None };
    let binding = |port: &u16| (format!("{port}/tcp"), Some(vec![loopback.clone()]));
    config.publish_all_ports = Some(false);
    config.port_bindings = Some(ports.iter().map(binding).collect());
}

/// Asks `srvr` until it tells a mode; the log line of the start comes before the service.
pub(crate) async fn until_serving(address: SocketAddr) -> Option<String> {
    let serving = async {
        loop {
            // An attempt that is too early may be taken by the port proxy and never answered.
            if let Ok(Ok(answer)) = timeout(ATTEMPT_LIMIT, srvr(address)).await
                && answer.contains("Mode:")
            {
                return answer.lines().next().unwrap_or_default().to_owned();
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(START_LIMIT, serving).await.ok()
}

pub(crate) async fn srvr(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"srvr").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

const DEFAULT_IMAGE: &str = "zookeeper:3.9";
const SUPER_DIGEST_PROPERTY: &str = "zookeeper.DigestAuthenticationProvider.superDigest";
pub(crate) const CLIENT_PORT: u16 = 2181;
pub(crate) const START_LIMIT: Duration = Duration::from_secs(60);
pub(crate) const ATTEMPT_LIMIT: Duration = Duration::from_millis(250);
