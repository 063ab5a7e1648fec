use std::sync::Arc;

use tokio::sync::oneshot;
use zookeeper_async::ZooKeeper;

use super::{Fired, SESSION_TIMEOUT, Subject};
use crate::Failure;

/// `zookeeper-async`.
#[derive(Clone)]
pub(crate) struct ZookeeperAsync(Arc<ZooKeeper>);

impl Subject for ZookeeperAsync {
    const SENDS_WHEN_MADE: bool = false;

    async fn connect(address: &str) -> Result<Self, Failure> {
        let client = ZooKeeper::connect(address, SESSION_TIMEOUT, |_| {}).await?;
        Ok(Self(Arc::new(client)))
    }

    async fn get(&self, path: &'static str) -> Result<usize, Failure> {
        Ok(self.0.get_data(path, false).await?.0.len())
    }

    async fn set(&self, path: &'static str, data: &'static [u8]) -> Result<(), Failure> {
        self.0.set_data(path, data.to_vec(), None).await?;
        Ok(())
    }

    async fn watch(&self, path: &'static str) -> Result<Fired, Failure> {
        let (fire, fired) = oneshot::channel();
        let watcher = move |_| {
            // Who does not wait any more need not be told.
            let _ = fire.send(());
        };
        self.0.get_data_w(path, watcher).await?;
        Ok(Box::pin(async move { Ok(fired.await?) }))
    }
}
