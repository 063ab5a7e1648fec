//! A node of a fixed name that only one can have, and a witness with a unique name beside it.
//!
//! The name of the node tells nobody whose it is: deleted by hand and made anew by somebody else it
//! looks the same. So one multi creates the node and the witness and sets a node that stays, whose data
//! version counts the holders: what is held is all of that.

use bytes::Bytes;
use tokio::sync::watch;
use uuid::Uuid;
use zk_client::path::{join, name};
use zk_client::{
    Acl, Client, CreateMode, Error, ErrorCode, MultiOutcome, SessionState, Version, Zxid,
};

use super::in_doubt::InDoubt;
use super::own_node::OwnNode;
use super::together::Together;
use crate::dialect::Parents;
use crate::error::RecipeError;
use crate::held::{Held, SuspendPolicy};
use crate::parent;
use crate::retry::breathe;

/// What to create.
#[derive(Clone, Debug)]
pub(crate) struct OneNode {
    pub(crate) path: String,
    /// The node that stays, and has the witnesses.
    witnesses: String,
    pub(crate) data: Bytes,
    pub(crate) acl: Vec<Acl>,
    /// What is made of parents that are missing, and of the node that stays.
    pub(crate) parents: Parents,
}

/// A node that is ours, with its witness. Dropping it gives them back.
#[derive(Debug)]
pub(crate) struct Taken {
    node: OwnNode,
    /// Marked as seen before the node was last known to exist.
    state: watch::Receiver<SessionState>,
}

/// What is known of a multi of ours that was carried out.
struct Done {
    czxid: Zxid,
    /// Of the node that stays.
    epoch: Version,
}

/// How one attempt went.
enum Attempt {
    /// It was carried out, as the reply says; servers before 3.8.2 leave out the czxid.
    Done(Option<Zxid>, Version),
    /// Perhaps: there was no reply.
    InDoubt,
    /// Nothing was done, and something has been put right since.
    Again,
    /// Somebody has the node.
    Contended,
}

impl Taken {
    pub(crate) fn into_held(self, client: Client, policy: SuspendPolicy) -> Held {
        Held::new(client, self.node, self.state, policy)
    }
}

impl OneNode {
    /// The node at a path; `None` for the root, which can be nobody's.
    pub(crate) fn at(path: String, parents: Parents) -> Option<Self> {
        let (parent, name) = path.rsplit_once('/').filter(|(_, name)| !name.is_empty())?;
        let witnesses = format!("{parent}/{WITNESSES}{name}");
        Some(Self { path, witnesses, data: Bytes::new(), acl: Acl::open(), parents })
    }

    /// Takes the node, `None` if somebody has it. The client must be bound to the session that is to
    /// hold it.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing.
    pub(crate) async fn take(&self, client: &Client) -> Result<Option<Taken>, RecipeError> {
        for _ in 0..MOST_ATTEMPTS {
            let mut state = client.state();
            let witness = join(&self.witnesses, &Uuid::new_v4().to_string());
            let in_doubt = self.in_doubt(client, &witness);
            let known = match self.attempt(client, &witness).await {
                Ok(Attempt::Done(Some(czxid), epoch)) => Some(Done { czxid, epoch }),
                Ok(Attempt::Done(None, _) | Attempt::InDoubt) => None,
                refused => {
                    in_doubt.settle();
                    match refused? {
                        Attempt::Contended => return Ok(None),
                        Attempt::Again | Attempt::InDoubt | Attempt::Done(..) => continue,
                    }
                }
            };
            let found = self.confirm(client, &witness, known, &mut state).await?;
            let Some(done) = found else {
                // Not created, or somebody has deleted it since: what is left of it goes.
                continue;
            };
            in_doubt.settle();
            tracing::debug!(node = name(&self.path), token = done.czxid.0, "granted");
            return Ok(Some(Taken { node: self.own(client, witness, &done), state }));
        }
        Err(RecipeError::Timeout)
    }

