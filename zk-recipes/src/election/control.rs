use std::time::Duration;

use bytes::Bytes;
use zk_client::{Client, CreateMode, ErrorCode, SessionId, Stat};

use super::ensemble_time::EnsembleTime;
use super::settings::Settings;
use super::standing_override::{self, Override, OverrideMode, Record};
use crate::codec::{Codec, Json};
use crate::dialect::Parents;
use crate::error::RecipeError;
use crate::retry::{Attempt, until_settled};

/// An operator's hand on an election: sets and takes away its [`Override`].
///
/// Each call looks at what is there and writes only if nobody else has written in between; who is
/// second gets [`RecipeError::Conflict`] and should look again. A look and a write are one round trip
/// each.
#[derive(Clone, Debug)]
pub struct ElectionControl {
    client: Client,
    settings: Settings,
    by: String,
    lasts: Option<Duration>,
    ends_with_session: bool,
}

impl ElectionControl {
    pub(super) fn new(client: &Client, settings: &Settings) -> Self {
        let (client, settings) = (client.clone(), settings.clone());
        let by = settings.id.clone();
        Self { client, settings, by, lasts: None, ends_with_session: false }
    }

    /// Who says so, for those who read it later. Default: the id of the election that this was made
    /// of.
    #[must_use]
    pub fn by(mut self, who: impl Into<String>) -> Self {
        self.by = who.into();
        self
    }

    /// Has the override expire so long after it was set. Default: it stands until it is cleared.
    ///
    /// The clock of the ensemble is asked when it is set, by a node that is made and deleted, and again
    /// by each candidate that finds such an override. Who finds that it has expired deletes it, so
    /// that clocks that disagree do not make candidates disagree for long. With nobody there to
    /// find that, it stays.
    #[must_use]
    pub const fn lasting(mut self, limit: Duration) -> Self {
        self.lasts = Some(limit);
        self
    }

    /// Has the override end with the session of this client. Default: it outlives it.
    #[must_use]
    pub const fn until_session_ends(mut self) -> Self {
        self.ends_with_session = true;
        self
    }

    /// Has one of these lead as long as one of them is in the queue. A leader that is not named steps
    /// down when one is, and so do those before it in the queue.
    ///
    /// # Errors
    /// [`RecipeError::Conflict`] when somebody else has set or cleared an override in between;
    /// [`RecipeError::BadArguments`] when the election is not
    /// [overridable](super::Election::overridable); and the client's.
    ///
    /// # Cancel safety
    /// It may have been set or not.
    pub async fn prefer(&self, ids: &[&str], why: &str) -> Result<Override, RecipeError> {
        self.set(OverrideMode::Prefer, ids, why).await
    }

    /// Lets nobody lead but these. Others leave the queue and wait.
    ///
    /// # Errors
    /// As [`prefer`](Self::prefer).
    ///
    /// # Cancel safety
    /// As [`prefer`](Self::prefer).
    pub async fn force(&self, ids: &[&str], why: &str) -> Result<Override, RecipeError> {
        self.set(OverrideMode::Force, ids, why).await
    }

    /// Lets these not lead. They leave the queue and wait.
    ///
    /// # Errors
    /// As [`prefer`](Self::prefer).
    ///
    /// # Cancel safety
    /// As [`prefer`](Self::prefer).
    pub async fn exclude(&self, ids: &[&str], why: &str) -> Result<Override, RecipeError> {
        self.set(OverrideMode::Exclude, ids, why).await
    }

    /// Lets nobody become the leader. Who leads goes on, and has no successor.
    ///
    /// # Errors
    /// As [`prefer`](Self::prefer).
    ///
    /// # Cancel safety
    /// As [`prefer`](Self::prefer).
    pub async fn freeze(&self, why: &str) -> Result<Override, RecipeError> {
        self.set(OverrideMode::Freeze, &[], why).await
    }

    /// Takes the override away; tells whether there was one.
    ///
    /// # Errors
    /// [`RecipeError::Conflict`] when somebody else has set another one in between, and the client's.
    ///
    /// # Cancel safety
    /// It may have been taken away or not.
    pub async fn clear(&self) -> Result<bool, RecipeError> {
        let path = self.path();
        let Some((_, stat)) = self.read(Attempt::First).await? else { return Ok(false) };
        self.clear_version(&path, stat).await
    }

