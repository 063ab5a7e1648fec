//! Requests that make sense, so that a fuzzer need not find out how they are spelled.

use bytes::{Bytes, BytesMut};
use zk_proto::message::{
    AddWatchRequest, AuthPacket, CheckVersionRequest, CheckWatchesRequest, CreateRequest,
    CreateTtlRequest, DeleteRequest, ExistsRequest, GetChildrenRequest, GetDataRequest,
    GetEphemeralsRequest, MultiOp, MultiReadOp, MultiReadRequest, MultiRequest, NoBody,
    RemoveWatchesRequest, RequestHeader, Secret, SetAclRequest, SetDataRequest, SetWatches,
    SetWatches2, SyncRequest,
};
use zk_proto::{
    Acl, AddWatchMode, ByteString, Encode, OpCode, Permissions, Version, WatcherType, Xid, Zxid,
    data::Id,
};

/// Counts the requests, for their xids.
#[derive(Default)]
pub(super) struct Requests {
    last_xid: i32,
}

impl Requests {
    /// A request of a kind, about a path, with something that varies.
    pub(super) fn next(&mut self, [kind, path, extra]: [u8; 3], zxid: Zxid) -> BytesMut {
        self.last_xid += 1;
        let (op, body) = request(kind, path, extra, zxid);
        let mut out = BytesMut::new();
        RequestHeader { xid: Xid(self.last_xid), op: op.code() }.encode(&mut out);
        out.extend_from_slice(&body);
        out
    }
}

fn request(kind: u8, at: u8, extra: u8, zxid: Zxid) -> (OpCode, BytesMut) {
    let (path, watch, version) = (path(at), extra & 1 != 0, version(extra));
    match kind % 32 {
        0 | 1 => (OpCode::Create, body(&create(path, extra))),
        2 | 3 => (OpCode::Create2, body(&create(path, extra))),
        4 => (OpCode::CreateContainer, body(&CreateRequest { flags: 4, ..create(path, extra) })),
        5 => (OpCode::CreateTtl, body(&create_ttl(path, extra))),
        6 | 7 => (OpCode::Delete, body(&DeleteRequest { path, version })),
        8 | 9 => (OpCode::SetData, body(&SetDataRequest { path, data: data(extra), version })),
        10 => (OpCode::Exists, body(&ExistsRequest { path, watch })),
        11 => (OpCode::GetData, body(&GetDataRequest { path, watch })),
        12 => (OpCode::GetChildren, body(&GetChildrenRequest { path, watch })),
        13 => (OpCode::GetChildren2, body(&GetChildrenRequest { path, watch })),
        14 => (OpCode::GetAcl, body(&SyncRequest { path })),
        15 => (OpCode::SetAcl, body(&SetAclRequest { path, acl: acl(extra), version })),
        16 => (OpCode::Sync, body(&SyncRequest { path })),
        17 | 18 => {
            let mode =
                if watch { AddWatchMode::Persistent } else { AddWatchMode::PersistentRecursive };
            (OpCode::AddWatch, body(&AddWatchRequest { path, mode }))
        }
        19 => (
            OpCode::RemoveWatches,
            body(&RemoveWatchesRequest { path, watcher_type: watcher_type(extra) }),
        ),
        20 => (
            OpCode::CheckWatches,
            body(&CheckWatchesRequest { path, watcher_type: watcher_type(extra) }),
        ),
        21 => (OpCode::SetWatches, body(&set_watches(at, extra, zxid))),
        22 => (OpCode::SetWatches2, body(&set_watches2(at, extra, zxid))),
        23 | 24 => (OpCode::Multi, body(&multi(at, extra))),
        25 => (OpCode::MultiRead, body(&multi_read(at, extra))),
        26 => {
            let prefix_path = watch.then_some(path);
            (OpCode::GetEphemerals, body(&GetEphemeralsRequest { prefix_path }))
        }
        27 => (OpCode::GetAllChildrenNumber, body(&SyncRequest { path })),
        28 => (OpCode::WhoAmI, BytesMut::new()),
        29 => (OpCode::Auth, body(&auth(extra))),
        30 => (OpCode::Ping, body(&NoBody {})),
        _ => (OpCode::CloseSession, body(&NoBody {})),
    }
}

fn body(record: &impl Encode) -> BytesMut {
    let mut out = BytesMut::new();
    record.encode(&mut out);
    out
}

fn path(at: u8) -> ByteString {
    ByteString::from_static(PATHS[usize::from(at) % PATHS.len()])
}

const PATHS: [&str; 16] = [
    "/a",
    "/a/b",
    "/a/b/c",
    "/a/s-",
    "/d",
    "/d/e",
    "/zookeeper/quota/a",
    "/zookeeper/quota/a/zookeeper_limits",
    "/zookeeper/quota/a/zookeeper_stats",
    "/zookeeper/quota/d",
    "/zookeeper/quota/d/zookeeper_limits",
    "/",
    "",
    "/zookeeper/quota",
    "/zookeeper/config",
    "/a//bad",
];

