//! The watches of a session.
//!
//! ```text
//!   one_shot      who waits for which event, once
//!   persistent    who listens to what, and how far the server has it
//!   removals      what the server has and nobody wants
//!   batches       how all is set again on a new connection
//! ```
//!
//! A server keeps watches by connection, so after a reconnect they are set again, relative to the
//! last transaction that was seen: what one-shot watches have missed fires at once. What persistent
//! ones have missed nobody tells (ZOOKEEPER-4698), so those who listen hear of a gap.

mod batches;
mod one_shot;
mod persistent;
mod removals;

pub(crate) use one_shot::Table;
pub(super) use persistent::RegistrationId;

use std::collections::BTreeSet;
use std::time::Instant;

use zk_proto::message::{AddWatchRequest, RemoveWatchesRequest};
use zk_proto::op::Request;
use zk_proto::watch::{WatchKind, WatcherType};
use zk_proto::{AddWatchMode, ByteString, ErrorCode, WatchedEvent, Zxid};

use super::entry::Purpose;
use super::output::{Failure, Outputs, SubscriberId, Ticket};
use one_shot::OneShot;
use persistent::{Left, Persistent};
use removals::{Fate, Removals};

#[derive(Debug)]
pub(super) struct Watches<T, W> {
    one_shot: OneShot<W>,
    persistent: Persistent<T>,
    removals: Removals,
}

impl<T, W> Default for Watches<T, W> {
    fn default() -> Self {
        Self {
            one_shot: OneShot::default(),
            persistent: Persistent::default(),
            removals: Removals::default(),
        }
    }
}

impl<T: Ticket, W: Ticket> Watches<T, W> {
    /// The server has set a one-shot watch.
    pub(super) fn insert(&mut self, path: ByteString, kind: WatchKind, watcher: W) {
        if self.persistent.is_on(&path) {
            self.persistent.ask_again(&path);
        }
        let table = Table::of(kind);
        if !watcher.is_abandoned() {
            self.one_shot.insert(path, kind, watcher);
        } else if !self.one_shot.is_wanted(&path, table) {
            self.removals.add(path, table.watcher_type());
        }
    }

    /// Somebody who waited for a one-shot watch has gone.
    pub(super) fn gone(&mut self, path: &ByteString, table: Table) {
        if self.one_shot.gone(path, table) {
            self.removals.add(path.clone(), table.watcher_type());
        }
    }

    /// Takes out the one-shot watches that an event reaches.
    pub(super) fn fire(&mut self, event: &WatchedEvent) -> Vec<W> {
        self.one_shot.fire(event)
    }

    /// Who listens to an event.
    pub(super) fn hearers(&self, event: &WatchedEvent) -> Vec<SubscriberId> {
        self.persistent.hearers(event)
    }

    /// Adds somebody who listens; see [`Persistent::subscribe`].
    pub(super) fn subscribe(
        &mut self,
        path: ByteString,
        mode: AddWatchMode,
        deadline: Instant,
        ticket: T,
    ) -> (SubscriberId, Option<T>) {
        self.persistent.subscribe(path, mode, deadline, ticket)
    }

    /// Takes away somebody who listened. The last one takes the server's watch along.
    pub(super) fn unsubscribe(
        &mut self,
        path: &ByteString,
        mode: AddWatchMode,
        subscriber: SubscriberId,
    ) {
        if self.persistent.unsubscribe(path, mode, subscriber) == Left::Nobody {
            self.removals.add(path.clone(), persistent::watcher_type(mode));
        }
    }

    /// Whether [`take_due`](Self::take_due) may have something.
    pub(super) fn has_due(&self) -> bool {
        self.persistent.has_to_ask() || self.removals.is_due()
    }

    /// What is to be sent on this connection now, in this order, and what each is for. `busy` are
    /// the one-shot watches that requests on their way are about to set.
    pub(super) fn take_due(
        &mut self,
        busy: impl FnOnce() -> BTreeSet<(ByteString, Table)>,
    ) -> Vec<(Request, Purpose<T, W>)> {
        let asked = self.persistent.take_to_ask().into_iter().map(|(path, mode, registration)| {
            let request = Request::AddWatch(AddWatchRequest { path, mode });
            (request, Purpose::AddWatch { registration })
        });
        let mut due: Vec<_> = asked.collect();
        if self.removals.is_due() {
            let busy = busy();
            let Self { one_shot, persistent, removals } = self;
            let fate = |path: &str, asked| fate(one_shot, persistent, &busy, path, asked);
            let removed = removals.take(fate).into_iter().map(|(path, watcher_type)| {
                let request = RemoveWatchesRequest { path, watcher_type };
                (Request::RemoveWatches(request), Purpose::RemoveWatches)
            });
            due.extend(removed);
        }
        due
    }

    /// The server has answered addWatch; see [`Persistent::answered`].
    pub(super) fn add_answered(
        &mut self,
        request: &Request,
        registration: RegistrationId,
        err: ErrorCode,
    ) -> Result<Vec<T>, ErrorCode> {
        let Request::AddWatch(AddWatchRequest { path, mode }) = request else {
            return Ok(Vec::new());
        };
        let (waiting, left) = self.persistent.answered(path, *mode, registration, err)?;
        if left == Left::Nobody {
            self.removals.add(path.clone(), persistent::watcher_type(*mode));
        }
        Ok(waiting)
    }

