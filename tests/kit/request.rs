//! Requests, said in short: persistent nodes, no data, an open ACL, any version.

use bytes::Bytes;
use zk_proto::message::{
    AddWatchRequest, CheckVersionRequest, CheckWatchesRequest, CreateRequest, CreateTtlRequest,
    DeleteRequest, ExistsRequest, GetChildrenRequest, GetDataRequest, MultiOp, MultiRequest,
    NoBody, RemoveWatchesRequest, SetAclRequest, SetDataRequest, SyncRequest,
};
use zk_proto::op::Request;
use zk_proto::{Acl, AddWatchMode, CreateMode, Version, WatcherType};

/// The record of a create.
#[must_use]
pub fn node(path: &str, mode: CreateMode) -> CreateRequest {
    CreateRequest {
        path: path.into(),
        data: Some(Bytes::new()),
        acl: Some(Acl::open()),
        flags: mode.flags(),
    }
}

/// Creates a persistent node, and wants its `Stat`.
#[must_use]
pub fn create(path: &str) -> Request {
    Request::Create2(node(path, CreateMode::Persistent))
}

/// Creates a node that goes with the session.
#[must_use]
pub fn create_ephemeral(path: &str) -> Request {
    Request::Create2(node(path, CreateMode::Ephemeral))
}

/// Creates a container.
#[must_use]
pub fn create_container(path: &str) -> Request {
    Request::CreateContainer(node(path, CreateMode::Container))
}

/// Creates a node with a time to live, in milliseconds.
#[must_use]
pub fn create_ttl(path: &str, ttl: i64) -> Request {
    Request::CreateTtl(ttl_node(path, CreateMode::PersistentWithTtl, ttl))
}

/// The record of a create with a time to live, in milliseconds.
#[must_use]
pub fn ttl_node(path: &str, mode: CreateMode, ttl: i64) -> CreateTtlRequest {
    let CreateRequest { path, data, acl, flags } = node(path, mode);
    CreateTtlRequest { path, data, acl, flags, ttl }
}

/// Deletes a node.
#[must_use]
pub fn delete(path: &str) -> Request {
    Request::Delete(DeleteRequest { path: path.into(), version: Version::ANY })
}

/// Sets a node's data.
#[must_use]
pub fn set(path: &str, data: impl Into<Bytes>) -> Request {
    let data = Some(data.into());
    Request::SetData(SetDataRequest { path: path.into(), data, version: Version::ANY })
}

/// Sets a node's ACL to the open one.
#[must_use]
pub fn set_acl(path: &str) -> Request {
    let acl = Some(Acl::open());
    Request::SetAcl(SetAclRequest { path: path.into(), acl, version: Version::ANY })
}

/// Asks whether a node exists.
#[must_use]
pub fn exists(path: &str) -> Request {
    Request::Exists(ExistsRequest { path: path.into(), watch: false })
}

/// The same, with a watch.
#[must_use]
pub fn watch_exists(path: &str) -> Request {
    Request::Exists(ExistsRequest { path: path.into(), watch: true })
}

/// Reads a node's data.
#[must_use]
pub fn get(path: &str) -> Request {
    Request::GetData(GetDataRequest { path: path.into(), watch: false })
}

/// The same, with a watch.
#[must_use]
pub fn watch_data(path: &str) -> Request {
    Request::GetData(GetDataRequest { path: path.into(), watch: true })
}

/// Lists a node's children.
#[must_use]
pub fn children(path: &str) -> Request {
    Request::GetChildren(GetChildrenRequest { path: path.into(), watch: false })
}

/// The same, with a watch.
#[must_use]
pub fn watch_children(path: &str) -> Request {
    Request::GetChildren(GetChildrenRequest { path: path.into(), watch: true })
}

/// Sets a watch that stays, of the node and its list of children.
#[must_use]
pub fn watch_persistent(path: &str) -> Request {
    Request::AddWatch(AddWatchRequest { path: path.into(), mode: AddWatchMode::Persistent })
}

/// Sets a watch that stays, of the node and everything below it.
#[must_use]
pub fn watch_recursive(path: &str) -> Request {
    let mode = AddWatchMode::PersistentRecursive;
    Request::AddWatch(AddWatchRequest { path: path.into(), mode })
}

/// Asks whether the connection has such a watch.
#[must_use]
pub fn check_watches(path: &str, watcher_type: WatcherType) -> Request {
    Request::CheckWatches(CheckWatchesRequest { path: path.into(), watcher_type })
}

/// Removes such watches of the connection.
#[must_use]
pub fn remove_watches(path: &str, watcher_type: WatcherType) -> Request {
    Request::RemoveWatches(RemoveWatchesRequest { path: path.into(), watcher_type })
}

/// Lets the server catch up.
#[must_use]
pub fn sync(path: &str) -> Request {
    Request::Sync(SyncRequest { path: path.into() })
}

/// Several writes or none.
#[must_use]
pub const fn multi(ops: Vec<MultiOp>) -> Request {
    Request::Multi(MultiRequest { ops })
}

/// One of them: creates a node.
#[must_use]
pub fn multi_create(path: &str) -> MultiOp {
    MultiOp::Create(node(path, CreateMode::Persistent))
}

/// One of them: deletes a node.
#[must_use]
pub fn multi_delete(path: &str) -> MultiOp {
    MultiOp::Delete(DeleteRequest { path: path.into(), version: Version::ANY })
}

/// One of them: sets a node's data.
#[must_use]
pub fn multi_set(path: &str, data: impl Into<Bytes>) -> MultiOp {
    let data = Some(data.into());
    MultiOp::SetData(SetDataRequest { path: path.into(), data, version: Version::ANY })
}

/// One of them: compares a version.
#[must_use]
pub fn multi_check(path: &str, version: i32) -> MultiOp {
    MultiOp::Check(CheckVersionRequest { path: path.into(), version: Version(version) })
}

/// Keeps the session alive.
#[must_use]
pub const fn ping() -> Request {
    Request::Ping(NoBody {})
}

/// Ends the session.
#[must_use]
pub const fn close_session() -> Request {
    Request::CloseSession(NoBody {})
}
