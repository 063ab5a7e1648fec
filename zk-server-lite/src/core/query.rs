//! Reads: what can be asked of a [`DataTree`] without changing it.
//!
//! No read validates its path (`FinalRequestProcessor`): what is not there is not there.

use zk_proto::message::{
    ExistsResponse, GetAclResponse, GetAllChildrenNumberResponse, GetChildren2Response,
    GetChildrenResponse, GetDataResponse, GetEphemeralsResponse,
};
use zk_proto::{ErrorCode, Permissions};

use super::DataTree;
use super::acl::{Caller, redacted};
use super::data_node::DataNode;

impl DataTree {
    /// A node's state.
    ///
    /// # Errors
    /// `BadArguments` for a path with NUL, `NoNode`, `NoAuth`.
    pub(crate) fn exists(&self, caller: &Caller, path: &str) -> Result<ExistsResponse, ErrorCode> {
        if path.contains('\0') {
            return Err(ErrorCode::BadArguments);
        }
        Ok(ExistsResponse { stat: self.readable(caller, path)?.stat() })
    }

    /// A node's data and state.
    ///
    /// # Errors
    /// `NoNode`, `NoAuth`.
    pub(crate) fn get_data(
        &self,
        caller: &Caller,
        path: &str,
    ) -> Result<GetDataResponse, ErrorCode> {
        let node = self.readable(caller, path)?;
        Ok(GetDataResponse { data: node.data().cloned(), stat: node.stat() })
    }

    /// A node's ACL and state. Who may read the list but not change it sees no hashes
    /// (CVE-2019-0201).
    ///
    /// # Errors
    /// `NoNode`, `NoAuth`.
    pub(crate) fn get_acl(&self, caller: &Caller, path: &str) -> Result<GetAclResponse, ErrorCode> {
        let node = self.find(path)?;
        caller.check_acl(Permissions::READ | Permissions::ADMIN, node.acl())?;
        let acl = match caller.check_acl(Permissions::ADMIN, node.acl()) {
            Ok(()) => node.acl().to_vec(),
            Err(_) => node.acl().iter().map(redacted).collect(),
        };
        Ok(GetAclResponse { acl, stat: node.stat() })
    }

    /// The names of a node's children.
    ///
    /// # Errors
    /// `NoNode`, `NoAuth`.
    pub(crate) fn get_children(
        &self,
        caller: &Caller,
        path: &str,
    ) -> Result<GetChildrenResponse, ErrorCode> {
        let node = self.readable(caller, path)?;
        Ok(GetChildrenResponse { children: node.children().cloned().collect() })
    }

    /// The names of a node's children, and its state.
    ///
    /// # Errors
    /// `NoNode`, `NoAuth`.
    pub(crate) fn get_children2(
        &self,
        caller: &Caller,
        path: &str,
    ) -> Result<GetChildren2Response, ErrorCode> {
        let node = self.readable(caller, path)?;
        Ok(GetChildren2Response { children: node.children().cloned().collect(), stat: node.stat() })
    }

    /// How many nodes are below one.
    ///
    /// # Errors
    /// `NoNode`, `NoAuth`.
    pub(crate) fn get_all_children_number(
        &self,
        caller: &Caller,
        path: &str,
    ) -> Result<GetAllChildrenNumberResponse, ErrorCode> {
        self.readable(caller, path)?;
        let total_number = i32::try_from(self.descendants(path)).unwrap_or(i32::MAX);
        Ok(GetAllChildrenNumberResponse { total_number })
    }

    /// The ephemeral nodes of the caller's session whose paths begin with a prefix, letter by letter.
    pub(crate) fn get_ephemerals(
        &self,
        caller: &Caller,
        prefix: Option<&str>,
    ) -> GetEphemeralsResponse {
        let prefix = prefix.filter(|prefix| !prefix.trim().is_empty()).unwrap_or("/");
        let ephemerals = self
            .ephemerals(caller.session)
            .filter(|path| path.starts_with(prefix))
            .cloned()
            .collect();
        GetEphemeralsResponse { ephemerals }
    }

    fn readable(&self, caller: &Caller, path: &str) -> Result<&DataNode, ErrorCode> {
        let node = self.find(path)?;
        caller.check_acl(Permissions::READ, node.acl())?;
        Ok(node)
    }

    fn find(&self, path: &str) -> Result<&DataNode, ErrorCode> {
        self.node(path).ok_or(ErrorCode::NoNode)
    }
}
