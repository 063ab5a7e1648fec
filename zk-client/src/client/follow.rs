//! The task that has the list of hosts follow the ensemble's configuration.

use std::time::Duration;

use tokio::time::sleep;

use super::{Client, WeakClient};
use crate::ensemble_config::{ConfigPort, client_hosts};
use crate::session::Source;

impl Client {
    /// Begins to follow. The task ends with the client, and does not keep it.
    pub(crate) fn follow_config(&self, port: ConfigPort) {
        drop(self.handle.runtime.spawn(follow(self.downgrade(), port)));
    }
}

async fn follow(client: WeakClient, port: ConfigPort) {
    let mut known = Vec::new();
    while let Some(reading) = client.upgrade().filter(|client| !client.is_over()) {
        let reply = reading.get_config().watch().send();
        // While it waits, only users keep the client.
        drop(reading);
        let Ok(((text, _), changed)) = reply.await else {
            sleep(PAUSE).await;
            continue;
        };
        let hosts = client_hosts(&String::from_utf8_lossy(&text), port);
        if hosts != known
            && !hosts.is_empty()
            && let Some(client) = client.upgrade()
        {
            tracing::info!(?hosts, "the ensemble names its hosts");
            client.handle.shared.update_hosts(hosts.clone(), Source::Ensemble);
            known = hosts;
        }
        // Ends with an error when the session does; then there may be another one.
        if changed.await.is_err() && !client.upgrade().is_none_or(|client| client.is_over()) {
            sleep(PAUSE).await;
        }
    }
}

/// Behind a configuration that could not be read: it may not be there, or not be for us to read.
const PAUSE: Duration = Duration::from_secs(10);
