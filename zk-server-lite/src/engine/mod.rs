//! One server without IO: connections, sessions and requests over a replica.
//!
//! Inputs are the `handle_*` methods; what they bring about comes out of [`Engine::poll_output`],
//! which has to be drained after every input. Time comes with the inputs as a [`Now`], and
//! [`Engine::next_deadline`] says when [`Engine::handle_timeout`] has to be called.
//!
//! ```text
//!   handle_opened ──┐                                     ┌──► Send { conn, bytes }
//!   handle_frame  ──┤     prepare ► apply ► watches       │
//!   handle_closed ──┼──► (core)              └─ events ───┼──► Close { conn }
//!   handle_timeout ─┘                                     │
//!                                                         └──► next_deadline
//! ```
#![warn(clippy::arithmetic_side_effects)]

mod authentication;
mod connections;
mod containers;
mod expiry;
mod follower;
mod handshake;
mod leader;
mod null_path;
mod read_only;
mod reply;
mod requests;
#[cfg(feature = "sasl")]
mod sasl;
mod set_watches;
mod stats;
mod status;
#[cfg(test)]
mod tests;
mod watches;

use ::core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};

use bytes::{Bytes, BytesMut};
use zk_proto::{Permissions, SessionId, Zxid};

use crate::core::{
    AuthIds, Caller, Features, Fired, Replica, Txn, TxnBody, TxnHeader, TxnResult, WatchManager,
    WriteRequest, first_session_id,
};

pub(crate) use crate::core::ConnId;
use connections::{Connection, Phase};
use containers::ContainerManager;
pub(crate) use containers::ContainerOptions;
use expiry::ExpiryQueue;
use follower::Follower;
pub(crate) use leader::{FollowerId, Forward, Ordered};
use leader::{Leader, Origin};
use read_only::ReadOnly;
#[cfg(feature = "sasl")]
pub(crate) use sasl::SaslOptions;
pub(crate) use stats::{ConnectionStats, LastOp, ServerStats};
pub(crate) use status::ConnectionStatus;

/// What time it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// Milliseconds on a clock that never goes back.
    pub(crate) elapsed_ms: u64,
    /// Milliseconds since the epoch.
    pub(crate) wall_ms: i64,
}

/// What a server is told when it starts.
#[derive(Clone, Debug)]
pub(crate) struct EngineOptions {
    /// The unit of session expiry, in milliseconds; not 0.
    pub(crate) tick_ms: u64,
    /// The shortest session timeout, in milliseconds.
    pub(crate) min_session_timeout_ms: i32,
    /// The longest session timeout, in milliseconds.
    pub(crate) max_session_timeout_ms: i32,
    /// Makes the session ids of this start differ from those of other starts.
    pub(crate) session_id_seed_ms: u64,
    /// What is switched on that is off by default.
    pub(crate) features: Features,
    /// When nodes are removed that do not go with a session.
    pub(crate) containers: ContainerOptions,
    /// Whose digest makes a connection the super user's, as `user:hash`.
    pub(crate) super_digest: Option<String>,
    /// Whose certificate makes a connection the super user's, by its subject.
    pub(crate) x509_super_user: Option<String>,
    /// Whether access lists are stored but not looked at.
    pub(crate) skip_acl: bool,
    /// Whether it starts without a quorum.
    pub(crate) read_only: bool,
    /// The schemes of which a client has to be somebody before it can ask for anything; none when
    /// anybody can (`zookeeper.enforce.auth.schemes`).
    pub(crate) enforced_schemes: Vec<String>,
    /// The users of SASL.
    #[cfg(feature = "sasl")]
    pub(crate) sasl: SaslOptions,
}

/// What the shell has to do.
#[must_use = "an output that is dropped never happens"]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Send these bytes, whole frames, on a connection.
    Send {
        /// Where.
        conn: ConnId,
        /// What.
        bytes: BytesMut,
    },
    /// Close a connection, after what was to be sent on it. No input of it is expected any more.
    Close {
        /// Which.
        conn: ConnId,
    },
}

/// A standalone server.
#[derive(Debug)]
pub(crate) struct Engine {
    options: EngineOptions,
    replica: Replica,
    watches: WatchManager,
    connections: BTreeMap<ConnId, Connection>,
    /// The connection of each session that has one.
    owners: BTreeMap<SessionId, ConnId>,
    expiry: ExpiryQueue,
    containers: ContainerManager,
    /// When connections that have not said who they are will be closed, the next one first.
    handshake_deadlines: VecDeque<(u64, ConnId)>,
    read_only: ReadOnly,
    last_session_id: SessionId,
    /// Connections with bytes to send.
    ready: VecDeque<ConnId>,
    /// What is left of connections that were closed.
    closing: VecDeque<Output>,
    stats: ServerStats,
    leader: Leader,
    /// What a server has that follows another one.
    follower: Option<Follower>,
}

