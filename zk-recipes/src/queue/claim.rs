//! Claims: an item belongs to whoever has made the node of its name, and to nobody else.
//!
//! The node of a claim has a fixed name, so that there is one; who knows only that name cannot tell its
//! own claim from one that somebody else has made since. So each claim has a witness, a node with a
//! name of its own, that is made with it and is checked by all that is done with the item.

use bytes::Bytes;
use tokio::sync::watch;
use uuid::Uuid;
use zk_client::path::join;
use zk_client::{
    Client, CreateMode, Error, ErrorCode, MultiOutcome, MultiReply, SessionState, Stat, Version,
    Zxid,
};

use super::choosing::{Candidate, tries};
use super::core::{Core, is_passing};
use super::item_name::ItemName;
use crate::contender::own_node::OwnNode;
use crate::error::RecipeError;
use crate::held::{Held, LostReason};

/// An item that is ours, before anybody was given it. Dropping it gives it back, and does not count
/// as a delivery if it would have been the first.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) client: Client,
    witness: OwnNode,
    state: watch::Receiver<SessionState>,
    pub(super) nodes: Nodes,
    /// How often the item was delivered, this time included.
    pub(super) attempts: u32,
    /// What is in it; why not, if it cannot be read.
    pub(super) data: Result<Bytes, Error>,
}

/// The nodes that an item in somebody's hand has.
#[derive(Clone, Debug)]
pub(super) struct Nodes {
    pub(super) name: ItemName,
    pub(super) item: String,
    pub(super) claim: String,
    pub(super) witness: String,
    /// Counts the deliveries.
    pub(super) tries: Option<String>,
    /// Its place in a bounded queue.
    pub(super) slot: Option<String>,
}

impl Core {
    /// Claims an item, and leaves the line where there is one, in one transaction. `None` when the
    /// item is gone or somebody else's, or nobody knows yet what is there.
    ///
    /// # Cancel safety
    /// A dropped future gives back what it may have claimed.
    pub(super) async fn claim(
        &self,
        client: &Client,
        candidate: &Candidate,
        place_in_line: Option<&str>,
    ) -> Result<Option<Claim>, RecipeError> {
        let nodes = self.nodes(&candidate.name);
        let mut companions = vec![nodes.claim.clone()];
        if !candidate.is_tried {
            companions.extend(nodes.tries.clone());
        }
        let witness =
            OwnNode::new(client, nodes.witness.clone(), Zxid(0)).with_companions(companions);
        let state = client.state();
        let claimed = self.send_claim(client, &nodes, candidate, place_in_line);
        let read = client.get(&nodes.item).send();
        let mut claim = Claim {
            client: client.clone(),
            witness,
            state,
            nodes,
            attempts: 1,
            data: Ok(Bytes::new()),
        };
        match claimed.await {
            Ok(outcomes) => {
                claim.witness.czxid = claim.czxid(&outcomes).await?;
                claim.attempts = deliveries(&outcomes);
            }
            Err(error) if error.outcome_unknown() => {
                if !claim.settle().await? {
                    return Ok(None);
                }
            }
            Err(error) => {
                claim.witness.forget();
                self.refused(client, error).await?;
                return Ok(None);
            }
        }
        claim.data = match read.await {
            Ok((data, _)) => Ok(data),
            Err(error) if is_passing(&error) => claim.read().await?,
            // Somebody has deleted it by hand.
            Err(error) if error.code() == Some(ErrorCode::NoNode) => return Ok(None),
            Err(error) => Err(error),
        };
        tracing::debug!(item = %claim.nodes.name, attempts = claim.attempts, "claimed");
        Ok(Some(claim))
    }

    /// The nodes of an item, and of a claim that is to be made.
    pub(super) fn nodes(&self, name: &ItemName) -> Nodes {
        Nodes {
            item: self.item(name),
            claim: join(&self.claims, &name.to_string()),
            witness: join(&self.claims, &format!("_w_{}", Uuid::new_v4())),
            tries: Some(join(&self.claims, &tries(name.id))),
            slot: name.marks.slot.map(|slot| self.slot(slot)),
            name: name.clone(),
        }
    }

