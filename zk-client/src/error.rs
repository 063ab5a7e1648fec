//! What can go wrong, whose fault it is, and what may have happened already.

use thiserror::Error;
use zk_proto::{ByteString, DecodeError, ErrorCode, OpCode, PathError, Xid};

use crate::auth_failure::AuthFailure;
use crate::connect_string::ConnectStringError;

/// Why an operation did not succeed.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The server refused. See [`Error::code`].
    #[error("{op:?} {path}: {code}")]
    Server {
        /// What was asked.
        op: OpCode,
        /// Of which node, as the caller named it.
        path: ByteString,
        /// Why not.
        code: ErrorCode,
    },
    /// A multi failed, and none of its operations was done.
    #[error("operation {index} of a multi, {op:?} {path}: {code}")]
    Multi {
        /// The place of the operation that failed, from 0.
        index: usize,
        /// What it was.
        op: OpCode,
        /// Of which node, as the caller named it.
        path: ByteString,
        /// Why it failed.
        code: ErrorCode,
    },
    /// The connection broke before the reply came. Only writes end so; reads are repeated.
    #[error("connection lost, {delivery}")]
    ConnectionLoss {
        /// Whether the request may have been carried out.
        delivery: Delivery,
    },
    /// The deadline passed before the reply came.
    #[error("timed out, {delivery}")]
    Timeout {
        /// Whether the request may have been carried out.
        delivery: Delivery,
    },
    /// No session could be had in time.
    #[error("could not connect: {reason}")]
    Connect {
        /// What the last attempt ran into.
        reason: String,
    },
    /// The ensemble has ended the session, or the one that a handle
    /// [is bound](crate::Client::bound_to_session) to. Whatever ends so was not done, unless the
    /// server says this itself as [`Error::Server`]. A credential is kept all the same, and told in
    /// the next session, if there is one.
    #[error("session expired")]
    SessionExpired,
    /// A server has refused who this client says it is, so that nothing is asked any more. Whatever
    /// ends so was not done.
    #[error("authentication failed: {reason}")]
    AuthFailed {
        /// What the server did not accept.
        reason: AuthFailure,
    },
    /// The client was closed, or the runtime that it was made in has gone. A write that ends so was
    /// not sent.
    #[error("the client is closed")]
    Closed,
    /// The path breaks a rule; nothing was sent.
    #[error("bad path {path:?}: {reason}")]
    BadPath {
        /// As given.
        path: String,
        /// The rule.
        reason: PathError,
    },
    /// The parts of the call do not fit each other; nothing was sent.
    #[error("bad arguments: {reason}")]
    BadArguments {
        /// What does not fit.
        reason: &'static str,
    },
    /// The node that the connect string has paths start from does not exist, and was required to.
    /// See [`ClientBuilder::require_chroot`](crate::ClientBuilder::require_chroot).
    #[error("the chroot {path} does not exist")]
    NoChroot {
        /// The node, as the server names it.
        path: ByteString,
    },
    /// The connect string cannot be read.
    #[error(transparent)]
    BadConnectString(#[from] ConnectStringError),
    /// The request is longer than servers accept; nothing was sent.
    #[error("request of {length} bytes is over the limit of {limit}")]
    RequestTooLarge {
        /// Bytes of the request.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The reply is longer than this client accepts; the rest of it was dropped. If the request was
    /// a write, the server has carried it out. Other requests are not touched, and the connection
    /// stays, unless the length is beyond what any reply has: above 256 MiB it is taken for another
    /// protocol, and a write may then have been refused, too.
    #[error("reply of {length} bytes is over the limit of {limit}")]
    ReplyTooLarge {
        /// Bytes of the reply.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Too many requests wait for their replies already, or too many bytes to be written; nothing
    /// was sent. See [`ClientBuilder::max_pending`](crate::ClientBuilder::max_pending).
    #[error("too many requests are waiting")]
    TooManyRequests,
    /// The server's reply is not what the protocol says.
    #[error("the server broke the protocol: {0}")]
    Protocol(#[from] Violation),
}

/// What is known of a request that got no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// It never left this process.
    NotSent,
    /// It was sent, and may have been carried out or not.
    Unknown,
}

/// What a server did that the protocol does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Violation {
    /// A frame or body that is not the record it should be.
    #[error("{0}")]
    Undecodable(DecodeError),
    /// A reply that answers nothing, or not the oldest request.
    #[error("reply {got} where {expected:?} was due")]
    UnexpectedXid {
        /// Of the reply.
        got: Xid,
        /// Of the oldest request.
        expected: Option<Xid>,
    },
    /// A frame over the limit.
    #[error("frame of {length} bytes is over the limit of {limit}")]
    FrameTooLong {
        /// Bytes announced.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// A frame of negative length.
    #[error("a frame of negative length")]
    NegativeFrame,
    /// A new session was asked for, and refused as if it were an old one.
    #[error("a new session was refused as expired")]
    NoSession,
    /// A session was asked for, and another one was granted.
    #[error("another session was granted than the one asked for")]
    ForeignSession,
    /// The results of a multi are not those of its operations.
    #[error("the results of a multi do not match its operations")]
    MultiMismatch,
}

impl Error {
    /// The server's reason, if the server refused.
    #[must_use]
    pub const fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Server { code, .. } | Self::Multi { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the write may have been carried out although there is an error.
    #[must_use]
    pub const fn outcome_unknown(&self) -> bool {
        match self {
            Self::ConnectionLoss { delivery } | Self::Timeout { delivery } => {
                matches!(delivery, Delivery::Unknown)
            }
            Self::ReplyTooLarge { .. } | Self::Protocol(_) => true,
            _ => false,
        }
    }

    /// Whether the same request may succeed later in the same session, and was certainly not carried
    /// out so far.
    ///
    /// Not of a session that has expired: asked again with
    /// [`ExpiryPolicy::NewSession`](crate::ExpiryPolicy::NewSession), a request is one of another
    /// session, which has none of the ephemeral nodes of this one. That is for its caller to decide;
    /// see [`is_session_over`](Self::is_session_over).
    #[must_use]
    pub const fn is_retriable(&self) -> bool {
        match self {
            Self::ConnectionLoss { delivery } | Self::Timeout { delivery } => {
                matches!(delivery, Delivery::NotSent)
            }
            Self::TooManyRequests => true,
            Self::Server { code, .. } => {
                matches!(code, ErrorCode::ThrottledOp | ErrorCode::NotReadOnly)
            }
            _ => false,
        }
    }

    /// Whether the session that this was asked in is over for whoever asked.
    ///
    /// Then nothing succeeds any more on a client with
    /// [`ExpiryPolicy::Fail`](crate::ExpiryPolicy::Fail), and on a handle that
    /// [is bound](crate::Client::bound_to_session) to the session. Other handles of a client with
    /// [`ExpiryPolicy::NewSession`](crate::ExpiryPolicy::NewSession) wait for the next session after
    /// [`SessionExpired`](Self::SessionExpired): [`Client::state`](crate::Client::state) tells.
    #[must_use]
    pub const fn is_session_over(&self) -> bool {
        matches!(self, Self::SessionExpired | Self::AuthFailed { .. } | Self::Closed)
            || matches!(self.code(), Some(ErrorCode::SessionExpired))
    }
}

impl std::fmt::Display for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotSent => "the request was not sent",
            Self::Unknown => "the outcome is unknown",
        })
    }
}
