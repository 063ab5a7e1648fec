//! The tree of nodes, as a map from path to node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use zk_proto::{Acl, ByteString, ErrorCode, Permissions, SessionId, Version, Zxid, data::Id};

use super::data_node::DataNode;
use super::ephemeral_type::EphemeralType;
use super::quota::Quotas;
use super::txn::{Change, CreateTxn, TxnHeader};

#[expect(clippy::disallowed_types, reason = "looked up by path; its order is never observed")]
type Nodes = std::collections::HashMap<ByteString, DataNode>;

/// All nodes (`DataTree`).
#[derive(Clone, Debug)]
pub(crate) struct DataTree {
    nodes: Nodes,
    /// The paths of each session's ephemeral nodes.
    ephemerals: BTreeMap<SessionId, BTreeSet<ByteString>>,
    /// The paths of the nodes that the server's own cleaner removes.
    expiring: BTreeSet<ByteString>,
    pub(super) quotas: Quotas,
    /// What nearly every node has as its ACL, stored once.
    open_acl: Arc<[Acl]>,
}

/// The nodes that cannot be deleted.
pub(super) const SPECIAL: [&str; 4] = [ROOT, ZOOKEEPER, QUOTA, CONFIG];

impl Default for DataTree {
    /// The tree of a server that has never been written to.
    fn default() -> Self {
        let mut tree = Self {
            nodes: Nodes::default(),
            ephemerals: BTreeMap::new(),
            expiring: BTreeSet::new(),
            quotas: Quotas::default(),
            open_acl: Acl::open().into(),
        };
        for path in SPECIAL {
            tree.plant(path);
        }
        tree
    }
}

impl DataTree {
    fn plant(&mut self, path: &'static str) {
        let mut node = DataNode::new(Some(Bytes::new()), Arc::clone(&self.open_acl));
        if path == CONFIG {
            // DataTree.addConfigNode sets the ACL with version -1.
            node.acl = [Acl { perms: Permissions::READ, id: Id::ANYONE }].into();
            node.aversion = Version(-1);
        }
        let path = ByteString::from_static(path);
        if let Some(parent) = parent_of(&path)
            && path != ROOT
            && let Some(parent) = self.nodes.get_mut(parent)
        {
            parent.children.insert(child_name(&path));
        }
        self.nodes.insert(path, node);
    }

    /// The node at a path; the empty path is the root too, as it is for every read.
    pub(crate) fn node(&self, path: &str) -> Option<&DataNode> {
        self.nodes.get(if path.is_empty() { ROOT } else { path })
    }

    /// How many nodes there are, the root and `/zookeeper` included.
    pub(crate) fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// How many ephemeral nodes there are.
    pub(crate) fn ephemerals_count(&self) -> usize {
        self.ephemerals.values().map(BTreeSet::len).sum()
    }

    /// The bytes of all paths and all data. Visits every node.
    pub(crate) fn approximate_data_size(&self) -> usize {
        let data = |node: &DataNode| node.data.as_ref().map_or(0, Bytes::len);
        self.nodes.iter().map(|(path, node)| path.len().saturating_add(data(node))).sum()
    }

    /// The ephemeral nodes of a session, in order.
    pub(crate) fn ephemerals(&self, session: SessionId) -> impl Iterator<Item = &ByteString> {
        self.ephemerals.get(&session).into_iter().flatten()
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) const fn ephemerals_by_session(&self) -> &BTreeMap<SessionId, BTreeSet<ByteString>> {
        &self.ephemerals
    }

    /// Containers and nodes with a time to live, in order.
    pub(crate) fn expiring(&self) -> impl Iterator<Item = (&ByteString, &DataNode)> {
        self.expiring.iter().filter_map(|path| Some((path, self.node(path)?)))
    }

    /// Whether there are any of them.
    pub(crate) fn has_expiring(&self) -> bool {
        !self.expiring.is_empty()
    }

    /// How many nodes are below a path, at any depth.
    pub(crate) fn descendants(&self, path: &str) -> usize {
        let mut count = 0_usize;
        let mut open = vec![path.trim_end_matches('/').to_owned()];
        while let Some(path) = open.pop() {
            let Some(node) = self.node(&path) else {
                continue;
            };
            count = count.saturating_add(node.children.len());
            open.extend(node.children.iter().map(|name| format!("{path}/{name}")));
        }
        count
    }

    /// All nodes, in no order: only for sums.
    pub(super) fn unordered(&self) -> impl Iterator<Item = (&ByteString, &DataNode)> {
        self.nodes.iter()
    }

