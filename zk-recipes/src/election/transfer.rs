//! A planned hand-over from one leader to another.

use std::time::Duration;

use thiserror::Error;
use tokio::time::{Instant, timeout_at};
use zk_client::{Client, Error, ErrorCode, Janitor};

use super::candidate_info::LeaderInfo;
use super::control::ElectionControl;
use super::leadership::Leadership;
use super::observer::Observer;
use super::role::TermEnd;
use super::settings::Settings;
use super::standing_override::{self, Override, OverrideMode};
use crate::error::RecipeError;
use crate::held::LostReason;
use crate::retry::until;

/// A transfer that did not come to its end.
#[derive(Debug, Error)]
#[error("leadership not transferred: {source}")]
pub struct TransferError {
    /// The leadership, if it was not given up. It may have been lost for another reason.
    pub leadership: Option<Leadership>,
    /// Why.
    pub source: RecipeError,
}

impl Leadership {
    /// Hands the leadership over to the candidate with an id: waits until it is in the queue, steps
    /// down, and waits until it is first. Those between withdraw. What becomes of this candidate is said
    /// by [`Election::rejoin`](super::Election::rejoin): it comes again, behind the other one.
    ///
    /// It is done by an [`Override`] that prefers that candidate, ends with this session, and is
    /// taken away at the end, whatever that is. The election must be
    /// [overridable](super::Election::overridable).
    ///
    /// # Errors
    /// [`RecipeError::Timeout`] when the time is over: with the leadership, if the other one has not
    /// come until then; without it, if it came and is not first yet, in which case it may still be the
    /// next leader, or anybody else. [`RecipeError::Conflict`] when there is an override already, and
    /// [`RecipeError::BadArguments`] when the election is not overridable or the other one is this one:
    /// both with the leadership. [`RecipeError::Lost`] when the term has ended for another reason; and
    /// the client's.
    ///
    /// # Cancel safety
    /// A dropped future steps down and takes the override away in the background.
    pub async fn transfer_to(
        self,
        id: &str,
        within: Duration,
    ) -> Result<LeaderInfo, TransferError> {
        let deadline = Instant::now() + within;
        let (client, settings) = (self.client().clone(), self.settings().clone());
        if settings.id == id {
            let source = RecipeError::BadArguments { reason: "that candidate leads already" };
            return Err(TransferError { leadership: Some(self), source });
        }
        let why = format!("transfer from term {}", self.term());
        let taken_away = TakenAway::new(&client, &settings, why.clone());
        let control = ElectionControl::new(&client, &settings).until_session_ends();
        let ids = [id];
        let preferred = control.set_first(OverrideMode::Prefer, &ids, &why);
        if let Err(source) = until(Some(deadline), preferred).await {
            taken_away.now().await;
            return Err(TransferError { leadership: Some(self), source });
        }
        // The task of this candidate sees the override as any other does.
        let (leadership, source) = match timeout_at(deadline, self.cancelled()).await {
            Ok(TermEnd::Overridden) => {
                drop(self);
                let led = until(Some(deadline), until_leads(&client, &settings, id)).await;
                taken_away.now().await;
                return led.map_err(|source| TransferError { leadership: None, source });
            }
            Ok(TermEnd::Lost(reason)) => (None, RecipeError::Lost(reason)),
            Ok(TermEnd::Left | TermEnd::SteppedDown) => {
                (None, RecipeError::Lost(LostReason::Released))
            }
            Err(_) => (Some(self), RecipeError::Timeout),
        };
        taken_away.now().await;
        Err(TransferError { leadership, source })
    }
}

async fn until_leads(
    client: &Client,
    settings: &Settings,
    id: &str,
) -> Result<LeaderInfo, RecipeError> {
    let mut observer = Observer::new(client.clone(), settings.clone());
    loop {
        match observer.next().await {
            Some(Ok(Some(leader))) if leader.id == id => return Ok(leader),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error),
            None => return Err(Error::Closed.into()),
        }
    }
}

/// Takes the override of a transfer away, by itself when it is dropped.
struct TakenAway {
    client: Client,
    path: String,
    /// Nobody else gives this reason.
    why: String,
    is_there: bool,
}

impl TakenAway {
    fn new(client: &Client, settings: &Settings, why: String) -> Self {
        let path = standing_override::path(&settings.path);
        Self { client: client.clone(), path, why, is_there: true }
    }

    async fn now(mut self) {
        match take_away(&self.client, &self.path, &self.why).await {
            Ok(()) => self.is_there = false,
            Err(error) => tracing::debug!(%error, "left to the janitor"),
        }
    }
}

impl Drop for TakenAway {
    fn drop(&mut self) {
        if !self.is_there {
            return;
        }
        let (path, why) = (std::mem::take(&mut self.path), std::mem::take(&mut self.why));
        let handed = Janitor::of(&self.client).errand(move |client| {
            let (path, why) = (path.clone(), why.clone());
            async move { take_away(&client, &path, &why).await }
        });
        if let Err(error) = handed {
            tracing::warn!(%error, "an override stays until the session ends");
        }
    }
}

/// Deletes the override if it is the one that was set for this reason.
async fn take_away(client: &Client, path: &str, why: &str) -> Result<(), Error> {
    let synced = client.sync(path).send();
    let read = client.get(path).send();
    synced.await?;
    let (data, stat) = match read.await {
        Err(error) if error.code() == Some(ErrorCode::NoNode) => return Ok(()),
        read => read?,
    };
    let is_ours = |found: &Override| found.reason == why && found.session.is_some();
    if !Override::read(&data, &stat).as_ref().is_ok_and(is_ours) {
        return Ok(());
    }
    match client.delete(path).version(stat.version).await {
        Err(error) if matches!(error.code(), Some(ErrorCode::NoNode | ErrorCode::BadVersion)) => {
            Ok(())
        }
        deleted => deleted,
    }
}
