//! Persistent watches: who listens to them, and how far the server has them.
//!
//! A server has one watch for each path and mode, however many listen to it here. What is wanted is
//! in this table; the session makes it so on each of its connections.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use zk_proto::message::SetWatches2;
use zk_proto::watch::{WatchKind, WatcherType};
use zk_proto::{AddWatchMode, ByteString, ErrorCode, WatchedEvent, path};

use super::super::output::{Failure, SubscriberId};
use crate::error::Delivery;

#[derive(Debug)]
pub(super) struct Persistent<T> {
    persistent: BTreeMap<ByteString, Registration<T>>,
    recursive: BTreeMap<ByteString, Registration<T>>,
    /// Those who wait for the server's word. They have equally long to wait, so the one who came
    /// first has waited longest.
    waiting: BTreeMap<SubscriberId, (Instant, ByteString, AddWatchMode)>,
    /// What is to be asked of the server on this connection.
    to_ask: Vec<(ByteString, AddWatchMode)>,
    /// Those who end with the present session.
    bound: BTreeSet<SubscriberId>,
    last_subscriber: u64,
    last_registration: u64,
}

/// One watch of the server's, and all who listen to it.
#[derive(Debug)]
struct Registration<T> {
    id: RegistrationId,
    standing: Standing,
    /// With what comes back when the watch is set.
    waiting: BTreeMap<SubscriberId, T>,
    ready: BTreeSet<SubscriberId>,
}

/// Tells a registration from an earlier one of the same path and mode, whose answers may still be
/// on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) struct RegistrationId(u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// No server has confirmed it, and the present one has not been asked.
    New,
    /// The server was asked on this connection.
    Asked,
    /// The server has confirmed it on this connection.
    Set,
    /// It was set on an earlier connection, and waits for being set again, or for the answer to
    /// that.
    Lost,
}

/// Who is left when one has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Somebody, or whoever has gone was not there.
    Somebody,
    /// Nobody: the server need not have the watch any more.
    Nobody,
}

impl<T> Default for Persistent<T> {
    fn default() -> Self {
        Self {
            persistent: BTreeMap::new(),
            recursive: BTreeMap::new(),
            waiting: BTreeMap::new(),
            to_ask: Vec::new(),
            bound: BTreeSet::new(),
            last_subscriber: 0,
            last_registration: 0,
        }
    }
}

impl<T> Persistent<T> {
    /// Adds somebody who listens. Returns the ticket if the watch is set already, so that there is
    /// nothing to wait for.
    pub(super) fn subscribe(
        &mut self,
        path: ByteString,
        mode: AddWatchMode,
        deadline: Instant,
        ticket: T,
    ) -> (SubscriberId, Option<T>) {
        self.last_subscriber += 1;
        let subscriber = SubscriberId(self.last_subscriber);
        let next = RegistrationId(self.last_registration + 1);
        let registration = self.of_mode(mode).entry(path.clone()).or_insert_with(|| Registration {
            id: next,
            standing: Standing::New,
            waiting: BTreeMap::new(),
            ready: BTreeSet::new(),
        });
        if registration.standing == Standing::Set {
            registration.ready.insert(subscriber);
            return (subscriber, Some(ticket));
        }
        let is_new = registration.id == next;
        registration.waiting.insert(subscriber, ticket);
        self.waiting.insert(subscriber, (deadline, path.clone(), mode));
        if is_new {
            self.last_registration = next.0;
            self.to_ask.push((path, mode));
        }
        (subscriber, None)
    }

    /// Takes away somebody who listened.
    pub(super) fn unsubscribe(
        &mut self,
        path: &str,
        mode: AddWatchMode,
        subscriber: SubscriberId,
    ) -> Left {
        self.bound.remove(&subscriber);
        let Some(registration) = self.of_mode(mode).get_mut(path) else {
            return Left::Somebody;
        };
        let waited = registration.waiting.remove(&subscriber).is_some();
        if !waited && !registration.ready.remove(&subscriber) {
            return Left::Somebody;
        }
        let left = self.leave(path, mode);
        self.waiting.remove(&subscriber);
        left
    }

