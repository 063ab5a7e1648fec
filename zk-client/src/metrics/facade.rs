//! Counters, gauges and histograms of the `metrics` facade. Whichever recorder is installed when
//! something is counted gets it; without one it is lost, at little cost.

use ::metrics::{counter, gauge, histogram};
use tokio::time::Instant;
use zk_proto::OpCode;

use crate::session::{Answer, Failure, SubmitError};
use crate::state::{SessionContinuity, SessionState};

/// A request from its submission to its end, whatever that is.
#[derive(Debug)]
pub(crate) struct Asked {
    op: &'static str,
    at: Instant,
}

impl Asked {
    pub(crate) fn new(op: OpCode) -> Self {
        gauge!(PENDING).increment(1);
        Self { op: op.name(), at: Instant::now() }
    }

    /// Somebody is told how it went, if somebody still waits.
    pub(crate) fn answered(&self, outcome: &Result<Answer, Failure>) {
        let result = match outcome {
            Ok(_) => "Ok",
            Err(failure) => failure_label(failure),
        };
        counter!(REQUESTS, "op" => self.op, "result" => result).increment(1);
        histogram!(SECONDS, "op" => self.op).record(self.at.elapsed());
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        gauge!(PENDING).decrement(1);
    }
}

/// A request that was not even taken.
pub(crate) fn refused(op: OpCode, why: &SubmitError) {
    counter!(REQUESTS, "op" => op.name(), "result" => refusal_label(why)).increment(1);
}

/// A watch, as long as somebody may hear of it.
#[derive(Debug)]
pub(crate) struct Held(&'static str);

impl Held {
    pub(crate) fn once() -> Self {
        Self::new("once")
    }

    pub(crate) fn stream() -> Self {
        Self::new("stream")
    }

    fn new(kind: &'static str) -> Self {
        gauge!(WATCHES, "kind" => kind).increment(1);
        Self(kind)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        gauge!(WATCHES, "kind" => self.0).decrement(1);
    }
}

/// The state that a session is in.
#[derive(Debug)]
pub(crate) struct Stay(&'static str);

impl Stay {
    pub(crate) fn new(state: &SessionState) -> Self {
        let label = state_label(state);
        gauge!(SESSIONS, "state" => label).increment(1);
        Self(label)
    }

    pub(crate) fn change_to(&mut self, state: &SessionState) {
        match state {
            SessionState::Connected { session: SessionContinuity::Same, .. } => {
                counter!(RECONNECTS).increment(1);
            }
            SessionState::Disconnected { .. } => counter!(DISCONNECTS).increment(1),
            SessionState::Expired | SessionState::Renewing { .. } => {
                counter!(EXPIRIES).increment(1);
            }
            _ => {}
        }
        *self = Self::new(state);
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        gauge!(SESSIONS, "state" => self.0).decrement(1);
    }
}

pub(crate) fn sent(bytes: usize) {
    counter!(SENT).increment(count(bytes));
}

pub(crate) fn received(bytes: usize) {
    counter!(RECEIVED).increment(count(bytes));
}

/// An attempt at a connection begins.
pub(crate) fn dialled() {
    counter!(ATTEMPTS).increment(1);
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

const fn failure_label(failure: &Failure) -> &'static str {
    match failure {
        Failure::Server(code) => code.name(),
        Failure::ConnectionLoss(_) => "ConnectionLoss",
        Failure::Timeout(_) => "Timeout",
        Failure::ReplyTooLarge { .. } => "ReplyTooLarge",
        Failure::SessionExpired => "SessionExpired",
        Failure::AuthFailed(_) => "AuthFailed",
        Failure::Closed => "Closed",
    }
}

const fn refusal_label(why: &SubmitError) -> &'static str {
    match why {
        SubmitError::Expired => "SessionExpired",
        SubmitError::AuthFailed(_) => "AuthFailed",
        SubmitError::Closed => "Closed",
        SubmitError::RequestTooLarge { .. } => "RequestTooLarge",
        SubmitError::TooManyRequests => "TooManyRequests",
    }
}

const fn state_label(state: &SessionState) -> &'static str {
    match state {
        SessionState::Connecting => "Connecting",
        SessionState::Connected { .. } => "Connected",
        SessionState::ConnectedReadOnly { .. } => "ConnectedReadOnly",
        SessionState::Disconnected { .. } => "Disconnected",
        SessionState::Renewing { .. } => "Renewing",
        SessionState::Expired => "Expired",
        SessionState::AuthFailed { .. } => "AuthFailed",
        SessionState::Closed => "Closed",
    }
}

const REQUESTS: &str = "zookeeper_client_requests_total";
const SECONDS: &str = "zookeeper_client_request_seconds";
const PENDING: &str = "zookeeper_client_requests_pending";
const WATCHES: &str = "zookeeper_client_watches";
const SESSIONS: &str = "zookeeper_client_sessions";
const RECONNECTS: &str = "zookeeper_client_reconnects_total";
const EXPIRIES: &str = "zookeeper_client_expiries_total";
const ATTEMPTS: &str = "zookeeper_client_connection_attempts_total";
const DISCONNECTS: &str = "zookeeper_client_disconnects_total";
const SENT: &str = "zookeeper_client_sent_bytes_total";
const RECEIVED: &str = "zookeeper_client_received_bytes_total";
