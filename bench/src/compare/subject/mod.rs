//! The clients that are compared, each used as its own documentation uses it.

mod ours;
mod tokio_zookeeper;
mod zookeeper_async;
mod zookeeper_client;

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use clap::ValueEnum;

use crate::Failure;

pub(crate) use self::ours::Ours;
pub(crate) use self::tokio_zookeeper::TokioZookeeper;
pub(crate) use self::zookeeper_async::ZookeeperAsync;
pub(crate) use self::zookeeper_client::ZookeeperClient;

/// What every client can do. A clone shares the session.
pub(crate) trait Subject: Clone + Send + Sync + 'static {
    /// Whether a request goes out when it is made, or only when its future is first polled.
    const SENDS_WHEN_MADE: bool;

    fn connect(address: &str) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// How many bytes the node has.
    fn get(&self, path: &'static str) -> impl Future<Output = Result<usize, Failure>> + Send;

    fn set(
        &self,
        path: &'static str,
        data: &'static [u8],
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Sets a one-shot watch on the node's data.
    fn watch(&self, path: &'static str) -> impl Future<Output = Result<Fired, Failure>> + Send;
}

/// Resolves when a watch has fired.
pub(crate) type Fired = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// The clients by name, and the floor under them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// A blocking socket
    Floor,
    /// The client of this workspace
    ZkClient,
    /// zookeeper-client, by kezhuw
    ZookeeperClient,
    /// tokio-zookeeper
    TokioZookeeper,
    /// zookeeper-async
    ZookeeperAsync,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Floor => "floor",
            Self::ZkClient => "zk-client",
            Self::ZookeeperClient => "zookeeper-client",
            Self::TokioZookeeper => "tokio-zookeeper",
            Self::ZookeeperAsync => "zookeeper-async",
        })
    }
}

/// Asked of every server by every client, so that all of them ping as often.
const SESSION_TIMEOUT: Duration = Duration::from_secs(30);
