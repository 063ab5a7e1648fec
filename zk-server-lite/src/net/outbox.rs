//! What waits to be sent on one connection.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use tokio::sync::Notify;

/// Bytes on their way from the engine to a connection's task.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: Mutex<Queue>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    bytes: BytesMut,
    /// How many of the bytes were caused by others since the task last took them.
    from_others: usize,
    fate: Fate,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fate {
    /// It goes on.
    #[default]
    Open,
    /// It ends once everything is sent.
    Finish,
    /// It ends now.
    Cut,
}

/// Who caused bytes to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The client itself, whose task is awake.
    Own,
    /// Another client, or time.
    Other,
}

/// Events for a client that does not read are kept up to this many bytes; with more its connection
/// is cut. It will reconnect, and setWatches tells what it has missed.
pub(super) const EVENT_BACKLOG: usize = 4 * 1024 * 1024;

impl Outbox {
    /// Adds bytes to send; false when they would pass [`EVENT_BACKLOG`], and the connection is to
    /// be cut.
    #[must_use]
    pub(super) fn push(&self, bytes: BytesMut, cause: Cause) -> bool {
        let mut queue = self.lock();
        if cause == Cause::Other {
            queue.from_others = queue.from_others.saturating_add(bytes.len());
            if queue.from_others > EVENT_BACKLOG {
                return false;
            }
        }
        if queue.bytes.is_empty() {
            queue.bytes = bytes;
        } else {
            queue.bytes.extend_from_slice(&bytes);
        }
        drop(queue);
        if cause == Cause::Other {
            self.changed.notify_one();
        }
        true
    }

    /// Ends the connection.
    pub(super) fn end(&self, fate: Fate) {
        let mut queue = self.lock();
        queue.fate = fate;
        if fate == Fate::Cut {
            queue.bytes = BytesMut::new();
        }
        drop(queue);
        self.changed.notify_one();
    }

    /// Moves what there is into `sending` if that is empty. Tells what becomes of the connection,
    /// and how many bytes wait in all, here and in `sending`.
    pub(super) fn take(&self, sending: &mut BytesMut) -> (Fate, usize) {
        let mut queue = self.lock();
        if sending.is_empty() && !queue.bytes.is_empty() {
            *sending = std::mem::take(&mut queue.bytes);
            queue.from_others = 0;
        }
        (queue.fate, sending.len().saturating_add(queue.bytes.len()))
    }

    /// How many bytes the connection's task has not taken yet.
    pub(super) fn len(&self) -> usize {
        self.lock().bytes.len()
    }

    /// Waits until another task has changed something.
    ///
    /// # Cancel safety
    /// A change is not lost when the future is dropped.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
