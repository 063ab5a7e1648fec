//! Creating a sequential node so that neither a lost reply nor a dropped future leaves it behind.
//!
//! The name of a sequential node is known only from the reply to its creation. When the reply is
//! lost, the node may exist without its owner knowing, and block everybody behind it for as long
//! as the session lives. So the name carries a unique id to find it by (CURATOR-3).

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;
use uuid::Uuid;
use zk_client::path::{join, name};
use zk_client::{Acl, ByteString, Client, CreateMode, Error, ErrorCode, SessionState, Stat, Zxid};

use crate::error::RecipeError;
use crate::janitor::{Item, Janitor};
use crate::parents;

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
    janitor: Arc<Janitor>,
    parent: String,
    /// `None` once it is deleted.
    node: Option<Node>,
    pub(crate) czxid: Zxid,
}

/// A node that may exist or does.
#[derive(Debug)]
enum Node {
    /// It may have been created under a name that begins so.
    Unconfirmed {
        prefix: String,
    },
    Created {
        name: String,
    },
}

impl Contender {
    /// Creates the node, and lists its parent's children in the same round trip.
    ///
    /// # Cancel safety
    /// A dropped future leaves no node: the janitor looks for it.
    pub(crate) async fn create(
        client: &Client,
        spec: &ContenderSpec,
    ) -> Result<(Self, Vec<ByteString>), RecipeError> {
        let prefix = format!("_c_{}-", Uuid::new_v4());
        let path = join(&spec.parent, &format!("{prefix}{}", spec.kind));
        let mut contender = Self {
            janitor: Janitor::of(client),
            parent: spec.parent.clone(),
            node: Some(Node::Unconfirmed { prefix: prefix.clone() }),
            czxid: Zxid::ZERO,
        };
        let mut state = client.state();
        for _ in 0..MOST_ATTEMPTS {
            let created = client
                .create(&path, spec.data.clone())
                .mode(CreateMode::EphemeralSequential)
                .acl(spec.acl.clone())
                .send();
            let listed = client.children(&spec.parent).send();
            let error = match created.await {
                Ok(created) => {
                    contender.confirm(&created.path, &created.stat);
                    return Ok((contender, listed.await?));
                }
                Err(error) => error,
            };
            if error.code() == Some(ErrorCode::NoNode) {
                parents::create(client, &spec.parent).await?;
            } else if error.outcome_unknown() || error.is_retriable() {
                tracing::debug!(%error, "looking for the node of a lost reply");
                connected(&mut state).await?;
                if let Some(children) = contender.find(client, &prefix).await? {
                    return Ok((contender, children));
                }
            } else {
                return Err(contender.refused(error));
            }
        }
        Err(RecipeError::Timeout)
    }

    /// Looks for the node after its reply was lost. Only after `sync` is a server sure to show
    /// what another one has committed.
    async fn find(
        &mut self,
        client: &Client,
        prefix: &str,
    ) -> Result<Option<Vec<ByteString>>, RecipeError> {
        let synced = client.sync(&self.parent).send();
        let listed = client.children(&self.parent).send();
        synced.await?;
        let children = match listed.await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => return Ok(None),
            listed => listed?,
        };
        let Some(name) = children.iter().find(|name| name.starts_with(prefix)) else {
            return Ok(None);
        };
        let path = join(&self.parent, name);
        match client.exists(&path).await? {
            // A node of a session that is over is about to go; it must not be taken for ours.
            Some(stat) if stat.ephemeral_owner == client.session_id() => {
                self.confirm(&path, &stat);
                Ok(Some(children))
            }
            Some(_) | None => Ok(None),
        }
    }

    fn confirm(&mut self, path: &str, stat: &Stat) {
        let name = name(path).to_owned();
        self.node = Some(Node::Created { name });
        self.czxid = stat.czxid;
    }

    /// The server has said no, so there is no node to look for.
    fn refused(mut self, error: Error) -> RecipeError {
        if error.code().is_some() {
            self.node = None;
        }
        error.into()
    }

    /// The name of the node; empty only after it was deleted.
    pub(crate) fn name(&self) -> &str {
        match &self.node {
            Some(Node::Created { name }) => name,
            Some(Node::Unconfirmed { .. }) | None => "",
        }
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
                self.node = None;
                Ok(Deleted::Now)
            }
            Err(error) if error.code() == Some(ErrorCode::NoNode) => {
                self.node = None;
                Ok(Deleted::Before)
            }
            Err(error) if error.is_session_over() => {
                self.node = None;
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
        let parent = std::mem::take(&mut self.parent);
        match self.node.take() {
            Some(Node::Created { name }) => {
                self.janitor.take_over(Item::Delete { path: join(&parent, &name) });
            }
            Some(Node::Unconfirmed { prefix }) => {
                self.janitor.take_over(Item::FindAndDelete { parent, prefix });
            }
            None => {}
        }
    }
}

/// Waits until the session is alive on a connection.
pub(crate) async fn connected(
    state: &mut watch::Receiver<SessionState>,
) -> Result<(), RecipeError> {
    let reached = state
        .wait_for(|state| state.is_connected() || state.is_over())
        .await
        .map_or(SessionState::Closed, |state| *state);
    match reached {
        SessionState::Expired => Err(Error::SessionExpired.into()),
        SessionState::AuthFailed => Err(Error::AuthFailed.into()),
        SessionState::Closed => Err(Error::Closed.into()),
        _ => Ok(()),
    }
}

/// Parents that vanish between their creation and ours, and connections that break each time,
/// are not waited out for ever.
const MOST_ATTEMPTS: usize = 30;
