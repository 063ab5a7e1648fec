//! Who wants to hear of what (`WatchManager`).
//!
//! Watches belong to a connection, not to a session, and to one server: they are never replicated.
//! The server keeps two tables. In each a (connection, path) has one entry, with the modes in
//! which it was set, however often it was asked for.
//!
//! | set by | data table | child table |
//! |---|---|---|
//! | getData, exists | standard | |
//! | getChildren | | standard |
//! | addWatch, persistent | persistent | persistent |
//! | addWatch, persistent recursive | recursive | |

mod report;
mod stats;
mod table;

use std::sync::Arc;

use zk_proto::{Acl, AddWatchMode, ByteString, EventType, WatcherType, path};

use super::txn::Change;

pub(crate) use report::WatchesSummary;
use stats::WatcherMode;
use table::Table;

/// One connection of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ConnId(pub(crate) u64);

/// Which of the two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchTable {
    /// Watches of data and existence.
    Data,
    /// Watches of lists of children.
    Child,
}

/// All watches of one server.
#[derive(Debug, Default)]
pub(crate) struct WatchManager {
    data: Table,
    child: Table,
}

/// An event for one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fired {
    /// Who hears of it.
    pub(crate) conn: ConnId,
    /// What happened.
    pub(crate) event: EventType,
    /// To which node.
    pub(crate) path: ByteString,
    /// Who may read it may hear of it; the watch is gone in any case.
    pub(crate) acl: Arc<[Acl]>,
}

impl WatchManager {
    /// Sets a one-shot watch.
    pub(crate) fn add(&mut self, table: WatchTable, path: &str, conn: ConnId) {
        match table {
            WatchTable::Data => self.data.add(path, conn, WatcherMode::Standard),
            WatchTable::Child => self.child.add(path, conn, WatcherMode::Standard),
        }
    }

    /// Sets a watch that stays (`DataTree.addWatch`). It takes nothing from the watches that the
    /// connection has on the path in other modes (3.9.0, ZOOKEEPER-4466).
    pub(crate) fn add_watch(&mut self, path: &str, conn: ConnId, mode: AddWatchMode) {
        if mode == AddWatchMode::PersistentRecursive {
            self.data.add(path, conn, WatcherMode::PersistentRecursive);
        } else {
            self.data.add(path, conn, WatcherMode::Persistent);
            self.child.add(path, conn, WatcherMode::Persistent);
        }
    }

    /// Whether the connection has such a watch of its own on exactly this path
    /// (`DataTree.containsWatcher`).
    pub(crate) fn contains(&self, path: &str, conn: ConnId, watcher_type: WatcherType) -> bool {
        let data = self.data.modes(path, conn);
        let child = self.child.modes(path, conn);
        match Kinds::of(watcher_type) {
            Kinds::None => false,
            Kinds::All => !data.is_none() || !child.is_none(),
            Kinds::Child => child.has_mode(WatcherMode::Standard),
            Kinds::Data(mode) => data.has_mode(mode),
            Kinds::Both(mode) => data.has_mode(mode) || child.has_mode(mode),
        }
    }

    /// Removes such watches of the connection on exactly this path, without an event; whether
    /// there was one (`DataTree.removeWatch`).
    pub(crate) fn remove(&mut self, path: &str, conn: ConnId, watcher_type: WatcherType) -> bool {
        match Kinds::of(watcher_type) {
            Kinds::None => false,
            Kinds::All => {
                let child = self.child.remove_all(path, conn);
                self.data.remove_all(path, conn) || child
            }
            Kinds::Child => self.child.remove(path, conn, WatcherMode::Standard),
            Kinds::Data(mode) => self.data.remove(path, conn, mode),
            Kinds::Both(mode) => {
                let child = self.child.remove(path, conn, mode);
                self.data.remove(path, conn, mode) || child
            }
        }
    }

    /// Forgets a connection that is gone.
    pub(crate) fn remove_connection(&mut self, conn: ConnId) {
        self.data.remove_connection(conn);
        self.child.remove_connection(conn);
    }

    /// What a change makes fire, in order; one-shot watches that fire are gone.
    ///
    /// A connection hears at most once of what happened to a node, and at most once of what
    /// happened to its parent's list of children, whatever watches it has.
    pub(crate) fn trigger(&mut self, change: &Change) -> Vec<Fired> {
        let mut fired = Vec::new();
        match change {
            Change::DataChanged { path, acl } => {
                let told = self.data.trigger(path);
                tell(&mut fired, &told, EventType::NodeDataChanged, path, acl);
            }
            Change::Created { path, acl, parent_acl } => {
                let told = self.data.trigger(path);
                tell(&mut fired, &told, EventType::NodeCreated, path, acl);
                self.trigger_children_of_parent(path, parent_acl, &mut fired);
            }
            Change::Deleted { path, acl, parent_acl } => {
                let told = self.data.trigger(path);
                tell(&mut fired, &told, EventType::NodeDeleted, path, acl);
                // A connection that watches both is told once, and both one-shot watches are gone.
                let mut more = self.child.trigger(path);
                more.retain(|conn| told.binary_search(conn).is_err());
                tell(&mut fired, &more, EventType::NodeDeleted, path, acl);
                self.trigger_children_of_parent(path, parent_acl, &mut fired);
            }
        }
        fired
    }

    fn trigger_children_of_parent(
        &mut self,
        path: &ByteString,
        acl: &Arc<[Acl]>,
        fired: &mut Vec<Fired>,
    ) {
        if let Some(parent) = path::parent(path) {
            let told = self.child.trigger(parent);
            if !told.is_empty() {
                let parent = path.slice_ref(parent);
                tell(fired, &told, EventType::NodeChildrenChanged, &parent, acl);
            }
        }
    }
}

/// One event for each of these connections.
fn tell(
    fired: &mut Vec<Fired>,
    conns: &[ConnId],
    event: EventType,
    path: &ByteString,
    acl: &Arc<[Acl]>,
) {
    fired.extend(conns.iter().map(|conn| Fired {
        conn: *conn,
        event,
        path: path.clone(),
        acl: Arc::clone(acl),
    }));
}

/// What a [`WatcherType`] stands for on a server: which tables, and which mode in them.
enum Kinds {
    None,
    Child,
    Data(WatcherMode),
    Both(WatcherMode),
    All,
}

impl Kinds {
    const fn of(watcher_type: WatcherType) -> Self {
        match watcher_type {
            WatcherType::Children => Self::Child,
            WatcherType::Data => Self::Data(WatcherMode::Standard),
            WatcherType::Persistent => Self::Both(WatcherMode::Persistent),
            WatcherType::PersistentRecursive => Self::Data(WatcherMode::PersistentRecursive),
            WatcherType::Any => Self::All,
            // Whatever the protocol learns later.
            _ => Self::None,
        }
    }
}
