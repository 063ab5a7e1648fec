//! A node of a fixed name that only one can have, and a witness with a unique name beside it.
//!
//! The name of the node tells nobody whose it is: deleted by hand and made anew by somebody else it
//! looks the same. So both are created in one transaction, and what is held is the witness
//! `<parent>/_w_<uuid>`: fenced writes check that one.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::sleep;
use uuid::Uuid;
use zk_client::path::{join, parent};
use zk_client::{
    Acl, Client, CreateMode, Error, ErrorCode, Janitor, SessionState, Stat, Version, Zxid,
};

use super::own_node::OwnNode;
use crate::error::RecipeError;
use crate::held::{Held, SuspendPolicy};

/// Somebody who wants the node.
#[derive(Debug)]
pub(crate) struct Exclusive {
    client: Client,
    path: String,
    data: Bytes,
    acl: Vec<Acl>,
    /// Somebody else had it.
    waits: bool,
    taken: Option<Taken>,
}

/// What was taken. Dropping it gives it back.
#[derive(Debug)]
struct Taken {
    witness: OwnNode,
    node: ExclusiveNode,
    /// Marked as seen before both were created.
    state: watch::Receiver<SessionState>,
}

/// A node of ours with a fixed name. Dropping it leaves it to the janitor, who looks first whether it
/// is still ours.
#[derive(Debug)]
pub(crate) struct ExclusiveNode {
    client: Client,
    janitor: Janitor,
    path: String,
    witness: String,
    /// What has created it; unknown until that was told.
    czxid: Option<Zxid>,
    is_ours: bool,
}

impl Exclusive {
    /// Nothing is sent yet. The node will be one of the session that `client` has now.
    pub(crate) fn new(client: &Client, path: &str, data: Bytes, acl: Vec<Acl>) -> Self {
        let client = client.bound_to_session();
        Self { client, path: path.to_owned(), data, acl, waits: false, taken: None }
    }

    /// The path of the node, if somebody else had it when it was last looked at.
    pub(crate) fn ahead(&self) -> Option<&str> {
        self.waits.then_some(self.path.as_str())
    }

    /// Takes the node if nobody has it, or waits until it may be free, in turn; tells whether it is
    /// ours now. All who wait are woken at once.
    ///
    /// # Cancel safety
    /// A dropped future takes nothing.
    pub(crate) async fn step(&mut self) -> Result<bool, RecipeError> {
        if self.taken.is_some() {
            return Ok(true);
        }
        if self.waits {
            let (found, changed) = self.client.exists(&self.path).watch().await?;
            if found.is_some() {
                changed.await?;
            }
        }
        self.taken = self.take().await?;
        self.waits = self.taken.is_none();
        Ok(self.taken.is_some())
    }

    /// What is held when it was taken. The caller must end with it when the node is
    /// [gone](ExclusiveNode::gone).
    pub(crate) fn into_held(self, policy: SuspendPolicy) -> Option<(Held, ExclusiveNode)> {
        let Taken { witness, node, state } = self.taken?;
        Some((Held::new(self.client, witness, state, policy), node))
    }

    /// `None` when somebody else has it.
    async fn take(&self) -> Result<Option<Taken>, RecipeError> {
        for _ in 0..MOST_ATTEMPTS {
            self.client.connected().await?;
            let mut state = self.client.state();
            state.mark_unchanged();
            let mut node = ExclusiveNode::about_to_be(&self.client, &self.path);
            let (path, witness) = (self.path.as_str(), node.witness.as_str());
            let both = self.client.multi();
            let both =
                both.create_with(path, self.data.clone(), CreateMode::Ephemeral, self.acl.clone());
            let both = both.create_with(witness, "", CreateMode::Ephemeral, self.acl.clone());
            let outcome = both.commit().await;
            if outcome.as_ref().is_err_and(Error::outcome_unknown) {
                self.client.connected().await?;
            } else if let Err(error) = outcome {
                node.is_ours = false;
                match error.code() {
                    Some(ErrorCode::NodeExists) => return Ok(None),
                    Some(ErrorCode::NoNode) => self.make_parent().await?,
                    _ if error.is_retriable() => sleep(BREATH).await,
                    _ => return Err(error.into()),
                }
                continue;
            }
            if let Some(czxid) = node.own_czxid().await? {
                return Ok(Some(node.taken(czxid, state)));
            }
        }
        Err(RecipeError::Timeout)
    }

