//! Writes whose path is null.
//!
//! The original reads them whole, takes a zxid, and comes across the null only where it first uses
//! the path (`PrepRequestProcessor`): what it looks at before that decides the error.

use bytes::Bytes;
use zk_proto::jute::Reader;
use zk_proto::op::Request;
use zk_proto::{ErrorCode, OpCode};

use crate::core::{Features, mode_of, mode_with_ttl};

/// What such a write is refused with, if it is one and can be read apart from that.
pub(super) fn refusal(op: OpCode, body: &[u8], features: Features) -> Option<ErrorCode> {
    const NULL: [u8; 4] = (-1_i32).to_be_bytes();
    const EMPTY: [u8; 4] = 0_i32.to_be_bytes();
    let behind_path = body.strip_prefix(&NULL)?;
    let readable = Bytes::from([&EMPTY[..], behind_path].concat());
    let request = Request::decode(op, &mut Reader::new(readable)).ok()??;
    let checked = match request {
        Request::Create(request)
        | Request::Create2(request)
        | Request::CreateContainer(request) => mode_of(&request, features).map(drop),
        Request::CreateTtl(request) => mode_with_ttl(&request, features).map(drop),
        Request::Delete(_) => Ok(()),
        // These look at the path as a whole first, and for that null is a bad path like others.
        Request::SetData(_) | Request::SetAcl(_) => Err(ErrorCode::BadArguments),
        _ => return None,
    };
    Some(checked.err().unwrap_or(ErrorCode::MarshallingError))
}
