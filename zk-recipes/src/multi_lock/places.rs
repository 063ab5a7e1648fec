//! Places in several queues, taken at once.

use tokio::sync::watch;
use zk_client::{Client, Error, ErrorCode, SessionState};

use super::MultiLock;
use super::entering::{Created, create, find, in_doubt};
use crate::contender::in_line::{InLine, Parts};
use crate::contender::own_node::{Deleted, OwnNode};
use crate::contender::together::Together;
use crate::error::RecipeError;
use crate::held::{Held, OwnWatch, SuspendPolicy};
use crate::parent;
use crate::retry::breathe;

/// A contender in each of several queues. Dropping it leaves all of them.
#[derive(Debug)]
pub(super) struct Places {
    client: Client,
    /// In the order of the locks.
    lines: Vec<InLine>,
}

impl Places {
    /// Takes a place in each queue, in the session that the client has now.
    ///
    /// # Cancel safety
    /// A dropped future leaves no node.
    pub(super) async fn enter(lock: &MultiLock) -> Result<Self, RecipeError> {
        let client = lock.client.bound_to_session();
        for _ in 0..MOST_ATTEMPTS {
            let prefix = lock.spec.dialect.unique_prefix();
            let in_doubt = in_doubt(&client, &prefix, &lock.paths);
            let error = match create(lock, &client, &prefix).await {
                Ok(created) => {
                    // No await in between, so that somebody sees to the nodes at any time.
                    in_doubt.settle();
                    return Self::standing(lock, client, created).await;
                }
                Err(error) => error,
            };
            match error {
                RecipeError::Client(Error::Multi { code: ErrorCode::NoNode, .. }) => {
                    in_doubt.settle();
                    for path in &lock.paths {
                        parent::make(&client, path, lock.spec.parents, &lock.spec.acl).await?;
                    }
                }
                RecipeError::Client(error) if error.outcome_unknown() => {
                    tracing::debug!(%error, "taking places once more, unless they are taken");
                    if let Some(created) = find(&client, &prefix, &lock.paths).await? {
                        in_doubt.settle();
                        return Self::standing(lock, client, created).await;
                    }
                    in_doubt.settle();
                }
                RecipeError::Client(error) if error.is_retriable() => {
                    in_doubt.settle();
                    breathe(&client).await?;
                }
                error => return Err(error),
            }
        }
        Err(RecipeError::Timeout)
    }

    async fn standing(
        lock: &MultiLock,
        client: Client,
        created: Created,
    ) -> Result<Self, RecipeError> {
        let Created { nodes, czxid, children, state } = created;
        tracing::debug!(?nodes, "enqueued");
        let nodes: Vec<_> =
            nodes.into_iter().map(|path| OwnNode::new(&client, path, czxid)).collect();
        let mut lines = Vec::with_capacity(nodes.len());
        for (node, children) in nodes.into_iter().zip(&children) {
            let (client, rule, state) = (client.clone(), lock.rule.clone(), state.clone());
            lines.push(InLine::standing(client, node, rule, state, children).await?);
        }
        Ok(Self { client, lines })
    }

    /// Waits until it is our turn everywhere.
    ///
    /// # Cancel safety
    /// The places stay as long as this lives.
    pub(super) async fn turn(&mut self) -> Result<(), RecipeError> {
        if self.are_first() {
            return Ok(());
        }
        // One that is first has nobody to wait for, and is told what happens to its node meanwhile.
        let asked: Vec<_> = self.lines.iter().map(InLine::ask_for_own).collect();
        for (line, own) in self.lines.iter_mut().zip(asked) {
            if let Some(own) = own {
                line.watch_own(own).await?;
            }
        }
        loop {
            for line in &mut self.lines {
                line.turn().await?;
            }
            for line in &mut self.lines {
                line.confirm().await?;
            }
            if self.are_first() {
                return Ok(());
            }
        }
    }

    /// Whether it is our turn everywhere. Asks only where what is known may be old.
    pub(super) async fn is_our_turn(&mut self) -> Result<bool, RecipeError> {
        while !self.are_first() {
            for line in &mut self.lines {
                if !line.is_our_turn().await? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn are_first(&self) -> bool {
        self.lines.iter().all(InLine::is_first)
    }

    /// The paths of our nodes, in the order of the locks.
    pub(super) fn nodes(&self) -> Vec<String> {
        self.lines.iter().map(|line| line.path().to_owned()).collect()
    }

    /// Leaves all queues at once, and waits for the server to confirm.
    ///
    /// # Cancel safety
    /// A dropped future leaves them in the background.
    pub(super) async fn leave(self) -> Result<Deleted, Error> {
        let client = self.client.clone();
        match self.into_one() {
            Some((mut node, _, _)) => node.delete(&client).await,
            None => Ok(Deleted::Before),
        }
    }

    /// What is held now that it is our turn.
    pub(super) fn into_held(self, policy: SuspendPolicy) -> Option<Held> {
        let client = self.client.clone();
        let (node, state, own) = self.into_one()?;
        tracing::debug!(token = node.czxid.0, "granted");
        Some(Held::of_several(client, node, state, policy, own))
    }

    /// The nodes as one, with the watches on them; `None` only if there are none.
    fn into_one(self) -> Option<(OwnNode, watch::Receiver<SessionState>, Vec<OwnWatch>)> {
        let parts: Vec<_> = self.lines.into_iter().map(InLine::into_parts).collect();
        let mut own = Vec::with_capacity(parts.len());
        let mut others = Vec::with_capacity(parts.len());
        let mut first = None;
        for Parts { path, czxid, own: watch, state } in parts {
            own.push(watch);
            match first {
                None => first = Some((path, czxid, state)),
                Some(_) => others.push(path),
            }
        }
        let (path, czxid, state) = first?;
        let together = Together { others, epoch: None };
        let node = OwnNode::new(&self.client, path, czxid).together_with(together);
        Some((node, state, own))
    }
}

/// Parents that vanish between their creation and ours, and connections that break each time,
/// are not waited out for ever.
const MOST_ATTEMPTS: usize = 30;
