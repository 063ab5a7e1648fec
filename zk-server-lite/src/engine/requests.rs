//! Requests of a connection that has a session (`FinalRequestProcessor`).

use bytes::Bytes;
use zk_proto::jute::Reader;
use zk_proto::message::{
    ErrorResponse, MultiReadOp, MultiReadRequest, MultiReadResponse, MultiReadResult, NoBody,
    RequestHeader, SyncResponse, WhoAmIResponse,
};
use zk_proto::op::Request;
use zk_proto::{ByteString, Decode, ErrorCode, OpCode, Xid, Zxid};

use crate::core::{Caller, TxnResult, WatchTable, WriteRequest, is_unreadable_at_once};

use super::follower::goes_to_leader;
use super::null_path;
use super::reply::refused;
use super::set_watches::all_lists;
use super::{ConnId, Engine, Now};

impl Engine {
    pub(super) fn request(&mut self, conn: ConnId, caller: &Caller, frame: Bytes, now: Now) {
        let mut reader = Reader::new(frame.clone());
        let Ok(RequestHeader { xid, op: number }) = RequestHeader::decode(&mut reader) else {
            return self.close(conn);
        };
        let op = OpCode::from_code(number);
        match op {
            // Neither is a sign of life of the session.
            Some(OpCode::Auth) => return self.authenticate(conn, xid, &mut reader),
            Some(OpCode::Sasl) => return self.sasl(conn, xid, &mut reader),
            _ if !self.is_let_in(caller) => return self.demand_authentication(conn, xid),
            _ => self.note(conn, op.unwrap_or(OpCode::Error), xid, now),
        }
        if self.is_behind(conn) && !goes_to_leader(op, reader.clone()) {
            return self.hold(conn, caller.clone(), frame);
        }
        self.answer(conn, caller, (xid, op, reader), now);
    }

    /// Answers a request, or sends it to the leader, where there is one.
    pub(super) fn answer(
        &mut self,
        conn: ConnId,
        caller: &Caller,
        (xid, op, mut reader): (Xid, Option<OpCode>, Reader),
        now: Now,
    ) {
        match op {
            // createSession is a valid number in the original, which then answers with a frame
            // that no client can read; a check is valid only inside a multi.
            None
            | Some(OpCode::Error | OpCode::Notification | OpCode::CreateSession | OpCode::Check) => {
                self.reply_at(conn, xid, NO_ZXID, refused(ErrorCode::Unimplemented));
                self.close(conn);
            }
            // Only the server itself removes containers.
            Some(OpCode::DeleteContainer) => {
                self.reply(conn, xid, refused(ErrorCode::BadArguments));
            }
            Some(op) if self.refuse_without_quorum(conn, caller.session, op, xid) => {}
            Some(op) => {
                let body = is_looked_at_again(op).then(|| reader.clone().into_rest());
                match Request::decode(op, &mut reader) {
                    Ok(Some(request)) => self.serve(conn, caller, (xid, request), now),
                    Ok(None) => self.reply(conn, xid, refused(ErrorCode::Unimplemented)),
                    Err(_) => self.unreadable(conn, caller, (xid, op, body), now),
                }
            }
        }
    }

    /// A body that is not the record of its operation. Of the writes, a multi takes a zxid before
    /// it is read, and the others if nothing but their path is missing.
    fn unreadable(
        &mut self,
        conn: ConnId,
        caller: &Caller,
        (xid, op, body): (Xid, OpCode, Option<Bytes>),
        now: Now,
    ) {
        let body = body.unwrap_or_default();
        let refusal = match op {
            OpCode::Multi => Some(ErrorCode::MarshallingError),
            _ => null_path::refusal(op, &body, self.options.features),
        };
        match refusal {
            Some(code) => self.write(conn, caller, (xid, WriteRequest::Refused(code)), now),
            // Whatever the path is, it comes back.
            None if op == OpCode::Sync && body.starts_with(&(-1_i32).to_be_bytes()) => {
                self.reply(conn, xid, Ok(None::<ByteString>));
            }
            None => self.reply(conn, xid, refused(ErrorCode::MarshallingError)),
        }
    }

    fn serve(&mut self, conn: ConnId, caller: &Caller, (xid, request): (Xid, Request), now: Now) {
        let write = match request {
            Request::Create(request) => WriteRequest::Create(request),
            Request::Create2(request) => WriteRequest::Create2(request),
            Request::CreateContainer(request) => WriteRequest::CreateContainer(request),
            Request::CreateTtl(request) => WriteRequest::CreateTtl(request),
            Request::Delete(request) => WriteRequest::Delete(request),
            Request::SetData(request) => WriteRequest::SetData(request),
            Request::SetAcl(request) => WriteRequest::SetAcl(request),
            Request::Multi(request) if is_unreadable_at_once(&request.ops) => {
                return self.reply(conn, xid, refused(ErrorCode::MarshallingError));
            }
            Request::Multi(request) => WriteRequest::Multi(request.ops),
            Request::Reconfig(_) => WriteRequest::Reconfig,
            Request::CloseSession(_) => {
                self.write(conn, caller, (xid, WriteRequest::CloseSession), now);
                if self.follower.is_none() {
                    self.expiry.remove(caller.session);
                    self.leader.forget(caller.session);
                    self.close(conn);
                }
                return;
            }
            read => return self.read(conn, caller, xid, read),
        };
        self.write(conn, caller, (xid, write), now);
    }

