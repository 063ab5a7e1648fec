//! A server that has lost its ensemble and says so: it answers reads, to those who put up with it
//! (`ReadOnlyZooKeeperServer`).
//!
//! Its sessions are its own (`localSessionsEnabled`): they take no transaction, and nobody else
//! knows them. The sessions of the ensemble are not let in and do not end here; that is for those
//! to decide who have a quorum.

use std::collections::BTreeSet;

use zk_proto::message::NoBody;
use zk_proto::{ErrorCode, OpCode, SessionId, Xid};

use super::reply::refused;
use super::{ConnId, Engine, Now};

/// Whether a server is read-only, and the sessions that it has made since.
#[derive(Debug, Default)]
pub(super) struct ReadOnly {
    enabled: bool,
    sessions: BTreeSet<SessionId>,
}

impl ReadOnly {
    pub(super) fn new(enabled: bool) -> Self {
        Self { enabled, sessions: BTreeSet::new() }
    }

    /// Takes note of a new session that is the server's own.
    pub(super) fn add(&mut self, session: SessionId) {
        self.sessions.insert(session);
    }

    pub(super) fn has(&self, session: SessionId) -> bool {
        self.sessions.contains(&session)
    }

    /// Forgets a session; whether it was the server's own.
    pub(super) fn remove(&mut self, session: SessionId) -> bool {
        self.sessions.remove(&session)
    }
}

impl Engine {
    pub(crate) const fn is_read_only(&self) -> bool {
        self.read_only.enabled
    }

    /// Loses the ensemble, or finds it again: every connection ends, as when a server changes its
    /// role. Sessions that the server has made meanwhile are forgotten, and those of the ensemble
    /// have all their time again, as under any new leader.
    pub(crate) fn set_read_only(&mut self, enabled: bool, now: Now) {
        if self.read_only.enabled == enabled {
            return;
        }
        self.close_all();
        let before = std::mem::replace(&mut self.read_only, ReadOnly::new(enabled));
        for session in before.sessions {
            self.expiry.remove(session);
        }
        for (session, timeout_ms) in self.replica.sessions() {
            if enabled {
                self.expiry.remove(session);
            } else {
                let expires = self.expiry.expires(now.elapsed_ms, timeout_ms);
                self.expiry.set(session, expires);
            }
        }
    }

    /// Answers what a server without a quorum must not do (`ReadOnlyRequestProcessor`); whether it
    /// was that. A `sync` is among it: there is nobody to catch up with.
    pub(super) fn refuse_without_quorum(
        &mut self,
        conn: ConnId,
        session: SessionId,
        op: OpCode,
        xid: Xid,
    ) -> bool {
        if !self.read_only.enabled {
            return false;
        }
        match op {
            OpCode::Sync
            | OpCode::Create
            | OpCode::Create2
            | OpCode::CreateTtl
            | OpCode::CreateContainer
            | OpCode::Delete
            | OpCode::DeleteContainer
            | OpCode::SetData
            | OpCode::SetAcl
            | OpCode::Reconfig
            | OpCode::Multi => self.reply(conn, xid, refused(ErrorCode::NotReadOnly)),
            OpCode::CloseSession => {
                self.reply(conn, xid, Ok(NoBody {}));
                self.end_own_session(session);
                self.close(conn);
            }
            _ => return false,
        }
        true
    }

    /// Ends a session that only this server knows; whether it is one.
    pub(super) fn end_own_session(&mut self, session: SessionId) -> bool {
        let own = self.read_only.remove(session);
        if own {
            self.expiry.remove(session);
        }
        own
    }
}
