use zk_client::Client;

use super::{Fired, SESSION_TIMEOUT, Subject};
use crate::Failure;

/// `zk-client`.
#[derive(Clone, Debug)]
pub(crate) struct Ours(Client);

impl Subject for Ours {
    const SENDS_WHEN_MADE: bool = true;

    async fn connect(address: &str) -> Result<Self, Failure> {
        let builder = Client::builder(address).session_timeout(SESSION_TIMEOUT);
        Ok(Self(builder.connect().await?))
    }

    fn get(&self, path: &'static str) -> impl Future<Output = Result<usize, Failure>> + Send {
        let reply = self.0.get(path).send();
        async move { Ok(reply.await?.0.len()) }
    }

    async fn set(&self, path: &'static str, data: &'static [u8]) -> Result<(), Failure> {
        self.0.set(path, data).await?;
        Ok(())
    }

    async fn watch(&self, path: &'static str) -> Result<Fired, Failure> {
        let (_, watch) = self.0.get(path).watch().await?;
        Ok(Box::pin(async move {
            watch.await?;
            Ok(())
        }))
    }
}
