//! The clock of the ensemble, by which overrides expire.

use tokio::time::Instant;
use zk_client::path::join;
use zk_client::{Client, CreateMode, Error, Janitor};

/// What the clock of the leader has shown at some time, as far as this process knows: it is read from
/// a node that was created just then, so the reading is late by no more than the reply took.
#[derive(Clone, Copy, Debug)]
pub(super) struct EnsembleTime {
    unix_ms: u64,
    at: Instant,
}

impl EnsembleTime {
    /// Asks the ensemble: a node below `parent` that is deleted at once.
    ///
    /// # Cancel safety
    /// A dropped future leaves no node.
    pub(super) async fn ask(client: &Client, parent: &str) -> Result<Self, Error> {
        let probe = join(parent, "_time_");
        let created = client.create(&probe, "").mode(CreateMode::Ephemeral).protected().await?;
        let at = Instant::now();
        Janitor::of(client).delete(&created.path)?;
        Ok(Self { unix_ms: created.stat.ctime.try_into().unwrap_or(0), at })
    }

    /// What it shows now, if it runs as fast as ours.
    pub(super) fn now(&self) -> u64 {
        let since = u64::try_from(self.at.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.unix_ms.saturating_add(since)
    }
}
