//! A server that follows another one: it reads, watches and answers pings by itself, and has the
//! leader decide on writes and sessions.
//!
//! What the leader has decided arrives as [`Ordered`], in the leader's order and possibly late. Until
//! it is applied here nobody sees it here, and who asked for it gets no answer: nor does anything
//! that was asked behind it on the same connection (`CommitProcessor`).

use std::collections::VecDeque;

use bytes::Bytes;
use zk_proto::jute::Reader;
use zk_proto::message::{ConnectRequest, RequestHeader, SyncResponse};
use zk_proto::op::Request;
use zk_proto::{ByteString, Decode, ErrorCode, OpCode, SessionId, Xid};

use crate::core::{Caller, Txn, TxnBody, TxnResult, WriteRequest, first_session_id};

use super::connections::Phase;
use super::leader::Origin;
use super::{ConnId, Engine, FollowerId, Forward, Now, Ordered};

/// What a server has that follows.
#[derive(Debug)]
pub(super) struct Follower {
    id: FollowerId,
    /// What the leader is to be asked.
    forwards: VecDeque<Forward>,
}

/// Something on a connection that waits.
#[derive(Debug)]
pub(super) enum Waiting {
    /// The leader was asked for this.
    ForLeader { xid: Xid, synced: Option<ByteString> },
    /// This stands behind it.
    ItsTurn { caller: Caller, frame: Bytes },
}

impl Follower {
    /// A session has given a sign of life.
    pub(super) fn touch(&mut self, session: SessionId, timeout_ms: i32) {
        self.forwards.push_back(Forward::Touch { session, timeout_ms });
    }
}

impl Engine {
    /// A server that follows this one, and knows so far what this one knows.
    pub(crate) fn follower(&self, id: FollowerId) -> Self {
        let mut follower = Self::new(self.options.clone());
        follower.replica = self.replica.clone();
        follower.last_session_id = first_session_id(id.0, self.options.session_id_seed_ms);
        follower.follower = Some(Follower { id, forwards: VecDeque::new() });
        follower
    }

    /// What the leader is to be asked next.
    pub(crate) fn poll_forward(&mut self) -> Option<Forward> {
        self.follower.as_mut()?.forwards.pop_front()
    }

    /// The leader has decided, and it is time to know of it here.
    pub(crate) fn handle_ordered(&mut self, ordered: &Ordered, now: Now) {
        let mine =
            |origin: &Origin| self.follower.as_ref().is_some_and(|me| me.id == origin.follower);
        let origin = ordered.origin().filter(mine);
        match ordered {
            Ordered::Txn(txn, _) => self.follow(txn, origin, now),
            Ordered::Sync(_) => {
                if let Some(Origin { conn, xid, .. }) = origin
                    && let Some(path) = self.answered(conn, xid)
                {
                    self.reply(conn, xid, Ok(SyncResponse { path: path.unwrap_or_default() }));
                    self.go_on(conn, now);
                }
            }
        }
    }

    /// The leader has said whether a session is alive that a connection wants to take up.
    pub(crate) fn handle_revalidated(&mut self, (conn, alive): (ConnId, bool), now: Now) {
        if let Some(Phase::Joining { read_only, .. }) = self.phase(conn) {
            if alive {
                self.let_in(conn, now);
            } else {
                self.refuse(conn, read_only);
            }
        }
    }

    /// Whether something on the connection waits for the leader.
    pub(super) fn is_behind(&self, conn: ConnId) -> bool {
        self.connections.get(&conn).is_some_and(|connection| !connection.waiting.is_empty())
    }

