//! Watches that a client sets again after a reconnect (`DataTree.setWatches`).

use zk_proto::message::{SetWatches, SetWatches2};
use zk_proto::{AddWatchMode, ByteString, EventType, Stat, Zxid};

use crate::core::WatchTable;

use super::{ConnId, Engine};

impl Engine {
    /// Sets what still holds, and tells at once what the client has missed. A watch that is told
    /// of something is not set. Nobody is asked whether the client may read what it is told of.
    pub(super) fn set_watches(&mut self, conn: ConnId, request: SetWatches2) {
        let seen = request.relative_zxid;
        for path in request.data_watches {
            let missed = match self.stat(&path) {
                None => Some(EventType::NodeDeleted),
                Some(stat) => (stat.mzxid > seen).then_some(EventType::NodeDataChanged),
            };
            self.tell_or_watch(conn, WatchTable::Data, path, missed);
        }
        for path in request.exist_watches {
            // Whatever the client has seen: for it the node did not exist.
            let missed = self.stat(&path).map(|_| EventType::NodeCreated);
            self.tell_or_watch(conn, WatchTable::Data, path, missed);
        }
        for path in request.child_watches {
            let missed = match self.stat(&path) {
                None => Some(EventType::NodeDeleted),
                Some(stat) => (stat.pzxid > seen).then_some(EventType::NodeChildrenChanged),
            };
            self.tell_or_watch(conn, WatchTable::Child, path, missed);
        }
        // What those that stay have missed is not told.
        for path in request.persistent_watches {
            self.watches.add_watch(&path, conn, AddWatchMode::Persistent);
        }
        for path in request.persistent_recursive_watches {
            self.watches.add_watch(&path, conn, AddWatchMode::PersistentRecursive);
        }
    }

    fn stat(&self, path: &str) -> Option<Stat> {
        self.replica.tree().node(path).map(|node| node.stat())
    }

    fn tell_or_watch(
        &mut self,
        conn: ConnId,
        table: WatchTable,
        path: ByteString,
        missed: Option<EventType>,
    ) {
        match missed {
            Some(event) => self.send_event(conn, event, path, NO_TXN),
            None => self.watches.add(table, &path, conn),
        }
    }
}

/// The first form of the request as the second.
pub(super) fn all_lists(request: SetWatches) -> SetWatches2 {
    SetWatches2 {
        relative_zxid: request.relative_zxid,
        data_watches: request.data_watches,
        exist_watches: request.exist_watches,
        child_watches: request.child_watches,
        ..SetWatches2::default()
    }
}

/// What events carry that no transaction has caused just now.
const NO_TXN: Zxid = Zxid(-1);
