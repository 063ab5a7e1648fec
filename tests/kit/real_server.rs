//! One real ZooKeeper in a container of its own, to be killed, paused and started again.

use std::net::SocketAddr;

use testcontainers::core::{CmdWaitFor, ExecCommand};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt};
use tokio::time::timeout;

use crate::container::{self, ATTEMPT_LIMIT, START_LIMIT};
use crate::proxy::FaultProxy;
use crate::run::Settings;

/// A server behind a [`FaultProxy`], which keeps its address while the server's own changes.
#[derive(Debug)]
pub struct RealServer {
    container: ContainerAsync<GenericImage>,
    proxy: FaultProxy,
}

impl RealServer {
    /// Starts one that stands alone, and waits until it serves. `settings` are variables of its
    /// image.
    pub async fn start(settings: Settings) -> Self {
        let image = container::image();
        let request = settings.iter().fold(container::request(&image), |request, (name, value)| {
            request.with_env_var(*name, *value)
        });
        let server = Self::launch(request).await;
        server.until_serving().await;
        server
    }

    /// Starts one that stands alone, with flags for its JVM and a file that they name.
    pub async fn start_with_file(flags: &'static str, (path, text): (&str, &str)) -> Self {
        let request = container::request(&container::image())
            .with_env_var("JVMFLAGS", flags)
            .with_copy_to(path, text.as_bytes().to_vec());
        let server = Self::launch(request).await;
        server.until_serving().await;
        server
    }

    /// Starts one, which may have to wait for others before it serves.
    pub(crate) async fn launch(request: ContainerRequest<GenericImage>) -> Self {
        let container = request.start().await.unwrap();
        let target = container::address(&container).await.unwrap();
        Self { container, proxy: FaultProxy::start(target) }
    }

    /// The way to it, with its faults.
    #[must_use]
    pub const fn proxy(&self) -> &FaultProxy {
        &self.proxy
    }

    /// Where clients connect to, for a connect string.
    #[must_use]
    pub fn connect_string(&self) -> String {
        self.proxy.address().to_string()
    }

    pub(crate) fn id(&self) -> &str {
        self.container.id()
    }

    async fn target(&self) -> SocketAddr {
        container::address(&self.container).await.unwrap()
    }

    /// Waits until it serves.
    pub async fn until_serving(&self) {
        let serving = container::until_serving(self.target().await).await;
        assert!(serving.is_some(), "does not serve after {START_LIMIT:?}");
    }

    /// What it says of itself: `leader`, `follower`, `standalone`, `read-only`; `None` when it does
    /// not serve.
    pub async fn mode(&self) -> Option<String> {
        let target = container::address(&self.container).await.ok()?;
        let answer = timeout(ATTEMPT_LIMIT, container::srvr(target)).await.ok()?.ok()?;
        let mode = answer.lines().find_map(|line| line.strip_prefix("Mode: "));
        mode.map(str::to_owned)
    }

    /// Ends its process at once; what it has written to disk stays.
    pub async fn kill(&self) {
        self.container.stop_with_timeout(Some(0)).await.unwrap();
        self.proxy.cut();
    }

    /// Starts it again after a kill, without waiting until it serves.
    pub async fn start_again(&self) {
        self.container.start().await.unwrap();
        self.proxy.retarget(self.target().await);
    }

    /// Stops it in its tracks: connections stay open and say nothing.
    pub async fn pause(&self) {
        self.container.pause().await.unwrap();
    }

    /// Lets it go on as if nothing had happened.
    pub async fn unpause(&self) {
        self.container.unpause().await.unwrap();
    }

    /// Removes its data from disk; what it has in memory stays until it is killed.
    pub async fn wipe(&self) {
        let remove = ["sh", "-c", "rm -rf /data/version-2 /datalog/version-2"];
        let remove = ExecCommand::new(remove).with_cmd_ready_condition(CmdWaitFor::exit_code(0));
        self.container.exec(remove).await.unwrap();
    }

    /// Removes the container.
    pub async fn stop(self) {
        if let Err(error) = self.container.rm().await {
            eprintln!("a container of real ZooKeeper is left behind: {error}");
        }
    }
}
