//! Every record on the wire, with its fields in wire order, as `zookeeper.jute` has them.

mod auth;
mod connect;
mod ensemble;
mod header;
mod multi;
mod node;
mod watches;

pub use auth::{AuthPacket, GetSaslRequest, Secret, SetSaslResponse};
pub use connect::{ConnectRequest, ConnectResponse};
pub use ensemble::{ReconfigRequest, SyncRequest, SyncResponse, WhoAmIResponse};
pub use header::{NoBody, ReplyHeader, RequestHeader};
pub use multi::{
    MultiOp, MultiReadOp, MultiReadRequest, MultiReadResponse, MultiReadResult, MultiRequest,
    MultiResponse, MultiResult,
};
pub use node::{
    CheckVersionRequest, Create2Response, CreateRequest, CreateResponse, CreateTtlRequest,
    DeleteContainerRequest, DeleteRequest, ExistsRequest, ExistsResponse, GetAclRequest,
    GetAclResponse, GetAllChildrenNumberRequest, GetAllChildrenNumberResponse, GetChildren2Request,
    GetChildren2Response, GetChildrenRequest, GetChildrenResponse, GetDataRequest, GetDataResponse,
    GetEphemeralsRequest, GetEphemeralsResponse, SetAclRequest, SetAclResponse, SetDataRequest,
    SetDataResponse,
};
pub use watches::{
    AddWatchRequest, CheckWatchesRequest, ErrorResponse, RemoveWatchesRequest, SetWatches,
    SetWatches2,
};