    /// The server has answered removeWatches. Whatever it says is no harm.
    pub(super) fn removal_answered(&mut self, request: &Request, err: ErrorCode) {
        if let Request::RemoveWatches(RemoveWatchesRequest { path, watcher_type }) = request {
            self.removals.answered(path, *watcher_type, err);
        }
    }

    /// The server has set watches again.
    pub(super) fn set_again(&mut self, request: &Request) -> Vec<T> {
        let Request::SetWatches2(batch) = request else {
            return Vec::new();
        };
        self.persistent.set_again(batch)
    }

    pub(super) fn connection_lost(&mut self) {
        self.persistent.connection_lost();
        self.removals.connection_lost();
    }

    /// There is a new connection. Returns those who do not know what they have missed.
    pub(super) fn connected(&mut self) -> Vec<SubscriberId> {
        // What has become unwanted in the meantime is not on the new connection.
        self.removals.connection_lost();
        self.persistent.connected()
    }

    /// The requests that set all watches again, each well below the limit of a frame.
    pub(super) fn batches(&mut self, relative_zxid: Zxid) -> Vec<Request> {
        self.one_shot.sweep();
        let watches = batches::ORDER.into_iter().flat_map(|kind| {
            let paths = self.one_shot.paths(kind).chain(self.persistent.lost(kind));
            paths.map(move |path| (kind, path.clone()))
        });
        batches::batches(relative_zxid, watches)
    }

    /// Fails those who have waited for a persistent watch for too long.
    pub(super) fn fail_overdue(&mut self, now: Instant, outputs: &mut Outputs<T, W>) {
        while let Some(overdue) = self.persistent.pop_overdue(now) {
            outputs.reply(overdue.ticket, Err(overdue.failure));
            if overdue.left == Left::Nobody {
                self.removals.add(overdue.path, persistent::watcher_type(overdue.mode));
            }
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.persistent.next_deadline()
    }

    /// How many wait for a persistent watch.
    pub(super) fn waiting_count(&self) -> usize {
        self.persistent.waiting_count()
    }

    /// How many requests on their way are removals, of which users are not to know.
    pub(super) const fn removals_in_flight(&self) -> usize {
        self.removals.in_flight()
    }

    /// The session has ended, and there will be a new one: what is not bound to it goes on. Returns
    /// those whose streams have ended.
    pub(super) fn session_expired(
        &mut self,
        failure: &Failure,
        outputs: &mut Outputs<T, W>,
    ) -> Vec<SubscriberId> {
        self.one_shot.session_expired();
        self.removals.connection_lost();
        let (waiting, bound) = self.persistent.session_expired();
        outputs.reply_all(waiting, &Err(failure.clone()));
        bound
    }

    /// There is no session for those that are bound to one and wait.
    pub(super) fn fail_bound(&mut self, outputs: &mut Outputs<T, W>) {
        let failed = self.persistent.fail_bound();
        outputs.reply_all(failed, &Err(Failure::SessionExpired));
    }

    /// Has a subscriber end with the present session.
    pub(super) fn bind(&mut self, subscriber: SubscriberId) {
        self.persistent.bind(subscriber);
    }

    pub(super) fn session_ended(&mut self, failure: &Failure, outputs: &mut Outputs<T, W>) {
        for ticket in self.persistent.end() {
            outputs.reply(ticket, Err(failure.clone()));
        }
        *self = Self::default();
    }

    /// Of one-shot watches, and of persistent ones.
    #[cfg(test)]
    pub(super) fn count(&self) -> (usize, usize) {
        (self.one_shot.count(), self.persistent.count())
    }
}

/// What a removal would do to others.
fn fate<T, W: Ticket>(
    one_shot: &OneShot<W>,
    persistent: &Persistent<T>,
    busy: &BTreeSet<(ByteString, Table)>,
    path: &str,
    asked: WatcherType,
) -> Fate {
    let is_mine =
        |mode| asked == persistent::watcher_type(mode) && persistent.is_wanted(path, mode);
    if is_mine(AddWatchMode::Persistent) || is_mine(AddWatchMode::PersistentRecursive) {
        return Fate::Keep;
    }
    // A server before 3.9 is asked for all watches of a path at once.
    let is_meant = |table: &Table| asked == table.watcher_type() || asked == WatcherType::Any;
    let tables = || [Table::Data, Table::Child].into_iter().filter(is_meant);
    // And there a removal of one-shot watches takes half of a persistent one along.
    let is_shared = tables().next().is_some() && persistent.is_on(path);
    if is_shared || tables().any(|table| one_shot.is_wanted(path, table)) {
        return Fate::Keep;
    }
    // Sent behind the read that sets it anew, it would take what the read has set.
    let is_busy = |table| busy.contains(&(ByteString::from(path), table));
    if tables().any(is_busy) { Fate::Later } else { Fate::Remove }
}
