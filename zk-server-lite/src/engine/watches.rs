//! Requests about watches, and what is told of them.

use zk_proto::message::{
    AddWatchRequest, CheckWatchesRequest, ErrorResponse, NoBody, RemoveWatchesRequest,
};
use zk_proto::{ByteString, ErrorCode, SessionId, Xid};

use crate::core::{WatchTable, WatchesSummary};

use super::connections::Phase;
use super::{ConnId, Engine};

impl Engine {
    /// Sets a one-shot watch if the read that asks for it has found what can be watched.
    pub(super) fn watch(&mut self, wanted: bool, table: WatchTable, path: &str, conn: ConnId) {
        if wanted {
            self.watches.add(table, path, conn);
        }
    }

    /// Asks neither whether the node exists, nor who may read it, nor whether the path is one
    /// (`FinalRequestProcessor`).
    pub(super) fn add_watch(&mut self, conn: ConnId, xid: Xid, request: &AddWatchRequest) {
        self.watches.add_watch(&request.path, conn, request.mode);
        self.reply(conn, xid, Ok(ErrorResponse { err: ErrorCode::Ok }));
    }

    pub(super) fn check_watches(&mut self, conn: ConnId, xid: Xid, request: &CheckWatchesRequest) {
        let found = self.watches.contains(&request.path, conn, request.watcher_type);
        self.reply(conn, xid, if found { Ok(NoBody {}) } else { Err(ErrorCode::NoWatcher) });
    }

    pub(super) fn remove_watches(
        &mut self,
        conn: ConnId,
        xid: Xid,
        request: &RemoveWatchesRequest,
    ) {
        let removed = self.watches.remove(&request.path, conn, request.watcher_type);
        self.reply(conn, xid, if removed { Ok(NoBody {}) } else { Err(ErrorCode::NoWatcher) });
    }

    /// How many watches there are: pairs of a connection and a path, in both tables (mntr).
    pub(crate) fn watch_count(&self) -> usize {
        self.watches.count()
    }

    /// The data watches in numbers (wchs).
    pub(crate) fn watches_summary(&self) -> WatchesSummary {
        self.watches.summary()
    }

    /// The paths of each session's data watches (wchc).
    pub(crate) fn watches_by_session(
        &self,
    ) -> impl Iterator<Item = (SessionId, impl Iterator<Item = &ByteString>)> {
        self.watches.paths_by_connection().map(|(conn, paths)| (self.session_of(conn), paths))
    }

    /// The sessions of each path with data watches, the paths in no order (wchp).
    pub(crate) fn watches_by_path(
        &self,
    ) -> impl Iterator<Item = (&ByteString, impl Iterator<Item = SessionId>)> {
        self.watches
            .connections_by_path()
            .map(|(path, conns)| (path, conns.map(|conn| self.session_of(conn))))
    }

    fn session_of(&self, conn: ConnId) -> SessionId {
        match self.connections.get(&conn).map(|connection| &connection.phase) {
            Some(Phase::Serving { session, .. }) => *session,
            // Nobody watches without a session.
            Some(Phase::Handshaking | Phase::Joining { .. }) | None => SessionId::NONE,
        }
    }
}
