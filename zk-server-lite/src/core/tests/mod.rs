//! The replica by itself: requests in, results and state out.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::enum_glob_use,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic, and says what it expects"
)]

mod create_modes;
mod model;
mod multi;
mod quotas;
mod reads;
mod sequence;
mod stat;
mod watch_model;
mod watches;
mod writes;

use ::core::net::Ipv4Addr;

use bytes::Bytes;
use zk_proto::message::{CreateRequest, DeleteRequest, SetAclRequest, SetDataRequest};
use zk_proto::{Acl, ErrorCode, SessionId, Stat, Version, Zxid};

use super::{AuthIds, Caller, Features, Replica, Txn, TxnBody, TxnHeader, TxnResult, WriteRequest};

/// A replica whose clock shows 1000 ms more with every write.
#[derive(Debug, Default)]
struct Bench {
    replica: Replica,
    features: Features,
    log: Vec<Txn>,
}

const ALICE: SessionId = SessionId(0xa);
const BOB: SessionId = SessionId(0xb);

impl Bench {
    fn write(&mut self, request: WriteRequest) -> TxnResult {
        self.write_as(ALICE, request)
    }

    fn write_as(&mut self, session: SessionId, request: WriteRequest) -> TxnResult {
        let body = self
            .replica
            .prepare(&caller(session), request, self.features)
            .unwrap_or_else(TxnBody::Error);
        let zxid = Zxid(self.replica.last_zxid().0 + 1);
        let header = TxnHeader { session, zxid, time: zxid.0 * 1000 };
        self.log.push(Txn { header, body });
        self.replica.apply(&self.log[self.log.len() - 1]).result
    }

    /// Creates nodes that must not be refused.
    fn plant(&mut self, paths: &[&str]) {
        for path in paths {
            assert_eq!(self.write(create(path, 0)), TxnResult::Created((*path).into()));
        }
    }

    fn stat(&self, path: &str) -> Stat {
        self.replica.tree().node(path).unwrap().stat()
    }

    fn code(&mut self, request: WriteRequest) -> ErrorCode {
        match self.write(request) {
            TxnResult::Error(code) => code,
            _ => ErrorCode::Ok,
        }
    }
}

/// Somebody on this machine.
fn caller(session: SessionId) -> Caller {
    Caller { session, ids: AuthIds::of_peer(Ipv4Addr::LOCALHOST.into()) }
}

fn create(path: &str, flags: i32) -> WriteRequest {
    WriteRequest::Create(create_request(path, flags))
}

fn create_request(path: &str, flags: i32) -> CreateRequest {
    CreateRequest { path: path.into(), data: data("x"), acl: Some(Acl::open()), flags }
}

fn delete(path: &str, version: i32) -> WriteRequest {
    WriteRequest::Delete(DeleteRequest { path: path.into(), version: Version(version) })
}

fn set_data(path: &str, value: &str, version: i32) -> WriteRequest {
    let version = Version(version);
    WriteRequest::SetData(SetDataRequest { path: path.into(), data: data(value), version })
}

fn set_acl(path: &str, acl: Vec<Acl>, version: i32) -> WriteRequest {
    let version = Version(version);
    WriteRequest::SetAcl(SetAclRequest { path: path.into(), acl: Some(acl), version })
}

fn data(value: &str) -> Option<Bytes> {
    Some(Bytes::copy_from_slice(value.as_bytes()))
}
