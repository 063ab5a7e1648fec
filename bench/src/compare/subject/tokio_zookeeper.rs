use futures_util::StreamExt;
use tokio_zookeeper::{ZooKeeper, ZooKeeperBuilder};

use super::{Fired, SESSION_TIMEOUT, Subject};
use crate::Failure;

/// `tokio-zookeeper`.
#[derive(Clone, Debug)]
pub(crate) struct TokioZookeeper(ZooKeeper);

impl Subject for TokioZookeeper {
    const SENDS_WHEN_MADE: bool = false;

    async fn connect(address: &str) -> Result<Self, Failure> {
        let mut builder = ZooKeeperBuilder::default();
        builder.set_timeout(SESSION_TIMEOUT);
        let (client, events) = builder.connect(&address.parse()?).await?;
        // All events come there, too: somebody has to take them, or they pile up.
        tokio::spawn(async move {
            let mut events = std::pin::pin!(events);
            while events.next().await.is_some() {}
        });
        Ok(Self(client))
    }

    async fn get(&self, path: &'static str) -> Result<usize, Failure> {
        let (data, _) = self.0.get_data(path).await?.ok_or("no such node")?;
        Ok(data.len())
    }

    async fn set(&self, path: &'static str, data: &'static [u8]) -> Result<(), Failure> {
        self.0.set_data(path, None, data).await??;
        Ok(())
    }

    async fn watch(&self, path: &'static str) -> Result<Fired, Failure> {
        let set = self.0.with_watcher().get_data(path).await?;
        let (fired, ..) = set.ok_or("no such node")?;
        Ok(Box::pin(async move {
            fired.await?;
            Ok(())
        }))
    }
}
