//! Nodes of ours that one multi has created: they are there together, and go together.

use zk_client::{Client, Error, ErrorCode, Version, Zxid};

use super::own_node::Deleted;

/// What one transaction has created beside a node with a unique name.
///
/// Names of others need not be unique: a node that somebody has deleted and another one has created
/// anew has another czxid, and is left alone.
#[derive(Clone, Debug)]
pub(crate) struct Together {
    /// The other nodes.
    pub(crate) others: Vec<String>,
    /// A node that stays, with the version that the transaction has left it with: whoever takes the
    /// place of one of the others changes it in the same transaction.
    pub(crate) epoch: Option<(String, Version)>,
}

impl Together {
    /// As [`delete`](Self::delete), by somebody who may have missed that others have
    /// made one of them anew. Whoever does that by the same recipe has changed the epoch; who does not
    /// is seen by a look before.
    pub(super) async fn delete_in_doubt(
        &self,
        client: &Client,
        path: &str,
        czxid: Zxid,
    ) -> Result<Deleted, Error> {
        if self.epoch.is_none() || self.are_ours(client, path, czxid).await? {
            return self.delete(client, path, czxid).await;
        }
        self.delete_ours(client, path, czxid).await?;
        Ok(Deleted::Before)
    }

    async fn are_ours(&self, client: &Client, path: &str, czxid: Zxid) -> Result<bool, Error> {
        let synced = client.sync(path).send();
        let looked: Vec<_> = self.paths(path).map(|path| client.exists(path).send()).collect();
        synced.await?;
        for found in looked {
            if found.await?.is_none_or(|stat| stat.czxid != czxid) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Deletes all of them that are still ours: in one round trip if nothing has happened to them.
    pub(super) async fn delete(
        &self,
        client: &Client,
        path: &str,
        czxid: Zxid,
    ) -> Result<Deleted, Error> {
        let mut all = client.multi();
        if let Some((epoch, version)) = &self.epoch {
            all = all.check(epoch, *version);
        }
        for path in self.paths(path) {
            all = all.delete(path, Version::ANY);
        }
        match all.commit().await {
            Ok(_) => Ok(Deleted::Now),
            Err(error) if is_changed(&error) => {
                self.delete_ours(client, path, czxid).await?;
                Ok(Deleted::Before)
            }
            Err(error) => Err(error),
        }
    }

    /// Deletes those that are still ours, one by one, and last the one by whose name they are found
    /// should this have to be begun anew.
    pub(crate) async fn delete_ours(
        &self,
        client: &Client,
        path: &str,
        czxid: Zxid,
    ) -> Result<(), Error> {
        // A server that lags does not show them yet.
        client.sync(path).await?;
        let others = self.others.iter().map(String::as_str);
        for path in others.chain([path]) {
            if client.exists(path).await?.is_some_and(|stat| stat.czxid == czxid) {
                match client.delete(path).await {
                    Err(error) if error.code() == Some(ErrorCode::NoNode) => {}
                    deleted => deleted?,
                }
            }
        }
        Ok(())
    }

    fn paths<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a str> {
        [path].into_iter().chain(self.others.iter().map(String::as_str))
    }
}

/// Somebody has deleted some of them, or taken their place.
fn is_changed(error: &Error) -> bool {
    matches!(error.code(), Some(ErrorCode::NoNode | ErrorCode::BadVersion))
}
