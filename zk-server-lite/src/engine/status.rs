//! What an engine tells of itself: connections, sessions and counters.

use ::core::net::SocketAddr;

use zk_proto::{OpCode, SessionId, Xid};

use super::connections::Phase;
use super::{ConnId, ConnectionStats, Engine, EngineOptions, LastOp, Now, ServerStats};

/// One connection, as it is now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionStatus {
    pub(crate) conn: ConnId,
    pub(crate) peer: SocketAddr,
    /// Its session and the timeout that was granted to it, in milliseconds.
    pub(crate) session: Option<(SessionId, i32)>,
    /// When it will be closed if nothing comes, in milliseconds of the engine's clock.
    pub(crate) expires_ms: u64,
    pub(crate) stats: ConnectionStats,
}

impl Engine {
    /// What it was started with.
    pub(crate) const fn options(&self) -> &EngineOptions {
        &self.options
    }

    pub(crate) const fn stats(&self) -> &ServerStats {
        &self.stats
    }

    /// All connections, the oldest first.
    pub(crate) fn connections(&self) -> impl Iterator<Item = ConnectionStatus> + '_ {
        self.connections.iter().map(|(conn, connection)| {
            let (session, expires_ms) = match connection.phase {
                Phase::Handshaking | Phase::Joining { .. } => {
                    (None, connection.handshake_deadline_ms)
                }
                Phase::Serving { session, timeout_ms, expires } => {
                    (Some((session, timeout_ms)), expires)
                }
            };
            let (peer, stats) = (connection.peer, connection.stats);
            ConnectionStatus { conn: *conn, peer, session, expires_ms, stats }
        })
    }

    /// When sessions will end, in milliseconds of the engine's clock, the next ones first.
    pub(crate) fn session_expiry(&self) -> impl Iterator<Item = (u64, Vec<SessionId>)> + '_ {
        self.expiry.buckets()
    }

    /// A four letter word has arrived.
    pub(crate) fn handle_word(&mut self, conn: ConnId) {
        self.stats.count_received(WORD);
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.stats.count_received();
        }
    }

    /// Takes note of what a connection asks for. It will be answered, or the connection closed.
    /// A request is a sign of life of the session, too, at most once a tick.
    pub(super) fn note(&mut self, conn: ConnId, op: OpCode, xid: Xid, now: Now) {
        self.stats.count_request();
        let Some(connection) = self.connections.get_mut(&conn) else {
            return;
        };
        connection.stats.note(op, xid);
        if let Phase::Serving { session, timeout_ms, expires } = &mut connection.phase {
            let later = self.expiry.expires(now.elapsed_ms, *timeout_ms);
            if later != *expires {
                *expires = later;
                match &mut self.follower {
                    Some(follower) => follower.touch(*session, *timeout_ms),
                    None => self.expiry.set(*session, later),
                }
            }
        }
    }

    /// A write that fails has no name (`FinalRequestProcessor` throws before it gets to that).
    pub(super) fn note_refusal(&mut self, conn: ConnId) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.stats.last_op = LastOp::NotAvailable;
        }
    }

    /// Someone was not let in.
    pub(crate) const fn handle_rejected(&mut self) {
        self.stats.connections_rejected = self.stats.connections_rejected.wrapping_add(1);
    }

    /// Begins to count anew (`srst`).
    pub(crate) fn reset_stats(&mut self) {
        self.stats.reset();
    }

    /// Begins to count anew for each connection (`crst`).
    pub(crate) fn reset_connection_stats(&mut self) {
        for connection in self.connections.values_mut() {
            connection.stats.reset();
        }
    }
}

/// How long a word is, in bytes.
const WORD: usize = 4;