    /// Forgets a registration that nobody listens to.
    fn leave(&mut self, path: &str, mode: AddWatchMode) -> Left {
        let registrations = self.of_mode(mode);
        if registrations.get(path).is_none_or(|here| !here.is_deserted()) {
            return Left::Somebody;
        }
        registrations.remove(path);
        Left::Nobody
    }

    /// Who hears an event.
    pub(super) fn hearers(&self, event: &WatchedEvent) -> Vec<SubscriberId> {
        let mut hearers = Vec::new();
        if WatchKind::Persistent.hears(event.event_type)
            && let Some(here) = self.persistent.get(&event.path)
        {
            hearers.extend(&here.ready);
        }
        // A change of a list of children may come because of a watch on the list, to a connection
        // that has a recursive one, too (`ZKWatchManager.materialize`).
        if WatchKind::PersistentRecursive.hears(event.event_type) && !self.recursive.is_empty() {
            let above = path::ancestors(&event.path).filter_map(|path| self.recursive.get(path));
            hearers.extend(above.flat_map(|above| &above.ready));
        }
        hearers
    }

    /// Whether there is a watch of any mode on just this path.
    pub(super) fn is_on(&self, path: &str) -> bool {
        self.persistent.contains_key(path) || self.recursive.contains_key(path)
    }

    pub(super) fn is_wanted(&self, path: &str, mode: AddWatchMode) -> bool {
        let registrations = if is_recursive(mode) { &self.recursive } else { &self.persistent };
        registrations.contains_key(path)
    }

    /// Has the watches of a path asked for once more.
    ///
    /// Before 3.9 a server has one mode for each path and connection, and whatever is set there
    /// last overwrites it (ZOOKEEPER-4466). Asked for again, the most talkative mode is back, and
    /// those with less are served by it. For later servers it changes nothing.
    pub(super) fn ask_again(&mut self, path: &ByteString) {
        let modes = [
            (&self.persistent, AddWatchMode::Persistent),
            (&self.recursive, AddWatchMode::PersistentRecursive),
        ];
        for (registrations, mode) in modes {
            if registrations.contains_key(path) {
                self.to_ask.push((path.clone(), mode));
            }
        }
    }

    pub(super) const fn has_to_ask(&self) -> bool {
        !self.to_ask.is_empty()
    }

    /// What is to be asked of the server now, in this order.
    pub(super) fn take_to_ask(&mut self) -> Vec<(ByteString, AddWatchMode, RegistrationId)> {
        let mut taken = Vec::new();
        for (path, mode) in std::mem::take(&mut self.to_ask) {
            let Some(registration) = self.of_mode(mode).get_mut(&path) else {
                continue;
            };
            if registration.standing == Standing::New {
                registration.standing = Standing::Asked;
            }
            taken.push((path.clone(), mode, registration.id));
            // See `ask_again`: the recursive mode must come last.
            if !is_recursive(mode)
                && let Some(recursive) = self.recursive.get(&path)
                && recursive.standing != Standing::New
            {
                taken.push((path, AddWatchMode::PersistentRecursive, recursive.id));
            }
        }
        taken
    }

