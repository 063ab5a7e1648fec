//! From writer to reader, without a moment in between.

use zk_client::path::{join, name};
use zk_client::{Client, CreateMode, Error, ErrorCode, Version, Zxid};

use super::guards::{ConversionError, ReadGuard, WriteGuard};
use crate::contender::created::CreatedNode;
use crate::contender::order::{is_ordered, sequence_of};
use crate::contender::own_node::OwnNode;
use crate::error::RecipeError;
use crate::held::{Held, LostReason, Ownership};
use crate::retry::{Attempt, until_settled};

impl WriteGuard {
    /// Becomes a reader in the place of the writer: one write deletes the write node and creates a
    /// read node with its number. Readers that wait just behind get in, a writer stays out.
    ///
    /// Whoever waits for the loss of the write guard is told [`LostReason::Released`].
    ///
    /// # Errors
    /// [`ConversionError`] with the guard in it: [`RecipeError::Lost`] when it is not held any more,
    /// [`RecipeError::SequenceExhausted`] when its number is so near to the end of the counter that
    /// it does not tell its place, and the client's. The guard is held for writing still, unless it
    /// says that it is lost.
    ///
    /// # Cancel safety
    /// A dropped future releases the lock in the background, whichever node there is.
    pub async fn downgrade(self) -> Result<ReadGuard, ConversionError<Self>> {
        match self.read_in_its_place().await {
            Ok(read) => {
                let Self { held: write, lock } = self;
                write.into_node().1.forget();
                tracing::debug!(node = read.path(), "downgraded");
                Ok(ReadGuard::new(read, lock))
            }
            Err(source) => Err(ConversionError { guard: self, source }),
        }
    }

    async fn read_in_its_place(&self) -> Result<Held, RecipeError> {
        if let Ownership::Lost(reason) = self.ownership() {
            return Err(RecipeError::Lost(reason));
        }
        let client = self.client().clone();
        // Not marked as seen in between: a connection that is lost meanwhile is lost to the holder.
        let state = client.state();
        let path = self.path_of_reader()?;
        // Deleted in the background, if it comes to be, as long as it is nobody's.
        let mut node = OwnNode::new(&client, path.clone(), Zxid(0));
        self.held.set_giving_back(true);
        let steps = |attempt| self.replace(&client, &path, attempt);
        let converted = until_settled(&client, steps).await;
        if converted.is_err() {
            self.held.set_giving_back(false);
        }
        node.czxid = converted?.czxid(&client).await?;
        Ok(Held::new(client, node, state, self.lock.policy))
    }

    /// The number at the end of our name is the place of the reader, too.
    fn path_of_reader(&self) -> Result<String, RecipeError> {
        let (rules, spec) = (&self.lock.rules, &self.lock.spec);
        let path = self.path();
        let name = name(&path);
        let sequence = sequence_of(name, &rules.write.own).filter(|number| is_ordered(*number));
        let Some((_, number)) = sequence.and_then(|_| name.rsplit_once(&*rules.write.own)) else {
            return Err(RecipeError::SequenceExhausted { parent: spec.parent.clone() });
        };
        let unique = spec.dialect.unique_prefix();
        Ok(join(&spec.parent, &format!("{unique}{}{number}", rules.read.own)))
    }

    async fn replace(
        &self,
        client: &Client,
        path: &str,
        attempt: Attempt,
    ) -> Result<CreatedNode, RecipeError> {
        if attempt == Attempt::InDoubt && is_there(client, path).await? {
            return Ok(CreatedNode::found(path.to_owned()));
        }
        let spec = &self.lock.spec;
        let (data, acl) = (spec.data.clone(), spec.acl.clone());
        // In this order: whoever sees the writer go has seen the reader come.
        let replaced = client
            .multi()
            .create_with(path, data, CreateMode::Ephemeral, acl)
            .delete(&self.path(), Version::ANY)
            .commit()
            .await;
        match replaced {
            Ok(outcomes) => {
                let created = CreatedNode::among(&outcomes).pop();
                Ok(created.unwrap_or_else(|| CreatedNode::found(path.to_owned())))
            }
            Err(Error::Multi { index: 1, code: ErrorCode::NoNode, .. }) => {
                self.held.mark_lost(LostReason::NodeDeleted);
                Err(RecipeError::Lost(LostReason::NodeDeleted))
            }
            Err(error) => Err(self.held.judge(error, 0)),
        }
    }
}

/// Whether a node of this session is there. Only after `sync` is a server sure to show what another
/// one has committed.
async fn is_there(client: &Client, path: &str) -> Result<bool, Error> {
    let synced = client.sync(path).send();
    let seen = client.exists(path).send();
    synced.await?;
    let owner = client.session_id();
    Ok(seen.await?.is_some_and(|stat| stat.ephemeral_owner == owner))
}
