//! The nodes that permits are held by: found by their names, and deleted together.

use zk_client::path::{join, name};
use zk_client::{ByteString, Client, Error, ErrorCode, Janitor, Version};

use crate::dialect::Dialect;

/// Leases that may have been created, all at once. Dropping it leaves them to the janitor.
pub(super) struct Claim {
    client: Client,
    parent: String,
    /// What all their names begin with.
    unique: String,
    is_open: bool,
}

impl Claim {
    pub(super) fn new(client: &Client, parent: &str) -> Self {
        let unique = Dialect::Curator.unique_prefix();
        Self { client: client.clone(), parent: parent.to_owned(), unique, is_open: true }
    }

    /// The path of each, without its number.
    pub(super) fn path(&self) -> String {
        join(&self.parent, &format!("{}{}", self.unique, super::LEASE))
    }

    /// Those that are there. The server is asked to catch up first.
    pub(super) async fn find(&self) -> Result<Vec<String>, Error> {
        find(&self.client, &self.parent, &self.unique).await
    }

    /// Somebody else takes care of them, or there are none.
    pub(super) fn settle(&mut self) {
        self.is_open = false;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        let (parent, unique) = (self.parent.clone(), self.unique.clone());
        let handed = Janitor::of(&self.client).errand(move |client| {
            let (parent, unique) = (parent.clone(), unique.clone());
            async move {
                let found = find(&client, &parent, &unique).await?;
                delete_all(&client, &parent, found).await.map(|_| ())
            }
        });
        if let Err(error) = handed {
            tracing::warn!(%error, "leases stay until the session ends");
        }
    }
}

async fn find(client: &Client, parent: &str, unique: &str) -> Result<Vec<String>, Error> {
    let synced = client.sync(parent).send();
    let listed = client.children(parent).send();
    synced.await?;
    let children = or_none(listed.await)?;
    let ours = children.iter().filter(|name| name.starts_with(unique));
    Ok(ours.map(|name| join(parent, name)).collect())
}

/// Deletes nodes with unique names, in one write as long as all are there. Tells whether they were.
pub(super) async fn delete_all(
    client: &Client,
    parent: &str,
    mut paths: Vec<String>,
) -> Result<bool, Error> {
    let mut were_all_there = true;
    while !paths.is_empty() {
        let multi = client.multi();
        let multi = paths.iter().fold(multi, |multi, path| multi.delete(path, Version::ANY));
        match multi.commit().await {
            Ok(_) => break,
            Err(Error::Multi { index, code: ErrorCode::NoNode, .. }) if index < paths.len() => {
                were_all_there = false;
                paths.remove(index);
                let there = or_none(client.children(parent).await)?;
                paths.retain(|path| there.iter().any(|there| **there == *name(path)));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(were_all_there)
}

/// The children of a node that may be missing.
pub(super) fn or_none(listed: Result<Vec<ByteString>, Error>) -> Result<Vec<ByteString>, Error> {
    match listed {
        Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(Vec::new()),
        listed => listed,
    }
}
