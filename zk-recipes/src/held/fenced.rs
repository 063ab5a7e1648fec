use bytes::Bytes;
use zk_client::{Acl, Create, CreateMode, Error, Multi, MultiOutcome, MultiReply, Version};

use super::Held;
use crate::error::RecipeError;

/// Writes that are done, all or none, only if something is still held. Made by [`Held::multi`].
///
/// They are tried in order, each on the state that the ones before it leave.
#[must_use = "nothing is sent until `commit` is called"]
#[derive(Debug)]
pub struct FencedMulti<'a> {
    held: &'a Held,
    /// Begins with the checks.
    multi: Multi<'a>,
    checks: usize,
}

impl<'a> FencedMulti<'a> {
    pub(crate) const fn new(held: &'a Held, multi: Multi<'a>, checks: usize) -> Self {
        Self { held, multi, checks }
    }

    /// Creates a persistent node with an open ACL.
    pub fn create(self, path: &str, data: impl Into<Bytes>) -> Self {
        Self { multi: self.multi.create(path, data), ..self }
    }

    /// Creates a node.
    pub fn create_with(
        self,
        path: &str,
        data: impl Into<Bytes>,
        mode: CreateMode,
        acl: Vec<Acl>,
    ) -> Self {
        Self { multi: self.multi.create_with(path, data, mode, acl), ..self }
    }

    /// Creates a node, of any kind that [`zk_client::Client::create`] can make.
    pub fn create_node(self, create: Create<'_>) -> Self {
        Self { multi: self.multi.create_node(create), ..self }
    }

    /// Deletes a node, if its data has the version.
    pub fn delete(self, path: &str, version: Version) -> Self {
        Self { multi: self.multi.delete(path, version), ..self }
    }

    /// Sets a node's data, if it has the version.
    pub fn set(self, path: &str, data: impl Into<Bytes>, version: Version) -> Self {
        Self { multi: self.multi.set(path, data, version), ..self }
    }

    /// Goes on only if the node exists and its data has the version.
    pub fn check(self, path: &str, version: Version) -> Self {
        Self { multi: self.multi.check(path, version), ..self }
    }

    /// Sends the request at once, and resolves when the reply has come: one outcome for each write, in
    /// their order, without those that check whether it is held.
    ///
    /// # Errors
    /// [`RecipeError::Lost`] when it is not held any more: nothing was done. [`Error::Multi`] with the
    /// index of the write that failed; nothing was done. After [`Error::outcome_unknown`] all of it may
    /// have been done, or none.
    ///
    /// # Cancel safety
    /// Dropping the future does not take the request back.
    pub fn commit(
        self,
    ) -> impl Future<Output = Result<Vec<MultiOutcome>, RecipeError>> + Send + use<'a> {
        let Self { held, multi, checks } = self;
        let reply = multi.commit();
        async move { settle(held, checks, reply).await }
    }
}

async fn settle(
    held: &Held,
    checks: usize,
    reply: MultiReply,
) -> Result<Vec<MultiOutcome>, RecipeError> {
    match reply.await {
        Ok(mut outcomes) => {
            // There are more than the caller has asked for.
            outcomes.drain(..checks.min(outcomes.len()));
            Ok(outcomes)
        }
        Err(Error::Multi { index, op, path, code }) if index >= checks => {
            Err(Error::Multi { index: index - checks, op, path, code }.into())
        }
        Err(error) => Err(held.judge(error, checks)),
    }
}
