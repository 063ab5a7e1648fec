//! What the four letter words and the metrics tell of watches.
//!
//! wchs, wchc and wchp speak of the data table only (`DataTree.dumpWatches`), the number of watches
//! in mntr of both (`DataTree.getWatchCount`). A persistent watch stands in both tables and so
//! counts twice there.

use zk_proto::ByteString;

use super::{ConnId, WatchManager};

/// The data table in three numbers (`WatchesSummary`, wchs).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WatchesSummary {
    /// Connections that watch; one whose last watch has fired still counts.
    pub(crate) connections: usize,
    /// Paths that are watched.
    pub(crate) paths: usize,
    /// Pairs of a connection and a path.
    pub(crate) total: usize,
}

impl WatchManager {
    /// How many pairs of a connection and a path there are, in both tables.
    pub(crate) fn count(&self) -> usize {
        self.data.count.saturating_add(self.child.count)
    }

    /// The data table in numbers.
    pub(crate) fn summary(&self) -> WatchesSummary {
        WatchesSummary {
            connections: self.data.paths.len(),
            paths: self.data.watchers.len(),
            total: self.data.count,
        }
    }

    /// The paths of each connection in the data table, both in order (wchc).
    pub(crate) fn paths_by_connection(
        &self,
    ) -> impl Iterator<Item = (ConnId, impl Iterator<Item = &ByteString>)> {
        self.data.paths.iter().map(|(conn, paths)| (*conn, paths.iter()))
    }

    /// The connections of each path in the data table; the paths in no order (wchp).
    pub(crate) fn connections_by_path(
        &self,
    ) -> impl Iterator<Item = (&ByteString, impl Iterator<Item = ConnId>)> {
        self.data.watchers.iter().map(|(path, conns)| (path, conns.keys().copied()))
    }
}