impl Engine {
    pub(crate) fn new(options: EngineOptions) -> Self {
        Self {
            replica: Replica::default(),
            watches: WatchManager::default(),
            connections: BTreeMap::new(),
            owners: BTreeMap::new(),
            expiry: ExpiryQueue::new(options.tick_ms),
            containers: ContainerManager::new(options.containers),
            read_only: ReadOnly::new(options.read_only),
            handshake_deadlines: VecDeque::new(),
            last_session_id: first_session_id(SERVER_ID, options.session_id_seed_ms),
            ready: VecDeque::new(),
            closing: VecDeque::new(),
            stats: ServerStats::default(),
            leader: Leader::default(),
            follower: None,
            options,
        }
    }

    /// A client has connected, from an address. The id must be new.
    pub(crate) fn handle_opened(&mut self, conn: ConnId, peer: SocketAddr, now: Now) {
        let ids = AuthIds::of_peer(peer.ip());
        let ids = if self.options.skip_acl { ids.unchecked() } else { ids };
        let deadline = now.elapsed_ms.saturating_add(HANDSHAKE_TIMEOUT_MS);
        self.connections.insert(conn, Connection::new(ids, peer, deadline, now));
        self.handshake_deadlines.push_back((deadline, conn));
    }

    /// The client of a connection has proved, below this protocol, that this is its name.
    pub(crate) fn handle_certificate(&mut self, conn: ConnId, subject: String) {
        let super_user = self.options.x509_super_user.as_deref();
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.ids.add_certificate(subject, super_user);
        }
    }

    /// A frame has arrived, without its length. Frames of connections that the engine has closed
    /// are ignored.
    pub(crate) fn handle_frame(&mut self, conn: ConnId, frame: Bytes, now: Now) {
        let Some(connection) = self.connections.get_mut(&conn) else {
            return;
        };
        self.stats.count_received(frame.len().saturating_add(LENGTH));
        connection.stats.count_received();
        match connection.phase {
            Phase::Handshaking => self.handshake(conn, frame, now),
            Phase::Joining { session, .. } => {
                let caller = Caller { session, ids: connection.ids.clone() };
                self.hold(conn, caller, frame);
            }
            Phase::Serving { session, .. } => {
                // What the connection has shown so far; what it shows later is for later requests.
                let caller = Caller { session, ids: connection.ids.clone() };
                self.request(conn, &caller, frame, now);
            }
        }
    }

    /// What was read of a connection at one time is answered at another.
    pub(crate) fn handle_answered(&mut self, conn: ConnId, read: Now, now: Now) {
        let latency_ms = now.elapsed_ms.saturating_sub(read.elapsed_ms);
        let requests = self.stats.time(latency_ms);
        if requests > 0
            && let Some(connection) = self.connections.get_mut(&conn)
        {
            let zxid = self.replica.last_zxid();
            connection.stats.time(requests, latency_ms, now.elapsed_ms, zxid);
        }
    }

    /// The client has hung up, or sent what is no frame: its session lives on, its watches are
    /// gone.
    pub(crate) fn handle_closed(&mut self, conn: ConnId) {
        self.forget(conn);
    }

    /// Time has passed: sessions expire, connections that never said who they are end, and nodes
    /// go that have had their time.
    pub(crate) fn handle_timeout(&mut self, now: Now) {
        while let Some(session) = self.expiry.pop_due(now.elapsed_ms) {
            self.stats.sessions_expired = self.stats.sessions_expired.wrapping_add(1);
            self.end_session(session, now);
        }
        while let Some((deadline, conn)) = self.handshake_deadlines.front().copied()
            && deadline <= now.elapsed_ms
        {
            self.handshake_deadlines.pop_front();
            if self.connections.get(&conn).is_some_and(Connection::is_handshaking) {
                self.stats.sessionless_expired = self.stats.sessionless_expired.wrapping_add(1);
                self.close(conn);
            }
        }
        self.clean(now);
    }

    /// Ends a session as if its timeout had passed; whether there was one.
    pub(crate) fn expire_session(&mut self, session: SessionId, now: Now) -> bool {
        let known = self.replica.has_session(session) || self.read_only.has(session);
        if known {
            self.end_session(session, now);
        }
        known
    }

    /// Presets the counter that numbers a node's children; whether there was such a node.
    pub(crate) fn set_child_counter(&mut self, path: &str, cversion: i32, now: Now) -> bool {
        let request = WriteRequest::SetCversion { path: path.into(), cversion };
        let (_, result) = self.commit(&Caller::server(SessionId::NONE), request, now);
        result == TxnResult::Done
    }

    /// Closes every connection; sessions live on.
    pub(crate) fn close_all(&mut self) {
        let all: Vec<ConnId> = self.connections.keys().copied().collect();
        for conn in all {
            self.close(conn);
        }
    }

    /// The next thing to do.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        if let Some(output) = self.closing.pop_front() {
            return Some(output);
        }
        while let Some(conn) = self.ready.pop_front() {
            if let Some(connection) = self.connections.get_mut(&conn)
                && let Some(bytes) = connection.take_unsent()
            {
                return Some(Output::Send { conn, bytes });
            }
        }
        None
    }

    /// How many bytes wait to be taken by [`Engine::poll_output`] for a connection.
    pub(crate) fn unsent(&self, conn: ConnId) -> usize {
        self.connections.get(&conn).map_or(0, Connection::unsent)
    }

    /// When [`Engine::handle_timeout`] has something to do, in milliseconds of
    /// [`Now::elapsed_ms`]; `None` while nothing is waited for.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let handshake = self.handshake_deadlines.front().map(|(deadline, _)| *deadline);
        let containers = self.containers.next_deadline().filter(|_| !self.is_read_only());
        [self.expiry.next_deadline(), handshake, containers].into_iter().flatten().min()
    }

    pub(crate) const fn replica(&self) -> &Replica {
        &self.replica
    }

    pub(crate) fn connection_count(&self) -> usize {
        self.connections.len()
    }

    /// Decides, applies and tells those who watch; a refused write is a transaction, too.
    fn commit(&mut self, caller: &Caller, request: WriteRequest, now: Now) -> (Zxid, TxnResult) {
        self.commit_for(None, caller, request, now)
    }

    /// The same, for the one who waits for it at a follower.
    fn commit_for(
        &mut self,
        origin: Option<Origin>,
        caller: &Caller,
        request: WriteRequest,
        now: Now,
    ) -> (Zxid, TxnResult) {
        let features = self.options.features;
        let body = self.replica.prepare(caller, request, features).unwrap_or_else(TxnBody::Error);
        let zxid = Zxid(self.replica.last_zxid().0.wrapping_add(1));
        let header = TxnHeader { session: caller.session, zxid, time: now.wall_ms };
        let txn = Txn { header, body };
        let result = self.apply(&txn);
        self.containers.observe(self.replica.tree(), now);
        self.leader.publish(txn, origin);
        (zxid, result)
    }

    /// Carries out what was decided, and tells those who watch here.
    fn apply(&mut self, txn: &Txn) -> TxnResult {
        let applied = self.replica.apply(txn);
        for change in &applied.changes {
            for fired in self.watches.trigger(change) {
                if self.may_hear(&fired) {
                    self.send_event(fired.conn, fired.event, fired.path, txn.header.zxid);
                }
            }
        }
        applied.result
    }

    /// Whether a watcher may read what the event is about, with what it has shown by now
    /// (CVE-2024-23944).
    fn may_hear(&self, fired: &Fired) -> bool {
        self.connections
            .get(&fired.conn)
            .is_some_and(|connection| connection.ids.may(Permissions::READ, &fired.acl))
    }

    /// Ends a session that did not ask for it: its connection is closed without a word.
    fn end_session(&mut self, session: SessionId, now: Now) {
        if !self.end_own_session(session) {
            self.expiry.remove(session);
            self.leader.forget(session);
            let _ = self.commit(&Caller::server(session), WriteRequest::CloseSession, now);
        }
        if let Some(conn) = self.owners.get(&session) {
            self.close(*conn);
        }
    }
}

/// Connections that take longer to say who they are get closed
/// (`zookeeper.nio.sessionlessCnxnTimeout`).
const HANDSHAKE_TIMEOUT_MS: u64 = 10_000;

/// The bytes before a frame that say how long it is.
const LENGTH: usize = 4;

/// What a standalone ZooKeeper puts into its session ids.
const SERVER_ID: u8 = 1;
