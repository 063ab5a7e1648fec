//! What a write of several has created.

use zk_client::{Client, MultiOutcome, Zxid};

use crate::error::RecipeError;
use crate::held::LostReason;
use crate::retry::until_settled;

/// A node that was created together with others.
#[derive(Clone, Debug)]
pub(crate) struct CreatedNode {
    pub(crate) path: String,
    /// Servers before 3.8.2 do not tell (ZOOKEEPER-4026).
    czxid: Option<Zxid>,
}

impl CreatedNode {
    /// A node that was found by its name, and is ours.
    pub(crate) const fn found(path: String) -> Self {
        Self { path, czxid: None }
    }

    /// The nodes among the outcomes, in their order.
    pub(crate) fn among(outcomes: &[MultiOutcome]) -> Vec<Self> {
        let created = |outcome: &MultiOutcome| match outcome {
            MultiOutcome::Created { path, stat } => {
                let czxid = stat.as_ref().map(|stat| stat.czxid);
                Some(Self { path: path.to_string(), czxid })
            }
            _ => None,
        };
        outcomes.iter().filter_map(created).collect()
    }

    /// The transaction that has created it. Asks only when the server did not tell.
    pub(crate) async fn czxid(&self, client: &Client) -> Result<Zxid, RecipeError> {
        if let Some(czxid) = self.czxid {
            return Ok(czxid);
        }
        let stat = until_settled(client, |_| async { client.exists(&self.path).await }).await?;
        stat.map(|stat| stat.czxid).ok_or(RecipeError::Lost(LostReason::NodeDeleted))
    }
}
