use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use tokio::time::sleep;
use zk_client::{Client, Watch};

use super::candidate_info::LeaderInfo;
use super::candidates;
use super::settings::Settings;
use crate::error::RecipeError;

/// Tells who leads, at once and whenever it is somebody else; `None` while nobody does. Does not take
/// part. The leader is who is first, as [`Election::leader`](super::Election::leader) has it.
///
/// It goes on over lost connections, and over expired sessions if its client does. Its last item is an
/// error: the client has ended, or may not read. What came in between is skipped by whoever looks late.
/// It is a [`Stream`]; [`next`](Self::next) is there without any further crate. It keeps the session
/// open.
///
/// A change of leader costs one event and two round trips for each observer; what followers do costs
/// nothing. While there is nobody the children of the path are watched, or the path.
#[must_use = "dropping it ends its watch"]
pub struct Observer {
    /// `None` behind the last item.
    under_way: Option<UnderWay>,
}

type UnderWay = Pin<Box<dyn Future<Output = (Look, Item)> + Send>>;

type Item = Result<Option<LeaderInfo>, RecipeError>;

struct Look {
    client: Client,
    settings: Settings,
    /// `None` before the first item.
    told: Option<Option<LeaderInfo>>,
    /// When it may be somebody else.
    changed: Option<Watch>,
}

impl Observer {
    pub(super) fn new(client: Client, settings: Settings) -> Self {
        let look = Look { client, settings, told: None, changed: None };
        Self { under_way: Some(Box::pin(look.next())) }
    }

    /// The next leader, or that there is none; `None` after the last item. There is no deadline.
    ///
    /// # Cancel safety
    /// Dropping the future loses no item.
    pub async fn next(&mut self) -> Option<Result<Option<LeaderInfo>, RecipeError>> {
        poll_fn(|cx| self.poll_item(cx)).await
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        let Some(under_way) = &mut self.under_way else { return Poll::Ready(None) };
        let (look, item) = ready!(under_way.as_mut().poll(cx));
        self.under_way = None;
        if item.is_ok() {
            self.under_way = Some(Box::pin(look.next()));
        }
        Poll::Ready(Some(item))
    }
}

impl Look {
    /// Waits until the leader is another one than was told.
    async fn next(mut self) -> (Self, Item) {
        loop {
            if let Some(changed) = self.changed.take()
                && let Err(error) = changed.await
            {
                tracing::debug!(%error, "looking at the leader anew");
            }
            if let Err(error) = self.client.connected().await {
                return (self, Err(error.into()));
            }
            match candidates::leader(&self.client, &self.settings).await {
                Ok((leader, changed)) => {
                    self.changed = Some(changed);
                    if self.told.as_ref() != Some(&leader) {
                        self.told = Some(leader.clone());
                        return (self, Ok(leader));
                    }
                }
                Err(error) if is_refusal(&error) => return (self, Err(error)),
                Err(error) => {
                    tracing::debug!(%error, "looking at the leader once more");
                    sleep(ASK_AGAIN).await;
                }
            }
        }
    }
}

/// What another attempt would not change. Whether the client has ended is asked elsewhere.
fn is_refusal(error: &RecipeError) -> bool {
    match error {
        RecipeError::Client(error) => !error.is_retriable() && error.code().is_some(),
        _ => true,
    }
}

impl Stream for Observer {
    type Item = Result<Option<LeaderInfo>, RecipeError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").finish_non_exhaustive()
    }
}

/// Before the server is asked again that did not answer.
const ASK_AGAIN: Duration = Duration::from_millis(100);
