//! What waits for a session to send it in.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::super::entry::Entry;
use super::super::frames::HEADER;
use super::super::output::Ticket;

/// Submitted while no session was alive on a connection, or to be sent again.
#[derive(Debug)]
pub(super) struct Waiting<T, W> {
    pub(super) entries: VecDeque<Queued<T, W>>,
    /// Of all of them, as they will be on the wire.
    pub(super) bytes: usize,
}

#[derive(Debug)]
pub(super) struct Queued<T, W> {
    pub(super) entry: Entry<T, W>,
    /// The record of the request, without a header.
    pub(super) body: Bytes,
}

impl<T, W> Default for Waiting<T, W> {
    fn default() -> Self {
        Self { entries: VecDeque::new(), bytes: 0 }
    }
}

impl<T: Ticket, W: Ticket> Waiting<T, W> {
    pub(super) fn push(&mut self, queued: Queued<T, W>) {
        self.bytes += HEADER + queued.body.len();
        self.entries.push_back(queued);
    }

    pub(super) fn pop_overdue(
        &mut self,
        now: Instant,
        request_timeout: Duration,
    ) -> Option<Entry<T, W>> {
        let front = self.entries.front();
        front.filter(|queued| queued.entry.is_overdue(now, request_timeout))?;
        let Queued { entry, body } = self.entries.pop_front()?;
        self.bytes -= HEADER + body.len();
        Some(entry)
    }
}
