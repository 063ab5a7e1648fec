//! Tells the engine when a deadline has come.

use std::future::pending;
use std::sync::Arc;

use tokio::time::sleep_until;

use super::hub::Hub;

/// Sleeps until the engine's next deadline, again and again.
pub(crate) async fn tick_loop(hub: Arc<Hub>) {
    loop {
        let deadline = hub.arm();
        let come = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = come => hub.with_engine(|engine, now| engine.handle_timeout(now)),
            () = hub.earlier_deadline() => {}
        }
    }
}
