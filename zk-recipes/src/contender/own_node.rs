//! A node of ours that neither a lost reply nor a dropped future leaves behind.
//!
//! The name of a sequential node is known only from the reply to its creation. When the reply is
//! lost, the node may exist without its owner knowing, and block everybody behind it for as long
//! as the session lives. So it is created [protected](zk_client::Create::protected).

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tokio::sync::watch;
use zk_client::path::{join, name};
use zk_client::{
    Acl, ByteString, Client, CreateMode, CreateSteps, Error, ErrorCode, Janitor, Version, Zxid,
};

use super::together::Together;
use crate::dialect::{Dialect, Kind, Parents};
use crate::error::RecipeError;
use crate::held::Ownership;

/// What to create.
#[derive(Clone, Debug)]
pub(crate) struct NodeSpec {
    /// The parent; see `parents` for when it is missing.
    pub(crate) parent: String,
    pub(crate) dialect: Dialect,
    /// What stands between the unique id and the number, such as `lock-`.
    pub(crate) kind: Kind,
    pub(crate) data: Bytes,
    pub(crate) acl: Vec<Acl>,
    pub(crate) parents: Parents,
}

/// A node of ours, with a name that nobody else has, and the nodes that go together with it. Dropping
/// it leaves them to the janitor.
#[derive(Debug)]
pub(crate) struct OwnNode {
    janitor: Janitor,
    /// `None` once it is deleted, or none of ours any more.
    path: Option<String>,
    deletion: Deletion,
    pub(crate) czxid: Zxid,
    /// What its holder knows of it, if it has one.
    known: Option<watch::Receiver<Ownership>>,
}

/// How a node of ours is deleted.
#[derive(Clone, Debug)]
enum Deletion {
    /// By its name, which nobody else has.
    Alone,
    /// Together with these, and they only then: their names are not unique.
    With(Vec<String>),
    /// With what the same transaction has created.
    Together(Together),
    /// By its name, which others may have as well: if it is still that of the same transaction.
    IfTheSame,
}

impl NodeSpec {
    /// A node whose missing parents are made as the dialect does it.
    pub(crate) fn new(parent: String, dialect: Dialect, kind: impl Into<Kind>) -> Self {
        Self {
            parent,
            dialect,
            kind: kind.into(),
            data: Bytes::new(),
            acl: Acl::open(),
            parents: Parents::of(dialect),
        }
    }

    /// The create under way, protected.
    fn create<'a>(&self, client: &'a Client, path: &'a str, mode: CreateMode) -> CreateSteps<'a> {
        let create = client.create(path, self.data.clone()).mode(mode).acl(self.acl.clone());
        let create = create.protected_as(self.dialect.unique_prefix());
        match self.parents {
            Parents::Container => create.with_container_parents(),
            Parents::Persistent => create.with_parents(),
            Parents::Required => create,
        }
    }
}

impl OwnNode {
    /// A node that is known to be ours.
    pub(crate) fn new(client: &Client, path: String, czxid: Zxid) -> Self {
        let janitor = Janitor::of(client);
        Self { janitor, path: Some(path), deletion: Deletion::Alone, czxid, known: None }
    }

    /// A node whose name is not unique: it is deleted only if the one that is there was created by
    /// this transaction. Between the look and the deletion nothing tells one from another.
    pub(crate) fn with_shared_name(client: &Client, path: String, czxid: Zxid) -> Self {
        let mut node = Self::new(client, path, czxid);
        node.deletion = Deletion::IfTheSame;
        node
    }

    /// The same, with nodes that are deleted together with it and at no other time.
    pub(crate) fn with_companions(mut self, companions: Vec<String>) -> Self {
        self.deletion = Deletion::With(companions);
        self
    }

    /// Those that went together with it are gone already.
    pub(crate) fn part_with_companions(&mut self) {
        self.deletion = Deletion::Alone;
    }

