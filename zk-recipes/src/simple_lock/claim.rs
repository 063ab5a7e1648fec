//! Taking the lock: one multi, whatever becomes of its reply.

use bytes::Bytes;
use tokio::sync::watch;
use zk_client::{
    Acl, Client, CreateMode, Error, ErrorCode, MultiOutcome, SessionState, Version, Zxid,
};

use super::Holder;
use crate::contender::in_doubt::InDoubt;
use crate::contender::own_node::OwnNode;
use crate::contender::together::Together;
use crate::dialect::Parents;
use crate::error::RecipeError;
use crate::held::{FencingToken, Held, SuspendPolicy};
use crate::parent;
use crate::retry::breathe;

/// What to create.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// The lock.
    pub(super) path: String,
    /// The node that stays, and has the witnesses.
    pub(super) witnesses: String,
    pub(super) data: Bytes,
    pub(super) acl: Vec<Acl>,
    pub(super) parents: Parents,
}

/// A lock that is ours.
pub(super) struct Taken {
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
    /// Somebody has the lock.
    Contended,
}

impl Taken {
    pub(super) fn into_held(self, client: Client, policy: SuspendPolicy) -> Held {
        Held::new(client, self.node, self.state, policy)
    }
}

impl Claim {
    /// Takes the lock, `None` if somebody has it. The client must be bound to the session that is to
    /// hold it.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing.
    pub(super) async fn take(&self, client: &Client) -> Result<Option<Taken>, RecipeError> {
        for _ in 0..MOST_ATTEMPTS {
            let mut state = client.state();
            let witness = self.new_witness();
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
            tracing::debug!(lock = self.name(), token = done.czxid.0, "granted");
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
    /// unless somebody else has taken the lock since.
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

    /// Waits until the lock may be free.
    pub(super) async fn until_free(&self, client: &Client) -> Result<(), RecipeError> {
        loop {
            match client.exists(&self.path).watch().await {
                Ok((None, _)) => return Ok(()),
                Ok((Some(_), watch)) => {
                    tracing::debug!(lock = self.name(), "waiting");
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

/// What the reply tells: of the lock, the node that stays, and the witness.
fn done(outcomes: &[MultiOutcome]) -> Attempt {
    match outcomes {
        [MultiOutcome::Created { stat, .. }, MultiOutcome::Set(stays), _] => {
            Attempt::Done(stat.map(|stat| stat.czxid), stays.version)
        }
        _ => Attempt::InDoubt,
    }
}

pub(super) async fn holder(client: &Client, path: &str) -> Result<Option<Holder>, RecipeError> {
    match client.get(path).await {
        Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(None),
        Err(error) => Err(error.into()),
        Ok((data, stat)) => {
            let (session, token) = (stat.ephemeral_owner, FencingToken::of(stat.czxid));
            Ok(Some(Holder { data, session, token }))
        }
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
