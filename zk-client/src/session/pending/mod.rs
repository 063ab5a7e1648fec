//! Requests on their way: waiting for a session, waiting to be written, waiting for a reply.
//!
//! ```text
//!   waiting       what is kept until there is a session to send it in
//!   answered      what becomes of a request with its reply
//!   unanswered    and without one: its connection, its session or its time is over
//! ```
//!
//! All in order of submission, which is the order on the wire.

mod answered;
mod unanswered;
mod waiting;

pub(super) use answered::Completed;

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use zk_proto::jute::Reader;
use zk_proto::message::RequestHeader;
use zk_proto::op::Request;
use zk_proto::{ByteString, Encode, OpCode, Xid};

use super::entry::{Entry, Purpose, watch_wanted};
use super::frames::{Frames, HEADER};
use super::output::{SubmitError, Ticket};
use super::watches::Table;
use crate::error::Delivery;
use waiting::{Queued, Waiting};

pub(super) struct Pending<T, W> {
    waiting: Waiting<T, W>,
    in_flight: VecDeque<InFlight<T, W>>,
    /// How many entries at the front of `in_flight` have no deadline to look out for any more.
    overdue: usize,
    /// How many entries at the back of `in_flight` are still to be taken.
    untaken: usize,
    frames: Frames,
    last_xid: i32,
}

/// Kept small, and without its bytes: there may be very many of them, and they are moved around.
#[derive(Debug)]
struct InFlight<T, W> {
    xid: Xid,
    /// Of the record of the request.
    length: usize,
    /// Where that begins in the bytes that it was taken with.
    start: usize,
    /// Gone once its deadline has passed: only the reply is still to come.
    entry: Option<Entry<T, W>>,
}

/// Without the bytes: they hold passwords.
impl<T, W> std::fmt::Debug for Pending<T, W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending")
            .field("waiting", &self.waiting.entries.len())
            .field("in_flight", &self.in_flight.len())
            .finish_non_exhaustive()
    }
}

impl<T, W> Default for Pending<T, W> {
    fn default() -> Self {
        Self {
            waiting: Waiting::default(),
            in_flight: VecDeque::new(),
            overdue: 0,
            untaken: 0,
            frames: Frames::default(),
            last_xid: 0,
        }
    }
}

impl<T: Ticket, W: Ticket> Pending<T, W> {
    pub(super) fn count(&self) -> usize {
        self.waiting.entries.len() + self.in_flight.len()
    }

