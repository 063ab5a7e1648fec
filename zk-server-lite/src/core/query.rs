//! Reads: what can be asked of a [`DataTree`] without changing it.
//!
//! No read validates its path (`FinalRequestProcessor`): what is not there is not there.

use zk_proto::message::{
    ExistsResponse, GetAclResponse, GetAllChildrenNumberResponse, GetChildren2Response,
    GetChildrenResponse, GetDataResponse, GetEphemeralsResponse,
};
use zk_proto::{ErrorCode, SessionId};

use super::DataTree;
use super::data_node::DataNode;

impl DataTree {
    /// A node's state.
    ///
    /// # Errors
    /// `BadArguments` for a path with NUL, `NoNode`.
    pub(crate) fn exists(&self, path: &str) -> Result<ExistsResponse, ErrorCode> {
        if path.contains('\0') {
            return Err(ErrorCode::BadArguments);
        }
        Ok(ExistsResponse { stat: self.find(path)?.stat() })
    }

    /// A node's data and state.
    ///
    /// # Errors
    /// `NoNode`.
    pub(crate) fn get_data(&self, path: &str) -> Result<GetDataResponse, ErrorCode> {
        let node = self.find(path)?;
        Ok(GetDataResponse { data: node.data().cloned(), stat: node.stat() })
    }

    /// A node's ACL and state.
    ///
    /// # Errors
    /// `NoNode`.
    pub(crate) fn get_acl(&self, path: &str) -> Result<GetAclResponse, ErrorCode> {
        let node = self.find(path)?;
        Ok(GetAclResponse { acl: node.acl().to_vec(), stat: node.stat() })
    }

    /// The names of a node's children.
    ///
    /// # Errors
    /// `NoNode`.
    pub(crate) fn get_children(&self, path: &str) -> Result<GetChildrenResponse, ErrorCode> {
        let node = self.find(path)?;
        Ok(GetChildrenResponse { children: node.children().cloned().collect() })
    }

    /// The names of a node's children, and its state.
    ///
    /// # Errors
    /// `NoNode`.
    pub(crate) fn get_children2(&self, path: &str) -> Result<GetChildren2Response, ErrorCode> {
        let node = self.find(path)?;
        Ok(GetChildren2Response { children: node.children().cloned().collect(), stat: node.stat() })
    }

    /// How many nodes are below one.
    ///
    /// # Errors
    /// `NoNode`.
    pub(crate) fn get_all_children_number(
        &self,
        path: &str,
    ) -> Result<GetAllChildrenNumberResponse, ErrorCode> {
        self.find(path)?;
        let total_number = i32::try_from(self.descendants(path)).unwrap_or(i32::MAX);
        Ok(GetAllChildrenNumberResponse { total_number })
    }

    /// The ephemeral nodes of a session whose paths begin with a prefix, letter by letter.
    pub(crate) fn get_ephemerals(
        &self,
        session: SessionId,
        prefix: Option<&str>,
    ) -> GetEphemeralsResponse {
        let prefix = prefix.filter(|prefix| !prefix.trim().is_empty()).unwrap_or("/");
        let ephemerals =
            self.ephemerals(session).filter(|path| path.starts_with(prefix)).cloned().collect();
        GetEphemeralsResponse { ephemerals }
    }

    fn find(&self, path: &str) -> Result<&DataNode, ErrorCode> {
        self.node(path).ok_or(ErrorCode::NoNode)
    }
}
