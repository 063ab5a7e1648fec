//! The state as the operations of one multi see it: the tree, and what earlier ones will do to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use zk_proto::{Acl, ByteString, ErrorCode, Version};

use super::data_tree::{DataTree, parent_of};
use super::prepare::Features;
use super::quota::Usage;
use super::txn::{CreateTxn, TxnBody};

/// What checks need to know of a node (`ChangeRecord`).
#[derive(Clone, Debug)]
pub(super) struct ChangeRecord {
    pub(super) acl: Arc<[Acl]>,
    pub(super) version: Version,
    pub(super) cversion: i32,
    pub(super) aversion: Version,
    pub(super) ephemeral: bool,
    pub(super) children: usize,
    pub(super) data_length: i64,
}

/// A tree with changes that are decided but not applied.
#[derive(Debug)]
pub(super) struct Outstanding<'a> {
    tree: &'a DataTree,
    /// What the server has switched on.
    pub(super) features: Features,
    changed: BTreeMap<ByteString, Option<ChangeRecord>>,
}

impl<'a> Outstanding<'a> {
    pub(super) const fn new(tree: &'a DataTree, features: Features) -> Self {
        Self { tree, features, changed: BTreeMap::new() }
    }

    /// Whether a write stays within the limits of quotas, if they are enforced.
    ///
    /// # Errors
    /// `QuotaExceeded`.
    pub(super) fn check_quota(&self, path: &str, change: Usage) -> Result<(), ErrorCode> {
        if self.features.enforce_quota { self.tree.check_quota(path, change) } else { Ok(()) }
    }

    /// The node at a path, as it will be.
    pub(super) fn node(&self, path: &str) -> Option<ChangeRecord> {
        if let Some(record) = self.changed.get(path) {
            return record.clone();
        }
        self.tree.node(path).map(|node| ChangeRecord {
            acl: Arc::clone(&node.acl),
            version: node.version,
            cversion: node.cversion,
            aversion: node.aversion,
            ephemeral: node.owner.is_ephemeral(),
            children: node.children.len(),
            data_length: node.data_length(),
        })
    }

    /// Takes a decision into account.
    pub(super) fn add(&mut self, body: &TxnBody) {
        match body {
            TxnBody::Create(txn)
            | TxnBody::Create2(txn)
            | TxnBody::CreateContainer(txn)
            | TxnBody::CreateTtl(txn, _) => self.add_create(txn),
            TxnBody::Delete { path } | TxnBody::DeleteContainer { path } => {
                self.changed.insert(path.clone(), None);
                self.change_parent(path, |parent| {
                    parent.children = parent.children.saturating_sub(1);
                });
            }
            TxnBody::SetData { path, data, version } => {
                self.change(path, |node| {
                    node.version = *version;
                    node.data_length = length(data.as_ref());
                });
            }
            TxnBody::SetAcl { path, acl, version } => self.change(path, |node| {
                node.acl = acl.as_slice().into();
                node.aversion = *version;
            }),
            TxnBody::SetCversion { path, cversion } => {
                self.change(path, |node| node.cversion = *cversion);
            }
            TxnBody::Error(_)
            | TxnBody::Check
            | TxnBody::CreateSession { .. }
            | TxnBody::CloseSession { .. }
            | TxnBody::Multi(_) => {}
        }
    }

    fn add_create(&mut self, txn: &CreateTxn) {
        let record = ChangeRecord {
            acl: txn.acl.as_slice().into(),
            version: Version(0),
            cversion: 0,
            aversion: Version(0),
            ephemeral: txn.ephemeral,
            children: 0,
            data_length: length(txn.data.as_ref()),
        };
        self.changed.insert(txn.path.clone(), Some(record));
        self.change_parent(&txn.path, |parent| {
            parent.cversion = txn.parent_cversion;
            parent.children = parent.children.saturating_add(1);
        });
    }

    fn change_parent(&mut self, path: &str, change: impl FnOnce(&mut ChangeRecord)) {
        if let Some(parent) = parent_of(path) {
            self.change(parent, change);
        }
    }

    fn change(&mut self, path: &str, change: impl FnOnce(&mut ChangeRecord)) {
        if let Some(mut record) = self.node(path) {
            change(&mut record);
            self.changed.insert(path.into(), Some(record));
        }
    }
}

/// Null is as long as empty.
pub(super) fn length(data: Option<&Bytes>) -> i64 {
    data.map_or(0, |data| i64::try_from(data.len()).unwrap_or(i64::MAX))
}
