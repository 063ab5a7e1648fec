//! The watches that a server has for one connection, as ZooKeeper 3.9 keeps them, or as 3.8 does.

use std::collections::{BTreeMap, BTreeSet};

use zk_proto::watch::WatcherType;
use zk_proto::{AddWatchMode, ErrorCode, EventType, path};

#[derive(Default)]
pub(super) struct WatchTables {
    /// Whether it is a server before 3.9, with one mode for each path.
    is_old: bool,
    /// One-shot data watches.
    pub(super) one_shot: BTreeSet<String>,
    /// For data, by path.
    data: BTreeMap<String, Modes>,
    /// For lists of children.
    child: BTreeSet<String>,
}

#[derive(Clone, Copy, Default, PartialEq)]
struct Modes {
    persistent: bool,
    recursive: bool,
}

impl WatchTables {
    pub(super) fn new(is_old: bool) -> Self {
        Self { is_old, ..Self::default() }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.is_old);
    }

    pub(super) fn add(&mut self, path: &str, mode: AddWatchMode) {
        let modes = self.data.entry(path.to_owned()).or_default();
        if self.is_old {
            *modes = Modes::default();
        }
        if mode == AddWatchMode::PersistentRecursive {
            modes.recursive = true;
        } else {
            modes.persistent = true;
            self.child.insert(path.to_owned());
        }
    }

    pub(super) fn remove(&mut self, path: &str, watcher_type: WatcherType) -> ErrorCode {
        let before = (self.one_shot.len(), self.data.clone(), self.child.len());
        match watcher_type {
            WatcherType::Persistent | WatcherType::PersistentRecursive if self.is_old => {
                return ErrorCode::MarshallingError;
            }
            WatcherType::Persistent => {
                self.data.entry(path.to_owned()).or_default().persistent = false;
                self.child.remove(path);
            }
            WatcherType::PersistentRecursive => {
                self.data.entry(path.to_owned()).or_default().recursive = false;
            }
            WatcherType::Data => {
                self.one_shot.remove(path);
            }
            WatcherType::Any => {
                self.one_shot.remove(path);
                self.data.remove(path);
                self.child.remove(path);
            }
            _ => panic!("{watcher_type:?} of which there are none"),
        }
        self.data.retain(|_, modes| *modes != Modes::default());
        let after = (self.one_shot.len(), self.data.clone(), self.child.len());
        if before == after { ErrorCode::NoWatcher } else { ErrorCode::Ok }
    }

    pub(super) fn hears(&self, event_type: EventType, path: &str) -> bool {
        if event_type == EventType::NodeChildrenChanged {
            return self.child.contains(path);
        }
        let mut above = path::ancestors(path).filter_map(|above| self.data.get(above));
        self.data.contains_key(path) || above.any(|modes| modes.recursive)
    }

    /// Whether somebody who wants this gets all of it.
    pub(super) fn serves(&self, path: &str, mode: AddWatchMode) -> bool {
        let modes = self.data.get(path);
        if mode == AddWatchMode::PersistentRecursive {
            modes.is_some_and(|modes| modes.recursive)
        } else {
            modes.is_some() && self.child.contains(path)
        }
    }

    pub(super) fn has_persistent(&self) -> bool {
        !self.data.is_empty() || !self.child.is_empty()
    }
}