    async fn attempt(&self, client: &Client, witness: &str) -> Result<Attempt, RecipeError> {
        let acl = || self.acl.clone();
        let multi = client
            .multi()
            .create_with(&self.path, self.data.clone(), CreateMode::Ephemeral, acl())
            .set(&self.witnesses, "", Version::ANY)
            .create_with(witness, self.data.clone(), CreateMode::Ephemeral, acl());
        let error = match multi.commit().await {
            Ok(outcomes) => return Ok(done(&outcomes)),
            Err(error) => error,
        };
        match &error {
            Error::Multi { index: 0, code: ErrorCode::NodeExists, .. } => Ok(Attempt::Contended),
            Error::Multi { code: ErrorCode::NoNode, .. } => {
                parent::make(client, &self.witnesses, self.parents, &self.acl).await?;
                Ok(Attempt::Again)
            }
            _ if error.outcome_unknown() => Ok(Attempt::InDoubt),
            _ if error.is_retriable() => {
                breathe(client).await?;
                Ok(Attempt::Again)
            }
            _ => Err(error.into()),
        }
    }

    /// Looks for what was created if that is not known, and as often as the connection was lost since
    /// it was. `None` if it is not there.
    async fn confirm(
        &self,
        client: &Client,
        witness: &str,
        mut known: Option<Done>,
        state: &mut watch::Receiver<SessionState>,
    ) -> Result<Option<Done>, RecipeError> {
        loop {
            match known {
                Some(done) if !state.has_changed().unwrap_or(true) => return Ok(Some(done)),
                _ => {}
            }
            client.connected().await?;
            state.mark_unchanged();
            match self.look(client, witness).await {
                Ok(Some(done)) => known = Some(done),
                Ok(None) => return Ok(None),
                Err(error) if error.outcome_unknown() || error.is_retriable() => {
                    known = None;
                    breathe(client).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The witness is there only if the multi was carried out, and the node that stays was set by it
    /// unless somebody else has taken the place since.
    async fn look(&self, client: &Client, witness: &str) -> Result<Option<Done>, Error> {
        let synced = client.sync(&self.witnesses).send();
        let (own, stays) = (client.exists(witness).send(), client.exists(&self.witnesses).send());
        synced.await?;
        let (Some(own), Some(stays)) = (own.await?, stays.await?) else { return Ok(None) };
        let is_last = stays.mzxid == own.czxid;
        Ok(is_last.then_some(Done { czxid: own.czxid, epoch: stays.version }))
    }

    fn own(&self, client: &Client, witness: String, done: &Done) -> OwnNode {
        let epoch = Some((self.witnesses.clone(), done.epoch));
        let together = Together { others: vec![self.path.clone()], epoch };
        OwnNode::new(client, witness, done.czxid).together_with(together)
    }

    fn in_doubt(&self, client: &Client, witness: &str) -> InDoubt {
        let (witness, path) = (witness.to_owned(), self.path.clone());
        InDoubt::new(client, move |client| {
            let (witness, path) = (witness.clone(), path.clone());
            async move { delete_if_created(&client, &witness, path).await }
        })
    }

    /// Waits until nobody may have the node.
    pub(crate) async fn until_free(&self, client: &Client) -> Result<(), RecipeError> {
        loop {
            match client.exists(&self.path).watch().await {
                Ok((None, _)) => return Ok(()),
                Ok((Some(_), watch)) => {
                    tracing::debug!(node = name(&self.path), "waiting");
                    watch.await?;
                    return Ok(());
                }
                Err(error) if error.outcome_unknown() || error.is_retriable() => {
                    breathe(client).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// What the reply tells: of the node, the one that stays, and the witness.
fn done(outcomes: &[MultiOutcome]) -> Attempt {
    match outcomes {
        [MultiOutcome::Created { stat, .. }, MultiOutcome::Set(stays), _] => {
            Attempt::Done(stat.map(|stat| stat.czxid), stays.version)
        }
        _ => Attempt::InDoubt,
    }
}

async fn delete_if_created(client: &Client, witness: &str, path: String) -> Result<(), Error> {
    client.sync(witness).await?;
    match client.exists(witness).await? {
        Some(stat) => {
            let together = Together { others: vec![path], epoch: None };
            together.delete_ours(client, witness, stat.czxid).await
        }
        None => Ok(()),
    }
}

/// Connections that break each time, and nodes that vanish each time, are not waited out for ever.
const MOST_ATTEMPTS: usize = 30;
/// What the node that stays is called, before the name of the one that is held.
const WITNESSES: &str = "_w_";
