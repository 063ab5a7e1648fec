//! A number that stands for the whole state, to compare replicas by.

use bytes::BytesMut;
use zk_proto::{ByteString, Encode};

use super::Replica;
use super::data_node::DataNode;

impl Replica {
    /// Equal for equal states. Visits every node.
    pub(crate) fn digest(&self) -> u64 {
        // A sum does not depend on the order, so the tree may be visited in any.
        let nodes = self.tree.unordered().map(|(path, node)| node_digest(path, node));
        let sessions = self.sessions.iter().map(|(id, timeout)| {
            let mut bytes = BytesMut::new();
            id.encode(&mut bytes);
            timeout.encode(&mut bytes);
            fnv1a(&bytes)
        });
        let quotas = self.tree.quotas.prefixes().map(|prefix| fnv1a(prefix.as_bytes()));
        let zxid = fnv1a(&self.last_zxid.0.to_be_bytes());
        nodes.chain(sessions).chain(quotas).fold(zxid, u64::wrapping_add)
    }
}

fn node_digest(path: &ByteString, node: &DataNode) -> u64 {
    let mut bytes = BytesMut::new();
    path.encode(&mut bytes);
    node.data.encode(&mut bytes);
    node.stat().encode(&mut bytes);
    node.cversion.encode(&mut bytes);
    node.owner.stored().encode(&mut bytes);
    node.acl().to_vec().encode(&mut bytes);
    fnv1a(&bytes)
}

/// FNV-1a, because it is the same everywhere and always.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