    /// The server has answered addWatch. Returns the tickets of those who have waited for it, and
    /// whether the server may have the watch for nobody.
    ///
    /// # Errors
    /// The refusal of a watch that was set before and asked for once more: it may have been
    /// overwritten in between, and those who listen would hear nothing.
    pub(super) fn answered(
        &mut self,
        path: &ByteString,
        mode: AddWatchMode,
        id: RegistrationId,
        err: ErrorCode,
    ) -> Result<(Vec<T>, Left), ErrorCode> {
        let registration = self.of_mode(mode).get_mut(path).filter(|here| here.id == id);
        let Some(registration) = registration else {
            return Ok((Vec::new(), Left::Somebody));
        };
        if err == ErrorCode::Ok {
            registration.standing = Standing::Set;
            return Ok((self.confirm(path, mode), Left::Somebody));
        }
        if registration.standing != Standing::Asked {
            return Err(err);
        }
        // The server may have it all the same: asked for twice, set once, or, before 3.9, as what
        // was not removed because this one was about to stand on the path.
        let refused = std::mem::take(&mut registration.waiting);
        let left = self.leave(path, mode);
        // Before 3.6 servers know no persistent watches, and can have none.
        let left = if err == ErrorCode::Unimplemented { Left::Somebody } else { left };
        Ok((self.forget_waiting(refused), left))
    }

    /// The server has set watches again. Returns the tickets of those who have waited for it.
    pub(super) fn set_again(&mut self, batch: &SetWatches2) -> Vec<T> {
        let lists = [
            (&batch.persistent_watches, AddWatchMode::Persistent),
            (&batch.persistent_recursive_watches, AddWatchMode::PersistentRecursive),
        ];
        let mut confirmed = Vec::new();
        for (list, mode) in lists {
            for path in list {
                let registration = self.of_mode(mode).get_mut(path);
                if let Some(lost) = registration.filter(|here| here.standing == Standing::Lost) {
                    lost.standing = Standing::Set;
                    confirmed.extend(self.confirm(path, mode));
                }
            }
        }
        confirmed
    }

    fn confirm(&mut self, path: &str, mode: AddWatchMode) -> Vec<T> {
        let Some(registration) = self.of_mode(mode).get_mut(path) else {
            return Vec::new();
        };
        let waiting = std::mem::take(&mut registration.waiting);
        registration.ready.extend(waiting.keys());
        self.forget_waiting(waiting)
    }

    fn forget_waiting(&mut self, waiting: BTreeMap<SubscriberId, T>) -> Vec<T> {
        for subscriber in waiting.keys() {
            self.waiting.remove(subscriber);
        }
        waiting.into_values().collect()
    }

    /// All watches have gone with their connection.
    pub(super) fn connection_lost(&mut self) {
        self.to_ask.clear();
        for registration in self.persistent.values_mut().chain(self.recursive.values_mut()) {
            registration.standing = match registration.standing {
                Standing::New | Standing::Asked => Standing::New,
                Standing::Set | Standing::Lost => Standing::Lost,
            };
        }
    }

    /// The session has ended, and there will be a new one. Returns the tickets of those who have
    /// waited, and those whose streams have ended.
    pub(super) fn session_expired(&mut self) -> (Vec<T>, Vec<SubscriberId>) {
        self.connection_lost();
        self.waiting.clear();
        let bound = std::mem::take(&mut self.bound);
        let mut waiting = BTreeMap::new();
        let mut ended = Vec::new();
        for registrations in [&mut self.persistent, &mut self.recursive] {
            registrations.retain(|_, here| {
                waiting.append(&mut here.waiting);
                ended.extend(here.ready.intersection(&bound));
                here.ready.retain(|subscriber| !bound.contains(subscriber));
                !here.is_deserted()
            });
        }
        (waiting.into_values().collect(), ended)
    }

    /// There is no session for those that are bound to one and wait. Returns their tickets.
    pub(super) fn fail_bound(&mut self) -> Vec<T> {
        let bound = std::mem::take(&mut self.bound);
        self.waiting.retain(|subscriber, _| !bound.contains(subscriber));
        let mut failed = Vec::new();
        for registrations in [&mut self.persistent, &mut self.recursive] {
            registrations.retain(|_, here| {
                let waiting = std::mem::take(&mut here.waiting).into_iter();
                let (ended, left) = waiting
                    .partition::<BTreeMap<_, _>, _>(|(subscriber, _)| bound.contains(subscriber));
                failed.extend(ended.into_values());
                here.waiting = left;
                !here.is_deserted()
            });
        }
        failed
    }

