//! Watches that users want, and want no more.

use std::time::Instant;

use bytes::Bytes;
use zk_proto::{AddWatchMode, ByteString};

use super::Session;
use super::output::{Answer, SubmitError, SubscriberId, Ticket};
use super::watches::Table;

impl<T: Ticket, W: Ticket> Session<T, W> {
    /// Takes somebody who wants to listen to a persistent watch.
    ///
    /// `ticket` comes back when the server has confirmed it, or has not done so in time; from a
    /// confirmation on, all news of the watch are told. Only the first one for a path and mode makes
    /// a request of it. Without a connection it waits for one.
    pub(crate) fn subscribe(
        &mut self,
        now: Instant,
        path: ByteString,
        mode: AddWatchMode,
        ticket: T,
    ) -> Result<SubscriberId, SubmitError> {
        self.admit()?;
        self.make_room()?;
        let (length, limit) = (path.len() + ADD_WATCH, self.options.max_request);
        if length > limit {
            return Err(SubmitError::RequestTooLarge { length, limit });
        }
        let deadline = now + self.options.request_timeout;
        let (subscriber, ticket) = self.watches.subscribe(path, mode, deadline, ticket);
        if let Some(ticket) = ticket {
            let answer = Answer { zxid: self.last_zxid, body: Bytes::new() };
            self.outputs.reply(ticket, Ok(answer));
        }
        self.send_due(now);
        Ok(subscriber)
    }

    /// Somebody who listened has gone, whether or not the watch was set by then. The last one takes
    /// the server's watch along.
    pub(crate) fn unsubscribe(
        &mut self,
        now: Instant,
        path: &ByteString,
        mode: AddWatchMode,
        subscriber: SubscriberId,
    ) {
        self.watches.unsubscribe(path, mode, subscriber);
        self.send_due(now);
    }

    /// Somebody who waited for a one-shot watch has gone: its ticket says so, too.
    pub(crate) fn forget_watch(&mut self, now: Instant, path: &ByteString, table: Table) {
        self.watches.gone(path, table);
        self.send_due(now);
    }

    /// Sends what the watches need on this connection.
    pub(super) fn send_due(&mut self, now: Instant) {
        if !self.watches.has_due() || self.is_closing() {
            return;
        }
        let Some(serving) = self.phase.asking() else {
            return;
        };
        for (request, purpose) in self.watches.take_due(|| self.pending.watches_wanted()) {
            self.pending.send_own(&request, purpose);
            serving.last_sent = now;
        }
    }
}

/// Bytes of an addWatch with its header, without its path.
const ADD_WATCH: usize = 16;
