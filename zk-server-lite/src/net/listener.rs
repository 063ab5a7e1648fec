//! Clients over TCP.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::client_cnxns::ClientCnxns;
use super::hub::{Hub, Visitor};

/// Hands clients to `welcome` until the server stops, which it says by false.
pub(crate) async fn accept_loop(
    hub: Arc<Hub>,
    listener: TcpListener,
    cnxns: Arc<ClientCnxns>,
    welcome: impl Fn(TcpStream, Visitor) -> bool + Send,
) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%peer, %error, "no TCP_NODELAY");
                }
                let Some(place) = cnxns.admit(peer.ip()) else {
                    tracing::warn!(%peer, "too many connections from this address");
                    hub.with_engine(|engine, _| engine.handle_rejected());
                    // A reset, as ZooKeeper does it: nothing of the connection lingers here.
                    let _ = stream.set_zero_linger();
                    continue;
                };
                tracing::debug!(%peer, "accepted");
                if !welcome(stream, Visitor { peer, place: Some(place), x509: None }) {
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
