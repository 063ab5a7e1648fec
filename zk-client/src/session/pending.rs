//! Requests on their way: waiting for a session, waiting to be written, waiting for a reply.
//!
//! All in order of submission, which is the order on the wire. What is known of a request when
//! its connection breaks follows from where it stands: bytes that the shell has not taken yet
//! were not sent, bytes that it has taken may have been acted upon.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use zk_proto::frame::put_frame;
use zk_proto::message::{ReplyHeader, RequestHeader};
use zk_proto::op::Request;
use zk_proto::{ByteString, Encode, OpCode, Xid};

use super::entry::{Entry, Purpose, watch_set, watch_wanted};
use super::output::{Answer, Failure, Outputs, SubmitError, Ticket};
use super::watches::{Table, Watches};
use super::{End, Trouble};
use crate::error::{Delivery, Violation};

pub(super) struct Pending<T, W> {
    waiting: Waiting<T, W>,
    in_flight: VecDeque<InFlight<T, W>>,
    /// How many entries at the front of `in_flight` have no deadline to look out for any more.
    overdue: usize,
    /// How many entries at the back of `in_flight` are still in `outgoing`.
    untaken: usize,
    outgoing: BytesMut,
    last_xid: i32,
}

/// Submitted while no session was alive on a connection, or to be sent again.
#[derive(Debug)]
struct Waiting<T, W> {
    entries: VecDeque<Queued<T, W>>,
    /// Of all of them, as they will be on the wire.
    bytes: usize,
}

#[derive(Debug)]
struct Queued<T, W> {
    entry: Entry<T, W>,
    length: usize,
}

#[derive(Debug)]
struct InFlight<T, W> {
    xid: Xid,
    length: usize,
    /// Gone once its deadline has passed: only the reply is still to come.
    entry: Option<Entry<T, W>>,
}

/// What the reply to a request meant.
#[derive(Debug)]
pub(super) enum Completed {
    Request,
    /// The server has ended the session, as it was asked to, or says why not.
    Close(Result<Answer, Failure>),
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

impl<T, W> Default for Waiting<T, W> {
    fn default() -> Self {
        Self { entries: VecDeque::new(), bytes: 0 }
    }
}

impl<T, W> Default for Pending<T, W> {
    fn default() -> Self {
        Self {
            waiting: Waiting::default(),
            in_flight: VecDeque::new(),
            overdue: 0,
            untaken: 0,
            outgoing: BytesMut::new(),
            last_xid: 0,
        }
    }
}

impl<T: Ticket, W: Ticket> Pending<T, W> {
    pub(super) fn count(&self) -> usize {
        self.waiting.entries.len() + self.in_flight.len()
    }

    /// Bytes of all that the shell has not taken.
    pub(super) fn unsent_len(&self) -> usize {
        self.waiting.bytes + self.outgoing.len()
    }

    /// Keeps a request until there is a session to send it in.
    pub(super) fn wait(&mut self, entry: Entry<T, W>, limit: usize) -> Result<(), SubmitError> {
        let length = Self::length(&entry.request);
        if length > limit {
            return Err(SubmitError::RequestTooLarge { length, limit });
        }
        self.waiting.push(Queued { entry, length });
        Ok(())
    }

    /// Puts a request into the outgoing bytes.
    pub(super) fn send(&mut self, entry: Entry<T, W>, limit: usize) -> Result<(), SubmitError> {
        let xid = self.next_xid();
        let start = self.outgoing.len();
        put_frame(&mut self.outgoing, |out| {
            put_request(out, xid, &entry.request);
        });
        let length = self.outgoing.len() - start - size_of::<u32>();
        if length > limit {
            self.outgoing.truncate(start);
            if start == 0 {
                // It has grown to the size of what was refused.
                self.outgoing = BytesMut::new();
            }
            return Err(SubmitError::RequestTooLarge { length, limit });
        }
        self.in_flight.push_back(InFlight { xid, length, entry: Some(entry) });
        self.untaken += 1;
        Ok(())
    }

    /// Sends a request of the session's own.
    pub(super) fn send_own(&mut self, request: Request, purpose: Purpose<T, W>) {
        let entry = Entry { request, purpose, deadline: None, sent: false };
        // They are far below any limit, or their length was checked before, so that none is refused.
        let _ = self.send(entry, usize::MAX);
    }

    /// Sends all that has waited and is still wanted.
    pub(super) fn send_waiting(&mut self) {
        for Queued { entry, .. } in std::mem::take(&mut self.waiting).entries {
            if !entry.is_abandoned() {
                // Its length was checked when it was submitted.
                let _ = self.send(entry, usize::MAX);
            }
        }
    }