    /// Keeps a frame until what came before it is answered.
    pub(super) fn hold(&mut self, conn: ConnId, caller: Caller, frame: Bytes) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.waiting.push_back(Waiting::ItsTurn { caller, frame });
        }
    }

    /// A client has said who it is, and has not seen more than this server.
    pub(super) fn join(&mut self, conn: ConnId, request: &ConnectRequest, timeout_ms: i32) {
        let is_new = request.session_id == SessionId::NONE;
        if !is_new && !self.has_password(conn, request) {
            return self.refuse(conn, request.read_only);
        }
        let session = if is_new { self.next_session() } else { request.session_id };
        if let Some(connection) = self.connections.get_mut(&conn) {
            let read_only = request.read_only;
            connection.phase = Phase::Joining { session, timeout_ms, read_only };
        }
        self.forward(if is_new {
            let request = WriteRequest::CreateSession { timeout: timeout_ms };
            Forward::Write { conn, xid: Xid(0), caller: Caller::server(session), request }
        } else {
            Forward::Revalidate { conn, session, timeout_ms }
        });
    }

    pub(super) fn forward_write(
        &mut self,
        conn: ConnId,
        caller: &Caller,
        (xid, request): (Xid, WriteRequest),
    ) {
        self.await_leader(conn, xid, None);
        self.forward(Forward::Write { conn, xid, caller: caller.clone(), request });
    }

    pub(super) fn forward_sync(&mut self, conn: ConnId, xid: Xid, path: ByteString) {
        self.await_leader(conn, xid, Some(path));
        self.forward(Forward::Sync { conn, xid });
    }

    fn forward(&mut self, forward: Forward) {
        if let Some(follower) = &mut self.follower {
            follower.forwards.push_back(forward);
        }
    }

    fn await_leader(&mut self, conn: ConnId, xid: Xid, synced: Option<ByteString>) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.waiting.push_back(Waiting::ForLeader { xid, synced });
        }
    }

    fn follow(&mut self, txn: &Txn, origin: Option<Origin>, now: Now) {
        let result = self.apply(txn);
        let session = txn.header.session;
        match (origin, &txn.body) {
            (Some(Origin { conn, .. }), TxnBody::CreateSession { .. }) => self.let_in(conn, now),
            (Some(Origin { conn, xid, .. }), body) => {
                if self.answered(conn, xid).is_none() {
                    return;
                }
                // The session is another server's by now: so is its client.
                if result == TxnResult::Error(ErrorCode::SessionMoved) {
                    return self.close(conn);
                }
                self.reply_to_write(conn, xid, txn.header.zxid, result);
                if matches!(body, TxnBody::CloseSession { .. }) {
                    return self.close(conn);
                }
                self.go_on(conn, now);
            }
            (None, TxnBody::CloseSession { .. }) => {
                if let Some(conn) = self.owners.get(&session).copied() {
                    self.close(conn);
                }
            }
            (None, _) => {}
        }
    }

    /// The leader has agreed to a session.
    fn let_in(&mut self, conn: ConnId, now: Now) {
        let Some(Phase::Joining { session, timeout_ms, read_only }) = self.phase(conn) else {
            return;
        };
        self.welcome(conn, session, (timeout_ms, read_only), now);
        let waiting = self.connections.get_mut(&conn).map(|one| std::mem::take(&mut one.waiting));
        for waiting in waiting.into_iter().flatten() {
            if let Waiting::ItsTurn { caller, frame } = waiting {
                self.request(conn, &caller, frame, now);
            }
        }
    }

    /// Takes what was answered from the head of those that wait; tells of which path it was, if it
    /// was a sync. `None` when nobody waits any more.
    fn answered(&mut self, conn: ConnId, answered: Xid) -> Option<Option<ByteString>> {
        let waiting = &mut self.connections.get_mut(&conn)?.waiting;
        match waiting.pop_front() {
            Some(Waiting::ForLeader { xid, synced }) if xid == answered => Some(synced),
            _ => None,
        }
    }

    /// Answers what stood behind something that is answered now, up to what the leader was asked
    /// for next.
    fn go_on(&mut self, conn: ConnId, now: Now) {
        while let Some(connection) = self.connections.get_mut(&conn)
            && let Some(Waiting::ItsTurn { .. }) = connection.waiting.front()
            && let Some(Waiting::ItsTurn { caller, frame }) = connection.waiting.pop_front()
        {
            let mut reader = Reader::new(frame);
            if let Ok(RequestHeader { xid, op }) = RequestHeader::decode(&mut reader) {
                self.answer(conn, &caller, (xid, OpCode::from_code(op), reader), now);
            }
        }
    }

    fn phase(&self, conn: ConnId) -> Option<Phase> {
        self.connections.get(&conn).map(|connection| connection.phase)
    }
}

/// Whether a request is for the leader, and can be read. It is sent there without waiting for what
/// came before it: that keeps the order, too.
pub(super) fn goes_to_leader(op: Option<OpCode>, mut reader: Reader) -> bool {
    let Some(
        op @ (OpCode::Create
        | OpCode::Create2
        | OpCode::CreateContainer
        | OpCode::CreateTtl
        | OpCode::Delete
        | OpCode::SetData
        | OpCode::SetAcl
        | OpCode::Multi
        | OpCode::Reconfig
        | OpCode::Sync
        | OpCode::CloseSession),
    ) = op
    else {
        return false;
    };
    matches!(Request::decode(op, &mut reader), Ok(Some(_)))
}
