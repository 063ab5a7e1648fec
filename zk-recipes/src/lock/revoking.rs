//! Asking a holder to give the lock back, and taking it away.
//!
//! A contender is asked by setting the data of its node to `__REVOKE__`, as Curator's `Revoker` does.

use std::future::Future;
use std::time::Duration;

use zk_client::{Client, Error, ErrorCode};

use super::{Lock, LockGuard};
use crate::contender::listing::Contender;
use crate::error::RecipeError;
use crate::held::LostReason;
use crate::retry::{breathe, until_settled};

impl LockGuard {
    /// Resolves when somebody asks for the lock back, also if that was before this call. What to do then
    /// is the holder's to decide: the lock stays its own until it gives it back.
    ///
    /// The future keeps the session open. One round trip to begin with.
    ///
    /// # Errors
    /// [`RecipeError::Lost`] when the lock was lost or released, and `NoAuth` when this client may not read
    /// its own node.
    ///
    /// # Cancel safety
    /// A dropped future forgets its watch.
    #[doc(alias = "makeRevocable")]
    pub fn revoke_requested(
        &self,
    ) -> impl Future<Output = Result<(), RecipeError>> + Send + 'static + use<> {
        let (client, path, lost) = (self.client().clone(), self.path(), self.lost());
        async move {
            tokio::select! {
                biased;
                reason = lost => Err(RecipeError::Lost(reason)),
                asked = asked_for(&client, &path) => asked,
            }
        }
    }
}

impl Lock {
    /// Asks a contender to give the lock back, or its place in the queue. Tells whether it was still
    /// there to be asked. What it had said of itself is overwritten. One round trip.
    ///
    /// # Errors
    /// [`RecipeError::BadArguments`] when it is no contender of this lock; `NoAuth` and the client's.
    ///
    /// # Cancel safety
    /// A dropped future may have asked.
    #[doc(alias = "Revoker.attemptRevoke")]
    pub async fn request_revoke(&self, contender: &Contender) -> Result<bool, RecipeError> {
        self.check_own(contender)?;
        let client = &self.client;
        // To ask twice is to ask.
        let asked = until_settled(client, |_| async move {
            match client.set(&contender.path, REVOKE).await {
                Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(false),
                asked => asked.map(|_| true),
            }
        });
        asked.await
    }

    /// Asks a contender to give the lock back, and takes it away when it has not done so after some
    /// time: its node is deleted, and its guard is [`Lost`](crate::Ownership::Lost). Tells whether that
    /// was necessary.
    ///
    /// The contender learns of it when the server tells it; until then it may work on. Its
    /// [fenced writes](crate::Held::multi) are refused at once.
    ///
    /// # Errors
    /// As [`request_revoke`](Self::request_revoke).
    ///
    /// # Cancel safety
    /// A dropped future may have asked; it takes nothing away later.
    pub async fn force_revoke(
        &self,
        contender: &Contender,
        after: Duration,
    ) -> Result<bool, RecipeError> {
        if !self.request_revoke(contender).await? {
            return Ok(false);
        }
        let (client, path) = (&self.client, &contender.path);
        match client.wait_until_absent(path).timeout(after).await {
            Ok(()) => return Ok(false),
            Err(Error::Timeout { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let taken = until_settled(client, |_| async move {
            let stat = client.exists(path).await?;
            if stat.is_none_or(|stat| stat.czxid != contender.token.czxid()) {
                return Ok(false);
            }
            match client.delete(path).await {
                Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(false),
                deleted => deleted.map(|()| true),
            }
        });
        let taken = taken.await?;
        tracing::debug!(contender = contender.name(), taken, "revoked");
        Ok(taken)
    }

    fn check_own(&self, contender: &Contender) -> Result<(), RecipeError> {
        match contender.path.rsplit_once('/') {
            Some((parent, _)) if parent == self.path().trim_end_matches('/') => Ok(()),
            _ => Err(RecipeError::BadArguments { reason: "no contender of this lock" }),
        }
    }
}

/// Ends when the data of a node asks for the lock back.
async fn asked_for(client: &Client, path: &str) -> Result<(), RecipeError> {
    loop {
        let read = client.get(path).watch().await;
        match read {
            Ok(((data, _), _)) if *data == *REVOKE => return Ok(()),
            // Whatever happens to it is looked at.
            Ok((_, changed)) => {
                changed.await?;
            }
            Err(error) if error.code() == Some(ErrorCode::NoNode) => {
                return Err(RecipeError::Lost(LostReason::NodeDeleted));
            }
            Err(error) if error.outcome_unknown() || error.is_retriable() => {
                breathe(client).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// `Revoker.REVOKE_MESSAGE`.
const REVOKE: &[u8] = b"__REVOKE__";
