//! Follows the override of an election, for one candidate.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::sleep;
use zk_client::{Client, Error, ErrorCode, Stat};

use super::ensemble_time::EnsembleTime;
use super::standing_override::{self, Override, Verdict, verdict};

/// What is known of the override.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Standing {
    /// Nobody has looked yet.
    Unknown,
    /// There is none, or none that can be read.
    None,
    Some(Arc<Override>),
}

/// What a candidate makes of what is followed.
pub(super) struct StandingView {
    pub(super) receiver: watch::Receiver<Standing>,
    pub(super) id: String,
}

impl StandingView {
    /// What the override means for the candidate, once that is known.
    pub(super) async fn verdict(&mut self) -> Verdict {
        loop {
            match &*self.receiver.borrow_and_update() {
                Standing::Some(standing) => return verdict(Some(standing), &self.id),
                Standing::None => return Verdict::Free,
                Standing::Unknown => {}
            }
            self.changed().await;
        }
    }

    /// Whether something was told since the last verdict.
    pub(super) fn has_changed(&self) -> bool {
        self.receiver.has_changed().unwrap_or(false)
    }

    /// Waits for another override, or none.
    pub(super) async fn changed(&mut self) {
        // The sender lives as long as the candidate.
        if self.receiver.changed().await.is_err() {
            pending::<()>().await;
        }
    }
}

/// Tells what the override is, at once and whenever it changes, as long as the client lives.
pub(super) async fn follow(
    client: Client,
    election: String,
    told: watch::Sender<Standing>,
) -> Infallible {
    let mut following =
        Following { path: standing_override::path(&election), election, time: None };
    loop {
        if client.connected().await.is_err() {
            // Whoever waits for a word from here is to find out for itself that the client has ended.
            tell(&told, Standing::None);
            return pending().await;
        }
        if let Err(error) = following.once(&client, &told).await {
            tracing::debug!(%error, "looking at the override once more");
            sleep(ASK_AGAIN).await;
        }
    }
}

struct Following {
    path: String,
    election: String,
    /// Asked for when there is an override that expires.
    time: Option<EnsembleTime>,
}

impl Following {
    /// Looks, tells, and waits until it may be something else. One watch tells of its creation, of its
    /// data and of its deletion.
    async fn once(&mut self, client: &Client, told: &watch::Sender<Standing>) -> Result<(), Error> {
        let watched = client.exists(&self.path).watch().send();
        let read = client.get(&self.path).send();
        let (_, changed) = watched.await?;
        let found = self.read(read.await)?;
        let left = self.left(client, found.as_ref()).await?;
        if left == Some(Duration::ZERO) {
            tell(told, Standing::None);
            self.clear(client, found.as_ref()).await?;
            return changed.await.map(|_| ());
        }
        tell(told, found.map_or(Standing::None, |found| Standing::Some(Arc::new(found))));
        tokio::select! {
            event = changed => event.map(|_| ()),
            () = sleep(left.unwrap_or_default()), if left.is_some() => Ok(()),
        }
    }

    /// What cannot be read is no override: a typing error must not stop an election.
    fn read(&self, read: Result<(Bytes, Stat), Error>) -> Result<Option<Override>, Error> {
        let (data, stat) = match read {
            Ok(found) => found,
            Err(error) if error.code() == Some(ErrorCode::NoNode) => return Ok(None),
            Err(error) if error.code() == Some(ErrorCode::NoAuth) => {
                tracing::warn!(path = self.path, "an override that may not be read is passed over");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        match Override::read(&data, &stat) {
            Ok(found) => Ok(Some(found)),
            Err(error) => {
                tracing::warn!(path = self.path, %error, "an override that is none is passed over");
                Ok(None)
            }
        }
    }

    /// How long it will stand, if that has an end.
    async fn left(
        &mut self,
        client: &Client,
        found: Option<&Override>,
    ) -> Result<Option<Duration>, Error> {
        let Some(expires) = found.and_then(|found| found.expires) else { return Ok(None) };
        let time = match self.time {
            Some(time) => time,
            None => *self.time.insert(EnsembleTime::ask(client, &self.election).await?),
        };
        Ok(Some(Duration::from_millis(expires.saturating_sub(time.now()))))
    }

    /// Deletes one that has expired, so that everybody sees that it has, whatever their clocks say.
    async fn clear(&self, client: &Client, expired: Option<&Override>) -> Result<(), Error> {
        let Some(expired) = expired else { return Ok(()) };
        tracing::debug!(path = self.path, "an override has expired");
        match client.delete(&self.path).version(expired.version).await {
            // Somebody else was faster, or has set another one, of which the watch tells.
            Err(error) if error.code().is_some() => Ok(()),
            deleted => deleted,
        }
    }
}

fn tell(told: &watch::Sender<Standing>, standing: Standing) {
    told.send_if_modified(|known| {
        let changed = *known != standing;
        *known = standing;
        changed
    });
}

/// Before the server is asked again that did not answer.
const ASK_AGAIN: Duration = Duration::from_millis(100);