    /// The override that stands; also one that has expired, which candidates do not heed.
    ///
    /// # Errors
    /// [`RecipeError::Codec`] when there is something that is no override, which candidates pass over;
    /// and the client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn current(&self) -> Result<Option<Override>, RecipeError> {
        let Some((data, stat)) = self.read(Attempt::First).await? else { return Ok(None) };
        match Override::read(&data, &stat) {
            Ok(found) => Ok(Some(found)),
            Err(error) => Err(RecipeError::Codec { path: self.path(), error }),
        }
    }

    /// Sets one where there is none.
    pub(super) async fn set_first(
        &self,
        mode: OverrideMode,
        ids: &[&str],
        why: &str,
    ) -> Result<Override, RecipeError> {
        self.check_overridable()?;
        if self.read(Attempt::First).await?.is_some() {
            return Err(self.conflict());
        }
        self.set_over(None, mode, ids, why).await
    }

    async fn set(
        &self,
        mode: OverrideMode,
        ids: &[&str],
        why: &str,
    ) -> Result<Override, RecipeError> {
        self.check_overridable()?;
        let before = self.read(Attempt::First).await?.map(|(_, stat)| stat);
        self.set_over(before, mode, ids, why).await
    }

    fn check_overridable(&self) -> Result<(), RecipeError> {
        if self.settings.overridable {
            return Ok(());
        }
        Err(RecipeError::BadArguments { reason: "the election is not overridable" })
    }

    /// Sets an override in place of the one that was seen, if there was one.
    async fn set_over(
        &self,
        before: Option<Stat>,
        mode: OverrideMode,
        ids: &[&str],
        why: &str,
    ) -> Result<Override, RecipeError> {
        if self.lasts.is_some() && before.is_none() {
            self.make_parent().await?;
        }
        let expires = match self.lasts {
            Some(limit) => {
                let now = EnsembleTime::ask(&self.client, &self.settings.path).await?.now();
                let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
                Some(now.saturating_add(limit))
            }
            None => None,
        };
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        let (by, reason) = (self.by.clone(), why.to_owned());
        let record = Record { mode, ids, by, reason, expires };
        let path = self.path();
        let bad = |error| RecipeError::Codec { path: path.clone(), error };
        let data = Json.encode(&record).map_err(bad)?;
        let stat =
            until_settled(&self.client, |attempt| self.write(attempt, before, &data)).await?;
        Override::read(&data, &stat).map_err(bad)
    }

    /// One attempt to write. What is there already, after a lost reply, counts as written.
    async fn write(
        &self,
        attempt: Attempt,
        before: Option<Stat>,
        data: &Bytes,
    ) -> Result<Stat, RecipeError> {
        if attempt == Attempt::InDoubt
            && let Some((found, stat)) = self.read(attempt).await?
            && found == *data
        {
            return Ok(stat);
        }
        let (client, path) = (&self.client, self.path());
        let (mode, owner) = if self.ends_with_session {
            (CreateMode::Ephemeral, client.session_id())
        } else {
            (CreateMode::Persistent, SessionId(0))
        };
        let acl = self.settings.acl.clone();
        let written = match before {
            None => {
                let create = client.create(&path, data.clone()).mode(mode).acl(acl);
                let created = match self.settings.parents {
                    Parents::Container => create.with_container_parents().await,
                    Parents::Persistent => create.with_parents().await,
                    Parents::Required => create.await,
                };
                created.map(|created| created.stat)
            }
            Some(stat) if stat.ephemeral_owner == owner => {
                client.set(&path, data.clone()).version(stat.version).await
            }
            // One of another kind cannot become one of this.
            Some(stat) => {
                let anew = client.multi().delete(&path, stat.version);
                match anew.create_with(&path, data.clone(), mode, acl).commit().await {
                    Ok(_) => {
                        let read = self.read(Attempt::InDoubt).await?;
                        let found = read.filter(|(found, _)| found == data);
                        return found.map(|(_, stat)| stat).ok_or_else(|| self.conflict());
                    }
                    Err(error) => Err(error),
                }
            }
        };
        written.map_err(|error| match error.code() {
            Some(ErrorCode::NodeExists | ErrorCode::BadVersion) => self.conflict(),
            Some(ErrorCode::NoNode) if before.is_some() => self.conflict(),
            _ => error.into(),
        })
    }

    async fn clear_version(&self, path: &str, stat: Stat) -> Result<bool, RecipeError> {
        until_settled(&self.client, |attempt| async move {
            if attempt == Attempt::InDoubt {
                match self.read(attempt).await? {
                    Some((_, found)) if found.czxid == stat.czxid => {}
                    _ => return Ok(true),
                }
            }
            match self.client.delete(path).version(stat.version).await {
                Ok(()) => Ok(true),
                Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(false),
                Err(error) if error.code() == Some(ErrorCode::BadVersion) => Err(self.conflict()),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    async fn read(&self, attempt: Attempt) -> Result<Option<(Bytes, Stat)>, RecipeError> {
        let path = self.path();
        let synced = match attempt {
            Attempt::First => None,
            Attempt::InDoubt => Some(self.client.sync(&path).send()),
        };
        let read = self.client.get(&path).send();
        if let Some(synced) = synced {
            synced.await?;
        }
        match read.await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn make_parent(&self) -> Result<(), RecipeError> {
        let create = self.client.create(&self.settings.path, "");
        let made = match self.settings.parents {
            Parents::Container => {
                create.mode(CreateMode::Container).with_container_parents().idempotent().await
            }
            Parents::Persistent => create.with_parents().idempotent().await,
            Parents::Required => return Ok(()),
        };
        match made {
            Err(error) if error.code() == Some(ErrorCode::NodeExists) => Ok(()),
            made => Ok(made.map(|_| ())?),
        }
    }

    fn conflict(&self) -> RecipeError {
        let reason = "somebody else has set or cleared the override".to_owned();
        RecipeError::Conflict { path: self.path(), reason }
    }

    fn path(&self) -> String {
        standing_override::path(&self.settings.path)
    }
}
