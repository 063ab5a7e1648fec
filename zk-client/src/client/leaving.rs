//! How a client goes: with its session, or without.

use std::time::Duration;

use zk_proto::{ErrorCode, OpCode};

use super::Client;
use crate::error::Error;
use crate::reply::{ReadReply, Reply};
use crate::saved_session::SavedSession;
use crate::session::SubmitError;
use crate::shared_session::{ReplyReceiver, SharedSession};
use crate::state::SessionState;

impl Client {
    /// Ends the session: its ephemeral nodes go, and every clone fails from now on.
    ///
    /// As [`close_within`](Self::close_within) the operation timeout.
    ///
    /// # Errors
    /// As [`close_within`](Self::close_within).
    ///
    /// # Cancel safety
    /// As [`close_within`](Self::close_within).
    pub async fn close(&self) -> Result<(), Error> {
        self.close_within(self.operation_timeout()).await
    }

    /// Ends the session: its ephemeral nodes go, and every clone fails from now on. After `limit`
    /// at the latest the client is at its end, and no task and no connection of it is left.
    ///
    /// Requests sent before are answered first. Without a connection this waits for one, because
    /// only the server can end the session before its timeout; so it does when the server hangs up
    /// instead of answering. When there is no session, as while an expired one is being renewed,
    /// there is nothing to wait for. `Ok` means that the session is over: the server has confirmed,
    /// or did not know it any more.
    ///
    /// May be called more than once: the shortest limit counts, and all who wait hear the same. On
    /// a client that is at its end already it does nothing, and is no error.
    ///
    /// # Errors
    /// [`Error::Timeout`] when the server did not confirm in time, [`Error::Server`] when it
    /// refused, [`Error::Closed`] when the runtime shut down meanwhile, and [`Error::AuthFailed`];
    /// the client is at its end then, and the session ends by its own timeout.
    /// [`Error::SessionExpired`] of a handle that [is bound](Self::bound_to_session) to a session
    /// that is over; the present one is left alone.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the closing.
    pub async fn close_within(&self, limit: Duration) -> Result<(), Error> {
        match self.handle.shared.close(self.bound, limit) {
            Ok(receiver) => self.left(receiver).await,
            Err(SubmitError::Expired) if !self.has_ended() => Err(Error::SessionExpired),
            // At its end, or about to be.
            Err(_) => {
                self.ended().await;
                Ok(())
            }
        }
    }

    /// Leaves the session to another client, in this process or another: this client ends, the
    /// session and its ephemeral nodes stay for the session timeout, and whoever
    /// [resumes](crate::ClientBuilder::resume) it in that time has them.
    ///
    /// Requests sent before are answered first, which takes no longer than the operation timeout.
    /// From now on every clone fails with [`Error::Closed`]. Watches and streams end; they are not
    /// part of the session. What the [`Janitor`](crate::Janitor) has left to do is not done: wait
    /// for [`Janitor::drain`](crate::Janitor::drain) before.
    ///
    /// The connection is dropped a moment after this is ready. Whoever resumes earlier does no harm:
    /// servers hang up on the former connection of a session.
    ///
    /// # Errors
    /// [`Error::SessionExpired`] when there is no session to leave, [`Error::Closed`] when a clone
    /// has closed it meanwhile, and [`Error::Closed`] and [`Error::AuthFailed`] of a client that is
    /// at its end.
    ///
    /// # Cancel safety
    /// A session whose future is dropped before it is ready is closed, as nobody can resume it.
    pub async fn detach(self) -> Result<SavedSession, Error> {
        let receiver = self.handle.shared.detach(self.bound)?;
        let undecided = Undecided(&self.handle.shared);
        Reply::due(receiver, self.about(OpCode::CloseSession, "/"), READ).await?;
        // Nothing is awaited from here on: left, the session is in the hands of the caller.
        Ok(undecided.0.leave()?)
    }

    async fn left(&self, receiver: ReplyReceiver) -> Result<(), Error> {
        let outcome = Reply::due(receiver, self.about(OpCode::CloseSession, "/"), READ).await;
        self.ended().await;
        outcome
    }

    fn has_ended(&self) -> bool {
        self.handle.shared.with_session(|session| session.ended().is_some())
    }

    /// Waits until the end is known to everybody.
    async fn ended(&self) {
        // The sender of the state lives as long as this handle.
        let _ = self.state().wait_for(SessionState::is_over).await;
    }
}

/// A session that is to be left, and is closed unless it was.
struct Undecided<'a>(&'a SharedSession);

impl Drop for Undecided<'_> {
    fn drop(&mut self) {
        self.0.not_left();
    }
}

const READ: ReadReply<()> = |about, answer| match answer {
    Ok(_) | Err(ErrorCode::SessionExpired | ErrorCode::UnknownSession) => Ok(()),
    Err(code) => Err(about.refused(code)),
};
