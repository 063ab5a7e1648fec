use std::future::Future;

use tokio::sync::watch;
use zk_client::{Client, SessionState};

use crate::contender::protected::{Contender, Deleted};
use crate::error::ReleaseError;
use crate::ownership::{FencingToken, LostReason, Ownership, Released, Watchdog};

/// Proof that the lock is held, until it says otherwise.
///
/// Dropping it releases the lock in the background; [`release`](Self::release) also tells how
/// that went. It keeps the session open.
#[must_use = "dropping it releases the lock"]
#[derive(Debug)]
pub struct LockGuard {
    watchdog: Watchdog,
    contender: Contender,
    client: Client,
}

impl LockGuard {
    pub(super) fn new(
        client: Client,
        contender: Contender,
        state: watch::Receiver<SessionState>,
    ) -> Self {
        let watchdog = Watchdog::start(&client, &contender.path(), state);
        Self { watchdog, contender, client }
    }

    /// A number that is higher than that of every holder before.
    #[must_use]
    pub fn token(&self) -> FencingToken {
        FencingToken::of(self.contender.czxid)
    }

    /// The path of the node that holds the lock.
    #[must_use]
    pub fn path(&self) -> String {
        self.contender.path()
    }

    /// Whether the lock is held, as far as is known here. Asks nobody.
    #[must_use]
    pub fn ownership(&self) -> Ownership {
        self.watchdog.ownership()
    }

    /// Every change of [`ownership`](Self::ownership).
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Ownership> {
        self.watchdog.subscribe()
    }

    /// Resolves when the lock is lost, and tells why; also after it was released. There is no
    /// deadline.
    ///
    /// ```no_run
    /// # async fn run(guard: zk_recipes::LockGuard, work: impl Future<Output = ()>) {
    /// tokio::select! {
    ///     () = work => println!("done"),
    ///     reason = guard.lost() => println!("stopped: {reason}"),
    /// }
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub fn lost(&self) -> impl Future<Output = LostReason> + Send + 'static {
        self.watchdog.lost()
    }

    /// Gives the lock back, and waits for the server to confirm.
    ///
    /// # Errors
    /// [`ReleaseError`] with the guard in it, when there was no confirmation: the lock may be
    /// free or not. Release again, or drop the guard and let the janitor go on.
    ///
    /// # Cancel safety
    /// A dropped future releases the lock in the background.
    pub async fn release(mut self) -> Result<Released, ReleaseError<Self>> {
        let was_lost = matches!(self.ownership(), Ownership::Lost(_));
        match self.contender.delete(&self.client).await {
            Ok(deleted) => {
                self.watchdog.stop(LostReason::Released);
                let lost = was_lost || deleted == Deleted::Before;
                Ok(if lost { Released::AlreadyLost } else { Released::Now })
            }
            Err(source) => Err(ReleaseError { guard: self, source }),
        }
    }
}
