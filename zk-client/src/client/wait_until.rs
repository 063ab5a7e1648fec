use std::time::Duration;

use tokio::time::timeout;
use zk_proto::Stat;

use super::Client;
use super::steps::{Steps, steps};
use crate::error::{Delivery, Error};

/// A wait for a node to exist. Made by [`Client::wait_until_exists`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Copy, Debug)]
pub struct WaitUntilExists<'a> {
    pub(super) client: &'a Client,
    pub(super) path: &'a str,
    pub(super) limit: Option<Duration>,
}

/// A wait for a node to be gone. Made by [`Client::wait_until_absent`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Copy, Debug)]
pub struct WaitUntilAbsent<'a> {
    pub(super) client: &'a Client,
    pub(super) path: &'a str,
    pub(super) limit: Option<Duration>,
}

impl WaitUntilExists<'_> {
    /// How long to wait, from the first poll. Default: as long as the session lives.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Begins to wait when it is first polled.
    ///
    /// The reply is the state of the node at a moment when it existed; it may be gone again. It is
    /// looked at anew after every event, so that none is missed, and the wait goes on through lost
    /// connections. A node that exists takes one request; waiting takes one more to set a watch.
    /// After each event that is not the end of the wait, the same two are sent again.
    ///
    /// Errors: [`Error::Timeout`] when the time has passed, `NoAuth`, and the end of the session.
    /// Dropping it forgets the watch, as dropping a [`Watch`](crate::Watch) does.
    pub fn send(self) -> Steps<Stat> {
        let Self { client, path, limit } = self;
        let (client, path) = (client.clone(), path.to_owned());
        within(limit, async move {
            let found = |stat: &Option<Stat>| stat.is_some();
            // What was found is there, or the wait would not have ended.
            client.wait_for(&path, found).await?.ok_or(Error::Closed)
        })
    }
}

impl WaitUntilAbsent<'_> {
    /// How long to wait, from the first poll. Default: as long as the session lives.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Begins to wait when it is first polled; it ends at a moment when there is no such node. See
    /// [`WaitUntilExists::send`].
    pub fn send(self) -> Steps<()> {
        let Self { client, path, limit } = self;
        let (client, path) = (client.clone(), path.to_owned());
        within(limit, async move { client.wait_for(&path, Option::is_none).await.map(|_| ()) })
    }
}

steps!(WaitUntilExists => Stat);
steps!(WaitUntilAbsent => ());

impl Client {
    /// Waits until a node is as wanted. The first look sets no watch, as a server keeps one on a
    /// missing node for ever (CURATOR-107).
    async fn wait_for(
        &self,
        path: &str,
        wanted: impl Fn(&Option<Stat>) -> bool,
    ) -> Result<Option<Stat>, Error> {
        loop {
            let stat = match self.exists(path).await {
                Err(error) if self.is_passing(&error) => {
                    self.recover(&error).await?;
                    continue;
                }
                looked => looked?,
            };
            if wanted(&stat) {
                return Ok(stat);
            }
            match self.exists(path).watch().await {
                Ok((stat, _)) if wanted(&stat) => return Ok(stat),
                Ok((_, changed)) => changed.await.map(|_| ())?,
                Err(error) if self.is_passing(&error) => self.recover(&error).await?,
                Err(error) => return Err(error),
            }
        }
    }
}

fn within<T: Send + 'static>(
    limit: Option<Duration>,
    wait: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Steps<T> {
    Steps::new(async move {
        match limit {
            // A wait only reads: there is nothing that may have been done.
            Some(limit) => timeout(limit, wait)
                .await
                .unwrap_or(Err(Error::Timeout { delivery: Delivery::NotSent })),
            None => wait.await,
        }
    })
}
