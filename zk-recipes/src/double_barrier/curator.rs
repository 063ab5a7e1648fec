//! The double barrier of Curator's `DistributedDoubleBarrier`, which ZooKeeper's own recipe page
//! describes: a node for each member and `ready` beside them.
//!
//! `ready` and the members are not changed together. So a member that is counted may die before
//! `ready` is there, one whose time is over may leave a barrier that just opens (CURATOR-318), and
//! who comes while others are inside is let in with them. What can be cleaned up is: members that
//! give up leave no node, and a `ready` that nobody is left of is deleted.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;
use zk_client::path::join;
use zk_client::{Client, CreateMode, Error, ErrorCode, Janitor, SessionState, Stat, Watch};

use crate::contender::listing::children;
use crate::contender::own_node::{NodeSpec, OwnNode};
use crate::dialect::Parents;
use crate::error::RecipeError;
use crate::gathering::candidate::fired;
use crate::gathering::error::RoundError;
use crate::gathering::look::recover;
use crate::gathering::rounds::RoundMember;
use crate::held::{Held, LostReason, OwnWatch, Released, SuspendPolicy};

/// The way out of a barrier, for one who is in it or may be. Dropping it goes in the background, and has
/// `ready` deleted if nobody is left.
#[derive(Debug)]
pub(super) struct Textbook {
    client: Client,
    path: String,
    /// The path of our node, until it is known that somebody has seen to the rest.
    own: Option<String>,
}

/// One who waits to be let in. Dropping it takes its node away in the background.
#[derive(Debug)]
pub(super) struct Entering {
    client: Client,
    path: String,
    parties: usize,
    way_out: Textbook,
    node: OwnNode,
    state: watch::Receiver<SessionState>,
    own: Option<Watch>,
    ready: Option<Watch>,
    in_doubt: bool,
}

impl Entering {
    /// # Cancel safety
    /// A dropped future leaves no node.
    pub(super) async fn begin(
        spec: &NodeSpec,
        parties: usize,
        client: &Client,
        payload: Bytes,
    ) -> Result<Self, RecipeError> {
        let client = client.bound_to_session();
        let state = client.state();
        let path = spec.parent.clone();
        while let Err(error) = delete_stale_ready(&client, &path).await {
            recover(&client, error.into()).await?;
        }
        let node = loop {
            match create(&client, spec, payload.clone()).await {
                Ok(node) => break node,
                Err(error) => recover(&client, error.into()).await?,
            }
        };
        tracing::debug!(node = node.name(), "joined");
        let own = Some(node.path().to_owned());
        let way_out = Textbook { client: client.clone(), path: path.clone(), own };
        let (own, ready) = (None, None);
        Ok(Self { client, path, parties, way_out, node, state, own, ready, in_doubt: false })
    }

    /// Waits until the barrier is open, and opens it when there are enough.
    pub(super) async fn opened(&mut self) -> Result<Vec<RoundMember>, RecipeError> {
        loop {
            match self.step().await {
                Ok(Some(members)) => return Ok(members),
                Ok(None) => {}
                Err(error) => {
                    self.in_doubt = true;
                    recover(&self.client, error).await?;
                }
            }
        }
    }

    /// The same until a deadline; then the node is taken away, unless the barrier is open.
    pub(super) async fn opened_until(
        &mut self,
        deadline: Instant,
    ) -> Result<Vec<RoundMember>, RecipeError> {
        if let Ok(opened) = timeout_at(deadline, self.opened()).await {
            return opened;
        }
        let last_look = async {
            let (is_ready, names) = self.look().await?;
            if is_ready {
                return Ok(members(names));
            }
            self.node.delete(&self.client).await?;
            Err(RecipeError::Timeout)
        };
        timeout(WITHDRAWAL, last_look).await.unwrap_or(Err(RecipeError::Timeout))
    }