    async fn make_parent(&self) -> Result<(), Error> {
        let above = parent(&self.path).unwrap_or("/");
        match self.client.create(above, "").with_parents().await {
            Err(error) if error.code() == Some(ErrorCode::NodeExists) => Ok(()),
            Err(error) if error.outcome_unknown() || error.is_retriable() => Ok(()),
            made => made.map(|_| ()),
        }
    }
}

impl ExclusiveNode {
    fn about_to_be(client: &Client, path: &str) -> Self {
        let witness = join(parent(path).unwrap_or("/"), &format!("_w_{}", Uuid::new_v4()));
        let (client, janitor) = (client.clone(), Janitor::of(client));
        Self { client, janitor, path: path.to_owned(), witness, czxid: None, is_ours: true }
    }

    /// What has created both of them, if they are there. The server may lag behind the one that has
    /// created them.
    async fn own_czxid(&self) -> Result<Option<Zxid>, RecipeError> {
        let synced = self.client.sync(&self.witness).send();
        let found = self.client.exists(&self.witness).send();
        synced.await?;
        Ok(found.await?.map(|stat| stat.czxid))
    }

    fn taken(mut self, czxid: Zxid, state: watch::Receiver<SessionState>) -> Taken {
        self.czxid = Some(czxid);
        let witness = OwnNode::new(&self.client, self.witness.clone(), czxid);
        Taken { witness, node: self, state }
    }

    /// Waits until the node is gone, or is somebody else's. Its session is for others to follow.
    pub(crate) async fn gone(&self) {
        loop {
            match self.client.exists(&self.path).watch().await {
                Ok((found, changed)) => {
                    if found.map(|stat| stat.czxid) != self.czxid {
                        return;
                    }
                    // Its end is that of the session.
                    let _ = changed.await;
                }
                Err(error) if error.is_session_over() => std::future::pending().await,
                Err(_) => {}
            }
            sleep(BREATH).await;
        }
    }

    /// Deletes the node if it is still ours. Somebody who makes it anew between the look and the
    /// deletion loses it: it takes a third one who has deleted it by hand.
    pub(crate) async fn delete(&self) -> Result<(), Error> {
        delete_own(&self.client, &self.path, &self.witness, self.czxid).await
    }

    /// It was deleted, or is somebody else's by now.
    pub(crate) const fn forget(&mut self) {
        self.is_ours = false;
    }

    /// Has it deleted in the background, if it is still ours.
    pub(crate) fn leave_to_janitor(&self) {
        let (path, witness, czxid) = (self.path.clone(), self.witness.clone(), self.czxid);
        let handed = self.janitor.errand(move |client| {
            let (path, witness) = (path.clone(), witness.clone());
            async move { delete_own(&client, &path, &witness, czxid).await }
        });
        if let Err(error) = handed {
            tracing::warn!(%error, "a node stays until the session ends");
        }
    }
}

/// Deletes a node that is known by what has created it, or by a witness that came with it, which goes,
/// too.
async fn delete_own(
    client: &Client,
    path: &str,
    witness: &str,
    czxid: Option<Zxid>,
) -> Result<(), Error> {
    let synced = client.sync(path).send();
    let (node, beside) = (client.exists(path).send(), client.exists(witness).send());
    synced.await?;
    let of = |found: Option<Stat>| found.map(|stat| stat.czxid);
    let (node, beside) = (of(node.await?), of(beside.await?));
    if node.is_some() && node == czxid.or(beside) {
        client.delete(path).version(UNCHANGED).idempotent().await?;
    }
    if czxid.is_none() && beside.is_some() {
        client.delete(witness).version(Version::ANY).idempotent().await?;
    }
    Ok(())
}

impl Drop for ExclusiveNode {
    fn drop(&mut self) {
        if self.is_ours {
            self.leave_to_janitor();
        }
    }
}

/// Nobody sets the data of such a node.
const UNCHANGED: Version = Version(0);
/// Connections that break each time are not waited out for ever.
const MOST_ATTEMPTS: usize = 30;
/// Between two attempts at what the server had no room for.
const BREATH: Duration = Duration::from_millis(5);