    /// The one-shot watches that requests in flight are about to set.
    pub(super) fn watches_wanted(&self) -> BTreeSet<(ByteString, Table)> {
        let entries = self.in_flight.iter().filter_map(|sent| sent.entry.as_ref());
        let wanted = entries.filter_map(|entry| watch_wanted(&entry.request));
        wanted.map(|(path, table)| (path.clone(), table)).collect()
    }

    /// Puts a frame without a reply to wait for into the outgoing bytes.
    pub(super) fn put_raw(&mut self, message: &impl Encode) {
        put_frame(&mut self.outgoing, |out| message.encode(out));
    }

    /// Puts a credential into the outgoing bytes; its reply is told by its xid.
    pub(super) fn put_auth(&mut self, request: &Request) {
        put_frame(&mut self.outgoing, |out| put_request(out, Xid::AUTH, request));
    }

    /// Puts a request into the outgoing bytes whose reply somebody else looks out for.
    #[cfg(feature = "sasl")]
    pub(super) fn put_apart(&mut self, request: &Request) -> Xid {
        let xid = self.next_xid();
        put_frame(&mut self.outgoing, |out| put_request(out, xid, request));
        xid
    }

    /// How many bytes a request has on the wire.
    pub(super) fn length(request: &Request) -> usize {
        let mut wire = BytesMut::new();
        put_request(&mut wire, Xid::default(), request);
        wire.len()
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

    pub(super) fn take_outgoing(&mut self, buffer: &mut BytesMut) {
        self.untaken = 0;
        if buffer.is_empty() {
            std::mem::swap(buffer, &mut self.outgoing);
        } else {
            buffer.extend_from_slice(&self.outgoing);
            self.outgoing.clear();
        }
    }

    /// The one that the next reply must answer. What was not sent cannot be answered.
    fn oldest_sent(&self) -> Option<&InFlight<T, W>> {
        self.in_flight.front().filter(|_| self.untaken < self.in_flight.len())
    }

    /// What the oldest request in flight asks for, and a time at which it was not sent yet: that of
    /// its submission, from which all deadlines are equally far. `None` for those that have none.
    pub(super) fn oldest_asked(&self, request_timeout: Duration) -> Option<(OpCode, Instant)> {
        let entry = self.oldest_sent()?.entry.as_ref()?;
        Some((entry.request.op_code(), entry.deadline?.checked_sub(request_timeout)?))
    }

    /// Ends the oldest request in flight with a reply, whose body may be none that can be had.
    pub(super) fn complete(
        &mut self,
        header: ReplyHeader,
        body: Result<Bytes, Failure>,
        watches: &mut Watches<T, W>,
        outputs: &mut Outputs<T, W>,
    ) -> Result<Completed, Trouble> {
        let expected = self.oldest_sent().map(|oldest| oldest.xid);
        if expected != Some(header.xid) {
            let got = header.xid;
            return Err(Violation::UnexpectedXid { got, expected }.into());
        }
        let Some(Entry { request, purpose, .. }) = self.pop_oldest() else {
            return Ok(Completed::Request);
        };
        let zxid = header.zxid;
        let result = header.err.into_result();
        let read = result.map_err(Failure::Server).and(body);
        let outcome = read.map(|body| Answer { zxid, body });
        match purpose {
            Purpose::User { ticket, watcher } => {
                if let Some((path, kind)) = watch_set(&request, header.err)
                    && let Some(watcher) = watcher
                {
                    watches.insert(path, kind, watcher);
                }
                outputs.reply(ticket, outcome);
            }
            // Going on would mean to wait for events that no server will send.
            Purpose::SetWatches => {
                result.map_err(Trouble::WatchesNotSet)?;
                outputs.reply_all(watches.set_again(&request), &outcome);
            }
            Purpose::AddWatch { registration } => {
                let answered = watches.add_answered(&request, registration, header.err);
                outputs.reply_all(answered.map_err(Trouble::WatchesNotSet)?, &outcome);
            }
            Purpose::RemoveWatches => watches.removal_answered(&request, header.err),
            // What it says was taken note of already.
            Purpose::Prove => {}
            Purpose::Close => {
                let confirmed = result.map_err(Failure::Server);
                let outcome = confirmed.map(|()| Answer { zxid, body: Bytes::new() });
                return Ok(Completed::Close(outcome));
            }
        }
        Ok(Completed::Request)
    }

    /// Ends the oldest request of a user that is in flight without a reply.
    pub(super) fn fail_oldest(&mut self, failure: Failure, outputs: &mut Outputs<T, W>) {
        let oldest = self.oldest_sent().and_then(|oldest| oldest.entry.as_ref());
        if let Some(Purpose::User { .. }) = oldest.map(|entry| &entry.purpose)
            && let Some(entry) = self.pop_oldest()
        {
            entry.fail(failure, outputs);
        }
    }

    fn pop_oldest(&mut self) -> Option<Entry<T, W>> {
        self.overdue = self.overdue.saturating_sub(1);
        self.in_flight.pop_front()?.entry
    }

    /// Sorts what was in flight: what was not sent or only reads waits for the next connection,
    /// everything else fails, and nobody knows whether it was done.
    pub(super) fn connection_lost(&mut self, outputs: &mut Outputs<T, W>) {
        let sent = self.in_flight.len() - self.untaken;
        let later = std::mem::take(&mut self.waiting);
        for (position, in_flight) in self.in_flight.drain(..).enumerate() {
            let InFlight { length, entry: Some(mut entry), .. } = in_flight else {
                continue;
            };
            entry.sent |= position < sent;
            match &entry.purpose {
                // What the next connection needs is decided there.
                Purpose::SetWatches
                | Purpose::AddWatch { .. }
                | Purpose::RemoveWatches
                | Purpose::Prove => {}
                Purpose::User { .. } if entry.is_abandoned() => {}
                Purpose::User { .. } if entry.sent && !entry.is_repeatable() => {
                    entry.fail(Failure::ConnectionLoss(Delivery::Unknown), outputs);
                }
                Purpose::User { .. } | Purpose::Close => {
                    self.waiting.push(Queued { entry, length });
                }
            }
        }
        for queued in later.entries {
            self.waiting.push(queued);
        }
        self.forget_connection();
    }

    /// Nothing that is left will be answered by a server any more.
    pub(super) fn session_ended(&mut self, how: End, outputs: &mut Outputs<T, W>) {
        let sent = self.in_flight.len() - self.untaken;
        for (position, in_flight) in self.in_flight.drain(..).enumerate() {
            let Some(entry) = in_flight.entry else {
                continue;
            };
            if position < sent && !entry.is_repeatable() {
                entry.fail(Failure::ConnectionLoss(Delivery::Unknown), outputs);
            } else {
                entry.fail(how.failure(), outputs);
            }
        }
        for Queued { entry, .. } in std::mem::take(&mut self.waiting).entries {
            entry.fail(how.failure(), outputs);
        }
        self.forget_connection();
    }

    fn forget_connection(&mut self) {
        self.outgoing = BytesMut::new();
        self.overdue = 0;
        self.untaken = 0;
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

    /// Fails what has waited for too long.
    ///
    /// All deadlines are equally far from submission, so the order of submission is their order.
    pub(super) fn fail_overdue(&mut self, now: Instant, outputs: &mut Outputs<T, W>) {
        for in_flight in self.in_flight.iter_mut().skip(self.overdue) {
            let deadline = in_flight.entry.as_ref().and_then(|entry| entry.deadline);
            if deadline.is_some_and(|deadline| deadline > now) {
                break;
            }
            self.overdue += 1;
            if let Some(entry) = in_flight.entry.take_if(|entry| entry.is_overdue(now)) {
                // Not written yet is no excuse: its bytes still stand among those to be taken.
                entry.fail(Failure::Timeout(Delivery::Unknown), outputs);
            }
        }
        while let Some(entry) = self.waiting.pop_overdue(now) {
            let delivery = if entry.sent { Delivery::Unknown } else { Delivery::NotSent };
            entry.fail(Failure::Timeout(delivery), outputs);
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let in_flight =
            self.in_flight.iter().skip(self.overdue).find_map(|sent| sent.entry.as_ref()?.deadline);
        let waiting = self.waiting.entries.front();
        let waiting = waiting.and_then(|queued| queued.entry.deadline);
        in_flight.into_iter().chain(waiting).min()
    }
}

impl<T: Ticket, W: Ticket> Waiting<T, W> {
    fn push(&mut self, queued: Queued<T, W>) {
        self.bytes += queued.length;
        self.entries.push_back(queued);
    }

    fn pop_overdue(&mut self, now: Instant) -> Option<Entry<T, W>> {
        let front = self.entries.front();
        front.filter(|queued| queued.entry.is_overdue(now))?;
        let Queued { entry, length } = self.entries.pop_front()?;
        self.bytes -= length;
        Some(entry)
    }
}

fn put_request(out: &mut BytesMut, xid: Xid, request: &Request) {
    let op = request.op_code().code();
    RequestHeader { xid, op }.encode(out);
    request.encode(out);
}
