//! Items that nobody is to have any more.

use zk_client::ErrorCode;

use super::choosing::{Candidate, tries};
use super::claim::Claim;
use super::core::{Core, none_without_parent};
use super::delivery::dead;
use super::ending::{Ended, Ending};
use super::item_name::ItemId;
use crate::error::RecipeError;
use crate::held::LostReason;

impl Core {
    /// Deletes an item that nobody has; tells whether it was there. To claim it first makes sure that
    /// nobody has it, and that a lost reply can be settled.
    pub(super) async fn remove(&self, id: ItemId) -> Result<bool, RecipeError> {
        let client = self.client.bound_to_session();
        loop {
            let Some(name) = self.find(&client, id).await? else { return Ok(false) };
            let claims = none_without_parent(client.children(&self.claims).await)?;
            let has = |name: &str| claims.iter().any(|claim| **claim == *name);
            if has(&name.to_string()) {
                return Err(RecipeError::Contended);
            }
            let candidate = Candidate { is_tried: has(&tries(id)), name, czxid: None };
            let Some(claim) = self.claim(&client, &candidate, None).await? else { continue };
            return match self.end(&claim.client, &claim.nodes, &Ending::Acked).await? {
                Ended::Now => {
                    claim.forget();
                    Ok(true)
                }
                Ended::Lost => Err(RecipeError::Lost(LostReason::NodeDeleted)),
            };
        }
    }

    /// Makes a dead letter of an item that cannot be delivered. `false` when not even that can be done: it
    /// stays, and is in nobody's way.
    pub(super) async fn bury(&self, claim: Claim, why: &str) -> Result<bool, RecipeError> {
        let Ok(data) = &claim.data else { return Ok(cannot_move(&claim, why)) };
        match self.end(&claim.client, &claim.nodes, &dead(data, why)).await {
            Ok(Ended::Now) => {
                tracing::warn!(item = %claim.nodes.name, why, "a dead letter");
                claim.forget();
                Ok(true)
            }
            Ok(Ended::Lost) => Ok(true),
            Err(RecipeError::Client(error))
                if error.code().is_some_and(|code| code != ErrorCode::SessionExpired)
                    || matches!(error, zk_client::Error::RequestTooLarge { .. }) =>
            {
                Ok(cannot_move(&claim, &error.to_string()))
            }
            Err(error) => Err(error),
        }
    }
}

fn cannot_move(claim: &Claim, why: &str) -> bool {
    tracing::warn!(item = %claim.nodes.name, why, "an item that cannot be delivered stays");
    false
}
