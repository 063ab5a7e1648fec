//! What a server does for others that follow it: it puts all writes into one order, and knows which
//! of them has which session (`LeaderSessionTracker`).

use std::collections::{BTreeMap, VecDeque};

use zk_proto::{ErrorCode, SessionId, Xid};

use crate::core::{Caller, Txn, WriteRequest};

use super::{ConnId, Engine, Now};

/// A server that follows; the number stands in the ids of sessions that it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FollowerId(pub(crate) u8);

/// Who waits for an answer at a follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) follower: FollowerId,
    pub(super) conn: ConnId,
    pub(super) xid: Xid,
}

/// What every follower is told, in the leader's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ordered {
    /// This was decided.
    Txn(Txn, Option<Origin>),
    /// Whoever asked has been told by now of all that was decided before.
    Sync(Origin),
}

/// What a follower asks of the leader.
#[derive(Clone, Debug)]
pub(crate) enum Forward {
    /// To decide on a write.
    Write { conn: ConnId, xid: Xid, caller: Caller, request: WriteRequest },
    /// To say when it has told everything.
    Sync { conn: ConnId, xid: Xid },
    /// To let a session live on for as many milliseconds.
    Touch { session: SessionId, timeout_ms: i32 },
    /// Whether a session is alive; if it is, the follower has it from then on.
    Revalidate { conn: ConnId, session: SessionId, timeout_ms: i32 },
}

/// What a server knows of those that follow it.
#[derive(Debug, Default)]
pub(super) struct Leader {
    has_followers: bool,
    ordered: VecDeque<Ordered>,
    /// Which follower has a session; the leader itself has those that are not here.
    moved: BTreeMap<SessionId, FollowerId>,
}

impl Leader {
    /// Something was decided.
    pub(super) fn publish(&mut self, txn: Txn, origin: Option<Origin>) {
        if self.has_followers {
            self.ordered.push_back(Ordered::Txn(txn, origin));
        }
    }

    /// No follower has the session any more.
    pub(super) fn forget(&mut self, session: SessionId) {
        self.moved.remove(&session);
    }
}

impl Ordered {
    /// Who waits for it.
    pub(crate) const fn origin(&self) -> Option<Origin> {
        match self {
            Self::Txn(_, origin) => *origin,
            Self::Sync(origin) => Some(*origin),
        }
    }
}

impl Engine {
    /// From now on there is someone to tell of each transaction.
    pub(crate) const fn lead(&mut self) {
        self.leader.has_followers = true;
    }

    /// What the followers are to be told next.
    pub(crate) fn poll_ordered(&mut self) -> Option<Ordered> {
        self.leader.ordered.pop_front()
    }

    /// A follower asks. Tells whether a session is alive, if that is the question.
    pub(crate) fn handle_forward(
        &mut self,
        follower: FollowerId,
        forward: Forward,
        now: Now,
    ) -> Option<(ConnId, bool)> {
        match forward {
            Forward::Write { conn, xid, caller, request } => {
                let origin = Origin { follower, conn, xid };
                self.write_for(origin, &caller, request, now);
                None
            }
            Forward::Sync { conn, xid } => {
                self.leader.ordered.push_back(Ordered::Sync(Origin { follower, conn, xid }));
                None
            }
            Forward::Touch { session, timeout_ms } => {
                if self.leader.moved.get(&session) == Some(&follower) {
                    self.touch(session, timeout_ms, now);
                }
                None
            }
            Forward::Revalidate { conn, session, timeout_ms } => {
                let alive = self.replica.has_session(session);
                if alive {
                    self.hand_over(session, follower);
                    self.touch(session, timeout_ms, now);
                }
                Some((conn, alive))
            }
        }
    }

    /// A write of a session that is over, or that another server has by now, is refused
    /// (`SessionTrackerImpl.checkSession`).
    fn write_for(&mut self, origin: Origin, caller: &Caller, request: WriteRequest, now: Now) {
        let session = caller.session;
        let request = match request {
            WriteRequest::CreateSession { timeout } => {
                self.leader.moved.insert(session, origin.follower);
                self.touch(session, timeout, now);
                WriteRequest::CreateSession { timeout }
            }
            _ if !self.replica.has_session(session) => {
                WriteRequest::Refused(ErrorCode::SessionExpired)
            }
            _ if self.leader.moved.get(&session) != Some(&origin.follower) => {
                WriteRequest::Refused(ErrorCode::SessionMoved)
            }
            WriteRequest::CloseSession => {
                self.expiry.remove(session);
                self.leader.forget(session);
                WriteRequest::CloseSession
            }
            request => request,
        };
        let _ = self.commit_for(Some(origin), caller, request, now);
    }

    fn hand_over(&mut self, session: SessionId, follower: FollowerId) {
        if let Some(conn) = self.owners.get(&session).copied() {
            self.close(conn);
        }
        self.leader.moved.insert(session, follower);
    }

    fn touch(&mut self, session: SessionId, timeout_ms: i32, now: Now) {
        let expires = self.expiry.expires(now.elapsed_ms, timeout_ms);
        self.expiry.set(session, expires);
    }
}
