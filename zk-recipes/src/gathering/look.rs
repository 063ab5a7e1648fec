//! Looking at a gathering, and changing it as it was seen.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;
use zk_client::path::join;
use zk_client::{Client, Error, ErrorCode, Multi, Version};

use super::Gathering;
use super::rounds::{Next, RoundMember, Rounds};
use crate::error::RecipeError;

/// A gathering as it was seen: first the round, then who is there.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) rounds: Rounds,
    pub(crate) version: Version,
    pub(crate) present: Vec<String>,
}

/// How an attempt to change it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    /// As intended.
    Now,
    /// It was not what was seen any more, or somebody has gone meanwhile. Nothing was done.
    Not,
}

impl Gathering {
    /// One round trip. `None` where there is nothing.
    pub(crate) async fn look(
        &self,
        client: &Client,
        sync: bool,
    ) -> Result<Option<Look>, RecipeError> {
        let synced = sync.then(|| client.sync(self.path()).send());
        let read = client.get(self.path()).send();
        let listed = client.children(self.path()).send();
        if let Some(synced) = synced {
            synced.await?;
        }
        let (data, stat) = match read.await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => return Ok(None),
            read => read?,
        };
        let children = match listed.await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => return Ok(None),
            listed => listed?,
        };
        let rounds = Rounds::read(self.path(), &data, self.parties)?;
        let present = self.members(&children);
        Ok(Some(Look { rounds, version: stat.version, present }))
    }

    /// Does what is next, if nothing has happened since the look, and if all who are to be let in are
    /// there. The node at `own` is deleted in the same transaction.
    pub(crate) async fn advance(
        &self,
        client: &Client,
        look: &Look,
        next: &Next,
        own: Option<&str>,
    ) -> Result<Changed, RecipeError> {
        let mut multi = leaving(client, own);
        let rounds = match next {
            Next::Close => look.rounds.closed(self.strict),
            Next::Open(names) => {
                let Some(members) = self.with_payloads(client, names).await? else {
                    return Ok(Changed::Not);
                };
                for name in names {
                    multi = multi.check(&join(self.path(), name), Version::ANY);
                }
                look.rounds.opened(members, self.strict)
            }
        };
        let changed = self.change(multi, &rounds, look.version).await?;
        if changed == Changed::Now {
            tracing::debug!(path = self.path(), round = rounds.round, ?next, "next round");
        }
        Ok(changed)
    }

    /// Sets what the node says, together with what is in the multi already.
    pub(crate) async fn change(
        &self,
        multi: Multi<'_>,
        rounds: &Rounds,
        version: Version,
    ) -> Result<Changed, RecipeError> {
        let data = rounds.write(self.path())?;
        changed(multi.set(self.path(), data, version).commit().await)
    }

    /// `None` when one of them has gone. A listing, and a read for each member.
    async fn with_payloads(
        &self,
        client: &Client,
        names: &[String],
    ) -> Result<Option<Vec<RoundMember>>, RecipeError> {
        let children = match client.children_with_data(self.path()).await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => return Ok(None),
            children => children?,
        };
        let mut payloads: BTreeMap<_, Bytes> =
            children.into_iter().map(|child| (child.name.to_string(), child.data)).collect();
        let member = |name: &String| {
            let payload = payloads.remove(name)?;
            Some(RoundMember::new(name.clone(), payload))
        };
        Ok(names.iter().map(member).collect())
    }
}

/// A multi that begins with the deletion of a node, if there is one to delete.
pub(crate) fn leaving<'a>(client: &'a Client, own: Option<&str>) -> Multi<'a> {
    let multi = client.multi();
    match own {
        Some(own) => multi.delete(own, Version::ANY),
        None => multi,
    }
}

/// What a multi came to that was made of what was seen.
pub(crate) fn changed<T>(outcome: Result<T, Error>) -> Result<Changed, RecipeError> {
    match outcome {
        Ok(_) => Ok(Changed::Now),
        Err(Error::Multi { code: ErrorCode::NoNode | ErrorCode::BadVersion, index, .. }) => {
            tracing::debug!(index, "somebody was quicker");
            Ok(Changed::Not)
        }
        Err(error) => Err(error.into()),
    }
}

/// Waits until another attempt may come to something else, or fails.
pub(crate) async fn recover(client: &Client, error: RecipeError) -> Result<(), RecipeError> {
    match &error {
        RecipeError::Client(cause) if cause.outcome_unknown() || cause.is_retriable() => {}
        _ => return Err(error),
    }
    tracing::debug!(%error, "once more");
    client.connected().await?;
    sleep(BREATH).await;
    Ok(())
}

/// Before a request is sent again that the server was too busy for.
const BREATH: Duration = Duration::from_millis(5);
