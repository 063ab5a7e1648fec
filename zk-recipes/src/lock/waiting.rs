use tokio::sync::watch;
use zk_client::path::join;
use zk_client::{ByteString, Client, ErrorCode, SessionState};

use super::KIND;
use super::guard::LockGuard;
use crate::contender::order::{Place, place};
use crate::contender::protected::Contender;
use crate::error::RecipeError;
use crate::ownership::LostReason;

/// A place in the queue of a lock. Dropping it leaves the queue.
#[must_use = "dropping it leaves the queue"]
#[derive(Debug)]
pub struct Waiting {
    client: Client,
    contender: Contender,
    ahead: Option<String>,
    /// Marked as seen before the last look at the queue was sent.
    state: watch::Receiver<SessionState>,
}

impl Waiting {
    pub(super) fn new(
        client: Client,
        contender: Contender,
        children: Vec<ByteString>,
        state: watch::Receiver<SessionState>,
    ) -> Result<Self, RecipeError> {
        let mut waiting = Self { client, contender, ahead: None, state };
        waiting.ahead = waiting.find_place(&children)?;
        Ok(waiting)
    }

    /// The name of the node just ahead when the queue was last looked at; `None` when it is our
    /// turn.
    #[must_use]
    pub fn ahead(&self) -> Option<&str> {
        self.ahead.as_deref()
    }

    /// The path of our node.
    #[must_use]
    pub fn path(&self) -> String {
        self.contender.path()
    }

    /// Waits for our turn. There is no deadline: a holder may hold for ever.
    ///
    /// # Errors
    /// As [`Lock::acquire`](super::Lock::acquire).
    ///
    /// # Cancel safety
    /// A dropped future leaves the queue.
    pub async fn acquire(mut self) -> Result<LockGuard, RecipeError> {
        loop {
            match self.ahead.take() {
                None if self.is_certain() => return Ok(self.into_guard()),
                None => {}
                Some(ahead) => self.until_gone(&ahead).await?,
            }
            self.look().await?;
        }
    }

    /// Takes the lock if it is our turn, and leaves the queue otherwise.
    pub(super) async fn acquire_now(mut self) -> Result<LockGuard, RecipeError> {
        while self.ahead.is_none() {
            if self.is_certain() {
                return Ok(self.into_guard());
            }
            self.look().await?;
        }
        // Whoever tries next should not meet a node that is about to go.
        match self.contender.delete(&self.client).await {
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "left to the janitor"),
        }
        Err(RecipeError::Contended)
    }

    /// Whether nothing has happened to the session since the look that the place comes from was
    /// sent: what a server told before a disconnection may be old.
    fn is_certain(&self) -> bool {
        // The sender lives in the client.
        !self.state.has_changed().unwrap_or(true)
    }

    fn into_guard(self) -> LockGuard {
        tracing::debug!(node = self.contender.name(), "granted");
        LockGuard::new(self.client, self.contender, self.state)
    }

    /// Waits for a change of the node ahead; not every change means that it is gone.
    ///
    /// A child watch is used, as it transfers no data and does not fire when data is set. It
    /// survives a reconnect, and is told what happened meanwhile.
    async fn until_gone(&self, ahead: &str) -> Result<(), RecipeError> {
        let path = join(self.contender.parent(), ahead);
        match self.client.children(&path).watch().await {
            Ok((_, watch)) => {
                tracing::debug!(node = self.contender.name(), ahead, "waiting");
                watch.await?;
                Ok(())
            }
            Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Looks at the queue. After a reconnect the server is asked to catch up first.
    async fn look(&mut self) -> Result<(), RecipeError> {
        self.client.connected().await?;
        let behind = self.state.has_changed().unwrap_or(true);
        // What changes from here on makes this look uncertain.
        self.state.mark_unchanged();
        let synced =
            if behind { Some(self.client.sync(self.contender.parent()).send()) } else { None };
        let listed = self.client.children(self.contender.parent()).send();
        if let Some(synced) = synced {
            synced.await?;
        }
        let children = match listed.await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => Vec::new(),
            listed => listed?,
        };
        self.ahead = self.find_place(&children)?;
        Ok(())
    }

    fn find_place(&self, children: &[ByteString]) -> Result<Option<String>, RecipeError> {
        let names = children.iter().map(|name| &**name);
        match place(names, self.contender.name(), KIND) {
            Place::First => Ok(None),
            Place::Behind(ahead) => Ok(Some(ahead.to_owned())),
            Place::Gone => Err(RecipeError::Lost(LostReason::NodeDeleted)),
            Place::Undecidable => {
                Err(RecipeError::SequenceExhausted { parent: self.contender.parent().to_owned() })
            }
        }
    }
}
