//! What a call gives back: the reply as a future, and the event of a watch as one.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use zk_proto::jute::Reader;
use zk_proto::op::Request;
use zk_proto::{ByteString, Decode, ErrorCode, OpCode, WatchedEvent};

use crate::chroot::Chroot;
use crate::error::{Error, Violation};
use crate::session::{Answer, Failure, SubmitError, Table};
use crate::shared_session::{ReplyReceiver, SharedSession, WatchReceiver};
use crate::state::Generation;

/// The reply to a request that is on its way.
///
/// The request was handed over when this was made; requests reach the server in that order, and
/// replies resolve in it. Resolves at the latest when the operation timeout has passed.
///
/// # Cancel safety
/// Dropping it does not take the request back: a write may still be carried out, unless it has
/// waited for a connection, in which case it is not sent.
#[must_use = "a reply that is dropped tells nobody how the request went"]
pub struct Reply<T> {
    state: ReplyState,
    about: About,
    read: ReadReply<T>,
}

/// What a reply is the reply to.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) op: OpCode,
    /// As the caller named it. Empty as long as only the request has it.
    pub(crate) path: ByteString,
    pub(crate) chroot: Chroot,
}

/// Makes a result of a server's answer or refusal.
pub(crate) type ReadReply<T> = fn(&About, Result<Answer, ErrorCode>) -> Result<T, Error>;

enum ReplyState {
    Refused(Error),
    Due(ReplyReceiver),
    /// Polled again after it was ready, there is nothing else to say.
    Taken,
}

impl ReplyState {
    /// Why there is no answer, nor will be.
    fn error(self) -> Error {
        match self {
            Self::Refused(error) => error,
            Self::Due(_) | Self::Taken => Error::Closed,
        }
    }
}

impl<T> Reply<T> {
    pub(crate) fn due(receiver: ReplyReceiver, about: About, read: ReadReply<T>) -> Self {
        Self { state: ReplyState::Due(receiver), about, read }
    }

    /// A request that was refused before it was sent.
    pub(crate) fn refused(error: Error, about: About, read: ReadReply<T>) -> Self {
        Self { state: ReplyState::Refused(error), about, read }
    }
}

impl<T> Future for Reply<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let ReplyState::Due(receiver) = &mut self.state else {
            let refused = std::mem::replace(&mut self.state, ReplyState::Taken);
            return Poll::Ready(Err(refused.error()));
        };
        // A driver ends only after it has answered everything.
        let outcome = ready!(Pin::new(receiver).poll(cx)).unwrap_or(Err(Failure::Closed));
        self.state = ReplyState::Taken;
        let answer = match outcome {
            Ok(answer) => Ok(answer),
            Err(Failure::Server(code)) => Err(code),
            Err(failure) => return Poll::Ready(Err(failure.into())),
        };
        Poll::Ready((self.read)(&self.about, answer))
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("op", &self.about.op)
            .field("path", &self.about.path)
            .finish_non_exhaustive()
    }
}

impl About {
    /// The request is sent, and does not need its path any more.
    pub(crate) fn asked(mut self, request: Request) -> Self {
        if self.path.is_empty() {
            self.path = node_of(request).unwrap_or_default();
        }
        self
    }

    pub(crate) fn refused(&self, code: ErrorCode) -> Error {
        Error::Server { op: self.op, path: self.path.clone(), code }
    }

    /// Reads the body of an answer, or states the refusal.
    pub(crate) fn decode<R: Decode>(&self, answer: Result<Answer, ErrorCode>) -> Result<R, Error> {
        match answer {
            Ok(answer) => R::decode(&mut Reader::new(answer.body))
                .map_err(|error| Error::Protocol(Violation::Undecodable(error))),
            Err(code) => Err(self.refused(code)),
        }
    }
}

/// The node of a request that is about one.
fn node_of(request: Request) -> Option<ByteString> {
    match request {
        Request::GetData(asked) => Some(asked.path),
        Request::Exists(asked) => Some(asked.path),
        Request::GetChildren(asked) => Some(asked.path),
        Request::GetChildren2(asked) => Some(asked.path),
        Request::SetData(asked) => Some(asked.path),
        Request::Delete(asked) => Some(asked.path),
        _ => None,
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            // A refusal is stated with what was asked; this is for those who cannot tell.
            Failure::Server(code) => {
                Self::Server { op: OpCode::Error, path: ByteString::new(), code }
            }
            Failure::ConnectionLoss(delivery) => Self::ConnectionLoss { delivery },
            Failure::Timeout(delivery) => Self::Timeout { delivery },
            Failure::ReplyTooLarge { length, limit } => Self::ReplyTooLarge { length, limit },
            Failure::SessionExpired => Self::SessionExpired,
            Failure::AuthFailed(reason) => Self::AuthFailed { reason },
            Failure::Closed => Self::Closed,
        }
    }
}