    pub(super) fn into_inside(self, policy: SuspendPolicy) -> (Held, Textbook) {
        let watch = self.own.map_or(OwnWatch::None, OwnWatch::Set);
        (Held::watching(self.client, self.node, self.state, policy, watch), self.way_out)
    }

    async fn step(&mut self) -> Result<Option<Vec<RoundMember>>, RecipeError> {
        let (is_ready, names) = self.look().await?;
        if self.state.has_changed().unwrap_or(true) {
            return Ok(None);
        }
        if is_ready {
            return Ok(Some(members(names)));
        }
        if names.len() >= self.parties {
            let ready = join(&self.path, READY);
            match self.client.create(&ready, "").await {
                Ok(_) => {}
                Err(error) if error.code() == Some(ErrorCode::NodeExists) => {}
                Err(error) => return Err(error.into()),
            }
            tracing::debug!(path = self.path, "ready");
            return Ok(Some(members(names)));
        }
        tokio::select! {
            biased;
            event = fired(self.own.as_mut()) => { self.own = None; event? }
            event = fired(self.ready.as_mut()) => { self.ready = None; event? }
        }
        Ok(None)
    }

    /// Whether it is open, and the names of who is there.
    async fn look(&mut self) -> Result<(bool, Vec<String>), RecipeError> {
        self.client.connected().await?;
        let behind = self.in_doubt | self.state.has_changed().unwrap_or(true);
        self.state.mark_unchanged();
        let client = &self.client;
        let synced = behind.then(|| client.sync(&self.path).send());
        let own = self.own.is_none().then(|| client.exists(self.node.path()).watch().send());
        let path = join(&self.path, READY);
        // Its watch tells when it is there, and goes with this when it never is.
        let ready = self.ready.is_none().then(|| client.exists(&path).watch().send());
        let listed = client.children(&self.path).send();
        if let Some(synced) = synced {
            synced.await?;
        }
        if let Some(own) = own {
            let (stat, watch) = own.await?;
            self.own = stat.map(|_| watch);
        }
        if let Some(ready) = ready {
            let (_, watch): (Option<Stat>, Watch) = ready.await?;
            self.ready = Some(watch);
        }
        let children = match listed.await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => Vec::new(),
            listed => listed?,
        };
        let names: Vec<String> = children.iter().map(ToString::to_string).collect();
        if !names.iter().any(|name| name == self.node.name()) {
            return Err(RecipeError::Lost(LostReason::NodeDeleted));
        }
        self.in_doubt = false;
        Ok((names.iter().any(|name| name == READY), without_ready(names)))
    }
}

impl Textbook {
    /// The lowest of those who are there stays until it is alone; the others take their nodes away
    /// and wait for it. The last one to know deletes `ready`.
    pub(super) async fn leave(
        mut self,
        held: Held,
        deadline: Option<Instant>,
    ) -> Result<Released, RoundError> {
        let (client, mut node) = held.into_node();
        let name = node.name().to_owned();
        let mut remaining = Vec::new();
        let leave = async {
            let mut presence = Presence::There;
            loop {
                let out = step_out(
                    &client,
                    &self.path,
                    &mut node,
                    &name,
                    (&mut presence, &mut remaining),
                );
                match out.await {
                    Ok(true) => return Ok(presence == Presence::Lost),
                    Ok(false) => {}
                    Err(error) => recover(&client, error).await?,
                }
            }
        };
        let left: Result<bool, RecipeError> = match deadline {
            None => leave.await,
            Some(deadline) => match timeout_at(deadline, leave).await {
                Ok(left) => left,
                Err(_) => return Err(RoundError::Timeout { remaining: members(remaining) }),
            },
        };
        let was_lost = left?;
        self.own = None;
        Ok(if was_lost { Released::AlreadyLost } else { Released::Now })
    }
}

/// What is known of our node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    There,
    /// We have asked for its deletion.
    Asked,
    /// Somebody else has deleted it.
    Lost,
}

