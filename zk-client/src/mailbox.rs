//! Between the driver, which must not wait, and somebody who reads when it suits them: a bounded
//! queue that says so when it has lost something.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::session::News;

#[derive(Debug)]
pub(crate) struct Mailbox {
    inner: Mutex<Inner>,
    /// News that are kept. What comes when there are as many makes room by taking their place.
    capacity: usize,
}

#[derive(Debug, Default)]
struct Inner {
    /// Whether something was lost before `queue`.
    lagged: bool,
    queue: VecDeque<News>,
    ended: bool,
    reader: Option<Waker>,
}

/// What a reader finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mail {
    News(News),
    /// There was no room for all that came until now.
    Lagged,
    /// Nothing will come any more.
    End,
}

impl Mailbox {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { inner: Mutex::default(), capacity: capacity.max(1) }
    }

    /// Puts news in. Returns whom to wake, once no lock is held.
    ///
    /// Without room for it, all that waits is dropped: whoever has lost one change must look anew,
    /// and what was before it is of no more use.
    pub(crate) fn put(&self, news: News) -> Option<Waker> {
        let mut inner = self.lock();
        if inner.ended {
            return None;
        }
        if news == News::Over {
            inner.ended = true;
            return inner.reader.take();
        }
        if news == News::Gap && inner.ends_with_a_marker() {
            return None;
        }
        if inner.queue.len() >= self.capacity {
            inner.queue.clear();
            inner.lagged = true;
        }
        inner.queue.push_back(news);
        inner.reader.take()
    }

    /// Nothing will come any more; what is there can still be read.
    pub(crate) fn end(&self) -> Option<Waker> {
        let mut inner = self.lock();
        inner.ended = true;
        inner.reader.take()
    }

    pub(crate) fn poll_read(&self, cx: &Context<'_>) -> Poll<Mail> {
        let mut inner = self.lock();
        if std::mem::take(&mut inner.lagged) {
            return Poll::Ready(Mail::Lagged);
        }
        if let Some(news) = inner.queue.pop_front() {
            return Poll::Ready(Mail::News(news));
        }
        if inner.ended {
            return Poll::Ready(Mail::End);
        }
        let former = inner.reader.replace(cx.waker().clone());
        drop(inner);
        // It may hold a task that has more to drop than itself.
        drop(former);
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Whether the reader will be told to look anew with nothing after it: once is enough.
    fn ends_with_a_marker(&self) -> bool {
        match self.queue.back() {
            Some(last) => *last == News::Gap,
            None => self.lagged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zk_proto::{EventType, KeeperState, WatchedEvent};

    fn event(path: &'static str) -> News {
        let event = WatchedEvent {
            event_type: EventType::NodeDataChanged,
            state: KeeperState::SyncConnected,
            path: path.into(),
        };
        News::Event { event, zxid: None }
    }

    /// All there is, in short.
    fn read(mailbox: &Mailbox) -> Vec<String> {
        let mut found = Vec::new();
        while let Poll::Ready(mail) = mailbox.poll_read(&Context::from_waker(Waker::noop())) {
            found.push(match mail {
                Mail::News(News::Event { event, .. }) => event.path.to_string(),
                Mail::News(News::Gap) => "gap".into(),
                Mail::Lagged => "lagged".into(),
                Mail::News(News::Over) | Mail::End => return [found, vec!["end".into()]].concat(),
            });
        }
        found
    }

    fn filled(capacity: usize, news: &[News]) -> Mailbox {
        let mailbox = Mailbox::new(capacity);
        for news in news {
            mailbox.put(news.clone());
        }
        mailbox
    }

    #[test]
    fn news_come_in_order_up_to_the_capacity() {
        let mailbox = filled(3, &[event("/a"), News::Gap, event("/b")]);
        assert_eq!(read(&mailbox), ["/a", "gap", "/b"]);
        assert!(read(&mailbox).is_empty());
    }

    #[test]
    fn what_is_too_much_is_replaced_by_a_marker_and_what_comes_later_follows() {
        let mailbox = filled(2, &[event("/a"), event("/b"), event("/c")]);
        mailbox.put(event("/d"));
        assert_eq!(read(&mailbox), ["lagged", "/c", "/d"]);
        mailbox.put(event("/e"));
        assert_eq!(read(&mailbox), ["/e"]);
        let tiny = filled(0, &[event("/a"), event("/b"), event("/c")]);
        assert_eq!(read(&tiny), ["lagged", "/c"]);
    }

    #[test]
    fn nobody_is_told_twice_in_a_row_to_look_anew() {
        assert_eq!(read(&filled(9, &[News::Gap, News::Gap, event("/a")])), ["gap", "/a"]);
        let mailbox = filled(1, &[event("/a"), News::Gap]);
        mailbox.put(News::Gap);
        assert_eq!(read(&mailbox), ["lagged", "gap"]);
    }

    #[test]
    fn what_was_put_in_before_the_end_can_be_read_after_it() {
        let mailbox = filled(2, &[event("/a")]);
        mailbox.end();
        mailbox.put(event("/b"));
        assert_eq!(read(&mailbox), ["/a", "end"]);
        assert_eq!(read(&mailbox), ["end"]);
        let mailbox = filled(2, &[event("/a"), News::Over, event("/b")]);
        assert_eq!(read(&mailbox), ["/a", "end"]);
    }
}
