//! What a leader leaves behind that has not said goodbye.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use zk_client::path::join;
use zk_client::{CreateMode, Error, ErrorCode, Version, Zxid};

use super::candidate_info;
use super::settings::Settings;
use crate::error::RecipeError;
use crate::held::{FencingToken, Held};

/// The trace of a leader before: it has led, and nobody knows whether it has stopped.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Breadcrumb {
    /// Who it was.
    pub id: String,
    /// What else it said of itself: enough to fence it, if it is well chosen.
    pub payload: Bytes,
    /// Its term; none if the node has other data than ours, which is then all in `id` and `payload`.
    pub term: Option<FencingToken>,
}

/// Does not show the payload.
impl fmt::Debug for Breadcrumb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breadcrumb")
            .field("id", &self.id)
            .field("term", &self.term)
            .finish_non_exhaustive()
    }
}

/// What fences a leader before.
#[derive(Clone)]
pub(super) struct Fence(Arc<dyn Fn(Breadcrumb) -> Fencing + Send + Sync>);

type Fencing = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Why a new leader cannot begin.
#[derive(Debug)]
pub(super) enum NotFenced {
    /// The one before could not be fenced.
    Refused(String),
    Failed(RecipeError),
}

impl Fence {
    pub(super) fn new<F, R, E>(fence: F) -> Self
    where
        F: Fn(Breadcrumb) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        Self(Arc::new(move |crumb| {
            let fencing = fence(crumb);
            Box::pin(async move { fencing.await.map_err(|error| error.to_string()) })
        }))
    }

    /// Has the leader before fenced, if it has left a breadcrumb, and leaves one of this leader.
    pub(super) async fn take_over(
        &self,
        held: &Held,
        settings: &Settings,
    ) -> Result<(), NotFenced> {
        let path = path(&settings.path);
        let data = write(held.token(), &settings.data().map_err(NotFenced::Failed)?);
        for _ in 0..MOST_ATTEMPTS {
            match self.attempt(held, settings, &path, &data).await {
                Err(NotFenced::Failed(RecipeError::Client(error)))
                    if error.outcome_unknown() || error.is_retriable() || is_raced(&error) =>
                {
                    tracing::debug!(%error, "taking over once more");
                    held.client().connected().await.map_err(RecipeError::from)?;
                }
                done => return done,
            }
        }
        Err(NotFenced::Failed(RecipeError::Timeout))
    }

    async fn attempt(
        &self,
        held: &Held,
        settings: &Settings,
        path: &str,
        data: &Bytes,
    ) -> Result<(), NotFenced> {
        let client = held.client();
        let synced = client.sync(path).send();
        let read = client.get(path).send();
        synced.await.map_err(RecipeError::from)?;
        let found = match read.await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => None,
            read => Some(read.map_err(RecipeError::from)?),
        };
        let Some((before, stat)) = found else {
            let acl = settings.acl.clone();
            let create = held.multi();
            let create = create.create_with(path, data.clone(), CreateMode::Persistent, acl);
            return Ok(create.commit().await.map(|_| ())?);
        };
        let crumb = read_crumb(&before);
        // The reply to an attempt before was lost.
        if crumb.term == Some(held.token()) {
            return Ok(());
        }
        tracing::debug!(?crumb, "fencing the leader before");
        (self.0)(crumb).await.map_err(NotFenced::Refused)?;
        let set = held.multi().set(path, data.clone(), stat.version);
        Ok(set.commit().await.map(|_| ())?)
    }
}

impl fmt::Debug for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fence")
    }
}

impl From<RecipeError> for NotFenced {
    fn from(error: RecipeError) -> Self {
        Self::Failed(error)
    }
}

/// Takes away the breadcrumb of a leader that stops in an orderly way. When that fails the next one
/// has it fenced, which it need not.
pub(super) async fn clear(held: &Held, settings: &Settings) {
    let cleared = held.multi().delete(&path(&settings.path), Version::ANY).commit();
    if let Err(error) = cleared.await {
        tracing::debug!(%error, "the breadcrumb stays");
    }
}

/// Somebody else has written or deleted it in between: an operator, as there is one leader only.
fn is_raced(error: &Error) -> bool {
    use ErrorCode::{BadVersion, NoNode, NodeExists};
    matches!(error.code(), Some(BadVersion | NoNode | NodeExists))
}

fn path(election: &str) -> String {
    join(election, "_breadcrumb")
}

/// The term on a line of its own, and what the candidate says of itself.
fn write(term: FencingToken, candidate: &Bytes) -> Bytes {
    let mut data = BytesMut::new();
    data.put_slice(format!("{term}\n").as_bytes());
    data.put_slice(candidate);
    data.freeze()
}

fn read_crumb(data: &Bytes) -> Breadcrumb {
    let (line, rest) = candidate_info::read(data);
    match line.parse::<u64>() {
        Ok(term) => {
            let (id, payload) = candidate_info::read(&rest);
            let term = FencingToken::of(Zxid(term.cast_signed()));
            Breadcrumb { id, payload, term: Some(term) }
        }
        Err(_) => Breadcrumb { id: line, payload: rest, term: None },
    }
}

/// Connections that break each time are not waited out for ever.
const MOST_ATTEMPTS: usize = 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breadcrumb_is_read_and_other_data_is_one_without_a_term() {
        let candidate = candidate_info::write("a", &Bytes::from_static(b"host:1")).unwrap();
        let crumb = read_crumb(&write(FencingToken::of(Zxid(7)), &candidate));
        let term = Some(FencingToken::of(Zxid(7)));
        let payload = Bytes::from_static(b"host:1");
        assert_eq!(crumb, Breadcrumb { id: "a".to_owned(), payload, term });
        let other = read_crumb(&Bytes::from_static(b"nn1\nx"));
        assert_eq!((other.id.as_str(), other.term), ("nn1", None));
        assert_eq!(read_crumb(&Bytes::new()).term, None);
    }
}