    fn write(
        &mut self,
        conn: ConnId,
        caller: &Caller,
        (xid, request): (Xid, WriteRequest),
        now: Now,
    ) {
        if self.follower.is_some() {
            return self.forward_write(conn, caller, (xid, request));
        }
        let (zxid, result) = self.commit(caller, request, now);
        if matches!(result, TxnResult::Error(_)) {
            self.note_refusal(conn);
        }
        self.reply_to_write(conn, xid, zxid, result);
    }

    fn read(&mut self, conn: ConnId, caller: &Caller, xid: Xid, request: Request) {
        let tree = self.replica.tree();
        match request {
            Request::Exists(request) => {
                let outcome = tree.exists(caller, &request.path);
                // Absence can be watched, too.
                let watchable = matches!(outcome, Ok(_) | Err(ErrorCode::NoNode));
                self.watch(request.watch && watchable, WatchTable::Data, &request.path, conn);
                self.reply(conn, xid, outcome);
            }
            Request::GetData(request) => {
                let outcome = tree.get_data(caller, &request.path);
                let watch = request.watch && outcome.is_ok();
                self.watch(watch, WatchTable::Data, &request.path, conn);
                self.reply(conn, xid, outcome);
            }
            Request::GetChildren(request) => {
                let outcome = tree.get_children(caller, &request.path);
                let watch = request.watch && outcome.is_ok();
                self.watch(watch, WatchTable::Child, &request.path, conn);
                self.reply(conn, xid, outcome);
            }
            Request::GetChildren2(request) => {
                let outcome = tree.get_children2(caller, &request.path);
                let watch = request.watch && outcome.is_ok();
                self.watch(watch, WatchTable::Child, &request.path, conn);
                self.reply(conn, xid, outcome);
            }
            Request::GetAcl(request) => {
                let outcome = tree.get_acl(caller, &request.path);
                self.reply(conn, xid, outcome);
            }
            Request::GetAllChildrenNumber(request) => {
                let outcome = tree.get_all_children_number(caller, &request.path);
                self.reply(conn, xid, outcome);
            }
            Request::GetEphemerals(request) => {
                let found = tree.get_ephemerals(caller, request.prefix_path.as_deref());
                self.reply(conn, xid, Ok(found));
            }
            Request::WhoAmI(_) => {
                let client_info = caller.ids.client_infos();
                self.reply(conn, xid, Ok(WhoAmIResponse { client_info }));
            }
            Request::MultiRead(request) => self.multi_read(conn, caller, xid, &request),
            other => self.other(conn, xid, other),
        }
    }

    /// What neither writes nor looks at the tree for its reply.
    fn other(&mut self, conn: ConnId, xid: Xid, request: Request) {
        match request {
            // Whatever xid the ping had.
            Request::Ping(_) => self.reply(conn, Xid::PING, Ok(NoBody {})),
            Request::Sync(request) if self.follower.is_some() => {
                self.forward_sync(conn, xid, request.path);
            }
            Request::Sync(request) => {
                self.reply(conn, xid, Ok(SyncResponse { path: request.path }));
            }
            Request::SetWatches(request) => {
                self.set_watches(conn, all_lists(request));
                self.reply(conn, xid, Ok(NoBody {}));
            }
            Request::SetWatches2(request) => {
                self.set_watches(conn, request);
                self.reply(conn, xid, Ok(NoBody {}));
            }
            Request::AddWatch(request) => self.add_watch(conn, xid, &request),
            Request::CheckWatches(request) => self.check_watches(conn, xid, &request),
            Request::RemoveWatches(request) => self.remove_watches(conn, xid, &request),
            _ => self.reply(conn, xid, refused(ErrorCode::Unimplemented)),
        }
    }

    /// Each read has an outcome of its own, and none sets a watch.
    fn multi_read(&mut self, conn: ConnId, caller: &Caller, xid: Xid, request: &MultiReadRequest) {
        let tree = self.replica.tree();
        let mut results = Vec::with_capacity(request.ops.len());
        let mut size = 0_usize;
        for op in &request.ops {
            let result = match op {
                MultiReadOp::GetData(read) => {
                    tree.get_data(caller, &read.path).map(MultiReadResult::GetData)
                }
                MultiReadOp::GetChildren(read) => {
                    tree.get_children(caller, &read.path).map(MultiReadResult::GetChildren)
                }
                _ => Err(ErrorCode::Unimplemented),
            };
            let result = result.unwrap_or_else(|err| MultiReadResult::Error(ErrorResponse { err }));
            size = size.saturating_add(weight(&result));
            if size > MULTI_READ_LIMIT {
                return self.close(conn);
            }
            results.push(result);
        }
        self.reply(conn, xid, Ok(MultiReadResponse { results }));
    }
}

/// Whether it matters what the body was when it cannot be read.
const fn is_looked_at_again(op: OpCode) -> bool {
    !matches!(
        op,
        OpCode::Exists
            | OpCode::GetData
            | OpCode::GetAcl
            | OpCode::GetChildren
            | OpCode::GetChildren2
            | OpCode::Ping
            | OpCode::Multi
            | OpCode::MultiRead
    )
}

/// About how many bytes a result takes in the reply.
fn weight(result: &MultiReadResult) -> usize {
    match result {
        MultiReadResult::GetData(read) => read.data.as_ref().map_or(0, Bytes::len),
        MultiReadResult::GetChildren(read) => {
            read.children.iter().fold(0, |sum, name| sum.saturating_add(name.len()))
        }
        _ => 0,
    }
}

/// A multiRead whose reply would be longer ends the connection. The original has no such limit,
/// and one small request can make it hold gigabytes.
const MULTI_READ_LIMIT: usize = 64 * 1024 * 1024;

/// What the reply to an unknown operation carries.
const NO_ZXID: Zxid = Zxid(-1);
