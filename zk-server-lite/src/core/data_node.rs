//! One node of the tree.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use zk_proto::{Acl, ByteString, Stat, Version, Zxid};

use super::ephemeral_type::EphemeralType;

/// A node as it is stored (`DataNode`, `StatPersisted`).
#[derive(Clone, Debug)]
pub(crate) struct DataNode {
    pub(super) data: Option<Bytes>,
    pub(super) acl: Arc<[Acl]>,
    pub(super) czxid: Zxid,
    pub(super) mzxid: Zxid,
    pub(super) pzxid: Zxid,
    pub(super) ctime: i64,
    pub(super) mtime: i64,
    pub(super) version: Version,
    /// How many children were ever created; clients see another number, see [`DataNode::stat`].
    pub(super) cversion: i32,
    pub(super) aversion: Version,
    pub(super) owner: EphemeralType,
    /// Names; slices of the children's paths.
    pub(super) children: BTreeSet<ByteString>,
}

impl DataNode {
    /// A node nobody has changed yet.
    pub(super) fn new(data: Option<Bytes>, acl: Arc<[Acl]>) -> Self {
        Self {
            data,
            acl,
            czxid: Zxid::ZERO,
            mzxid: Zxid::ZERO,
            pzxid: Zxid::ZERO,
            ctime: 0,
            mtime: 0,
            version: Version(0),
            cversion: 0,
            aversion: Version(0),
            owner: EphemeralType::Void,
            children: BTreeSet::new(),
        }
    }

    /// The data; null and empty are different values.
    pub(crate) const fn data(&self) -> Option<&Bytes> {
        self.data.as_ref()
    }

    /// How long the data is; null is as long as empty.
    pub(super) fn data_length(&self) -> i64 {
        self.data.as_ref().map_or(0, length).into()
    }

    /// Who may do what.
    pub(crate) fn acl(&self) -> &[Acl] {
        &self.acl
    }

    /// When it is removed by the server.
    pub(crate) const fn owner(&self) -> EphemeralType {
        self.owner
    }

    /// Whether it has, or ever had, a child.
    pub(crate) const fn has_had_children(&self) -> bool {
        self.cversion > 0
    }

    /// Names of the children, in order.
    pub(crate) fn children(&self) -> impl ExactSizeIterator<Item = &ByteString> {
        self.children.iter()
    }

    /// The state as clients see it (`DataNode.copyStat`).
    pub(crate) fn stat(&self) -> Stat {
        let num_children = i32::try_from(self.children.len()).unwrap_or(i32::MAX);
        Stat {
            czxid: self.czxid,
            mzxid: self.mzxid,
            ctime: self.ctime,
            mtime: self.mtime,
            version: self.version,
            // Stored is the number of creates; seen are creates plus deletes, with 32-bit wrap.
            cversion: Version(self.cversion.wrapping_mul(2).wrapping_sub(num_children)),
            aversion: self.aversion,
            ephemeral_owner: self.owner.client_owner(),
            data_length: self.data.as_ref().map_or(0, length),
            num_children,
            pzxid: self.pzxid,
        }
    }
}

fn length(data: &Bytes) -> i32 {
    i32::try_from(data.len()).unwrap_or(i32::MAX)
}