    /// The same, with what the same transaction has created.
    pub(crate) fn together_with(mut self, together: Together) -> Self {
        self.deletion = Deletion::Together(together);
        self
    }

    /// Has it known what happens to the node: it is deleted with more care when that is in doubt.
    pub(crate) fn followed_by(&mut self, ownership: watch::Receiver<Ownership>) {
        self.known = Some(ownership);
    }

    /// Takes a place in a queue: creates an ephemeral sequential node, and lists its parent's
    /// children in the same round trip. The client must be bound to the session that is to own it.
    ///
    /// # Cancel safety
    /// A dropped future leaves no node: the janitor looks for it.
    pub(crate) async fn enter(
        client: &Client,
        spec: &NodeSpec,
    ) -> Result<(Self, Vec<ByteString>), RecipeError> {
        let path = join(&spec.parent, &spec.kind);
        for _ in 0..MOST_ATTEMPTS {
            let created = spec.create(client, &path, CreateMode::EphemeralSequential).send();
            let listed = client.children(&spec.parent).send();
            match created.await {
                Ok(created) => {
                    let node = Self::new(client, created.path.to_string(), created.stat.czxid);
                    let children = node.with_own(client, listed.await).await?;
                    return Ok((node, children));
                }
                // A connection that is away for longer than one operation may take is waited for.
                Err(error) if error.outcome_unknown() || error.is_retriable() => {
                    tracing::debug!(%error, "taking a place once more");
                    client.connected().await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(RecipeError::Timeout)
    }

    /// The children of the parent. The first listing tells of a time before the node was created
    /// if that took more than one attempt.
    pub(crate) async fn with_own(
        &self,
        client: &Client,
        listed: Result<Vec<ByteString>, Error>,
    ) -> Result<Vec<ByteString>, Error> {
        match listed {
            Ok(children) if children.iter().any(|name| **name == *self.name()) => Ok(children),
            Err(error) if error.code() != Some(ErrorCode::NoNode) => Err(error),
            Ok(_) | Err(_) => {
                let synced = client.sync(self.parent()).send();
                let listed = client.children(self.parent()).send();
                synced.await?;
                listed.await
            }
        }
    }

    /// The path of the node; empty only after it was deleted.
    pub(crate) fn path(&self) -> &str {
        self.path.as_deref().unwrap_or_default()
    }

    pub(crate) fn name(&self) -> &str {
        name(self.path())
    }

    /// The path of its parent.
    pub(crate) fn parent(&self) -> &str {
        match self.path().rsplit_once('/') {
            Some(("", _)) | None => "/",
            Some((parent, _)) => parent,
        }
    }

    /// What tells the node from another one of its name, if there may be one.
    pub(crate) fn transaction(&self) -> Option<Zxid> {
        let shares = matches!(self.deletion, Deletion::IfTheSame | Deletion::Together(_));
        shares.then_some(self.czxid)
    }

    /// What the same transaction has created.
    const fn together(&self) -> Option<&Together> {
        match &self.deletion {
            Deletion::Together(together) => Some(together),
            Deletion::Alone | Deletion::With(_) | Deletion::IfTheSame => None,
        }
    }

    /// Of all nodes that must be there for it to be held, its own first.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        let others = self.together().map_or(&[][..], |together| &together.others);
        self.path.iter().chain(others).map(String::as_str)
    }

    /// What is true as long as it is held.
    pub(crate) fn checks(&self) -> Vec<(&str, Version)> {
        let epoch = self.together().and_then(|together| together.epoch.as_ref());
        let epoch = epoch.map(|(path, version)| (path.as_str(), *version));
        self.paths().map(|path| (path, Version::ANY)).chain(epoch).collect()
    }

    /// It was deleted, or is somebody else's by now.
    pub(crate) fn forget(&mut self) {
        self.path = None;
    }

    /// Deletes the node and those that go with it. One that is gone already is as good as deleted.
    ///
    /// # Cancel safety
    /// A dropped future leaves the nodes to the janitor once this is dropped.
    pub(crate) async fn delete(&mut self, client: &Client) -> Result<Deleted, Error> {
        let deleted = self.delete_shared(client).await?;
        self.path = None;
        Ok(deleted)
    }

    /// The same, while others look at it as well.
    ///
    /// # Cancel safety
    /// As [`delete`](Self::delete).
    pub(crate) async fn delete_shared(&self, client: &Client) -> Result<Deleted, Error> {
        let Some(path) = &self.path else {
            return Ok(Deleted::Before);
        };
        match self.deletion.delete(client, path, self.czxid, self.is_sure()).await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(Deleted::Before),
            Err(error) if error.is_session_over() => Ok(Deleted::Before),
            deleted => deleted,
        }
    }

    /// Has the nodes deleted in the background.
    pub(crate) fn leave_to_janitor(&self) {
        let Some(path) = self.path.clone() else {
            return;
        };
        let (deletion, czxid) = (self.deletion.clone(), self.czxid);
        // Much can happen between two attempts.
        let is_sure = AtomicBool::new(self.is_sure());
        let handed = match deletion {
            Deletion::Alone => self.janitor.delete(&path),
            deletion => self.janitor.errand(move |client| {
                let (deletion, path) = (deletion.clone(), path.clone());
                let is_sure = is_sure.swap(false, Ordering::Relaxed);
                async move { deletion.delete(&client, &path, czxid, is_sure).await.map(|_| ()) }
            }),
        };
        if let Err(error) = handed {
            tracing::warn!(%error, "a node stays until the session ends");
        }
    }

    /// Whether nothing is known to have happened to the nodes.
    fn is_sure(&self) -> bool {
        self.known.as_ref().is_none_or(|known| *known.borrow() == Ownership::Held)
    }
}

impl Deletion {
    async fn delete(
        &self,
        client: &Client,
        path: &str,
        czxid: Zxid,
        is_sure: bool,
    ) -> Result<Deleted, Error> {
        match self {
            Self::Alone => client.delete(path).await.map(|()| Deleted::Now),
            Self::With(companions) => {
                delete_together(client, path, companions).await.map(|()| Deleted::Now)
            }
            Self::Together(together) if is_sure => together.delete(client, path, czxid).await,
            Self::Together(together) => together.delete_in_doubt(client, path, czxid).await,
            Self::IfTheSame => delete_of(client, path, czxid).await,
        }
    }
}

/// `NoNode` only if the first one is gone.
pub(crate) async fn delete_together(
    client: &Client,
    path: &str,
    companions: &[String],
) -> Result<(), Error> {
    if companions.is_empty() {
        return client.delete(path).await;
    }
    let mut together = client.multi().delete(path, Version::ANY);
    for companion in companions {
        together = together.delete(companion, Version::ANY);
    }
    match together.commit().await {
        Ok(_) => Ok(()),
        // Somebody has deleted one that goes with it, and perhaps made it anew: not ours any more.
        Err(Error::Multi { index: 1.., code: ErrorCode::NoNode, .. }) => client.delete(path).await,
        Err(error) => Err(error),
    }
}

/// Deletes the node of one transaction, and no other of its name.
async fn delete_of(client: &Client, path: &str, czxid: Zxid) -> Result<Deleted, Error> {
    let synced = client.sync(path).send();
    let looked = client.exists(path).send();
    synced.await?;
    match looked.await? {
        Some(stat) if stat.czxid == czxid => client.delete(path).await.map(|()| Deleted::Now),
        Some(_) | None => Ok(Deleted::Before),
    }
}

/// How a deletion went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deleted {
    Now,
    /// There was nothing to delete any more.
    Before,
}

impl Drop for OwnNode {
    fn drop(&mut self) {
        self.leave_to_janitor();
    }
}

/// Parents that vanish between their creation and ours, and connections that break each time,
/// are not waited out for ever.
const MOST_ATTEMPTS: usize = 30;
