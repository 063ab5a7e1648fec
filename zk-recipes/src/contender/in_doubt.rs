//! Writes that may have been carried out.

use std::fmt;
use std::future::Future;

use zk_client::{Client, Error, Janitor};

/// A write whose outcome is not known yet. Dropping it leaves to the janitor to find out, and to undo
/// what was done.
pub(crate) struct InDoubt {
    janitor: Janitor,
    undo: Option<Undo>,
}

type Undo = Box<dyn FnOnce(&Janitor) -> Result<(), Error> + Send + Sync>;

impl InDoubt {
    /// To be called before the write is sent. See [`Janitor::errand`] for what an errand must be like.
    pub(crate) fn new<F, R>(client: &Client, undo: F) -> Self
    where
        F: Fn(Client) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let undo = Box::new(move |janitor: &Janitor| janitor.errand(undo));
        Self { janitor: Janitor::of(client), undo: Some(undo) }
    }

    /// Nothing was done, or somebody else sees to it.
    pub(crate) fn settle(mut self) {
        self.undo = None;
    }
}

impl fmt::Debug for InDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InDoubt").finish_non_exhaustive()
    }
}

impl Drop for InDoubt {
    fn drop(&mut self) {
        if let Some(undo) = self.undo.take()
            && let Err(error) = undo(&self.janitor)
        {
            tracing::warn!(%error, "what was written stays until the session ends");
        }
    }
}
