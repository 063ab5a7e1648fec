//! A candidate in the election that is won by who comes first.

use zk_client::Client;

use super::settings::Settings;
use crate::contender::one_node::{OneNode, Taken};
use crate::error::RecipeError;
use crate::held::{Held, SuspendPolicy};

#[derive(Debug)]
pub(super) struct FirstComer {
    client: Client,
    node: OneNode,
    /// Somebody else had the node.
    waits: bool,
    taken: Option<Taken>,
}

impl FirstComer {
    /// Nothing is sent yet. The node will be one of the session that `client` has now.
    pub(super) fn new(client: &Client, settings: &Settings) -> Result<Self, RecipeError> {
        let mut node = OneNode::at(settings.path.clone(), settings.parents)
            .ok_or(RecipeError::BadArguments { reason: "the root is not ephemeral" })?;
        node.data = settings.data()?;
        node.acl = settings.acl.clone();
        Ok(Self { client: client.bound_to_session(), node, waits: false, taken: None })
    }

    /// The path of the node, if somebody else had it when it was last looked at.
    pub(super) fn ahead(&self) -> Option<&str> {
        self.waits.then_some(self.node.path.as_str())
    }

    /// Takes the node if nobody has it, or waits until it may be free, in turn; tells whether it is
    /// ours now. All who wait are woken at once.
    ///
    /// # Cancel safety
    /// A dropped future takes nothing.
    pub(super) async fn step(&mut self) -> Result<bool, RecipeError> {
        if self.taken.is_some() {
            return Ok(true);
        }
        if self.waits {
            self.node.until_free(&self.client).await?;
        }
        self.taken = self.node.take(&self.client).await?;
        self.waits = self.taken.is_none();
        Ok(self.taken.is_some())
    }

    /// What is held when it was taken.
    pub(super) fn into_held(self, policy: SuspendPolicy) -> Option<Held> {
        Some(self.taken?.into_held(self.client, policy))
    }
}
