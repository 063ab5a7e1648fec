//! Applies transactions: the only code that changes a [`Replica`].

use std::sync::Arc;

use zk_proto::{ByteString, ErrorCode, Stat};

use super::Replica;
use super::data_node::DataNode;
use super::ephemeral_type::EphemeralType;
use super::quota::Usage;
use super::txn::{Applied, Change, CreateTxn, Txn, TxnBody, TxnHeader, TxnResult};

impl Replica {
    /// Applies a transaction. What cannot be done (a node to delete that is gone) is skipped, as a
    /// replay over a fuzzy snapshot needs it (`DataTree.processTxn`).
    pub(crate) fn apply(&mut self, txn: &Txn) -> Applied {
        let mut changes = Vec::new();
        let result = self.apply_body(&txn.header, &txn.body, &mut changes);
        self.last_zxid = self.last_zxid.max(txn.header.zxid);
        Applied { result, changes }
    }

    fn apply_body(
        &mut self,
        header: &TxnHeader,
        body: &TxnBody,
        changes: &mut Vec<Change>,
    ) -> TxnResult {
        match body {
            TxnBody::Error(code) => TxnResult::Error(*code),
            TxnBody::CreateSession { timeout } => {
                self.sessions.insert(header.session, *timeout);
                TxnResult::Done
            }
            TxnBody::CloseSession { paths } => {
                self.sessions.remove(&header.session);
                for path in paths {
                    self.delete(header, path, changes);
                }
                TxnResult::Done
            }
            TxnBody::Create(txn) => {
                match self.create(header, txn, owner_of(header, txn), changes) {
                    Ok((path, _)) => TxnResult::Created(path),
                    Err(code) => TxnResult::Error(code),
                }
            }
            TxnBody::Create2(txn) => self.create2(header, txn, owner_of(header, txn), changes),
            TxnBody::CreateContainer(txn) => {
                self.create2(header, txn, EphemeralType::Container, changes)
            }
            TxnBody::CreateTtl(txn, ttl) => {
                self.create2(header, txn, EphemeralType::Ttl(*ttl), changes)
            }
            TxnBody::Delete { path } | TxnBody::DeleteContainer { path } => {
                self.delete(header, path, changes)
            }
            TxnBody::SetData { path, data, version } => {
                let before = self.tree.node(path).map_or(0, DataNode::data_length);
                match self.tree.set_data(header, path, data.as_ref(), *version) {
                    Some(node) => {
                        let (stat, acl) = (node.stat(), Arc::clone(&node.acl));
                        let bytes = node.data_length().wrapping_sub(before);
                        self.tree.count(path, Usage { nodes: 0, bytes });
                        changes.push(Change::DataChanged { path: path.clone(), acl });
                        TxnResult::DataSet(stat)
                    }
                    None => TxnResult::Error(ErrorCode::NoNode),
                }
            }
            TxnBody::SetAcl { path, acl, version } => {
                match self.tree.set_acl(path, acl, *version) {
                    Some(node) => TxnResult::AclSet(node.stat()),
                    None => TxnResult::Error(ErrorCode::NoNode),
                }
            }
            TxnBody::SetCversion { path, cversion } => {
                match self.tree.set_cversion(path, *cversion) {
                    Some(_) => TxnResult::Done,
                    None => TxnResult::Error(ErrorCode::NoNode),
                }
            }
            TxnBody::Check => TxnResult::Checked,
            TxnBody::Multi(bodies) => TxnResult::Multi(
                bodies.iter().map(|body| self.apply_body(header, body, changes)).collect(),
            ),
        }
    }

    fn create(
        &mut self,
        header: &TxnHeader,
        txn: &CreateTxn,
        owner: EphemeralType,
        changes: &mut Vec<Change>,
    ) -> Result<(ByteString, Stat), ErrorCode> {
        let change = self.tree.create(header, txn, owner)?;
        let path = change.path().clone();
        changes.push(change);
        // Before the server fills it in, if it is the node that tells how much of a quota is used.
        let stat = self.tree.node(&path).map(DataNode::stat).unwrap_or_default();
        self.tree.count_created(&path, stat.data_length.into());
        Ok((path, stat))
    }

    /// The same, for those who want to know the node's state.
    fn create2(
        &mut self,
        header: &TxnHeader,
        txn: &CreateTxn,
        owner: EphemeralType,
        changes: &mut Vec<Change>,
    ) -> TxnResult {
        match self.create(header, txn, owner, changes) {
            Ok((path, stat)) => TxnResult::Created2(path, stat),
            Err(code) => TxnResult::Error(code),
        }
    }

    fn delete(
        &mut self,
        header: &TxnHeader,
        path: &ByteString,
        changes: &mut Vec<Change>,
    ) -> TxnResult {
        let bytes = self.tree.node(path).map_or(0, DataNode::data_length);
        match self.tree.delete(header.zxid, path) {
            Some(change) => {
                self.tree.count_deleted(path, bytes);
                changes.push(change);
                TxnResult::Deleted
            }
            None => TxnResult::Error(ErrorCode::NoNode),
        }
    }
}

const fn owner_of(header: &TxnHeader, txn: &CreateTxn) -> EphemeralType {
    if txn.ephemeral { EphemeralType::Normal(header.session) } else { EphemeralType::Void }
}
