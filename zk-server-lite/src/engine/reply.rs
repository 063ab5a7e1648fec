//! Replies and events, written straight to where they leave from.

use zk_proto::message::{
    Create2Response, CreateResponse, ErrorResponse, MultiResponse, MultiResult, NoBody,
    ReplyHeader, SetAclResponse, SetDataResponse,
};
use zk_proto::{ByteString, Encode, ErrorCode, EventType, KeeperState, WatchedEvent, Xid, Zxid};

use crate::core::TxnResult;

use super::{ConnId, Engine};

impl Engine {
    /// Answers with the last zxid, as everything but a write is answered.
    pub(super) fn reply(
        &mut self,
        conn: ConnId,
        xid: Xid,
        outcome: Result<impl Encode, ErrorCode>,
    ) {
        let zxid = self.replica.last_zxid();
        self.reply_at(conn, xid, zxid, outcome);
    }

    /// Answers a write with the zxid it got.
    pub(super) fn reply_to_write(&mut self, conn: ConnId, xid: Xid, zxid: Zxid, result: TxnResult) {
        match result {
            TxnResult::Error(code) => self.reply_at(conn, xid, zxid, refused(code)),
            TxnResult::Done | TxnResult::Deleted | TxnResult::Checked => {
                self.reply_at(conn, xid, zxid, Ok(NoBody {}));
            }
            TxnResult::Created(path) => {
                self.reply_at(conn, xid, zxid, Ok(CreateResponse { path }));
            }
            TxnResult::Created2(path, stat) => {
                self.reply_at(conn, xid, zxid, Ok(Create2Response { path, stat }));
            }
            TxnResult::DataSet(stat) => {
                self.reply_at(conn, xid, zxid, Ok(SetDataResponse { stat }));
            }
            TxnResult::AclSet(stat) => {
                self.reply_at(conn, xid, zxid, Ok(SetAclResponse { stat }));
            }
            TxnResult::Multi(results) => {
                let results = results.into_iter().map(multi_result).collect();
                self.reply_at(conn, xid, zxid, Ok(MultiResponse { results }));
            }
        }
    }

    /// Answers with any zxid.
    pub(super) fn reply_at(
        &mut self,
        conn: ConnId,
        xid: Xid,
        zxid: Zxid,
        outcome: Result<impl Encode, ErrorCode>,
    ) {
        let length = self.send(conn, |out| match outcome {
            Ok(body) => {
                ReplyHeader { xid, zxid, err: ErrorCode::Ok }.encode(out);
                body.encode(out);
            }
            Err(err) => ReplyHeader { xid, zxid, err }.encode(out),
        });
        self.stats.count_response(length);
    }

    /// Tells a watcher what happened, with the zxid of the change as servers do since 3.9.
    pub(super) fn send_event(
        &mut self,
        conn: ConnId,
        event_type: EventType,
        path: ByteString,
        zxid: Zxid,
    ) {
        let header = ReplyHeader { xid: Xid::NOTIFICATION, zxid, err: ErrorCode::Ok };
        let event = WatchedEvent { event_type, state: KeeperState::SyncConnected, path };
        let length = self.send(conn, |out| {
            header.encode(out);
            event.encode(out);
        });
        self.stats.count_response(length);
    }
}

/// A reply without a body.
pub(super) const fn refused(code: ErrorCode) -> Result<NoBody, ErrorCode> {
    Err(code)
}

fn multi_result(result: TxnResult) -> MultiResult {
    match result {
        TxnResult::Created(path) => MultiResult::Create(CreateResponse { path }),
        TxnResult::Created2(path, stat) => MultiResult::Create2(Create2Response { path, stat }),
        TxnResult::Deleted => MultiResult::Delete(NoBody {}),
        TxnResult::DataSet(stat) | TxnResult::AclSet(stat) => {
            MultiResult::SetData(SetDataResponse { stat })
        }
        TxnResult::Checked | TxnResult::Done | TxnResult::Multi(_) => MultiResult::Check(NoBody {}),
        TxnResult::Error(err) => MultiResult::Error(ErrorResponse { err }),
    }
}
