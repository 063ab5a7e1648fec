//! Calls that take more than one request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};
use zk_proto::{ErrorCode, Stat};

use super::Client;
use crate::error::{Delivery, Error};
use crate::state::SessionState;

/// A call of several requests that is on its way: the first one was sent when this was made, unless
/// it is a wait; those that follow from its reply are sent as this is polled. It keeps the session
/// open.
///
/// # Cancel safety
/// Dropping it sends nothing more. What was sent may still be carried out; the call that made it
/// says what that can leave behind.
#[must_use = "it goes no further than its first request unless it is awaited"]
pub struct Steps<T>(Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>);

impl<T: Send + 'static> Steps<T> {
    /// Steps without a deadline of their own.
    pub(super) fn new(run: impl Future<Output = Result<T, Error>> + Send + 'static) -> Self {
        Self(Box::pin(run))
    }

    /// Steps that take no longer than one operation may.
    pub(super) fn within_operation_timeout(
        client: &Client,
        run: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Self {
        let deadline = Instant::now() + client.operation_timeout();
        Self::new(async move {
            let late = Err(Error::Timeout { delivery: Delivery::Unknown });
            timeout_at(deadline, run).await.unwrap_or(late)
        })
    }

    pub(super) fn refused(error: Error) -> Self {
        Self::new(async move { Err(error) })
    }
}

impl<T> Future for Steps<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<T> fmt::Debug for Steps<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Steps").finish_non_exhaustive()
    }
}

/// Makes a call of several requests awaitable.
macro_rules! steps {
    ($name:ident => $value:ty) => {
        impl IntoFuture for $name<'_> {
            type Output = Result<$value, $crate::Error>;
            type IntoFuture = $crate::Steps<$value>;

            fn into_future(self) -> Self::IntoFuture {
                self.send()
            }
        }
    };
}
pub(super) use steps;

impl Client {
    /// Waits until the session is alive on a connection. There is no deadline: an ensemble may be
    /// away for ever.
    ///
    /// # Errors
    /// [`Error::SessionExpired`] of a client that has ended so, and of a handle that
    /// [is bound](Self::bound_to_session) to a session that is over, as soon as that is known;
    /// [`Error::AuthFailed`] and [`Error::Closed`] of a client that has ended.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn connected(&self) -> Result<(), Error> {
        let mut state = self.state();
        let reached = state.wait_for(|state| self.is_settled(state)).await;
        let reached = reached.map_or(SessionState::Closed, |state| *state);
        self.check_bound()?;
        match reached {
            SessionState::Expired => Err(Error::SessionExpired),
            SessionState::AuthFailed { reason } => Err(Error::AuthFailed { reason }),
            SessionState::Closed => Err(Error::Closed),
            SessionState::Connecting
            | SessionState::Connected { .. }
            | SessionState::ConnectedReadOnly { .. }
            | SessionState::Renewing { .. }
            | SessionState::Disconnected { .. } => Ok(()),
        }
    }

    /// Whether it is known how it goes on. The session knows that it is over before its state says
    /// so, and this is asked again when it does.
    fn is_settled(&self, state: &SessionState) -> bool {
        state.is_connected() || state.is_over() || self.check_bound().is_err()
    }

    /// What is at a path, `None` for nothing. Only after `sync` is a server sure to show what
    /// another one has committed.
    pub(super) async fn get_behind_sync(&self, path: &str) -> Result<Option<(Bytes, Stat)>, Error> {
        let synced = self.sync(path).send();
        let read = self.get(path).send();
        synced.await?;
        match read.await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(None),
            read => read.map(Some),
        }
    }
}

impl Client {
    /// Whether trying again could tell more: the request was not sent, or nobody knows. A session
    /// that is over passes when there will be another one, and this handle is for that one, too.
    pub(super) fn is_passing(&self, error: &Error) -> bool {
        error.outcome_unknown() || error.is_retriable() || self.will_have_another_session(error)
    }

    pub(super) fn will_have_another_session(&self, error: &Error) -> bool {
        let expired = *error == Error::SessionExpired
            || matches!(error.code(), Some(ErrorCode::SessionExpired | ErrorCode::SessionMoved));
        expired && !self.is_over()
    }
}

/// Nodes that come and go between two requests, and connections that break each time, are not
/// waited out for ever.
pub(super) const MOST_ATTEMPTS: usize = 30;
/// Before a request is sent again that the server was too busy for.
pub(super) const BREATH: Duration = Duration::from_millis(50);