    /// Adds a node; its path in what is returned is the stored one.
    ///
    /// # Errors
    /// `NoNode` without a parent, `NodeExists`; nothing is changed then.
    pub(super) fn create(
        &mut self,
        header: &TxnHeader,
        txn: &CreateTxn,
        owner: EphemeralType,
    ) -> Result<Change, ErrorCode> {
        // The transaction's fields are slices of what a client sent: stored are copies, or a small
        // node would keep a whole read buffer alive.
        let path = ByteString::from(&*txn.path);
        let mut node = DataNode::new(copy(txn.data.as_ref()), self.intern(&txn.acl));
        node.czxid = header.zxid;
        node.mzxid = header.zxid;
        node.pzxid = header.zxid;
        node.ctime = header.time;
        node.mtime = header.time;
        let parent = parent_of(&path).and_then(|parent| self.nodes.get_mut(parent));
        let parent = parent.ok_or(ErrorCode::NoNode)?;
        if !parent.children.insert(child_name(&path)) {
            return Err(ErrorCode::NodeExists);
        }
        // At i32::MAX the next number wraps, is not larger, and so the counter sticks.
        if txn.parent_cversion > parent.cversion {
            parent.cversion = txn.parent_cversion;
            parent.pzxid = header.zxid;
        }
        node.owner = owner;
        match owner {
            EphemeralType::Void => {}
            EphemeralType::Normal(session) => {
                self.ephemerals.entry(session).or_default().insert(path.clone());
            }
            EphemeralType::Container | EphemeralType::Ttl(_) => {
                self.expiring.insert(path.clone());
            }
        }
        let (acl, parent_acl) = (Arc::clone(&node.acl), Arc::clone(&parent.acl));
        self.nodes.insert(path.clone(), node);
        Ok(Change::Created { path, acl, parent_acl })
    }

    /// Removes a node, if it is there.
    pub(super) fn delete(&mut self, zxid: Zxid, path: &str) -> Option<Change> {
        let (path, node) = self.nodes.remove_entry(path)?;
        self.release(&path, node.owner);
        // A node without a parent is heard of by whoever may hear of the node.
        let mut parent_acl = Arc::clone(&node.acl);
        if let Some(parent) = parent_of(&path).and_then(|parent| self.nodes.get_mut(parent)) {
            parent.children.remove(zk_proto::path::name(&path));
            parent.pzxid = parent.pzxid.max(zxid);
            parent_acl = Arc::clone(&parent.acl);
        }
        Some(Change::Deleted { path, acl: node.acl, parent_acl })
    }

    /// A node that goes with something is gone.
    fn release(&mut self, path: &ByteString, owner: EphemeralType) {
        match owner {
            EphemeralType::Void => {}
            EphemeralType::Normal(session) => {
                if let Some(paths) = self.ephemerals.get_mut(&session) {
                    paths.remove(path);
                    if paths.is_empty() {
                        self.ephemerals.remove(&session);
                    }
                }
            }
            EphemeralType::Container | EphemeralType::Ttl(_) => {
                self.expiring.remove(path);
            }
        }
    }

    /// Sets a node's data.
    pub(super) fn set_data(
        &mut self,
        header: &TxnHeader,
        path: &str,
        data: Option<&Bytes>,
        version: Version,
    ) -> Option<&DataNode> {
        let node = self.nodes.get_mut(path)?;
        node.data = copy(data);
        node.version = version;
        node.mzxid = header.zxid;
        node.mtime = header.time;
        Some(node)
    }

    /// Sets a node's data as if it had always been that: no version, time or zxid moves.
    pub(super) fn replace_data(&mut self, path: &str, data: Bytes) {
        if let Some(node) = self.nodes.get_mut(path) {
            node.data = Some(data);
        }
    }

    /// Sets a node's ACL; neither mzxid nor mtime move.
    pub(super) fn set_acl(
        &mut self,
        path: &str,
        acl: &[Acl],
        version: Version,
    ) -> Option<&DataNode> {
        let acl = self.intern(acl);
        let node = self.nodes.get_mut(path)?;
        node.acl = acl;
        node.aversion = version;
        Some(node)
    }

    /// Presets the counter of a node's children; nothing else moves.
    pub(super) fn set_cversion(&mut self, path: &str, cversion: i32) -> Option<&DataNode> {
        let node = self.nodes.get_mut(path)?;
        node.cversion = cversion;
        Some(node)
    }

    fn intern(&self, acl: &[Acl]) -> Arc<[Acl]> {
        if *acl == *self.open_acl {
            return Arc::clone(&self.open_acl);
        }
        let copied = |text: &Option<ByteString>| text.as_deref().map(ByteString::from);
        acl.iter()
            .map(|Acl { perms, id }| Acl {
                perms: *perms,
                id: Id { scheme: copied(&id.scheme), id: copied(&id.id) },
            })
            .collect()
    }
}

/// What stands before the last slash: the parent, and the root for the root itself, as creates and
/// deletes take it (`PrepRequestProcessor`). `None` without a slash.
pub(crate) fn parent_of(path: &str) -> Option<&str> {
    let (parent, _) = path.rsplit_once('/')?;
    Some(if parent.is_empty() { ROOT } else { parent })
}

fn child_name(path: &ByteString) -> ByteString {
    path.slice_ref(zk_proto::path::name(path))
}

fn copy(data: Option<&Bytes>) -> Option<Bytes> {
    data.map(|data| Bytes::copy_from_slice(data))
}

const ROOT: &str = "/";
const ZOOKEEPER: &str = "/zookeeper";
pub(super) const QUOTA: &str = "/zookeeper/quota";
const CONFIG: &str = "/zookeeper/config";
