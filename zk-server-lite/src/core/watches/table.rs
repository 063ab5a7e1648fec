//! One of the two tables: watches by path, and the way back from each connection to its paths.

use std::collections::{BTreeMap, BTreeSet};

use zk_proto::{ByteString, path};

use super::ConnId;
use super::stats::{WatchStats, WatcherMode};

#[expect(clippy::disallowed_types, reason = "looked up by path; listings of it are in no order")]
type Watchers = std::collections::HashMap<ByteString, BTreeMap<ConnId, WatchStats>>;

/// Watches of all connections; no entry is without a mode.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) watchers: Watchers,
    /// Without paths is a connection whose last watch has fired: the original goes on counting it
    /// among those that watch, until it removes a watch or is gone.
    pub(super) paths: BTreeMap<ConnId, BTreeSet<ByteString>>,
    /// How many entries there are, over all paths.
    pub(super) count: usize,
    /// How many of them are recursive: while there are none, no change looks at its ancestors.
    recursive: usize,
}

impl Table {
    pub(super) fn add(&mut self, path: &str, conn: ConnId, mode: WatcherMode) {
        let known = self.watchers.get_mut(path).and_then(|conns| conns.get_mut(&conn));
        let before = known.as_deref().copied().unwrap_or_default();
        let after = before.add_mode(mode);
        if let Some(stats) = known {
            *stats = after;
        } else {
            // A copy: the path of a request is a slice of a read buffer.
            let path = ByteString::from(path);
            self.paths.entry(conn).or_default().insert(path.clone());
            self.watchers.entry(path).or_default().insert(conn, after);
            self.count = self.count.saturating_add(1);
        }
        if mode == WatcherMode::PersistentRecursive && before != after {
            self.recursive = self.recursive.saturating_add(1);
        }
    }

    /// The modes of a connection on exactly this path.
    pub(super) fn modes(&self, path: &str, conn: ConnId) -> WatchStats {
        self.watchers.get(path).and_then(|conns| conns.get(&conn)).copied().unwrap_or_default()
    }

    /// Who hears of a change of this path, each once and in order: who watches it, and who watches
    /// recursively above it. Its one-shot watches are used up; those above are not touched.
    pub(super) fn trigger(&mut self, path: &str) -> Vec<ConnId> {
        let mut told = self.trigger_path(path);
        if self.recursive > 0 {
            for ancestor in path::ancestors(path).skip(1) {
                let conns = self.watchers.get(ancestor).into_iter().flatten();
                let recursive =
                    conns.filter(|(_, stats)| stats.has_mode(WatcherMode::PersistentRecursive));
                told.extend(recursive.map(|(conn, _)| *conn));
            }
            told.sort_unstable();
            told.dedup();
        }
        told
    }

    fn trigger_path(&mut self, path: &str) -> Vec<ConnId> {
        let Some(conns) = self.watchers.get_mut(path) else {
            return Vec::new();
        };
        let told: Vec<ConnId> = conns.keys().copied().collect();
        conns.retain(|conn, stats| {
            *stats = stats.remove_mode(WatcherMode::Standard);
            if stats.is_none()
                && let Some(paths) = self.paths.get_mut(conn)
            {
                paths.remove(path);
            }
            !stats.is_none()
        });
        let gone = told.len().saturating_sub(conns.len());
        self.count = self.count.saturating_sub(gone);
        if conns.is_empty() {
            self.watchers.remove(path);
        }
        told
    }

    /// Takes one mode from a connection's watch of a path; whether it had it.
    pub(super) fn remove(&mut self, path: &str, conn: ConnId, mode: WatcherMode) -> bool {
        let before = self.modes(path, conn);
        let after = before.remove_mode(mode);
        if before == after {
            return false;
        }
        self.put(path, conn, after);
        self.forget_recursive(before, after);
        true
    }

    /// Takes all modes from a connection's watch of a path; whether it had any.
    pub(super) fn remove_all(&mut self, path: &str, conn: ConnId) -> bool {
        let before = self.modes(path, conn);
        if before.is_none() {
            return false;
        }
        self.put(path, conn, WatchStats::default());
        self.forget_recursive(before, WatchStats::default());
        true
    }

    pub(super) fn remove_connection(&mut self, conn: ConnId) {
        let paths = self.paths.remove(&conn).unwrap_or_default();
        self.count = self.count.saturating_sub(paths.len());
        for path in paths {
            let Some(conns) = self.watchers.get_mut(&path) else {
                continue;
            };
            let before = conns.remove(&conn).unwrap_or_default();
            if conns.is_empty() {
                self.watchers.remove(&path);
            }
            self.forget_recursive(before, WatchStats::default());
        }
    }

    /// Changes an entry that is there; without modes it is removed.
    fn put(&mut self, path: &str, conn: ConnId, stats: WatchStats) {
        let Some(conns) = self.watchers.get_mut(path) else {
            return;
        };
        if !stats.is_none() {
            conns.insert(conn, stats);
            return;
        }
        conns.remove(&conn);
        self.count = self.count.saturating_sub(1);
        if conns.is_empty() {
            self.watchers.remove(path);
        }
        if let Some(paths) = self.paths.get_mut(&conn) {
            paths.remove(path);
            if paths.is_empty() {
                self.paths.remove(&conn);
            }
        }
    }

    fn forget_recursive(&mut self, before: WatchStats, after: WatchStats) {
        let recursive = WatcherMode::PersistentRecursive;
        if before.has_mode(recursive) && !after.has_mode(recursive) {
            self.recursive = self.recursive.saturating_sub(1);
        }
    }
}