    /// Has a subscriber end with the present session.
    pub(super) fn bind(&mut self, subscriber: SubscriberId) {
        self.bound.insert(subscriber);
    }

    /// There is a new connection. Returns those who do not know what they have missed; what no
    /// server has confirmed yet is to be asked for.
    pub(super) fn connected(&mut self) -> Vec<SubscriberId> {
        let mut missed = Vec::new();
        let modes = [
            (&self.persistent, AddWatchMode::Persistent),
            (&self.recursive, AddWatchMode::PersistentRecursive),
        ];
        self.to_ask.clear();
        for (registrations, mode) in modes {
            for (path, registration) in registrations {
                missed.extend(&registration.ready);
                if registration.standing == Standing::New {
                    self.to_ask.push((path.clone(), mode));
                }
            }
        }
        missed
    }

    /// The paths of those that are to be set again.
    pub(super) fn lost(&self, kind: WatchKind) -> impl Iterator<Item = &ByteString> {
        let registrations = match kind {
            WatchKind::Persistent => Some(&self.persistent),
            WatchKind::PersistentRecursive => Some(&self.recursive),
            WatchKind::Data | WatchKind::Exist | WatchKind::Child => None,
        };
        let all = registrations.into_iter().flatten();
        all.filter(|(_, here)| here.standing == Standing::Lost).map(|(path, _)| path)
    }

    /// Takes out somebody who has waited for too long.
    pub(super) fn pop_overdue(&mut self, now: Instant) -> Option<Overdue<T>> {
        let (subscriber, (deadline, _, _)) = self.waiting.first_key_value()?;
        if *deadline > now {
            return None;
        }
        let subscriber = *subscriber;
        let (_, path, mode) = self.waiting.remove(&subscriber)?;
        let registration = self.of_mode(mode).get_mut(&path)?;
        let delivery = match registration.standing {
            Standing::New => Delivery::NotSent,
            Standing::Asked | Standing::Set | Standing::Lost => Delivery::Unknown,
        };
        let ticket = registration.waiting.remove(&subscriber)?;
        let left = self.leave(&path, mode);
        Some(Overdue { ticket, failure: Failure::Timeout(delivery), path, mode, left })
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|(_, (deadline, _, _))| *deadline)
    }

    /// How many wait for the server's word.
    pub(super) fn waiting_count(&self) -> usize {
        self.waiting.len()
    }

    /// Ends it all. Returns the tickets of those who have waited.
    pub(super) fn end(&mut self) -> Vec<T> {
        let Self { persistent, recursive, .. } = std::mem::take(self);
        let registrations = persistent.into_values().chain(recursive.into_values());
        let mut waiting: BTreeMap<_, _> =
            registrations.flat_map(|registration| registration.waiting).collect();
        std::mem::take(&mut waiting).into_values().collect()
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.persistent.len() + self.recursive.len()
    }

    const fn of_mode(&mut self, mode: AddWatchMode) -> &mut BTreeMap<ByteString, Registration<T>> {
        if is_recursive(mode) { &mut self.recursive } else { &mut self.persistent }
    }
}

/// Somebody who has waited for too long.
pub(super) struct Overdue<T> {
    pub(super) ticket: T,
    pub(super) failure: Failure,
    pub(super) path: ByteString,
    pub(super) mode: AddWatchMode,
    pub(super) left: Left,
}

impl<T> Registration<T> {
    fn is_deserted(&self) -> bool {
        self.waiting.is_empty() && self.ready.is_empty()
    }
}

const fn is_recursive(mode: AddWatchMode) -> bool {
    matches!(mode, AddWatchMode::PersistentRecursive)
}

/// How the server is asked to remove a watch of this mode, since 3.9.
pub(super) const fn watcher_type(mode: AddWatchMode) -> WatcherType {
    if is_recursive(mode) { WatcherType::PersistentRecursive } else { WatcherType::Persistent }
}