impl From<SubmitError> for Error {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Expired => Self::SessionExpired,
            SubmitError::AuthFailed(reason) => Self::AuthFailed { reason },
            SubmitError::Closed => Self::Closed,
            SubmitError::RequestTooLarge { length, limit } => {
                Self::RequestTooLarge { length, limit }
            }
            SubmitError::TooManyRequests => Self::TooManyRequests,
        }
    }
}

/// A one-shot watch: a future that resolves when the node changes.
///
/// It survives reconnects; a change that happened in between is told afterwards. It resolves to
/// an error only when the session is over. There is no deadline: a node may never change.
///
/// # Cancel safety
/// Dropping it forgets the watch. When nobody else waits for the same one, the server is asked to
/// remove it; but not more than a thousand wait for that, and none where the session has a
/// [`WatchStream`](crate::WatchStream) on the same path. One that stays is gone when it fires, or
/// with the connection.
#[must_use = "a watch that is dropped is forgotten"]
#[derive(Debug)]
pub struct Watch {
    pub(crate) receiver: WatchReceiver,
    pub(crate) shared: Arc<SharedSession>,
    pub(crate) chroot: Chroot,
    /// The generation that it ends with, if it was set through a handle that is bound to one.
    pub(crate) bound: Option<Generation>,
    /// Where the server has it, until it has fired.
    pub(crate) place: Option<(ByteString, Table)>,
}

impl Future for Watch {
    type Output = Result<WatchedEvent, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let event = ready!(Pin::new(&mut self.receiver).poll(cx));
        self.place = None;
        Poll::Ready(match event {
            Ok(mut event) => {
                event.path = self.chroot.inward(event.path);
                Ok(event)
            }
            // The session gives a watch up only when it ends.
            Err(_) => Err(self.shared.end_error(self.bound)),
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some((path, table)) = self.place.take() {
            self.receiver.close();
            self.shared.forget_watch(&path, table);
        }
    }
}

/// The reply to a read that sets a watch: the result, and the watch.
///
/// # Cancel safety
/// Dropping it forgets the watch, too.
#[must_use = "a reply that is dropped tells nobody how the request went"]
#[derive(Debug)]
pub struct WatchedReply<T> {
    pub(crate) reply: Reply<T>,
    pub(crate) watch: Option<Watch>,
}

impl<T> Future for WatchedReply<T> {
    type Output = Result<(T, Watch), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(Pin::new(&mut self.reply).poll(cx));
        let watch = self.watch.take();
        // Polled again after it was ready: the watch is with its owner.
        Poll::Ready(result.and_then(|result| Ok((result, watch.ok_or(Error::Closed)?))))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;
    use std::time::Duration;

    use bytes::BytesMut;
    use zk_proto::frame::put_frame;
    use zk_proto::message::ConnectResponse;
    use zk_proto::{Encode, SessionId, ZPath};

    use super::*;
    use crate::connect_string::HostPort;
    use crate::session::{Session, SessionOptions, Trouble};
    use crate::shared_session::{ClientSession, WatchSlot};
    use crate::state::SessionState;

    fn answer(session: &mut ClientSession, session_id: SessionId, timeout: i32) {
        let now = tokio::time::Instant::now().into_std() + Duration::from_secs(3600);
        session.handle_timeout(now);
        session.handle_connected(now);
        let response = ConnectResponse { session_id, timeout, ..ConnectResponse::default() };
        let mut wire = BytesMut::new();
        put_frame(&mut wire, |out| response.encode(out));
        session.handle_bytes(now, &mut wire);
    }

    /// The watches of a session go with it; on another thread, that may be noticed before the
    /// driver gets round to announce why.
    #[test]
    fn a_watch_knows_how_its_session_ended_before_that_is_announced() {
        let options = SessionOptions {
            timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(30),
            max_request: 1000,
            max_reply: 1000,
            max_pending: 10,
            max_outgoing: 1000,
            server_tick: None,
            keep_lease: None,
            on_expiry: crate::options::ExpiryPolicy::Fail,
            allow_read_only: false,
            seed: 1,
            wants_addresses: false,
            one_round: false,
        };
        let now = tokio::time::Instant::now().into_std();
        let mut session = Session::new(options, vec![HostPort::new("zk", 1)], now);
        answer(&mut session, SessionId(1), 30_000);
        session.handle_disconnected(now, Trouble::HungUp);
        answer(&mut session, SessionId::NONE, 0);
        let shared = Arc::new(SharedSession::new(session));
        let (slot, receiver) = WatchSlot::new(false);
        drop(slot);
        let chroot = Chroot::new(ZPath::ROOT);
        let mut watch =
            Watch { receiver, shared: Arc::clone(&shared), chroot, bound: None, place: None };
        let polled = Pin::new(&mut watch).poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(polled, Poll::Ready(Err(Error::SessionExpired)));
        assert_eq!(shared.state(), SessionState::Connecting, "nothing is announced yet");
    }
}
