//! Data of nodes where it must not be shown.

use std::fmt;

use bytes::Bytes;

/// What a node is to hold. `Debug` tells how long it is, and nothing else: what nodes hold may be
/// secret, and what is shown ends in logs.
#[derive(Clone)]
pub(super) struct NodeData(pub(super) Bytes);

impl fmt::Debug for NodeData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}
