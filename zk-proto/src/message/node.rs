use bytes::Bytes;
use bytestring::ByteString;

use crate::data::{Acl, Stat};
use crate::id::Version;
use crate::record;

record! {
    /// Creates a node.
    pub struct CreateRequest {
        /// The path of the new node; a sequential create appends its number.
        path: ByteString,
        /// The node's data; null and empty are different values.
        data: Option<Bytes>,
        /// Who may do what; null and empty are refused.
        acl: Option<Vec<Acl>>,
        /// The number of a [`CreateMode`](crate::CreateMode), unchecked.
        flags: i32,
    }
}

record! {
    /// A node was created by create.
    pub struct CreateResponse {
        /// The path, with the sequence number if there is one.
        path: ByteString,
    }
}

record! {
    /// A node was created by create2, createContainer or createTTL.
    pub struct Create2Response {
        /// The path, with the sequence number if there is one.
        path: ByteString,
        /// The state of the new node.
        stat: Stat,
    }
}

record! {
    /// Creates a node with a time to live.
    pub struct CreateTtlRequest {
        /// The path of the new node; a sequential create appends its number.
        path: ByteString,
        /// The node's data; null and empty are different values.
        data: Option<Bytes>,
        /// Who may do what; null and empty are refused.
        acl: Option<Vec<Acl>>,
        /// The number of a [`CreateMode`](crate::CreateMode), unchecked.
        flags: i32,
        /// Milliseconds without a change after which a node without children goes.
        ttl: i64,
    }
}

record! {
    /// Deletes a node without children.
    pub struct DeleteRequest {
        /// The path of the node.
        path: ByteString,
        /// The data version it must have.
        version: Version,
    }
}

record! {
    /// Deletes an empty container; servers send it to themselves only.
    pub struct DeleteContainerRequest {
        /// The path of the node.
        path: ByteString,
    }
}

record! {
    /// Asks for a node's state.
    pub struct ExistsRequest {
        /// The path of the node.
        path: ByteString,
        /// Whether to set a one-shot watch, also when the node does not exist.
        watch: bool,
    }
}

record! {
    /// The node exists.
    pub struct ExistsResponse {
        /// The state of the node.
        stat: Stat,
    }
}

record! {
    /// Asks for a node's data.
    pub struct GetDataRequest {
        /// The path of the node.
        path: ByteString,
        /// Whether to set a one-shot watch if the node exists.
        watch: bool,
    }
}

record! {
    /// A node's data.
    pub struct GetDataResponse {
        /// The data; null and empty are different values.
        data: Option<Bytes>,
        /// The state of the node.
        stat: Stat,
    }
}

record! {
    /// Sets a node's data.
    pub struct SetDataRequest {
        /// The path of the node.
        path: ByteString,
        /// The new data; null and empty are different values.
        data: Option<Bytes>,
        /// The data version it must have.
        version: Version,
    }
}

record! {
    /// The data was set.
    pub struct SetDataResponse {
        /// The new state of the node.
        stat: Stat,
    }
}

record! {
    /// Asks for a node's ACL.
    pub struct GetAclRequest {
        /// The path of the node.
        path: ByteString,
    }
}

record! {
    /// A node's ACL.
    pub struct GetAclResponse {
        /// The entries, with secrets hidden from those who may not change them.
        acl: Vec<Acl>,
        /// The state of the node.
        stat: Stat,
    }
}

record! {
    /// Sets a node's ACL.
    pub struct SetAclRequest {
        /// The path of the node.
        path: ByteString,
        /// Who may do what; null and empty are refused.
        acl: Option<Vec<Acl>>,
        /// The ACL version it must have.
        version: Version,
    }
}

record! {
    /// The ACL was set.
    pub struct SetAclResponse {
        /// The new state of the node.
        stat: Stat,
    }
}

record! {
    /// Asks for the names of a node's children.
    pub struct GetChildrenRequest {
        /// The path of the node.
        path: ByteString,
        /// Whether to set a one-shot watch if the node exists.
        watch: bool,
    }
}

record! {
    /// The names of a node's children.
    pub struct GetChildrenResponse {
        /// Names only, in no order.
        children: Vec<ByteString>,
    }
}

record! {
    /// Asks for the names of a node's children and for its state.
    pub struct GetChildren2Request {
        /// The path of the node.
        path: ByteString,
        /// Whether to set a one-shot watch if the node exists.
        watch: bool,
    }
}

record! {
    /// The names of a node's children and its state.
    pub struct GetChildren2Response {
        /// Names only, in no order.
        children: Vec<ByteString>,
        /// The state of the node.
        stat: Stat,
    }
}

record! {
    /// Fails unless a node has a version.
    pub struct CheckVersionRequest {
        /// The path of the node.
        path: ByteString,
        /// The data version it must have; any for mere existence.
        version: Version,
    }
}

record! {
    /// Asks for the ephemeral nodes of this session.
    pub struct GetEphemeralsRequest {
        /// What their paths must begin with, letter by letter; null for all.
        prefix_path: Option<ByteString>,
    }
}

record! {
    /// The ephemeral nodes of this session.
    pub struct GetEphemeralsResponse {
        /// Their paths, in no order.
        ephemerals: Vec<ByteString>,
    }
}

record! {
    /// Asks how many nodes are below one.
    pub struct GetAllChildrenNumberRequest {
        /// The path of the node.
        path: ByteString,
    }
}

record! {
    /// How many nodes are below one.
    pub struct GetAllChildrenNumberResponse {
        /// All descendants, not children only.
        total_number: i32,
    }
}
