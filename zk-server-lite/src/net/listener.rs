//! Clients over TCP.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use super::hub::Hub;

/// Lets clients in until the server stops.
pub(crate) async fn accept_loop(hub: Arc<Hub>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%peer, %error, "no TCP_NODELAY");
                }
                tracing::debug!(%peer, "accepted");
                if !hub.open(stream, peer) {
                    return;
                }
            }
            Err(error) => {
                // Out of file descriptors, most likely: asking again at once would spin.
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    }
}

const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);