fn version(extra: u8) -> Version {
    Version(if extra & 2 == 0 { -1 } else { i32::from(extra >> 4) })
}

fn data(extra: u8) -> Option<Bytes> {
    match extra >> 2 & 3 {
        0 => None,
        1 => Some(Bytes::from_static(b"count=2,bytes=9=;byteHardLimit=30;countHardLimit=3")),
        2 => Some(Bytes::from_static(b"count=-1,bytes=-1")),
        _ => Some(Bytes::from(vec![b'x'; usize::from(extra)])),
    }
}

fn acl(extra: u8) -> Option<Vec<Acl>> {
    Some(match extra >> 5 {
        0..=2 => Acl::open(),
        3 => Acl::read_only(),
        4 => Acl::creator_all(),
        5 => vec![Acl::new(Permissions::ALL, Id::digest("bob", "secret"))],
        6 => vec![Acl::new(Permissions::READ, Id::ip("10.0.0.0/8"))],
        _ => return None,
    })
}

fn create(path: ByteString, extra: u8) -> CreateRequest {
    CreateRequest { path, data: data(extra), acl: acl(extra), flags: i32::from(extra & 3) }
}

fn create_ttl(path: ByteString, extra: u8) -> CreateTtlRequest {
    let CreateRequest { path, data, acl, .. } = create(path, extra);
    let (flags, ttl) = (5 + i32::from(extra & 1), i64::from(extra) * 20);
    CreateTtlRequest { path, data, acl, flags, ttl }
}

fn watcher_type(extra: u8) -> WatcherType {
    match extra % 3 {
        0 => WatcherType::Any,
        1 => WatcherType::Data,
        _ => WatcherType::Children,
    }
}

/// The path, and the next one in the list.
fn two(at: u8) -> Vec<ByteString> {
    vec![path(at), path(at.wrapping_add(1))]
}

fn since(extra: u8, zxid: Zxid) -> Zxid {
    Zxid(zxid.0 - i64::from(extra >> 3))
}

fn set_watches(at: u8, extra: u8, zxid: Zxid) -> SetWatches {
    SetWatches {
        relative_zxid: since(extra, zxid),
        data_watches: two(at),
        exist_watches: two(at.wrapping_add(1)),
        child_watches: two(at.wrapping_add(2)),
    }
}

fn set_watches2(at: u8, extra: u8, zxid: Zxid) -> SetWatches2 {
    let SetWatches { relative_zxid, data_watches, exist_watches, child_watches } =
        set_watches(at, extra, zxid);
    SetWatches2 {
        relative_zxid,
        data_watches,
        exist_watches,
        child_watches,
        persistent_watches: two(at.wrapping_add(3)),
        persistent_recursive_watches: two(at),
    }
}

/// Up to four operations; which ones is in the bits of `extra`.
fn multi(at: u8, extra: u8) -> MultiRequest {
    let other = path(at.wrapping_add(1));
    let all = [
        MultiOp::Create(create(path(at), extra & 0x1c)),
        MultiOp::SetData(SetDataRequest { path: path(at), data: data(extra), version: version(0) }),
        MultiOp::Create2(create(other.clone(), 1)),
        MultiOp::Check(CheckVersionRequest { path: other.clone(), version: version(extra) }),
        MultiOp::Delete(DeleteRequest { path: other, version: version(0) }),
        MultiOp::CreateTtl(create_ttl(path(at), extra)),
    ];
    let chosen = all.into_iter().enumerate().filter(|(bit, _)| extra >> bit & 1 != 0);
    MultiRequest { ops: chosen.map(|(_, op)| op).collect() }
}

fn multi_read(at: u8, extra: u8) -> MultiReadRequest {
    let read = |number: u8| {
        let (path, watch) = (path(at.wrapping_add(number)), false);
        if number & 1 == 0 {
            MultiReadOp::GetData(GetDataRequest { path, watch })
        } else {
            MultiReadOp::GetChildren(GetChildrenRequest { path, watch })
        }
    };
    MultiReadRequest { ops: (0..extra % 8).map(read).collect() }
}

fn auth(extra: u8) -> AuthPacket {
    let (scheme, secret) = match extra % 5 {
        0 => ("digest", "bob:secret"),
        1 => ("digest", "super:admin"),
        2 => ("digest", "no colon"),
        3 => ("ip", "10.1.2.3"),
        _ => ("unknown", ""),
    };
    AuthPacket {
        auth_type: 0,
        scheme: ByteString::from_static(scheme),
        auth: Secret(Some(Bytes::from_static(secret.as_bytes()))),
    }
}
