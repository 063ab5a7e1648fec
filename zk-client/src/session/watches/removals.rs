//! Watches that the server still has and nobody wants.
//!
//! Removing them is a courtesy: an event that nobody waits for does no harm. So they are removed a
//! few at a time, behind each other, and what there is no room to remember stays on the server until
//! it fires or the connection ends.

use std::collections::BTreeSet;

use zk_proto::watch::WatcherType;
use zk_proto::{ByteString, ErrorCode};

#[derive(Debug, Default)]
pub(super) struct Removals {
    due: BTreeSet<(ByteString, WatcherType)>,
    in_flight: usize,
    /// Servers before 3.5 hang up when they are asked.
    unsupported: bool,
}

/// What is to be done about a watch that is to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nobody wants it: it goes.
    Remove,
    /// It may be somebody's soon.
    Later,
    /// It is somebody's, or would take somebody else's with it.
    Keep,
}

impl Removals {
    pub(super) fn add(&mut self, path: ByteString, watcher_type: WatcherType) {
        // Of persistent watches there are never more than users have asked for, one by one.
        let one_shot = matches!(watcher_type, WatcherType::Data | WatcherType::Children);
        if self.unsupported || (one_shot && self.due.len() >= MOST_DUE) {
            return;
        }
        self.due.insert((path, watcher_type));
    }

    /// Whether something might be sent now. The next ones wait for the answers to the last ones.
    pub(super) fn is_due(&self) -> bool {
        self.in_flight == 0 && !self.due.is_empty()
    }

    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// What to ask the server to remove, all at once.
    pub(super) fn take(
        &mut self,
        fate: impl Fn(&str, WatcherType) -> Fate,
    ) -> Vec<(ByteString, WatcherType)> {
        if !self.is_due() {
            return Vec::new();
        }
        let mut taken = Vec::new();
        self.due.retain(|(path, watcher_type)| {
            let fate = if taken.len() < BATCH { fate(path, *watcher_type) } else { Fate::Later };
            if fate == Fate::Remove {
                taken.push((path.clone(), *watcher_type));
            }
            fate == Fate::Later
        });
        self.in_flight = taken.len();
        taken
    }

    /// The server has answered. What it cannot do just so is due in another way.
    pub(super) fn answered(&mut self, path: &ByteString, asked: WatcherType, err: ErrorCode) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let persistent =
            matches!(asked, WatcherType::Persistent | WatcherType::PersistentRecursive);
        if err == ErrorCode::Unimplemented {
            self.unsupported = true;
            self.due.clear();
        } else if err == ErrorCode::MarshallingError && persistent {
            // Before 3.9 servers do not know these two types (`Watcher.WatcherType`).
            self.add(path.clone(), WatcherType::Any);
        }
    }

    /// The watches have gone with their connection.
    pub(super) fn connection_lost(&mut self) {
        self.due.clear();
        self.in_flight = 0;
    }
}

/// Removals that are sent together.
pub(super) const BATCH: usize = 32;
/// One-shot watches that are remembered as to be removed.
pub(super) const MOST_DUE: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn path(number: usize) -> ByteString {
        format!("/{number:05}").into()
    }

    #[test]
    fn few_are_under_way_at_once_and_what_is_too_much_is_forgotten() {
        let mut removals = Removals::default();
        for number in 0..10_000 {
            removals.add(path(number), WatcherType::Data);
        }
        let mut sent = 0;
        while removals.is_due() {
            let batch = removals.take(|_, _| Fate::Remove);
            assert!(batch.len() <= BATCH && removals.in_flight() == batch.len());
            assert!(removals.take(|_, _| Fate::Remove).is_empty(), "one batch at a time");
            sent += batch.len();
            for (path, watcher_type) in batch {
                removals.answered(&path, watcher_type, ErrorCode::NoWatcher);
            }
        }
        assert_eq!(sent, MOST_DUE);
    }

    #[test]
    fn what_may_be_wanted_soon_is_asked_about_again_and_what_is_wanted_is_kept() {
        let mut removals = Removals::default();
        for number in 0..3 {
            removals.add(path(number), WatcherType::Data);
        }
        let fate = |at: &str, _| match at {
            "/00000" => Fate::Later,
            "/00001" => Fate::Keep,
            _ => Fate::Remove,
        };
        assert_eq!(removals.take(fate), [(path(2), WatcherType::Data)]);
        removals.answered(&path(2), WatcherType::Data, ErrorCode::Ok);
        assert_eq!(removals.take(|_, _| Fate::Remove), [(path(0), WatcherType::Data)]);
        assert!(!removals.is_due());
    }

    #[test]
    fn a_server_that_does_not_know_the_type_is_asked_for_all_of_them() {
        let mut removals = Removals::default();
        removals.add(path(1), WatcherType::PersistentRecursive);
        removals.take(|_, _| Fate::Remove);
        removals.answered(&path(1), WatcherType::PersistentRecursive, ErrorCode::MarshallingError);
        assert_eq!(removals.take(|_, _| Fate::Remove), [(path(1), WatcherType::Any)]);
        removals.answered(&path(1), WatcherType::Any, ErrorCode::MarshallingError);
        assert!(!removals.is_due(), "there is nothing else to ask for");
    }

    #[test]
    fn a_server_without_removals_is_asked_once() {
        let mut removals = Removals::default();
        removals.add(path(1), WatcherType::Data);
        removals.take(|_, _| Fate::Remove);
        removals.answered(&path(1), WatcherType::Data, ErrorCode::Unimplemented);
        removals.add(path(2), WatcherType::Data);
        assert!(!removals.is_due());
    }
}