    /// Whether nothing was asked that is not answered. What waits for a connection does not count.
    pub(super) fn is_quiet(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Bytes of all that the shell has not taken.
    pub(super) fn unsent_len(&self) -> usize {
        self.waiting.bytes + self.frames.untaken_len()
    }

    /// Gives memory back that only a burst needs, if nothing is under way.
    pub(super) fn rest(&mut self) -> bool {
        if self.count() > 0 {
            return false;
        }
        if self.in_flight.capacity() > MOST_KEPT {
            self.in_flight = VecDeque::new();
        }
        if self.waiting.entries.capacity() > MOST_KEPT {
            self.waiting = Waiting::default();
        }
        self.frames.rest();
        true
    }

    /// Keeps a request until there is a session to send it in.
    pub(super) fn wait(
        &mut self,
        entry: Entry<T, W>,
        request: &Request,
        limit: usize,
    ) -> Result<(), SubmitError> {
        let mut body = BytesMut::new();
        request.encode(&mut body);
        let length = HEADER + body.len();
        if length > limit {
            return Err(SubmitError::RequestTooLarge { length, limit });
        }
        self.waiting.push(Queued { entry, body: body.freeze() });
        Ok(())
    }

    /// Puts a request into the outgoing bytes.
    pub(super) fn send(
        &mut self,
        entry: Entry<T, W>,
        request: &Request,
        limit: usize,
    ) -> Result<(), SubmitError> {
        self.put(entry, |out| request.encode(out), limit)
    }

    fn put(
        &mut self,
        entry: Entry<T, W>,
        body: impl FnOnce(&mut BytesMut),
        limit: usize,
    ) -> Result<(), SubmitError> {
        let xid = self.next_xid();
        let header = RequestHeader { xid, op: entry.op.code() };
        let (start, length) = self.frames.put(&header, body);
        if HEADER + length > limit {
            self.frames.take_back(start);
            return Err(SubmitError::RequestTooLarge { length: HEADER + length, limit });
        }
        self.in_flight.push_back(InFlight { xid, length, start, entry: Some(entry) });
        self.untaken += 1;
        Ok(())
    }

    /// Sends a request of the session's own.
    pub(super) fn send_own(&mut self, request: &Request, purpose: Purpose<T, W>) {
        let entry = Entry::new(request, purpose, None);
        // They are far below any limit, or their length was checked before, so that none is refused.
        let _ = self.send(entry, request, usize::MAX);
    }

    /// Sends all that has waited and is still wanted.
    pub(super) fn send_waiting(&mut self) {
        for Queued { entry, body } in std::mem::take(&mut self.waiting).entries {
            if !entry.is_abandoned() {
                // Its length was checked when it was submitted.
                let _ = self.put(entry, |out| out.extend_from_slice(&body), usize::MAX);
            }
        }
    }

    /// The one-shot watches that requests in flight are about to set.
    pub(super) fn watches_wanted(&self) -> BTreeSet<(ByteString, Table)> {
        let asks = |in_flight: &InFlight<T, W>| {
            in_flight.entry.as_ref().is_some_and(|entry| entry.asks_for_watch)
        };
        let mut wanted = BTreeSet::new();
        for (in_flight, bytes) in self.in_flight.iter().zip(self.frames.of_each()) {
            if asks(in_flight) {
                let request = in_flight.request(bytes);
                let watch = request.as_ref().and_then(watch_wanted);
                wanted.extend(watch.map(|(path, table)| (path.clone(), table)));
            }
        }
        wanted
    }

    /// Puts a frame without a reply to wait for into the outgoing bytes.
    pub(super) fn put_raw(&mut self, message: &impl Encode) {
        self.frames.put(message, |_| ());
    }

    /// Puts a credential into the outgoing bytes; its reply is told by its xid.
    pub(super) fn put_auth(&mut self, request: &Request) {
        let header = RequestHeader { xid: Xid::AUTH, op: request.op_code().code() };
        self.frames.put(&header, |out| request.encode(out));
    }

    /// Puts a request into the outgoing bytes whose reply somebody else looks out for.
    #[cfg(feature = "sasl")]
    pub(super) fn put_apart(&mut self, request: &Request) -> Xid {
        let xid = self.next_xid();
        let header = RequestHeader { xid, op: request.op_code().code() };
        self.frames.put(&header, |out| request.encode(out));
        xid
    }

    /// How many bytes a request has on the wire.
    pub(super) fn length(request: &Request) -> usize {
        let mut body = BytesMut::new();
        request.encode(&mut body);
        HEADER + body.len()
    }

    /// Positive, and never the special ones.
    const fn next_xid(&mut self) -> Xid {
        self.last_xid = if self.last_xid == i32::MAX { 1 } else { self.last_xid + 1 };
        Xid(self.last_xid)
    }

    #[cfg(test)]
    pub(super) const fn set_last_xid(&mut self, xid: i32) {
        self.last_xid = xid;
    }

    pub(super) fn take_outgoing(&mut self) -> Bytes {
        self.frames.take(std::mem::take(&mut self.untaken))
    }

    /// The one that the next reply must answer. What was not sent cannot be answered.
    fn oldest_sent(&self) -> Option<&InFlight<T, W>> {
        self.in_flight.front().filter(|_| self.untaken < self.in_flight.len())
    }

    /// What the oldest request in flight asks for, and when it was submitted, if anybody did.
    pub(super) fn oldest_asked(&self) -> Option<(OpCode, Instant)> {
        let entry = self.oldest_sent()?.entry.as_ref()?;
        Some((entry.op, entry.asked?))
    }

    fn pop_oldest(&mut self) -> Option<Entry<T, W>> {
        self.frames.answered();
        self.overdue = self.overdue.saturating_sub(1);
        self.in_flight.pop_front()?.entry
    }

    /// Whether a reply is still to come that somebody may wait for.
    pub(super) fn has_requests_of_users(&self) -> bool {
        let in_flight = self.in_flight.iter().filter_map(|sent| sent.entry.as_ref());
        let waiting = self.waiting.entries.iter().map(|queued| &queued.entry);
        let mut all = in_flight.chain(waiting);
        all.any(|entry| matches!(entry.purpose, Purpose::User { .. }))
    }

    /// Whether the server may have read that the session is to end. It is the last request.
    pub(super) fn close_delivery(&self) -> Delivery {
        let in_flight = self.in_flight.back().filter(|_| self.untaken == 0);
        let waiting = self.waiting.entries.back().filter(|queued| queued.entry.sent);
        let in_flight = in_flight.and_then(|sent| sent.entry.as_ref());
        let sent = in_flight.or_else(|| waiting.map(|queued| &queued.entry));
        if sent.is_some_and(Entry::is_close) { Delivery::Unknown } else { Delivery::NotSent }
    }
}

impl<T, W> InFlight<T, W> {
    /// Reads it back from the bytes that hold it.
    fn request(&self, bytes: &[u8]) -> Option<Request> {
        let body = bytes.get(self.start..self.start + self.length)?;
        // A copy: what becomes of it must not keep the bytes of other requests.
        let mut reader = Reader::new(Bytes::copy_from_slice(body));
        // It was encoded by us.
        Request::decode(self.entry.as_ref()?.op, &mut reader).ok().flatten()
    }
}

/// Requests that a session at rest has room for.
const MOST_KEPT: usize = 8;