/// Looks, and waits for one of those who are there. Tells whether nobody is left, `ready` neither.
async fn step_out(
    client: &Client,
    path: &str,
    node: &mut OwnNode,
    name: &str,
    (presence, remaining): (&mut Presence, &mut Vec<String>),
) -> Result<bool, RecipeError> {
    let listed = children(client, path).await?;
    let mut names = without_ready(listed.iter().map(ToString::to_string).collect());
    names.sort_unstable();
    let is_there = names.iter().any(|there| there == name);
    if !is_there {
        if *presence == Presence::There {
            *presence = Presence::Lost;
        }
        node.forget();
    }
    names.retain(|there| there != name);
    remaining.clone_from(&names);
    let (Some(lowest), Some(highest)) = (names.first(), names.last()) else {
        if is_there {
            *presence = Presence::Asked;
            node.delete(client).await?;
        }
        delete_ready(client, path).await?;
        return Ok(true);
    };
    let stays = is_there && name < lowest.as_str();
    let other = if stays { highest } else { lowest };
    let (stat, watch) = client.exists(&join(path, other)).watch().await?;
    if is_there && !stays {
        *presence = Presence::Asked;
        node.delete(client).await?;
    }
    if stat.is_some() {
        watch.await?;
    }
    Ok(false)
}

impl Drop for Textbook {
    fn drop(&mut self) {
        let Some(own) = self.own.take() else { return };
        let path = std::mem::take(&mut self.path);
        let cleaned = Janitor::of(&self.client).errand(move |client| {
            let (own, path) = (own.clone(), path.clone());
            async move {
                match client.delete(&own).await {
                    Err(error) if error.code() == Some(ErrorCode::NoNode) => {}
                    deleted => deleted?,
                }
                delete_stale_ready(&client, &path).await
            }
        });
        if let Err(error) = cleaned {
            tracing::warn!(%error, "the barrier may stay ready");
        }
    }
}

/// A node named by a UUID and nothing else.
async fn create(client: &Client, spec: &NodeSpec, payload: Bytes) -> Result<OwnNode, Error> {
    let uuid = Uuid::new_v4().to_string();
    // What a protected node is found by is followed by a name, so the last digit is that.
    let (prefix, digit) = uuid.split_at(uuid.len() - 1);
    let path = join(&spec.parent, digit);
    let create = client.create(&path, payload).mode(CreateMode::Ephemeral).acl(spec.acl.clone());
    let create = create.protected_as(prefix);
    let created = match spec.parents {
        Parents::Container => create.with_container_parents().await?,
        Parents::Persistent => create.with_parents().await?,
        Parents::Required => create.await?,
    };
    Ok(OwnNode::new(client, created.path.to_string(), created.stat.czxid))
}

/// Deletes `ready` where nobody is left of those whom it let in.
async fn delete_stale_ready(client: &Client, path: &str) -> Result<(), Error> {
    let synced = client.sync(path).send();
    let listed = client.children(path).send();
    synced.await?;
    match listed.await {
        Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(()),
        Err(error) => Err(error),
        Ok(names) if names.iter().all(|name| **name == *READY) => delete_ready(client, path).await,
        Ok(_) => Ok(()),
    }
}

async fn delete_ready(client: &Client, path: &str) -> Result<(), Error> {
    match client.delete(&join(path, READY)).await {
        Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(()),
        deleted => deleted,
    }
}

fn without_ready(mut names: Vec<String>) -> Vec<String> {
    names.retain(|name| name != READY);
    names
}

fn members(mut names: Vec<String>) -> Vec<RoundMember> {
    names.sort_unstable();
    names.into_iter().map(|name| RoundMember::new(name, Bytes::new())).collect()
}

/// `DistributedDoubleBarrier.READY_NODE`.
const READY: &str = "ready";
/// How long after its deadline a call may take to find out whether the barrier is open.
const WITHDRAWAL: Duration = Duration::from_secs(1);
