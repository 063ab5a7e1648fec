//! Requests for a fuzzer to submit.

use bytes::Bytes;
use zk_proto::ByteString;
use zk_proto::message::{
    CreateRequest, DeleteRequest, ExistsRequest, GetChildrenRequest, GetDataRequest, MultiOp,
    MultiReadOp, MultiReadRequest, MultiRequest, NoBody, SyncRequest,
};
use zk_proto::op::Request;
use zk_proto::{Acl, Version};

pub(super) fn path(at: u8) -> ByteString {
    ByteString::from_static(PATHS[usize::from(at) % PATHS.len()])
}

const PATHS: [&str; 6] = ["/", "/a", "/a/b", "/a/b/c", "/d", "/d/long-enough-to-fill-some-bytes"];

/// A request of a kind; the bit 64 asks for a watch, and 128 for more data than may be sent.
pub(super) fn request(kind: u8, at: u8) -> Request {
    let (path, watch) = (path(at), kind & 64 != 0);
    match kind % 10 {
        0 => Request::GetData(GetDataRequest { path, watch }),
        1 => Request::Exists(ExistsRequest { path, watch }),
        2 => Request::GetChildren(GetChildrenRequest { path, watch }),
        3 | 4 => Request::Create2(create(path, kind)),
        5 => Request::Delete(delete(path)),
        6 => Request::Sync(SyncRequest { path }),
        7 => {
            let ops =
                vec![MultiOp::Create(create(path.clone(), kind)), MultiOp::Delete(delete(path))];
            Request::Multi(MultiRequest { ops })
        }
        8 => {
            let read = MultiReadOp::GetData(GetDataRequest { path, watch: false });
            Request::MultiRead(MultiReadRequest { ops: vec![read; usize::from(kind & 3)] })
        }
        _ => Request::WhoAmI(NoBody {}),
    }
}

fn create(path: ByteString, kind: u8) -> CreateRequest {
    let length = if kind & 128 == 0 { usize::from(kind) } else { 380 };
    let data = Some(Bytes::from(vec![b'x'; length]));
    CreateRequest { path, data, acl: Some(Acl::open()), flags: 0 }
}

const fn delete(path: ByteString) -> DeleteRequest {
    DeleteRequest { path, version: Version::ANY }
}
