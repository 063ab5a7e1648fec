//! Doing again what can be done twice, until it is done.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout, timeout_at};
use zk_client::{Client, Error};

use crate::error::RecipeError;

/// Begins steps anew, each time behind a connection, while they fail with what another attempt may
/// change: a lost connection, a time that ran out, too many requests. For steps that can be done
/// twice: they are told whether an attempt before them may have been carried out.
///
/// # Errors
/// [`RecipeError::Timeout`] behind many attempts, and any other error of the steps; when the session
/// ends behind an attempt that may have been carried out, that of the attempt.
pub(crate) async fn until_settled<T, E, F>(
    client: &Client,
    steps: impl Fn(Attempt) -> F,
) -> Result<T, RecipeError>
where
    F: Future<Output = Result<T, E>>,
    RecipeError: From<E>,
{
    let mut doubt = None;
    for _ in 0..MOST_ATTEMPTS {
        let attempt = if doubt.is_some() { Attempt::InDoubt } else { Attempt::First };
        let error = match steps(attempt).await {
            Ok(done) => return Ok(done),
            Err(error) => RecipeError::from(error),
        };
        match &error {
            RecipeError::Client(cause) if cause.outcome_unknown() => doubt = Some(error.clone()),
            RecipeError::Client(cause) if cause.is_retriable() => {}
            // Nobody will find out any more.
            over if over.is_session_over() => return Err(doubt.unwrap_or(error)),
            _ => return Err(error),
        }
        tracing::debug!(%error, "once more");
        if let Err(over) = breathe(client).await {
            return Err(doubt.unwrap_or_else(|| over.into()));
        }
    }
    Err(RecipeError::Timeout)
}

/// Waits for a connection, and a moment more, before something is asked again.
pub(crate) async fn breathe(client: &Client) -> Result<(), Error> {
    client.connected().await?;
    sleep(BREATH).await;
    Ok(())
}

/// What came before an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// Nothing that can have changed anything.
    First,
    /// One that may have been carried out. The server that answers now may lag: it is to be asked
    /// to `sync` before what it shows is believed.
    InDoubt,
}

/// One deadline over all that a call does.
pub(crate) async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, RecipeError>>,
) -> Result<T, RecipeError> {
    timeout(limit, call).await.unwrap_or(Err(RecipeError::Timeout))
}

/// The same, for a call of several parts.
pub(crate) async fn until<T>(
    deadline: Option<Instant>,
    call: impl Future<Output = Result<T, RecipeError>>,
) -> Result<T, RecipeError> {
    match deadline {
        Some(deadline) => timeout_at(deadline, call).await.unwrap_or(Err(RecipeError::Timeout)),
        None => call.await,
    }
}

/// Acquires in one session after the other, if that is wanted: at the tail of the queue when one has
/// expired and the client goes on with the next.
pub(crate) async fn rejoining<T, F>(
    client: &Client,
    rejoins: bool,
    acquire: impl Fn() -> F,
) -> Result<T, RecipeError>
where
    F: Future<Output = Result<T, RecipeError>>,
{
    loop {
        match acquire().await {
            Err(error) if rejoins && has_next_session(client, &error).await => {
                tracing::debug!(%error, "joining the queue anew");
            }
            acquired => return acquired,
        }
    }
}

/// Whether a client will go on with a new session although this one is over.
pub(crate) async fn has_next_session(client: &Client, error: &RecipeError) -> bool {
    let expired = matches!(
        error,
        RecipeError::Client(Error::SessionExpired)
            | RecipeError::Lost(crate::held::LostReason::SessionExpired)
    );
    expired && client.connected().await.is_ok()
}

/// Connections that break each time are not waited out for ever.
const MOST_ATTEMPTS: usize = 30;
/// Before a request is sent again that the server was too busy for.
const BREATH: Duration = Duration::from_millis(5);
