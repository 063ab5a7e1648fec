//! From reader to writer, if nobody else is there.

use zk_client::path::{join, name};
use zk_client::{ByteString, Client, CreateMode, Error, ErrorCode, Janitor, Version};

use super::RwLock;
use super::guards::{ConversionError, ReadGuard, WriteGuard};
use crate::contender::created::CreatedNode;
use crate::contender::in_line::InLine;
use crate::contender::listing;
use crate::contender::own_node::{OwnNode, delete_together};
use crate::error::RecipeError;
use crate::held::{LostReason, Ownership};
use crate::retry::{Attempt, until_settled};

impl ReadGuard {
    /// Becomes the writer, if no other reader holds the lock and no writer waits for it. Never waits for
    /// others, so that two that try at once do not wait for each other: one of them is refused, or both.
    ///
    /// The lock is held all the time: first a write node is created, at the tail of the queue; if
    /// nothing but the own read node is before it, that one is deleted. The new guard has a token of its
    /// own, that of the write node. An ephemeral node `__UPGR__` lets one at a time try, as those who come
    /// meanwhile wait behind its write node.
    ///
    /// Whoever waits for the loss of the read guard is told [`LostReason::Released`].
    ///
    /// # Errors
    /// [`ConversionError`] with the guard in it: [`RecipeError::Contended`] when somebody else is there,
    /// [`RecipeError::Lost`] when the lock is not held any more, and the client's. The guard is held for
    /// reading still, unless it says that it is lost.
    ///
    /// # Cancel safety
    /// A dropped future releases the lock in the background, whichever nodes there are.
    pub async fn try_upgrade(self) -> Result<WriteGuard, ConversionError<Self>> {
        match self.write_alone().await {
            Ok(line) => {
                let Self { held: read, lock } = self;
                read.into_node().1.forget();
                tracing::debug!(node = line.path(), "upgraded");
                Ok(WriteGuard::new(line.into_held(lock.policy), lock))
            }
            Err(source) => Err(ConversionError { guard: self, source }),
        }
    }

    /// Our place as the writer, when the read node is gone.
    async fn write_alone(&self) -> Result<InLine, RecipeError> {
        if let Ownership::Lost(reason) = self.ownership() {
            return Err(RecipeError::Lost(reason));
        }
        let (client, own) = (self.client(), self.path());
        // Most who are refused are spared the write, and others the wait.
        let blocking = &self.lock.rules.write.blocking;
        let names = listing::names(client, self.lock.path(), blocking).await?;
        if names.iter().any(|other| other != name(&own)) {
            return Err(RecipeError::Contended);
        }
        let mut line = self.claim().await?;
        if !line.is_only_behind(name(&own)) {
            let is_read_gone = line.ahead().is_none();
            if let Err(error) = line.leave().await {
                tracing::debug!(%error, "left to the janitor");
            }
            let lost = RecipeError::Lost(LostReason::NodeDeleted);
            return Err(if is_read_gone { lost } else { RecipeError::Contended });
        }
        self.held.set_giving_back(true);
        let marker = [marker(&self.lock)];
        let steps = |_| delete_together(client, &own, &marker);
        match until_settled(client, steps).await {
            Ok(()) => line.part_with_companions(),
            // By an attempt before, or by somebody: the mark is looked for when the writer leaves.
            Err(RecipeError::Client(error)) if error.code() == Some(ErrorCode::NoNode) => {}
            Err(error) => {
                self.held.set_giving_back(false);
                return Err(error);
            }
        }
        Ok(line)
    }

    /// Takes a place as a writer, with the mark that no other reader does so.
    async fn claim(&self) -> Result<InLine, RecipeError> {
        let client = self.client().clone();
        let lock = &self.lock;
        // Not marked as seen in between: a connection that is lost meanwhile is lost to the holder.
        let state = client.state();
        let mut claim = Claim::new(&client, lock);
        let claimed = until_settled(&client, |attempt| claim.attempt(self, attempt)).await;
        if let Err(RecipeError::Contended) = claimed {
            claim.is_open = false;
        }
        let (created, listed) = claimed?;
        let czxid = created.czxid(&client).await?;
        claim.is_open = false;
        let node = OwnNode::new(&client, created.path, czxid).with_companions(vec![marker(lock)]);
        let children = node.with_own(&client, listed).await?;
        InLine::standing(client, node, lock.rules.write.clone(), state, &children).await
    }
}

/// The path of the mark of a reader that tries to become a writer. Its name is behind all numbers in
/// the order of Curator, which sorts whatever is there.
fn marker(lock: &RwLock) -> String {
    join(lock.path(), "__UPGR__")
}

/// A write node and its mark, which may be there or not. Dropping it leaves them to the janitor.
struct Claim {
    client: Client,
    parent: String,
    /// What the name of the write node begins with.
    unique: String,
    marker: String,
    is_open: bool,
}

impl Claim {
    fn new(client: &Client, lock: &RwLock) -> Self {
        let unique = lock.spec.dialect.unique_prefix();
        let (client, parent) = (client.clone(), lock.path().to_owned());
        Self { client, parent, unique, marker: marker(lock), is_open: true }
    }

    /// The write node, and what was listed behind it.
    async fn attempt(
        &self,
        guard: &ReadGuard,
        attempt: Attempt,
    ) -> Result<(CreatedNode, Result<Vec<ByteString>, Error>), RecipeError> {
        let Self { client, parent, unique, marker, .. } = self;
        if attempt == Attempt::InDoubt {
            let children = children_behind_sync(client, parent).await?;
            if let Some(own) = children.iter().find(|name| name.starts_with(unique)) {
                return Ok((CreatedNode::found(join(parent, own)), Ok(children)));
            }
        }
        let lock = &guard.lock;
        let (data, acl) = (&lock.spec.data, &lock.spec.acl);
        let path = join(parent, &format!("{unique}{}", lock.rules.write.own));
        let created = client
            .multi()
            .check(&guard.path(), Version::ANY)
            .create_with(marker, "", CreateMode::Ephemeral, acl.clone())
            .create_with(&path, data.clone(), CreateMode::EphemeralSequential, acl.clone())
            .commit();
        let listed = client.children(parent).send();
        match created.await {
            Ok(outcomes) => {
                let created = CreatedNode::among(&outcomes).pop();
                let created = created.ok_or(RecipeError::Lost(LostReason::NodeDeleted))?;
                Ok((created, listed.await))
            }
            Err(Error::Multi { index: 1, code: ErrorCode::NodeExists, .. }) => {
                Err(RecipeError::Contended)
            }
            Err(error) => Err(guard.held.judge(error, 1)),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        let (parent, unique) = (self.parent.clone(), self.unique.clone());
        let marker = [self.marker.clone()];
        let handed = Janitor::of(&self.client).errand(move |client| {
            let (parent, unique, marker) = (parent.clone(), unique.clone(), marker.clone());
            async move {
                let children = children_behind_sync(&client, &parent).await?;
                match children.iter().find(|name| name.starts_with(&unique)) {
                    Some(own) => delete_together(&client, &join(&parent, own), &marker).await,
                    None => Ok(()),
                }
            }
        });
        if let Err(error) = handed {
            tracing::warn!(%error, "a node stays until the session ends");
        }
    }
}

async fn children_behind_sync(client: &Client, parent: &str) -> Result<Vec<ByteString>, Error> {
    let synced = client.sync(parent).send();
    let listed = client.children(parent).send();
    synced.await?;
    listed.await
}
