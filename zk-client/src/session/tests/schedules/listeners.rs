//! Those who listen to persistent watches, and what they must and must not be told.

use std::collections::{BTreeMap, BTreeSet};

use zk_proto::watch::WatchKind;
use zk_proto::{AddWatchMode, WatchedEvent, path};

use super::seen::Seen;
use crate::session::{Answer, Failure, News, SubscriberId};

/// What is listened to.
pub(super) const PATHS: [&str; 3] = ["/", "/s", "/s/x"];
pub(super) const MODES: [AddWatchMode; 2] =
    [AddWatchMode::Persistent, AddWatchMode::PersistentRecursive];

#[derive(Default)]
pub(super) struct Listeners {
    all: BTreeMap<SubscriberId, Listener>,
    by_ticket: BTreeMap<u32, SubscriberId>,
    /// Whoever must hear of a gap before anything else.
    missed: BTreeSet<SubscriberId>,
    /// Who has heard of an event since it was last looked at.
    told: Vec<SubscriberId>,
}

struct Listener {
    path: &'static str,
    mode: AddWatchMode,
    is_ready: bool,
}

impl Listeners {
    pub(super) fn add(
        &mut self,
        subscriber: SubscriberId,
        ticket: u32,
        path: &'static str,
        mode: AddWatchMode,
    ) {
        self.all.insert(subscriber, Listener { path, mode, is_ready: false });
        self.by_ticket.insert(ticket, subscriber);
    }

    /// One of those who listen or want to, and the ticket that it will not wait for any more.
    pub(super) fn take(
        &mut self,
        which: usize,
    ) -> Option<(SubscriberId, &'static str, AddWatchMode, u32)> {
        let subscriber = *self.all.keys().nth(which % self.all.len().max(1))?;
        let listener = self.all.remove(&subscriber)?;
        self.missed.remove(&subscriber);
        let ticket = self.by_ticket.iter().find(|(_, of)| **of == subscriber);
        let ticket = ticket.map(|(ticket, _)| *ticket).unwrap();
        Some((subscriber, listener.path, listener.mode, ticket))
    }

    /// A ticket has come back; tells whether it was that of a listener.
    pub(super) fn replied(&mut self, ticket: u32, outcome: &Result<Answer, Failure>) -> bool {
        let Some(subscriber) = self.by_ticket.get(&ticket) else {
            return false;
        };
        if outcome.is_ok() {
            self.all.get_mut(subscriber).unwrap().is_ready = true;
        } else {
            self.all.remove(subscriber);
        }
        true
    }

    pub(super) fn hear(&mut self, subscribers: &[SubscriberId], news: &News, seen: &mut Seen) {
        for subscriber in subscribers {
            let listener = self.all.get(subscriber).expect("told somebody who has gone");
            assert!(listener.is_ready, "told somebody who waits");
            match news {
                News::Gap => {
                    assert!(self.missed.remove(subscriber), "told of a gap without one");
                    seen.gaps += 1;
                }
                News::Over => panic!("nobody is bound to a session"),
                News::Event { event, .. } => {
                    assert!(!self.missed.contains(subscriber), "told of an event before the gap");
                    assert!(listener.hears(event), "told of something else: {event:?}");
                    self.told.push(*subscriber);
                    seen.told += 1;
                }
            }
        }
    }

    /// An event has reached the session: all whom it concerns have been told, once.
    pub(super) fn check_told(&mut self, event: &WatchedEvent) {
        let ready = self.all.iter().filter(|(_, listener)| listener.is_ready);
        let concerned = ready.filter(|(_, listener)| listener.hears(event));
        let expected: Vec<_> = concerned.map(|(subscriber, _)| *subscriber).collect();
        self.told.sort();
        assert_eq!(std::mem::take(&mut self.told), expected, "{event:?}");
    }

    pub(super) fn disconnected(&mut self) {
        let ready = self.all.iter().filter(|(_, listener)| listener.is_ready);
        self.missed = ready.map(|(subscriber, _)| *subscriber).collect();
    }

    pub(super) fn resumed(&self) {
        assert!(self.missed.is_empty(), "{:?} do not know of the gap", self.missed);
    }

    /// Paths and modes that somebody listens to, or is about to.
    pub(super) fn wanted(&self) -> BTreeSet<(&'static str, AddWatchMode)> {
        self.all.values().map(|listener| (listener.path, listener.mode)).collect()
    }
}

impl Listener {
    fn hears(&self, event: &WatchedEvent) -> bool {
        match self.mode {
            AddWatchMode::PersistentRecursive => {
                WatchKind::PersistentRecursive.hears(event.event_type)
                    && path::ancestors(&event.path).any(|above| above == self.path)
            }
            _ => event.path == self.path && WatchKind::Persistent.hears(event.event_type),
        }
    }
}
