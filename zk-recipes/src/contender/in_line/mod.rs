//! Waiting for one's turn.

mod placing;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use tokio::sync::watch;
use zk_client::path::join;
use zk_client::{
    ByteString, Client, Error, ErrorCode, EventType, SessionState, Stat, Watch, WatchedReply, Zxid,
};

use super::own_node::{Deleted, NodeSpec, OwnNode};
use crate::dialect::Rule;
use crate::error::RecipeError;
use crate::held::{Held, LostReason, OwnWatch, SuspendPolicy};
use crate::retry::breathe;

/// A contender that waits, or whose turn it is. Dropping it leaves the queue.
#[derive(Debug)]
pub(crate) struct InLine {
    client: Client,
    node: OwnNode,
    rule: Rule,
    ahead: Option<Ahead>,
    /// Marked as seen before the last look at the queue was sent.
    state: watch::Receiver<SessionState>,
    /// Whether that look has come to an end.
    has_looked: bool,
    /// The watch on our own node, from the first time that we wait.
    own: Option<Watch>,
}

/// Who is in our way.
#[derive(Debug)]
struct Ahead {
    name: String,
    /// Nobody else is, or can be in its place, so that it is our turn when this one has gone.
    alone: bool,
}

/// What a wait has come to.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) path: String,
    pub(crate) czxid: Zxid,
    pub(crate) own: OwnWatch,
    pub(crate) state: watch::Receiver<SessionState>,
}

impl InLine {
    /// Takes a place in the queue: in that of the session that `client` has now.
    ///
    /// # Cancel safety
    /// A dropped future leaves no node.
    pub(crate) async fn enter(
        client: &Client,
        spec: &NodeSpec,
        rule: Rule,
    ) -> Result<Self, RecipeError> {
        // A place in the queue is the node of one session, and must not be followed by another.
        let client = client.bound_to_session();
        let state = client.state();
        let (node, children) = OwnNode::enter(&client, spec).await?;
        tracing::debug!(node = node.name(), "enqueued");
        Self::standing(client, node, rule, state, &children).await
    }

    /// Stands where a node of ours is already. Nothing may have happened to the session since
    /// `children` were asked for and `state` was marked as seen.
    pub(crate) async fn standing(
        client: Client,
        node: OwnNode,
        rule: Rule,
        state: watch::Receiver<SessionState>,
        children: &[ByteString],
    ) -> Result<Self, RecipeError> {
        let mut line = Self { client, node, rule, ahead: None, state, has_looked: true, own: None };
        line.ahead = line.find_place(children).await?;
        Ok(line)
    }

    /// The name of the nearest node in our way when the queue was last looked at; `None` when it is
    /// our turn.
    pub(crate) fn ahead(&self) -> Option<&str> {
        self.ahead.as_ref().map(|ahead| ahead.name.as_str())
    }

