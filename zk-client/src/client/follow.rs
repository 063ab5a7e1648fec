//! The task that has the list of hosts follow the ensemble's configuration.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::{Client, WeakClient};
use crate::ensemble_config::{ConfigPort, client_hosts};
use crate::session::Source;
use crate::state::SessionState;

impl Client {
    /// Begins to follow. The task ends with the client, and does not keep it.
    pub(crate) fn follow_config(&self, port: ConfigPort) {
        drop(self.handle.runtime.spawn(follow(self.downgrade(), self.state(), port)));
    }
}

async fn follow(client: WeakClient, mut state: watch::Receiver<SessionState>, port: ConfigPort) {
    let mut known = Vec::new();
    while let Some(reading) = client.upgrade().filter(|client| !client.is_over()) {
        let reply = reading.get_config().watch().send();
        // While it waits, only users keep the client.
        drop(reading);
        let Ok(((text, _), changed)) = reply.await else {
            pause(&mut state).await;
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
            pause(&mut state).await;
        }
    }
}

/// Not longer than there is a client: no task of it is left behind.
async fn pause(state: &mut watch::Receiver<SessionState>) {
    let _ = timeout(PAUSE, state.wait_for(SessionState::is_over)).await;
}

/// Behind a configuration that could not be read: it may not be there, or not be for us to read.
const PAUSE: Duration = Duration::from_secs(10);
