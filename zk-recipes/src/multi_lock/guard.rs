use std::ops::Deref;
use std::sync::Arc;

use crate::error::ReleaseError;
use crate::held::{FencingToken, Held, Released};

/// Proof that all locks of a [`MultiLock`](super::MultiLock) are held; lost when one of them is.
///
/// What it knows and can do is [`Held`]: [`path`](Held::path) is that of the first node, and
/// [`multi`](Held::multi) and [`verify`](Held::verify) check all of them. Dropping it releases the locks
/// in the background; [`release`](Self::release) also tells how that went. It keeps the session open.
#[must_use = "dropping it releases the locks"]
#[derive(Debug)]
pub struct MultiGuard {
    held: Held,
    /// The locks and our nodes there.
    nodes: Arc<[(String, String)]>,
}

impl MultiGuard {
    pub(super) const fn new(held: Held, nodes: Arc<[(String, String)]>) -> Self {
        Self { held, nodes }
    }

    /// The paths of the locks, each one once, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(|(lock, _)| lock.as_str())
    }

    /// The path of our node at one of the locks; `None` if it is none of them.
    #[must_use]
    pub fn node_of(&self, lock: &str) -> Option<&str> {
        self.nodes.iter().find(|(path, _)| path == lock).map(|(_, node)| node.as_str())
    }

    /// The token for one of the locks; `None` if it is none of them. It is the same number for all of
    /// them, as one transaction has created our nodes, and higher than that of any holder before of this
    /// lock.
    #[must_use]
    pub fn token_of(&self, lock: &str) -> Option<FencingToken> {
        self.node_of(lock).map(|_| self.held.token())
    }

    /// Gives all locks back at once, and waits for the server to confirm.
    ///
    /// # Errors
    /// [`ReleaseError`] with the guard in it, when there was no confirmation: the locks may be
    /// free or not. Release again, or drop the guard and let the janitor go on.
    ///
    /// # Cancel safety
    /// A dropped future releases the locks in the background.
    pub async fn release(self) -> Result<Released, ReleaseError<Self>> {
        let nodes = self.nodes;
        self.held
            .release()
            .await
            .map_err(|(held, source)| ReleaseError { guard: Self { held, nodes }, source })
    }
}

impl Deref for MultiGuard {
    type Target = Held;

    fn deref(&self) -> &Held {
        &self.held
    }
}