    pub(crate) fn path(&self) -> &str {
        self.node.path()
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn czxid(&self) -> Zxid {
        self.node.czxid
    }

    /// Waits for our turn. There is no deadline: a holder may hold for ever.
    ///
    /// # Cancel safety
    /// Nothing is lost: the place stays as long as this lives, and it can be waited for again.
    pub(crate) async fn turn(&mut self) -> Result<(), RecipeError> {
        while !self.step().await? {}
        Ok(())
    }

    /// Waits for one change, and finds out what it means; tells whether it is our turn. For those who
    /// want to know who is ahead meanwhile.
    ///
    /// A question that got no answer in time is asked again: the place stays as long as the session.
    ///
    /// # Cancel safety
    /// As [`turn`](Self::turn).
    pub(crate) async fn step(&mut self) -> Result<bool, RecipeError> {
        match self.change().await {
            Err(RecipeError::Client(error)) if error.outcome_unknown() || error.is_retriable() => {
                tracing::debug!(%error, "asking once more");
                breathe(&self.client).await?;
                Ok(false)
            }
            changed => changed,
        }
    }

    async fn change(&mut self) -> Result<bool, RecipeError> {
        if self.ahead.is_some() {
            if self.until_gone().await? {
                self.ahead = None;
                return Ok(self.is_certain());
            }
        } else if self.is_certain() {
            return Ok(true);
        }
        self.look().await?;
        Ok(self.ahead.is_none() && self.is_certain())
    }

    /// Whether it is our turn now. Asks only when what is known may be old.
    pub(crate) async fn is_our_turn(&mut self) -> Result<bool, RecipeError> {
        while self.ahead.is_none() {
            if self.is_certain() {
                return Ok(true);
            }
            self.look().await?;
        }
        Ok(false)
    }

    /// The same if it is our turn now; otherwise the place is given up, which is confirmed as far as
    /// that is possible: whoever tries next should not meet a node that is about to go.
    ///
    /// # Errors
    /// [`RecipeError::Contended`] when it is not, and those of looking.
    ///
    /// # Cancel safety
    /// A dropped future leaves the queue in the background.
    pub(crate) async fn now(mut self) -> Result<Self, RecipeError> {
        if self.is_our_turn().await? {
            return Ok(self);
        }
        if let Err(error) = self.leave().await {
            tracing::debug!(%error, "left to the janitor");
        }
        Err(RecipeError::Contended)
    }

    /// Whether a node was all that stood in our way when the queue was last looked at, and when it
    /// has gone it is our turn.
    pub(crate) fn is_only_behind(&self, name: &str) -> bool {
        self.ahead.as_ref().is_some_and(|ahead| ahead.alone && ahead.name == name)
    }

    /// What went together with the node is gone already.
    pub(crate) fn part_with_companions(&mut self) {
        self.node.part_with_companions();
    }

    /// The node was deleted with other writes of the caller's.
    pub(crate) fn forget(mut self) {
        self.node.forget();
    }

    /// Whether it is our turn without any doubt, as far as was told.
    pub(crate) fn is_first(&self) -> bool {
        self.ahead.is_none() && self.is_certain()
    }

    /// Asks for a watch on our own node, unless there is one; see [`Self::watch_own`].
    pub(crate) fn ask_for_own(&self) -> Option<WatchedReply<Option<Stat>>> {
        self.own.is_none().then(|| self.client.exists(self.node.path()).watch().send())
    }

    /// Waits for our turn, and makes sure that nothing has happened to our node since it came: for
    /// those who have waited for something else meanwhile.
    ///
    /// # Cancel safety
    /// As [`Self::turn`].
    pub(crate) async fn confirm(&mut self) -> Result<(), RecipeError> {
        loop {
            self.turn().await?;
            if self.is_own_there().await? {
                if self.is_first() {
                    return Ok(());
                }
            } else if let Some(own) = self.ask_for_own() {
                self.watch_own(own).await?;
                if self.own.is_none() {
                    // It cannot be watched, so it is looked for.
                    self.look().await?;
                    if self.is_first() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Ends the wait; the node is the caller's to see to from now on.
    pub(crate) fn into_parts(mut self) -> Parts {
        let path = self.node.path().to_owned();
        self.node.forget();
        let own = self.own.take().map_or(OwnWatch::None, OwnWatch::Set);
        Parts { path, czxid: self.node.czxid, own, state: self.state }
    }

    /// Leaves the queue, and waits for the server to confirm.
    ///
    /// # Cancel safety
    /// A dropped future leaves the queue in the background.
    pub(crate) async fn leave(mut self) -> Result<Deleted, Error> {
        self.node.delete(&self.client).await
    }

    /// What is held now that it is our turn.
    pub(crate) fn into_held(self, policy: SuspendPolicy) -> Held {
        tracing::debug!(node = self.node.name(), "granted");
        let own = self.own.map_or(OwnWatch::None, OwnWatch::Set);
        Held::watching(self.client, self.node, self.state, policy, own)
    }

    /// Whether nothing has happened to the session since the look that the place comes from was
    /// sent: what a server told before a disconnection may be old.
    fn is_certain(&self) -> bool {
        // The sender lives in the client.
        self.has_looked && !self.state.has_changed().unwrap_or(true)
    }

    /// Waits until the one ahead may be gone: not every change means that it is. Tells whether that
    /// alone makes it our turn: nobody else was in our way, nobody can come between, and our own node
    /// is there, or its watch would have told before the other one.
    ///
    /// A child watch is used, as it transfers no data and does not fire when data is set. It
    /// survives a reconnect, and is told what happened meanwhile.
    async fn until_gone(&mut self) -> Result<bool, RecipeError> {
        let Some(ahead) = &self.ahead else { return Ok(false) };
        let (name, alone) = (ahead.name.clone(), ahead.alone);
        let own = self.ask_for_own();
        let watched = self.client.children(&join(self.node.parent(), &name)).watch().send();
        if let Some(own) = own {
            self.watch_own(own).await?;
        }
        let gone = match watched.await {
            Ok((_, watch)) => {
                tracing::debug!(node = self.node.name(), ahead = name, "waiting");
                self.until_changed(watch).await?
            }
            Err(error) if error.code() == Some(ErrorCode::NoNode) => true,
            Err(error) => return Err(error.into()),
        };
        Ok(gone && alone && self.is_own_there().await?)
    }

    /// Waits for a change of the one ahead; tells whether it is gone.
    async fn until_changed(&mut self, mut watch: Watch) -> Result<bool, RecipeError> {
        let Some(mut own) = self.own.take() else {
            return Ok(watch.await?.event_type == EventType::NodeDeleted);
        };
        let outcome = tokio::select! {
            biased;
            event = &mut own => {
                // Its data was set, or it is gone: the next look tells.
                event?;
                return Ok(false);
            }
            event = &mut watch => event?,
        };
        self.own = Some(own);
        Ok(outcome.event_type == EventType::NodeDeleted)
    }

    /// Has the watch that was asked for.
    pub(crate) async fn watch_own(
        &mut self,
        own: WatchedReply<Option<Stat>>,
    ) -> Result<(), RecipeError> {
        match own.await {
            Ok((Some(_), watch)) => self.own = Some(watch),
            Ok((None, _)) => return Err(RecipeError::Lost(LostReason::NodeDeleted)),
            // Whoever may not read its own node waits without a watch on it.
            Err(error) if error.code() == Some(ErrorCode::NoAuth) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Whether nothing was told of our own node. What happened to it before something that was told
    /// is told already.
    async fn is_own_there(&mut self) -> Result<bool, RecipeError> {
        let Some(own) = &mut self.own else { return Ok(false) };
        let told = poll_fn(|cx| Poll::Ready(Pin::new(&mut *own).poll(cx))).await;
        match told {
            Poll::Pending => Ok(true),
            Poll::Ready(event) => {
                self.own = None;
                event?;
                Ok(false)
            }
        }
    }

    /// Looks at the queue. After a reconnect the server is asked to catch up first.
    async fn look(&mut self) -> Result<(), RecipeError> {
        self.client.connected().await?;
        let behind = !self.is_certain();
        // What changes from here on makes this look uncertain, and nothing is certain until it has
        // come to an end: it may fail, or be dropped.
        self.state.mark_unchanged();
        self.has_looked = false;
        let synced = if behind { Some(self.client.sync(self.node.parent()).send()) } else { None };
        let listed = self.client.children(self.node.parent()).send();
        if let Some(synced) = synced {
            synced.await?;
        }
        let children = match listed.await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => Vec::new(),
            listed => listed?,
        };
        self.ahead = self.find_place(&children).await?;
        self.has_looked = true;
        Ok(())
    }
}
