//! What the first in the queue does: it counts the leases, and creates its own.

use tokio::sync::watch;
use zk_client::{Acl, Client, CreateMode, Error, ErrorCode, SessionState, Version};

use super::Semaphore;
use super::leases::{Claim, or_none};
use super::permits::Permits;
use crate::contender::created::CreatedNode;
use crate::contender::in_line::InLine;
use crate::contender::own_node::OwnNode;
use crate::dialect::Parents;
use crate::error::RecipeError;
use crate::held::{Held, LostReason};
use crate::parent;
use crate::retry::{Attempt, until_settled};

/// How many permits there are, and how many of them are held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) permits: u32,
    pub(super) held: usize,
}

impl Room {
    pub(super) fn left(self) -> u32 {
        self.permits.saturating_sub(u32::try_from(self.held).unwrap_or(u32::MAX))
    }

    pub(super) fn is_for(self, count: u32) -> bool {
        count <= self.left()
    }
}

/// The leases of one write, and the state of the session since before it is known that they are there.
struct Taken {
    leases: Vec<CreatedNode>,
    state: watch::Receiver<SessionState>,
}

impl Semaphore {
    /// Both are asked for at once.
    pub(super) async fn room(&self, client: &Client) -> Result<Room, RecipeError> {
        let permits = self.maximum.ask(client);
        let leases = client.children(&self.leases).send();
        let permits = permits.told().await?;
        Ok(Room { permits, held: or_none(leases.await)?.len() })
    }

    /// The same, whatever happens to the connection.
    pub(super) async fn settled_room(&self, client: &Client) -> Result<Room, RecipeError> {
        until_settled(client, |_| self.room(client)).await
    }

    /// Takes permits when it is our turn, as soon as there are so many.
    ///
    /// What is counted is not older than the grant of our turn, so that none of the leases is missing
    /// which those before us have created; and nobody else creates any until we leave the queue.
    pub(super) async fn take(&self, line: InLine, count: u32) -> Result<Permits, RecipeError> {
        match self.until_room(&line, count).await {
            Ok(_place) => self.create(line, count).await,
            Err(error) => Err(give_up(line, error).await),
        }
    }

    /// Takes permits if there are so many, and leaves the queue otherwise.
    pub(super) async fn take_now(&self, line: InLine, count: u32) -> Result<Permits, RecipeError> {
        match self.settled_room(line.client()).await {
            Ok(room) if room.is_for(count) => self.create(line, count).await,
            Ok(_) => Err(give_up(line, RecipeError::Contended).await),
            Err(error) => Err(give_up(line, error).await),
        }
    }

    /// Creates leases and leaves the queue, in one write.
    async fn create(&self, line: InLine, count: u32) -> Result<Permits, RecipeError> {
        let client = line.client().clone();
        let mut claim = Claim::new(&client, &self.leases);
        let steps = |attempt| self.attempt(&line, &claim, count, attempt);
        let mut taken = until_settled(&client, steps).await;
        for _ in 0..MOST_ATTEMPTS {
            match taken {
                Err(RecipeError::Client(error))
                    if error.code() == Some(ErrorCode::NoNode)
                        && self.queue.parents != Parents::Required =>
                {
                    let parents = self.queue.parents;
                    parent::make(&client, &self.leases, parents, &Acl::open()).await?;
                    taken = until_settled(&client, steps).await;
                }
                _ => break,
            }
        }
        let Taken { leases, state } = taken?;
        let Some(first) = leases.first() else {
            return Err(RecipeError::Lost(LostReason::NodeDeleted));
        };
        // They are of one transaction.
        let czxid = first.czxid(&client).await?;
        claim.settle();
        line.forget();
        let held = leases.into_iter().map(|lease| {
            let node = OwnNode::new(&client, lease.path, czxid);
            Held::new(client.clone(), node, state.clone(), self.policy)
        });
        tracing::debug!(count, "granted");
        Permits::new(self, held.collect()).ok_or(RecipeError::Lost(LostReason::NodeDeleted))
    }

    async fn attempt(
        &self,
        line: &InLine,
        claim: &Claim,
        count: u32,
        attempt: Attempt,
    ) -> Result<Taken, RecipeError> {
        let client = line.client();
        let state = client.state();
        if attempt == Attempt::InDoubt {
            let found = claim.find().await?;
            if !found.is_empty() {
                if u32::try_from(found.len()) != Ok(count) {
                    // Somebody has deleted some of them already. The others go with the claim.
                    return Err(RecipeError::Lost(LostReason::NodeDeleted));
                }
                let leases = found.into_iter().map(CreatedNode::found).collect();
                return Ok(Taken { leases, state });
            }
        }
        let (path, spec) = (claim.path(), &self.queue);
        let mut multi = client.multi();
        for _ in 0..count {
            let (data, acl) = (spec.data.clone(), spec.acl.clone());
            multi = multi.create_with(&path, data, CreateMode::EphemeralSequential, acl);
        }
        // In this order: whoever sees us leave the queue sees the leases, too.
        match multi.delete(line.path(), Version::ANY).commit().await {
            Ok(outcomes) => Ok(Taken { leases: CreatedNode::among(&outcomes), state }),
            Err(Error::Multi { index, code: ErrorCode::NoNode, .. })
                if u32::try_from(index) == Ok(count) =>
            {
                Err(RecipeError::Lost(LostReason::NodeDeleted))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Leaves the queue: whoever tries next should not meet a node that is about to go.
async fn give_up(line: InLine, reason: RecipeError) -> RecipeError {
    if let Err(error) = line.leave().await {
        tracing::debug!(%error, "left to the janitor");
    }
    reason
}

/// A parent that vanishes between its creation and ours each time is not waited out for ever.
const MOST_ATTEMPTS: usize = 30;
