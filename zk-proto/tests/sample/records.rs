//! Records, drawn field by field. A field that is missing here does not compile.

use proptest::prelude::*;
use zk_proto::WatchedEvent;
use zk_proto::data::{Acl, ClientInfo, Id, Stat};
use zk_proto::message::*;

use super::{Sample, sample};

macro_rules! records {
    ($( $name:ident { $($field:ident),* } )*) => { $(
        impl Sample for $name {
            fn strategy() -> BoxedStrategy<Self> {
                ($( records!(@draw $field), )*)
                    .prop_map(|($($field,)*)| Self { $($field),* })
                    .boxed()
            }
        }
    )* };
    (@draw $field:ident) => { sample() };
}

impl Sample for NoBody {
    fn strategy() -> BoxedStrategy<Self> {
        Just(Self {}).boxed()
    }
}

records! {
    Stat {
        czxid, mzxid, ctime, mtime, version, cversion, aversion, ephemeral_owner, data_length,
        num_children, pzxid
    }
    Id { scheme, id }
    Acl { perms, id }
    ClientInfo { auth_scheme, user }
    WatchedEvent { event_type, state, path }

    RequestHeader { xid, op }
    ReplyHeader { xid, zxid, err }
    ConnectRequest { protocol_version, last_zxid_seen, timeout, session_id, passwd, read_only }
    ConnectResponse { protocol_version, timeout, session_id, passwd, read_only }

    CreateRequest { path, data, acl, flags }
    CreateResponse { path }
    Create2Response { path, stat }
    CreateTtlRequest { path, data, acl, flags, ttl }
    DeleteRequest { path, version }
    DeleteContainerRequest { path }
    ExistsRequest { path, watch }
    ExistsResponse { stat }
    GetDataRequest { path, watch }
    GetDataResponse { data, stat }
    SetDataRequest { path, data, version }
    SetDataResponse { stat }
    GetAclRequest { path }
    GetAclResponse { acl, stat }
    SetAclRequest { path, acl, version }
    SetAclResponse { stat }
    GetChildrenRequest { path, watch }
    GetChildrenResponse { children }
    GetChildren2Request { path, watch }
    GetChildren2Response { children, stat }
    CheckVersionRequest { path, version }
    GetEphemeralsRequest { prefix_path }
    GetEphemeralsResponse { ephemerals }
    GetAllChildrenNumberRequest { path }
    GetAllChildrenNumberResponse { total_number }

    SetWatches { relative_zxid, data_watches, exist_watches, child_watches }
    SetWatches2 {
        relative_zxid, data_watches, exist_watches, child_watches, persistent_watches,
        persistent_recursive_watches
    }
    AddWatchRequest { path, mode }
    CheckWatchesRequest { path, watcher_type }
    RemoveWatchesRequest { path, watcher_type }
    ErrorResponse { err }

    AuthPacket { auth_type, scheme, auth }
    GetSaslRequest { token }
    SetSaslResponse { token }
    SyncRequest { path }
    SyncResponse { path }
    ReconfigRequest { joining_servers, leaving_servers, new_members, cur_config_id }
    WhoAmIResponse { client_info }

    MultiRequest { ops }
    MultiResponse { results }
    MultiReadRequest { ops }
    MultiReadResponse { results }
}
