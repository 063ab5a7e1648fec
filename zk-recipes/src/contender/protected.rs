//! A node of ours that neither a lost reply nor a dropped future leaves behind.
//!
//! The name of a sequential node is known only from the reply to its creation. When the reply is
//! lost, the node may exist without its owner knowing, and block everybody behind it for as long
//! as the session lives. So it is created [protected](zk_client::Create::protected).

use bytes::Bytes;
use zk_client::path::{join, name};
use zk_client::{Acl, ByteString, Client, CreateMode, Error, ErrorCode, Janitor, Zxid};

use crate::error::RecipeError;

/// What to create.
#[derive(Clone, Debug)]
pub(crate) struct ContenderSpec {
    /// The parent; created when it is missing.
    pub(crate) parent: String,
    /// What stands between the unique id and the number, such as `lock-`.
    pub(crate) kind: &'static str,
    pub(crate) data: Bytes,
    pub(crate) acl: Vec<Acl>,
}

/// A node of ours. Dropping it leaves it to the janitor.
#[derive(Debug)]
pub(crate) struct Contender {
    janitor: Janitor,
    parent: String,
    /// `None` once it is deleted.
    name: Option<String>,
    pub(crate) czxid: Zxid,
}

impl Contender {
    /// Creates the node, and lists its parent's children in the same round trip. The client must be
    /// bound to the session that is to own the node.
    ///
    /// # Cancel safety
    /// A dropped future leaves no node: the janitor looks for it.
    pub(crate) async fn create(
        client: &Client,
        spec: &ContenderSpec,
    ) -> Result<(Self, Vec<ByteString>), RecipeError> {
        let path = join(&spec.parent, spec.kind);
        for _ in 0..MOST_ATTEMPTS {
            let created = client
                .create(&path, spec.data.clone())
                .mode(CreateMode::EphemeralSequential)
                .acl(spec.acl.clone())
                .with_container_parents()
                .protected()
                .send();
            let listed = client.children(&spec.parent).send();
            match created.await {
                Ok(created) => {
                    let contender = Self {
                        janitor: Janitor::of(client),
                        parent: spec.parent.clone(),
                        name: Some(name(&created.path).to_owned()),
                        czxid: created.stat.czxid,
                    };
                    let children = contender.with_own(client, listed.await).await?;
                    return Ok((contender, children));
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
    async fn with_own(
        &self,
        client: &Client,
        listed: Result<Vec<ByteString>, Error>,
    ) -> Result<Vec<ByteString>, Error> {
        match listed {
            Ok(children) if children.iter().any(|name| **name == *self.name()) => Ok(children),
            Err(error) if error.code() != Some(ErrorCode::NoNode) => Err(error),
            Ok(_) | Err(_) => {
                let synced = client.sync(&self.parent).send();
                let listed = client.children(&self.parent).send();
                synced.await?;
                listed.await
            }
        }
    }

    /// The name of the node; empty only after it was deleted.
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    pub(crate) fn path(&self) -> String {
        join(&self.parent, self.name())
    }

    pub(crate) fn parent(&self) -> &str {
        &self.parent
    }

    /// Deletes the node. One that is gone already is as good as deleted.
    ///
    /// # Cancel safety
    /// A dropped future leaves the node to the janitor once the contender is dropped.
    pub(crate) async fn delete(&mut self, client: &Client) -> Result<Deleted, Error> {
        match client.delete(&self.path()).await {
            Ok(()) => {
                self.name = None;
                Ok(Deleted::Now)
            }
            Err(error) if error.code() == Some(ErrorCode::NoNode) => {
                self.name = None;
                Ok(Deleted::Before)
            }
            Err(error) if error.is_session_over() => {
                self.name = None;
                Ok(Deleted::Before)
            }
            Err(error) => Err(error),
        }
    }
}

/// How a deletion went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deleted {
    Now,
    /// There was nothing to delete any more.
    Before,
}

impl Drop for Contender {
    fn drop(&mut self) {
        if let Some(name) = self.name.take()
            && let Err(error) = self.janitor.delete(&join(&self.parent, &name))
        {
            tracing::warn!(%error, name, "a node stays until the session ends");
        }
    }
}

/// Parents that vanish between their creation and ours, and connections that break each time,
/// are not waited out for ever.
const MOST_ATTEMPTS: usize = 30;
