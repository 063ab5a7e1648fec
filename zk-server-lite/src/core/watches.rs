//! Who wants to hear of what (`WatchManager`).
//!
//! Watches belong to a connection, not to a session, and to one server: they are never replicated.
//! The server keeps two tables, and each (connection, path) has at most one watch of a mode in a
//! table, however often it was asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zk_proto::{Acl, ByteString, EventType};

use super::data_tree::parent_of;
use super::txn::Change;

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
            WatchTable::Data => self.data.add(path, conn),
            WatchTable::Child => self.child.add(path, conn),
        }
    }

    /// Forgets a connection that is gone.
    pub(crate) fn remove_connection(&mut self, conn: ConnId) {
        self.data.remove_connection(conn);
        self.child.remove_connection(conn);
    }

    /// How many watches there are, in both tables.
    pub(crate) fn count(&self) -> usize {
        self.data.count.saturating_add(self.child.count)
    }

    /// What a change makes fire, in order; one-shot watches that fire are gone.
    pub(crate) fn trigger(&mut self, change: &Change) -> Vec<Fired> {
        let mut fired = Vec::new();
        match change {
            Change::DataChanged { path, acl } => {
                self.data.fire(path, EventType::NodeDataChanged, acl, &mut fired);
            }
            Change::Created { path, acl, parent_acl } => {
                self.data.fire(path, EventType::NodeCreated, acl, &mut fired);
                self.fire_children_of_parent(path, parent_acl, &mut fired);
            }
            Change::Deleted { path, acl, parent_acl } => {
                self.data.fire(path, EventType::NodeDeleted, acl, &mut fired);
                let told: BTreeSet<ConnId> = fired.iter().map(|fired| fired.conn).collect();
                // A connection that watches both is told once, and both watches are gone.
                let mut more = Vec::new();
                self.child.fire(path, EventType::NodeDeleted, acl, &mut more);
                fired.extend(more.into_iter().filter(|fired| !told.contains(&fired.conn)));
                self.fire_children_of_parent(path, parent_acl, &mut fired);
            }
        }
        fired
    }

    fn fire_children_of_parent(
        &mut self,
        path: &ByteString,
        acl: &Arc<[Acl]>,
        fired: &mut Vec<Fired>,
    ) {
        if let Some(parent) = parent_of(path) {
            self.child.fire(parent, EventType::NodeChildrenChanged, acl, fired);
        }
    }
}

#[expect(clippy::disallowed_types, reason = "looked up by path; its order is never observed")]
type Watchers = std::collections::HashMap<ByteString, BTreeSet<ConnId>>;

/// One-shot watches by path, and the way back from each connection to its paths.
#[derive(Debug, Default)]
struct Table {
    watchers: Watchers,
    paths: BTreeMap<ConnId, BTreeSet<ByteString>>,
    count: usize,
}

impl Table {
    fn add(&mut self, path: &str, conn: ConnId) {
        // A copy: the path of a request is a slice of a read buffer.
        let path = ByteString::from(path);
        if self.paths.entry(conn).or_default().insert(path.clone()) {
            self.watchers.entry(path).or_default().insert(conn);
            self.count = self.count.saturating_add(1);
        }
    }

    fn fire(&mut self, path: &str, event: EventType, acl: &Arc<[Acl]>, fired: &mut Vec<Fired>) {
        let Some((path, conns)) = self.watchers.remove_entry(path) else {
            return;
        };
        self.count = self.count.saturating_sub(conns.len());
        for conn in conns {
            self.forget_path(conn, &path);
            fired.push(Fired { conn, event, path: path.clone(), acl: Arc::clone(acl) });
        }
    }

    fn forget_path(&mut self, conn: ConnId, path: &ByteString) {
        if let Some(paths) = self.paths.get_mut(&conn) {
            paths.remove(path);
            if paths.is_empty() {
                self.paths.remove(&conn);
            }
        }
    }

    fn remove_connection(&mut self, conn: ConnId) {
        let paths = self.paths.remove(&conn).unwrap_or_default();
        self.count = self.count.saturating_sub(paths.len());
        for path in paths {
            if let Some(conns) = self.watchers.get_mut(&path) {
                conns.remove(&conn);
                if conns.is_empty() {
                    self.watchers.remove(&path);
                }
            }
        }
    }
}
