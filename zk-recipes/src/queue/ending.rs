//! What becomes of an item that somebody has: each ending is one transaction that is done only with the
//! witness of the claim.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;
use zk_client::path::join;
use zk_client::{Client, CreateMode, Error, ErrorCode, Multi, Version};

use super::claim::Nodes;
use super::core::{Core, is_passing};
use super::item_name::{ItemName, Marks};
use crate::error::RecipeError;

/// What is to become of an item.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    /// It is done with.
    Acked,
    /// It keeps its place.
    Back,
    /// It keeps its place, and is not taken before its time.
    PutOff { name: ItemName, data: Bytes },
    /// It goes to the tail.
    Tail { marks: Marks, data: Bytes },
    /// It goes where nobody takes it from.
    Dead { data: Bytes, why: String },
}

/// Whether an ending was ours to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Now,
    /// The claim, or the item, was gone before: nothing was done.
    Lost,
}

impl Core {
    /// Ends a claim, and tells whether that was done: after a lost reply it is sent again, and what is
    /// there tells.
    pub(super) async fn end(
        &self,
        client: &Client,
        nodes: &Nodes,
        ending: &Ending,
    ) -> Result<Ended, RecipeError> {
        let mut nodes = nodes.clone();
        let mut doubt: Option<Error> = None;
        for _ in 0..MOST_ATTEMPTS {
            let Err(error) = self.multi(client, &nodes, ending).commit().await else {
                return Ok(Ended::Now);
            };
            if let Error::Multi { index, path, code: ErrorCode::NoNode, .. } = &error {
                match index {
                    0 if doubt.is_some() => {
                        let outcome = self.was_ended(client, &nodes, ending).await;
                        return outcome.map_err(|error| in_doubt(doubt, error));
                    }
                    0 => return Ok(Ended::Lost),
                    // Deleted by hand; they do not tell whose the item is.
                    _ if nodes.tries.as_deref() == Some(path) => nodes.tries = None,
                    _ if nodes.slot.as_deref() == Some(path) => nodes.slot = None,
                    _ if **path == nodes.item || **path == nodes.claim => return Ok(Ended::Lost),
                    _ => {
                        let ensured = self.ensure(client, &self.dead).await;
                        ensured.map_err(|error| in_doubt(doubt.clone(), error))?;
                    }
                }
                continue;
            }
            if !is_passing(&error) {
                return Err(in_doubt(doubt, error.into()));
            }
            tracing::debug!(%error, "ending a claim once more");
            if error.outcome_unknown() {
                doubt.get_or_insert(error);
            }
            let connected = client.connected().await;
            connected.map_err(|over| in_doubt(doubt.clone(), over.into()))?;
            sleep(BREATH).await;
        }
        Err(in_doubt(doubt, RecipeError::Timeout))
    }

    fn multi<'a>(&self, client: &'a Client, nodes: &Nodes, ending: &Ending) -> Multi<'a> {
        let any = Version::ANY;
        let acl = || self.acl.clone();
        let persistent = CreateMode::Persistent;
        let mut multi = client.multi().delete(&nodes.witness, any);
        if !matches!(ending, Ending::Back) {
            multi = multi.delete(&nodes.item, any);
        }
        multi = multi.delete(&nodes.claim, any);
        match ending {
            Ending::Acked => multi = without_traces(multi, nodes),
            Ending::Back => {}
            Ending::PutOff { name, data } => {
                multi = multi.create_with(&self.item(name), data.clone(), persistent, acl());
            }
            Ending::Tail { marks, data } => {
                let path = join(&self.items, &ItemName::to_be_numbered(nodes.name.id, *marks));
                let mode = CreateMode::PersistentSequential;
                multi = multi.create_with(&path, data.clone(), mode, acl());
            }
            Ending::Dead { data, why } => {
                let path = join(&self.dead, &nodes.name.to_string());
                multi = multi.create_with(&path, data.clone(), persistent, acl());
                multi = multi.create_with(&join(&path, WHY), why.clone(), persistent, acl());
                multi = without_traces(multi, nodes);
            }
        }
        multi
    }

    /// Whether an ending whose reply was lost was made. The session lives, so that its witness is gone
    /// with that ending or by somebody's hand; then the item is still there, as long as nobody else is done
    /// with it. One that is put off to the very time that it had counts as lost: it is back either way.
    async fn was_ended(
        &self,
        client: &Client,
        nodes: &Nodes,
        ending: &Ending,
    ) -> Result<Ended, RecipeError> {
        if matches!(ending, Ending::Back) {
            // It is back either way.
            return Ok(Ended::Now);
        }
        loop {
            let synced = client.sync(&nodes.item).send();
            let item = client.exists(&nodes.item).send();
            match synced.await.and(item.await) {
                Ok(None) => return Ok(Ended::Now),
                Ok(Some(_)) => return Ok(Ended::Lost),
                Err(error) if is_passing(&error) => client.connected().await?,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Also deletes what goes with an item that does not come back.
fn without_traces<'a>(mut multi: Multi<'a>, nodes: &Nodes) -> Multi<'a> {
    for trace in [&nodes.tries, &nodes.slot].into_iter().flatten() {
        multi = multi.delete(trace, Version::ANY);
    }
    multi
}

/// What may have been done does not become undone by what comes after.
fn in_doubt(doubt: Option<Error>, error: RecipeError) -> RecipeError {
    doubt.map_or(error, RecipeError::Client)
}

/// The child of a dead letter that tells why it is one.
pub(super) const WHY: &str = "why";
/// Connections that break each time are not waited out for ever.
const MOST_ATTEMPTS: usize = 30;
/// Before a request is sent again that the server was too busy for.
const BREATH: Duration = Duration::from_millis(5);
