//! How long the session can be trusted to be alive, told from what the leader must have seen.
//!
//! Only the leader of the ensemble ends sessions (`LeaderSessionTracker`); a session lives for its
//! timeout, rounded up to a tick, from the last sign of life that has reached the *leader*
//! (`SessionTrackerImpl.touchSession`). What a reply says about that:
//!
//! | reply to | the leader heard of the session | a quorum agreed |
//! |---|---|---|
//! | a handshake for a new session | yes: the leader begins to track it (`PrepRequestProcessor`, `createSession`) | yes: it is a transaction |
//! | a handshake for a session there was | yes: the follower asks the leader (`Learner.validateSession`, `LeaderZooKeeperServer.checkIfValidGlobalSession`) | **no**: a leader that was deposed and does not know it answers, too |
//! | a ping, a read, setWatches | **no**: a follower answers alone, and notes the session in a table (`LearnerSessionTracker.touchSession`) | no |
//! | sync | the leader checks that the session is there, which **extends nothing** (`PrepRequestProcessor`, `checkSession`) | no (ZOOKEEPER-1675) |
//! | a write, carried out or refused by the state of the tree | as for sync: `LearnerHandler` hands a forwarded request to the leader without touching the session | yes |
//!
//! So no single reply to a request extends the life of a session that is with a follower, not even
//! that to a write. The follower's table does, which goes to the leader with the follower's answer
//! to the leader's ping (`Learner.ping`, `LearnerHandler`), every half tick (`Leader.lead`). A
//! follower that has noted a session, has forwarded a write, and is then cut off before its next
//! answer takes the note along: the leader goes on counting from the one before.
//!
//! A proof is therefore made of two replies on one connection:
//!
//! 1. A **sign of life**: any request of the session, sent at `a` and answered at `a'`. The server
//!    has noted the session between the two (`ZooKeeperServer.submitRequestNow`).
//! 2. A **committed write**, sent at `b`, with `b ≥ a' + lag`. Answers to pings and forwarded
//!    requests share one stream, so the leader had the note before it saw the write, and noted it
//!    no earlier than `a`. A handshake needs no lag: the leader itself has heard it.
//!
//! The leader that has committed the write will then keep the session until `a + timeout` at
//! least. A later leader begins to count anew when it starts, for all sessions
//! (`SessionTrackerImpl`'s constructor), and it has started after `b`: a quorum has joined its
//! epoch, and the server that is in this quorum and in the one of the write has joined afterwards.
//! An *earlier* leader cannot have committed it. The connection does not outlive the follower's
//! bond with its leader (`Learner.shutdown` closes all connections), so 1 and 2 were with the same.
//!
//! A refusal counts if it is one that only the leader makes behind its check of the session, and
//! that takes a transaction of its own: those in [`is_committed`]. A follower refuses on its own
//! when it throttles, is read-only, or checks access lists early
//! (`ZooKeeperServer.authWriteRequest`, which answers with zxid 0).
//!
//! The shortest timeout that the session was ever granted counts: a new leader knows the one of its
//! creation only.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use zk_proto::jute::Reader;
use zk_proto::message::{
    CheckVersionRequest, ErrorResponse, MultiOp, MultiRequest, MultiResponse, MultiResult,
    ReplyHeader,
};
use zk_proto::op::Request;
use zk_proto::{ByteString, Decode, ErrorCode, OpCode, Version};

/// What is known of the life of one session.
#[derive(Debug, Default)]
pub(super) struct LeaseClock {
    /// The servers' tick, if the user has said so.
    tick: Option<Duration>,
    /// The shortest that was granted to this session.
    timeout: Duration,
    /// When a handshake was sent that the leader of this connection has heard.
    heard: Option<Instant>,
    /// Signs of life on this connection, the oldest first.
    signs: VecDeque<Sign>,
    /// A sign of life that was sent before this is as good as the last one.
    next_sign: Option<Instant>,
    proven: Option<Instant>,
}

/// A request of the session that its server has answered.
#[derive(Clone, Copy, Debug)]
struct Sign {
    /// Not before this was it noted.
    sent: Instant,
    /// And not after this.
    answered: Instant,
}

/// Until when a session is known to live, and by a sign of life of when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProvenLife {
    pub(crate) proven_at: Instant,
    pub(crate) safe_until: Instant,
}

impl LeaseClock {
    pub(super) fn new(tick: Option<Duration>) -> Self {
        Self { tick, ..Self::default() }
    }

    /// A new session was granted to a handshake sent at that time.
    pub(super) fn created(&mut self, sent: Instant, timeout: Duration) {
        *self = Self { timeout, heard: Some(sent), proven: Some(sent), ..Self::new(self.tick) };
    }

