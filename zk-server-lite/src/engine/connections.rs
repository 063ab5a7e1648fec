//! What the engine knows of each connection.

use ::core::net::SocketAddr;
use std::collections::VecDeque;

use bytes::BytesMut;
use zk_proto::SessionId;
use zk_proto::frame::put_frame;

use crate::core::AuthIds;

use super::follower::Waiting;
#[cfg(feature = "sasl")]
use super::sasl::SaslExchange;
use super::{ConnId, ConnectionStats, Engine, Now, Output};

/// One client's connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) phase: Phase,
    pub(super) ids: AuthIds,
    #[cfg(feature = "sasl")]
    pub(super) sasl: SaslExchange,
    pub(super) peer: SocketAddr,
    pub(super) stats: ConnectionStats,
    /// When it will be closed if it does not say who it is, in milliseconds.
    pub(super) handshake_deadline_ms: u64,
    /// What waits for the leader.
    pub(super) waiting: VecDeque<Waiting>,
    out: BytesMut,
    /// Whether it stands in the list of those with bytes to send.
    listed: bool,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Phase {
    /// It has not said who it is.
    #[default]
    Handshaking,
    /// It has said who it is, and the leader has not agreed so far.
    Joining {
        /// The session that it will have.
        session: SessionId,
        /// What will be granted to it, in milliseconds.
        timeout_ms: i32,
        /// Whether it would have a server without a quorum, if it knows of such.
        read_only: Option<bool>,
    },
    /// It has a session.
    Serving {
        /// Which.
        session: SessionId,
        /// What was granted to this connection, in milliseconds.
        timeout_ms: i32,
        /// When the session would expire after the last touch.
        expires: u64,
    },
}

impl Connection {
    pub(super) fn new(
        ids: AuthIds,
        peer: SocketAddr,
        handshake_deadline_ms: u64,
        now: Now,
    ) -> Self {
        Self {
            phase: Phase::default(),
            ids,
            #[cfg(feature = "sasl")]
            sasl: SaslExchange::default(),
            peer,
            stats: ConnectionStats::new(now.wall_ms),
            handshake_deadline_ms,
            waiting: VecDeque::new(),
            out: BytesMut::new(),
            listed: false,
        }
    }

    pub(super) const fn is_handshaking(&self) -> bool {
        matches!(self.phase, Phase::Handshaking)
    }

    pub(super) fn unsent(&self) -> usize {
        self.out.len()
    }

    /// The bytes to send, if there are any. A buffer that has not grown large is used again once
    /// the bytes are gone.
    pub(super) fn take_unsent(&mut self) -> Option<BytesMut> {
        self.listed = false;
        if self.out.is_empty() {
            None
        } else if self.out.len() > LARGE {
            Some(std::mem::take(&mut self.out))
        } else {
            Some(self.out.split())
        }
    }
}

impl Engine {
    /// Sends a frame on a connection and tells how long it is without its length; `None` when
    /// there is no such connection.
    pub(super) fn send(&mut self, conn: ConnId, body: impl FnOnce(&mut BytesMut)) -> Option<usize> {
        let connection = self.connections.get_mut(&conn)?;
        if !connection.listed {
            connection.listed = true;
            self.ready.push_back(conn);
        }
        self.stats.sent = self.stats.sent.wrapping_add(1);
        connection.stats.count_sent();
        let mut length = 0;
        put_frame(&mut connection.out, |out| {
            let before = out.len();
            body(out);
            length = out.len().saturating_sub(before);
        });
        Some(length)
    }

    /// Closes a connection, after what was written to it.
    pub(super) fn close(&mut self, conn: ConnId) {
        if let Some(mut connection) = self.forget(conn) {
            if let Some(bytes) = connection.take_unsent() {
                self.closing.push_back(Output::Send { conn, bytes });
            }
            self.closing.push_back(Output::Close { conn });
        }
    }

    pub(super) fn forget(&mut self, conn: ConnId) -> Option<Connection> {
        let connection = self.connections.remove(&conn)?;
        self.watches.remove_connection(conn);
        if let Phase::Serving { session, .. } = connection.phase
            && self.owners.get(&session) == Some(&conn)
        {
            self.owners.remove(&session);
        }
        Some(connection)
    }
}

/// Buffers that have grown beyond this many bytes are given up rather than kept.
const LARGE: usize = 64 * 1024;