    fn send_claim(
        &self,
        client: &Client,
        nodes: &Nodes,
        candidate: &Candidate,
        place_in_line: Option<&str>,
    ) -> MultiReply {
        let acl = || self.acl.clone();
        let mut multi = client
            .multi()
            .check(&nodes.item, Version::ANY)
            .create_with(&nodes.claim, "", CreateMode::Ephemeral, acl())
            .create_with(&nodes.witness, "", CreateMode::Ephemeral, acl());
        if let Some(tries) = &nodes.tries {
            multi = if candidate.is_tried {
                multi.set(tries, "", Version::ANY)
            } else {
                multi.create_with(tries, "", CreateMode::Persistent, acl())
            };
        }
        if let Some(place) = place_in_line {
            multi = multi.delete(place, Version::ANY);
        }
        multi.commit()
    }

    /// Nothing was done: by what others have done meanwhile, or why not.
    async fn refused(&self, client: &Client, error: Error) -> Result<(), RecipeError> {
        match &error {
            Error::Multi { index: 1 | 2, code: ErrorCode::NoNode, .. } => {
                self.ensure(client, &self.claims).await
            }
            Error::Multi { index: IN_LINE, code: ErrorCode::NoNode, .. } => {
                Err(RecipeError::Lost(LostReason::NodeDeleted))
            }
            Error::Multi { code: ErrorCode::NoNode | ErrorCode::NodeExists, .. } => Ok(()),
            error if error.is_retriable() => Ok(client.connected().await?),
            _ => Err(error.into()),
        }
    }
}

impl Claim {
    /// Looks whether a claim whose reply was lost was made: only then there is the witness.
    async fn settle(&mut self) -> Result<bool, RecipeError> {
        loop {
            self.client.connected().await?;
            self.state = self.client.state();
            match self.look_for_witness().await {
                Ok(Some(stat)) if stat.ephemeral_owner == self.client.session_id() => {
                    self.witness.czxid = stat.czxid;
                    return Ok(true);
                }
                Ok(_) => return Ok(false),
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn look_for_witness(&mut self) -> Result<Option<Stat>, Error> {
        let synced = self.client.sync(&self.nodes.witness).send();
        let witness = self.client.exists(&self.nodes.witness).send();
        let tries = self.nodes.tries.as_deref().unwrap_or(&self.nodes.item);
        let tries = self.client.exists(tries).send();
        synced.await?;
        let witness = witness.await?;
        if let Some(stat) = tries.await? {
            self.attempts = count(&stat);
        }
        Ok(witness)
    }

    /// Servers before 3.8.2 do not tell what they have created in a multi (ZOOKEEPER-4026).
    async fn czxid(&self, outcomes: &[MultiOutcome]) -> Result<Zxid, RecipeError> {
        if let Some(MultiOutcome::Created { stat: Some(stat), .. }) = outcomes.get(WITNESS) {
            return Ok(stat.czxid);
        }
        loop {
            match self.client.exists(&self.nodes.witness).await {
                Ok(Some(stat)) => return Ok(stat.czxid),
                Ok(None) => return Err(RecipeError::Lost(LostReason::NodeDeleted)),
                Err(error) if is_passing(&error) => self.client.connected().await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Reads the item; an error is the server's last word about it.
    async fn read(&self) -> Result<Result<Bytes, Error>, RecipeError> {
        loop {
            self.client.connected().await?;
            match self.client.get(&self.nodes.item).await {
                Ok((data, _)) => return Ok(Ok(data)),
                Err(error @ Error::ReplyTooLarge { .. }) => return Ok(Err(error)),
                Err(error) if is_passing(&error) => {}
                Err(error) if error.is_session_over() => return Err(error.into()),
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// What the item is held by from now on. Whatever becomes of it counts as a delivery.
    pub(super) fn into_held(self, core: &Core) -> (Held, Nodes) {
        let Self { client, witness, state, nodes, .. } = self;
        let witness = witness.with_companions(vec![nodes.claim.clone()]);
        (Held::new(client, witness, state, core.policy), nodes)
    }

    /// The witness is gone with a transaction of ours.
    pub(super) fn forget(mut self) {
        self.witness.forget();
    }
}

/// How often an item was delivered, this time included.
fn deliveries(outcomes: &[MultiOutcome]) -> u32 {
    match outcomes.get(TRIES) {
        Some(MultiOutcome::Set(stat)) => count(stat),
        _ => 1,
    }
}

/// The node is made with the first delivery, and set with each that follows.
fn count(tries: &Stat) -> u32 {
    u32::try_from(tries.version.0).unwrap_or_default().saturating_add(1)
}

/// The places of operations in a claim.
const WITNESS: usize = 2;
const TRIES: usize = 3;
const IN_LINE: usize = 4;
