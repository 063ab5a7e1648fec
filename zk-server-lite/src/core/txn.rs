//! Transactions: what a write has been decided to do.

use std::sync::Arc;

use bytes::Bytes;
use zk_proto::{Acl, ByteString, ErrorCode, SessionId, Stat, Version, Zxid};

use super::ephemeral_type::Ttl;

/// Stands before every transaction (`TxnHeader`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TxnHeader {
    /// Who asked for it.
    pub(crate) session: SessionId,
    /// The transaction's own number.
    pub(crate) zxid: Zxid,
    /// When it was prepared, in milliseconds since the epoch.
    pub(crate) time: i64,
}

/// A decided write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Txn {
    /// Who, when and which.
    pub(crate) header: TxnHeader,
    /// What.
    pub(crate) body: TxnBody,
}

/// What a transaction does (`SerializeUtils.deserializeTxn`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TxnBody {
    /// Nothing: the write was refused. It still has a zxid of its own.
    Error(ErrorCode),
    /// Starts the session of the header.
    CreateSession {
        /// Milliseconds.
        timeout: i32,
    },
    /// Ends the session of the header.
    CloseSession {
        /// The ephemeral nodes that go with it.
        paths: Vec<ByteString>,
    },
    /// Creates a node; the result is its path.
    Create(CreateTxn),
    /// Creates a node; the result is its path and state.
    Create2(CreateTxn),
    /// Creates a container; the result is its path and state.
    CreateContainer(CreateTxn),
    /// Creates a node with a time to live; the result is its path and state.
    CreateTtl(CreateTxn, Ttl),
    /// Deletes a node.
    Delete {
        /// Which.
        path: ByteString,
    },
    /// Removes a container, or a node whose time to live is over.
    DeleteContainer {
        /// Which.
        path: ByteString,
    },
    /// Sets a node's data.
    SetData {
        /// Which.
        path: ByteString,
        /// The data.
        data: Option<Bytes>,
        /// The data version it gets.
        version: Version,
    },
    /// Sets a node's ACL.
    SetAcl {
        /// Which.
        path: ByteString,
        /// Who may do what.
        acl: Vec<Acl>,
        /// The ACL version it gets.
        version: Version,
    },
    /// Presets the counter of a node's children, also downwards. ZooKeeper has no such transaction.
    SetCversion {
        /// Whose.
        path: ByteString,
        /// The stored cversion it gets.
        cversion: i32,
    },
    /// Nothing: a node was found to have the right version.
    Check,
    /// All of these with one zxid; when it failed, all are errors.
    Multi(Vec<Self>),
}

/// Creates a node (`CreateTxn`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CreateTxn {
    /// Where, with the sequence number.
    pub(crate) path: ByteString,
    /// The data.
    pub(crate) data: Option<Bytes>,
    /// Who may do what.
    pub(crate) acl: Vec<Acl>,
    /// Whether it goes with the session of the header.
    pub(crate) ephemeral: bool,
    /// The stored cversion that the parent gets, unless it is above that already.
    pub(crate) parent_cversion: i32,
}

/// What applying a transaction has brought about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    /// What to answer.
    pub(crate) result: TxnResult,
    /// What watches have to hear of, in order.
    pub(crate) changes: Vec<Change>,
}

/// What to answer to the one who asked (`ProcessTxnResult`).
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TxnResult {
    /// Refused, or inside a failed multi.
    Error(ErrorCode),
    /// Done, and there is no more to say.
    Done,
    /// Created, by create.
    Created(ByteString),
    /// Created, by any create but the first.
    Created2(ByteString, Stat),
    /// Deleted.
    Deleted,
    /// The data was set.
    DataSet(Stat),
    /// The ACL was set.
    AclSet(Stat),
    /// The version is right.
    Checked,
    /// One result for each operation.
    Multi(Vec<Self>),
}

/// Something happened to a node, and the access lists that say who may hear of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It was created.
    Created {
        /// Which.
        path: ByteString,
        /// Its own list.
        acl: Arc<[Acl]>,
        /// The list of its parent, for those who watch that one's children.
        parent_acl: Arc<[Acl]>,
    },
    /// It was deleted.
    Deleted {
        /// Which.
        path: ByteString,
        /// Its own list.
        acl: Arc<[Acl]>,
        /// The list of its parent, for those who watch that one's children.
        parent_acl: Arc<[Acl]>,
    },
    /// Its data was set.
    DataChanged {
        /// Which.
        path: ByteString,
        /// Its own list.
        acl: Arc<[Acl]>,
    },
}

impl Change {
    /// To which node.
    pub(crate) const fn path(&self) -> &ByteString {
        match self {
            Self::Created { path, .. }
            | Self::Deleted { path, .. }
            | Self::DataChanged { path, .. } => path,
        }
    }
}
