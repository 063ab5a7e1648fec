//! What happens to a node, as a stream.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use zk_proto::{AddWatchMode, ByteString, EventType, Zxid};

use crate::chroot::Chroot;
use crate::error::Error;
use crate::mailbox::{Mail, Mailbox};
use crate::reply::Reply;
use crate::session::{News, SubmitError, SubscriberId};
use crate::shared_session::{ReplyReceiver, SharedSession};
use crate::state::Generation;

/// Something that a [`WatchStream`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WatchItem {
    /// A node has changed.
    Event(NodeEvent),
    /// The connection was lost and there is a new one, perhaps in a new session
    /// ([`ExpiryPolicy::NewSession`](crate::ExpiryPolicy::NewSession)). Servers do not tell a persistent watch what
    /// happened in between (ZOOKEEPER-4698): read again what you need to know. A read that is
    /// sent after this item is behind the watch, so nothing falls between the two.
    Gap,
    /// More came than there was room for, and some of it was dropped. Read again what you need to
    /// know; what comes after this item is in order again.
    Lagged,
}

/// A change of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeEvent {
    /// What happened.
    pub event_type: EventType,
    /// To which node, as the client sees it, which is without its chroot.
    pub path: ByteString,
    /// By which transaction. Servers tell since 3.9, and for changes they saw happen.
    pub zxid: Option<Zxid>,
}

impl WatchItem {
    /// Whether something is missing before this item, so that what was known must be read anew.
    #[must_use]
    pub const fn is_marker(&self) -> bool {
        matches!(self, Self::Gap | Self::Lagged)
    }
}

/// A persistent watch: the changes of a node, or of everything below it, in the order in which they
/// happened.
///
/// Made by [`Client::watch`](crate::Client::watch). Ends with the session: the last item is
/// [`Error::SessionExpired`] or [`Error::Closed`], and there is none after it. What had come before
/// is told first.
///
/// All streams of one client with the same path and mode share one watch of the server's.
/// Dropping the last one removes it there. A stream does not keep the session open.
///
/// It is a [`futures_core::Stream`]; [`next`](Self::next) is there without any further crate.
#[must_use = "a stream that is dropped ends its watch"]
pub struct WatchStream {
    mailbox: Arc<Mailbox>,
    shared: Arc<SharedSession>,
    view: View,
    /// As the server knows it.
    path: ByteString,
    mode: AddWatchMode,
    subscriber: SubscriberId,
    /// Whether the last item was told.
    is_over: bool,
}

/// What a handle sees of the session.
pub(crate) struct View {
    pub(crate) chroot: Chroot,
    /// The only generation that it is for.
    pub(crate) bound: Option<Generation>,
}

impl WatchStream {
    /// Asks for a stream that keeps so many items.
    pub(crate) fn open(
        shared: &Arc<SharedSession>,
        view: View,
        path: ByteString,
        mode: AddWatchMode,
        capacity: usize,
    ) -> Result<(Self, ReplyReceiver), SubmitError> {
        let mailbox = Arc::new(Mailbox::new(capacity));
        let (subscriber, receiver) =
            shared.open_mailbox(view.bound, path.clone(), mode, Arc::clone(&mailbox))?;
        let shared = Arc::clone(shared);
        let stream = Self { mailbox, shared, view, path, mode, subscriber, is_over: false };
        Ok((stream, receiver))
    }

    /// The next item; `None` after the last one.
    ///
    /// There is no deadline: a node may never change.
    ///
    /// # Cancel safety
    /// Dropping the future loses no item.
    pub async fn next(&mut self) -> Option<Result<WatchItem, Error>> {
        poll_fn(|cx| self.poll_item(cx)).await
    }

    fn poll_item(&mut self, cx: &Context<'_>) -> Poll<Option<Result<WatchItem, Error>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(match ready!(self.mailbox.poll_read(cx)) {
            Mail::News(News::Event { event, zxid }) => {
                let path = self.view.chroot.inward(event.path);
                WatchItem::Event(NodeEvent { event_type: event.event_type, path, zxid })
            }
            Mail::News(News::Gap) => WatchItem::Gap,
            Mail::Lagged => WatchItem::Lagged,
            Mail::News(News::Over) | Mail::End => {
                self.is_over = true;
                return Poll::Ready(Some(Err(self.shared.end_error(self.view.bound))));
            }
        })))
    }
}

impl Stream for WatchStream {
    type Item = Result<WatchItem, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }
}

impl Drop for WatchStream {
    fn drop(&mut self) {
        self.shared.close_mailbox(&self.path, self.mode, self.subscriber);
    }
}

impl fmt::Debug for WatchStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchStream")
            .field("path", &self.path)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// The reply to a request for a [`WatchStream`]: comes when the server has confirmed the watch.
///
/// # Cancel safety
/// Dropping it is dropping the stream.
#[must_use = "a reply that is dropped takes the stream with it"]
#[derive(Debug)]
pub struct WatchStreamReply {
    pub(crate) reply: Reply<()>,
    pub(crate) stream: Option<WatchStream>,
}

impl Future for WatchStreamReply {
    type Output = Result<WatchStream, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let confirmed = ready!(Pin::new(&mut self.reply).poll(cx));
        let stream = self.stream.take();
        // Polled again after it was ready: the stream is with its owner.
        Poll::Ready(confirmed.and_then(|()| stream.ok_or(Error::Closed)))
    }
}