    /// The session was taken up again by a handshake sent at that time.
    pub(super) fn renewed(&mut self, sent: Instant, timeout: Duration) {
        let known = self.timeout > Duration::ZERO;
        self.timeout = if known { self.timeout.min(timeout) } else { timeout };
        self.heard = Some(sent);
        self.forget_signs();
    }

    /// A request that the server takes for a sign of life was answered.
    pub(super) fn answered(&mut self, sent: Instant, now: Instant) {
        // This is asked for every reply.
        if self.next_sign.is_some_and(|next| sent < next) {
            return;
        }
        if self.signs.len() >= MOST_SIGNS {
            self.signs.pop_front();
        }
        self.signs.push_back(Sign { sent, answered: now });
        self.next_sign = Some(sent + self.lag() / SIGNS_IN_A_LAG);
    }

    /// A write was answered that went through the leader and was committed.
    pub(super) fn committed(&mut self, sent: Instant) {
        let lag = self.lag();
        let known = self.signs.partition_point(|sign| sign.answered + lag <= sent);
        // Those before the last one say less.
        self.signs.drain(..known.saturating_sub(1));
        let sign = self.signs.front().filter(|_| known > 0).map(|sign| sign.sent);
        self.proven = self.proven.max(self.heard).max(sign);
    }

    /// The next connection may be to a server that knows of nothing so far.
    pub(super) fn connection_lost(&mut self) {
        self.heard = None;
        self.forget_signs();
    }

    fn forget_signs(&mut self) {
        self.signs.clear();
        self.next_sign = None;
    }

    /// There is no session any more, or never was.
    pub(super) fn session_over(&mut self) {
        *self = Self::new(self.tick);
    }

    pub(super) fn life(&self) -> Option<ProvenLife> {
        let proven_at = self.proven?;
        let safe_until = proven_at + (self.timeout - self.timeout / DRIFT);
        Some(ProvenLife { proven_at, safe_until })
    }

    /// How long a server may keep a sign of life to itself while it lets writes through.
    ///
    /// Half a tick, and as much again for a busy server or for one that stands between an observer
    /// and the leader (`ObserverMaster`). Where the tick is not known: no server grants less than
    /// two ticks unless it is told to, so half a tick is a quarter of the timeout at most.
    fn lag(&self) -> Duration {
        self.tick.unwrap_or(self.timeout / 3)
    }
}

/// The cheapest write that proves the session, and changes nothing: it need not even succeed.
pub(crate) fn proof() -> Request {
    let path = ByteString::from_static("/");
    let check = MultiOp::Check(CheckVersionRequest { path, version: Version::ANY });
    Request::Multi(MultiRequest { ops: vec![check] })
}

/// Whether a reply shows that the leader has found the session alive and that a quorum has agreed
/// on what came of the request. A body that was too long to be read shows nothing.
pub(super) fn is_committed(op: OpCode, header: &ReplyHeader, body: Option<&Bytes>) -> bool {
    if !is_write(op) || header.zxid.0 <= 0 {
        return false;
    }
    match (op, header.err) {
        (OpCode::Multi, ErrorCode::Ok) => body.is_some_and(is_committed_multi),
        (_, code) => is_of_the_tree(code),
    }
}

const fn is_write(op: OpCode) -> bool {
    matches!(
        op,
        OpCode::Create
            | OpCode::Create2
            | OpCode::CreateContainer
            | OpCode::CreateTtl
            | OpCode::Delete
            | OpCode::SetData
            | OpCode::SetAcl
            | OpCode::Multi
    )
}

/// A multi is committed whatever becomes of its parts, each of which checks the session.
fn is_committed_multi(body: &Bytes) -> bool {
    if body.starts_with(&FAILED) {
        let results = MultiResponse::decode(&mut Reader::new(body.clone()));
        return results.is_ok_and(|reply| reply.results.iter().any(is_error_of_the_tree));
    }
    !body.is_empty()
}

fn is_error_of_the_tree(result: &MultiResult) -> bool {
    let MultiResult::Error(ErrorResponse { err }) = result else {
        return false;
    };
    *err != ErrorCode::Ok && is_of_the_tree(*err)
}

const fn is_of_the_tree(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Ok
            | ErrorCode::NoNode
            | ErrorCode::NodeExists
            | ErrorCode::NotEmpty
            | ErrorCode::BadVersion
            | ErrorCode::NoAuth
            | ErrorCode::NoChildrenForEphemerals
    )
}

/// Of the timeout, for clocks that do not go alike: a tenth.
const DRIFT: u32 = 10;
/// Signs of life that are closer than that part of a lag are as good as one.
const SIGNS_IN_A_LAG: u32 = 8;
/// Four lags; a write that has taken longer proves nothing new.
const MOST_SIGNS: usize = 32;
/// What a result of a multi begins with that is an error, and the end of a multi without parts, at
/// which nobody has looked at the session.
const FAILED: [u8; 4] = (-1_i32).to_be_bytes();
