use zookeeper_client::{Client, EventType};

use super::{Fired, SESSION_TIMEOUT, Subject};
use crate::Failure;

/// `zookeeper-client`. Its tasks run on tokio; its sockets are driven by a thread of its own.
#[derive(Clone, Debug)]
pub(crate) struct ZookeeperClient(Client);

impl Subject for ZookeeperClient {
    /// "Most data operations are ordered at future creation time but not polling time."
    const SENDS_WHEN_MADE: bool = true;

    async fn connect(address: &str) -> Result<Self, Failure> {
        let connector = Client::connector().with_session_timeout(SESSION_TIMEOUT);
        Ok(Self(connector.connect(address).await?))
    }

    fn get(&self, path: &'static str) -> impl Future<Output = Result<usize, Failure>> + Send {
        let reply = self.0.get_data(path);
        async move { Ok(reply.await?.0.len()) }
    }

    async fn set(&self, path: &'static str, data: &'static [u8]) -> Result<(), Failure> {
        self.0.set_data(path, data, None).await?;
        Ok(())
    }

    async fn watch(&self, path: &'static str) -> Result<Fired, Failure> {
        let (_, _, watcher) = self.0.get_and_watch_data(path).await?;
        Ok(Box::pin(async move {
            match watcher.changed().await.event_type {
                EventType::NodeDataChanged => Ok(()),
                other => Err(format!("a watch fired with {other:?}").into()),
            }
        }))
    }
}
