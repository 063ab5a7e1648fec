//! One request on its way, and what is to become of it.

use std::time::{Duration, Instant};

use zk_proto::message::{ExistsRequest, GetChildren2Request, GetChildrenRequest, GetDataRequest};
use zk_proto::op::Request;
use zk_proto::watch::WatchKind;
use zk_proto::{ByteString, ErrorCode, OpCode};

use super::output::{Failure, Outputs, Ticket};
use super::watches::{RegistrationId, Table};

#[derive(Debug)]
pub(super) struct Entry<T, W> {
    pub(super) op: OpCode,
    /// Whether it is to set a one-shot watch.
    pub(super) asks_for_watch: bool,
    pub(super) purpose: Purpose<T, W>,
    /// When it was submitted, from which all deadlines are equally far. `None` for our own
    /// requests, which the silence timer watches over.
    pub(super) asked: Option<Instant>,
    /// Whether the shell has taken it on a connection that was lost.
    pub(super) sent: bool,
}

/// What a request is for.
#[derive(Debug)]
pub(super) enum Purpose<T, W> {
    /// Somebody has submitted it.
    User { ticket: T, watcher: Option<W> },
    /// It sets watches again.
    SetWatches,
    /// It sets a persistent watch that somebody wants.
    AddWatch { registration: RegistrationId },
    /// It removes a watch that nobody wants.
    RemoveWatches,
    /// It proves that the session lives.
    Prove,
    /// It ends the session.
    Close,
}

impl<T, W> Entry<T, W> {
    pub(super) const fn new(
        request: &Request,
        purpose: Purpose<T, W>,
        asked: Option<Instant>,
    ) -> Self {
        let asks_for_watch = watch_wanted(request).is_some();
        Self { op: request.op_code(), asks_for_watch, purpose, asked, sent: false }
    }
}

impl<T: Ticket, W: Ticket> Entry<T, W> {
    pub(super) const fn is_close(&self) -> bool {
        matches!(self.purpose, Purpose::Close)
    }

    pub(super) fn deadline(&self, request_timeout: Duration) -> Option<Instant> {
        self.asked.map(|asked| asked + request_timeout)
    }

    pub(super) fn is_overdue(&self, now: Instant, request_timeout: Duration) -> bool {
        self.deadline(request_timeout).is_some_and(|deadline| deadline <= now)
    }

    pub(super) fn is_abandoned(&self) -> bool {
        match &self.purpose {
            Purpose::User { ticket, .. } => ticket.is_abandoned(),
            // The session is to end whether or not somebody waits for it.
            Purpose::SetWatches
            | Purpose::AddWatch { .. }
            | Purpose::RemoveWatches
            | Purpose::Prove
            | Purpose::Close => false,
        }
    }

    pub(super) fn is_bound(&self) -> bool {
        matches!(&self.purpose, Purpose::User { ticket, .. } if ticket.is_bound())
    }

    /// Whether doing it twice is the same as doing it once: it only reads.
    pub(super) const fn is_repeatable(&self) -> bool {
        matches!(
            self.op,
            OpCode::Exists
                | OpCode::GetData
                | OpCode::GetAcl
                | OpCode::GetChildren
                | OpCode::GetChildren2
                | OpCode::GetEphemerals
                | OpCode::GetAllChildrenNumber
                | OpCode::MultiRead
                | OpCode::Sync
                | OpCode::WhoAmI
        )
    }

    pub(super) fn fail(self, failure: Failure, outputs: &mut Outputs<T, W>) {
        match self.purpose {
            Purpose::User { ticket, .. } => outputs.reply(ticket, Err(failure)),
            Purpose::SetWatches
            | Purpose::AddWatch { .. }
            | Purpose::RemoveWatches
            | Purpose::Prove
            | Purpose::Close => {}
        }
    }
}

/// The watch that the server has now, if the request asked for one and the outcome sets it.
pub(super) fn watch_set(request: &Request, err: ErrorCode) -> Option<(ByteString, WatchKind)> {
    let (path, kind) = match (request, err) {
        (Request::GetData(asked), ErrorCode::Ok) if asked.watch => (&asked.path, WatchKind::Data),
        (Request::Exists(asked), ErrorCode::Ok) if asked.watch => (&asked.path, WatchKind::Data),
        (Request::Exists(asked), ErrorCode::NoNode) if asked.watch => {
            (&asked.path, WatchKind::Exist)
        }
        (Request::GetChildren(asked), ErrorCode::Ok) if asked.watch => {
            (&asked.path, WatchKind::Child)
        }
        (Request::GetChildren2(asked), ErrorCode::Ok) if asked.watch => {
            (&asked.path, WatchKind::Child)
        }
        _ => return None,
    };
    Some((path.clone(), kind))
}

/// The one-shot watch that the request asks for, and the table that the server keeps it in.
pub(crate) const fn watch_wanted(request: &Request) -> Option<(&ByteString, Table)> {
    if let Request::GetData(GetDataRequest { path, watch: true })
    | Request::Exists(ExistsRequest { path, watch: true }) = request
    {
        return Some((path, Table::Data));
    }
    if let Request::GetChildren(GetChildrenRequest { path, watch: true })
    | Request::GetChildren2(GetChildren2Request { path, watch: true }) = request
    {
        return Some((path, Table::Child));
    }
    None
}
