use zk_proto::path::join;
use zk_proto::{ByteString, ErrorCode, Stat, Version};

use super::Client;
use super::steps::{MOST_ATTEMPTS, Steps, steps};
use crate::error::Error;
use crate::reply::Reply;

/// A node to delete with all that is below it. Made by [`Client::delete_recursive`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Copy, Debug)]
pub struct DeleteRecursive<'a> {
    pub(super) client: &'a Client,
    pub(super) path: &'a str,
}

impl DeleteRecursive<'_> {
    /// Sends the first request.
    ///
    /// Children go before their parents, up to 128 in one multi. What others delete meanwhile is
    /// taken as done, and what they create is deleted too; whoever keeps creating children faster
    /// than they are deleted lets the call fail with `NotEmpty`. Writes whose reply was lost are
    /// sent again, so that it goes on through lost connections.
    ///
    /// There is no limit for the whole: a huge tree takes its time, and every request has a
    /// deadline of its own. What is kept in memory is the names of the children of those nodes
    /// that lie between the root and where it works.
    ///
    /// It takes a listing, a look and about a delete for each node that has children, and a look
    /// for each that has none. Up to 128 of these requests are under way at once, and count for
    /// [`ClientBuilder::max_pending`](crate::ClientBuilder::max_pending).
    ///
    /// Errors: `NoNode` when there is no such node to begin with, `NotEmpty`, `NoAuth`,
    /// [`Error::BadArguments`] for `/`, `/zookeeper`, `/zookeeper/quota` and `/zookeeper/config` of
    /// the server, which it would refuse after all below had gone, and those of every operation.
    /// After an error, and when it is dropped, a part of the tree is gone: whole subtrees, and
    /// leaves. What is left still hangs together, and the same call can be made again.
    pub fn send(self) -> Steps<()> {
        let Self { client, path } = self;
        if client.server_path(path).is_ok_and(|path| KEPT.contains(&&*path)) {
            let reason = "servers keep their root and what they have made themselves";
            return Steps::refused(Error::BadArguments { reason });
        }
        let children = client.children(path).send();
        let (client, path) = (client.clone(), path.to_owned());
        Steps::new(async move {
            let root = Level::new(path, children.await?);
            Deletion { client, levels: vec![root] }.run().await
        })
    }
}

steps!(DeleteRecursive => ());

/// Where a deletion stands: the levels from the root of the tree down to where it works.
struct Deletion {
    client: Client,
    levels: Vec<Level>,
}

/// A node whose children are being deleted.
struct Level {
    path: String,
    /// Children that were not looked at yet.
    unseen: Vec<ByteString>,
    /// Children that have children.
    inner: Vec<ByteString>,
    /// How often the node turned out to have new children when it was to be deleted.
    refilled: usize,
}

impl Level {
    const fn new(path: String, children: Vec<ByteString>) -> Self {
        Self { path, unseen: children, inner: Vec::new(), refilled: 0 }
    }
}

impl Deletion {
    async fn run(mut self) -> Result<(), Error> {
        while let Some(level) = self.levels.last_mut() {
            if let Some(name) = level.inner.pop() {
                let path = join(&level.path, &name);
                if let Some(children) = list(&self.client, &path).await? {
                    self.levels.push(Level::new(path, children));
                }
            } else if level.unseen.is_empty() {
                if level.is_deleted(&self.client).await? {
                    self.levels.pop();
                }
            } else {
                level.delete_batch(&self.client).await?;
            }
        }
        Ok(())
    }
}

impl Level {
    /// Looks at some children, and deletes those that have none themselves.
    async fn delete_batch(&mut self, client: &Client) -> Result<(), Error> {
        let names = self.unseen.split_off(self.unseen.len().saturating_sub(BATCH));
        let path = |name: &ByteString| join(&self.path, name);
        let looks: Vec<(ByteString, Reply<Option<Stat>>)> = names
            .into_iter()
            .map(|name| {
                let look = client.exists(&path(&name)).send();
                (name, look)
            })
            .collect();
        let mut leaves = Vec::new();
        for (name, look) in looks {
            match look.await {
                Ok(Some(stat)) if stat.num_children == 0 => leaves.push(name),
                Ok(Some(_)) => self.inner.push(name),
                Ok(None) => {}
                Err(error) => return Err(error),
            }
        }
        let paths: Vec<_> = leaves.iter().map(path).collect();
        let multi = paths.iter().fold(client.multi(), |multi, path| multi.delete(path, ANY));
        if leaves.is_empty() || multi.commit().await.is_ok() {
            return Ok(());
        }
        // One of them has gone or has got children, or nobody knows: each has its own answer.
        let deletes: Vec<_> =
            paths.iter().map(|path| client.delete(path).idempotent().send()).collect();
        for (name, delete) in leaves.into_iter().zip(deletes) {
            match delete.await {
                Err(error) if error.code() == Some(ErrorCode::NotEmpty) => self.inner.push(name),
                deleted => deleted?,
            }
        }
        Ok(())
    }

    /// Deletes the node itself, unless it has children again.
    async fn is_deleted(&mut self, client: &Client) -> Result<bool, Error> {
        let error = match client.delete(&self.path).idempotent().await {
            Ok(()) => return Ok(true),
            Err(error) => error,
        };
        if error.code() != Some(ErrorCode::NotEmpty) || self.refilled == MOST_ATTEMPTS {
            return Err(error);
        }
        self.refilled += 1;
        self.unseen = list(client, &self.path).await?.unwrap_or_default();
        Ok(false)
    }
}

/// The children of a node, if it is there.
async fn list(client: &Client, path: &str) -> Result<Option<Vec<ByteString>>, Error> {
    match client.children(path).await {
        Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(None),
        listed => listed.map(Some),
    }
}

const ANY: Version = Version::ANY;
/// What no server deletes (`ZKDatabase.isSpecialPath`).
const KEPT: [&str; 4] = ["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"];
/// Nodes that are looked at and deleted together: below the limit of a request with paths of up to
/// 8,000 bytes. A multi that is too large all the same is not sent, and each node deleted alone.
const BATCH: usize = 128;
