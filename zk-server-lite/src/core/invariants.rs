//! What must hold of a replica between any two transactions; for tests and fuzzing.

use std::collections::{BTreeMap, BTreeSet};

use zk_proto::{ByteString, SessionId, path};

use super::data_tree::{SPECIAL, parent_of};
use super::{DataTree, EphemeralType, Replica};

impl Replica {
    /// The first rule that is broken, in words.
    pub(crate) fn broken_invariant(&self) -> Option<String> {
        let tree = &self.tree;
        let orphan = tree.ephemerals_by_session().keys().find(|owner| !self.has_session(**owner));
        if let Some(owner) = orphan {
            return Some(format!("ephemeral nodes of {owner:?}, which is no session"));
        }
        tree.broken_index().or_else(|| {
            tree.unordered().find_map(|(path, _)| tree.broken_node(path, self.last_zxid.0))
        })
    }
}

impl DataTree {
    /// The indices name just the nodes that they should.
    fn broken_index(&self) -> Option<String> {
        let mut ephemerals: BTreeMap<SessionId, BTreeSet<ByteString>> = BTreeMap::new();
        let mut expiring = BTreeSet::new();
        for (path, node) in self.unordered() {
            match node.owner() {
                EphemeralType::Void => {}
                EphemeralType::Normal(session) => {
                    ephemerals.entry(session).or_default().insert(path.clone());
                }
                EphemeralType::Container | EphemeralType::Ttl(_) => {
                    expiring.insert(path.clone());
                }
            }
        }
        if ephemerals != *self.ephemerals_by_session() {
            return Some("the index of ephemeral nodes differs from the nodes".to_owned());
        }
        if !expiring.iter().eq(self.expiring().map(|(path, _)| path)) {
            return Some("the index of expiring nodes differs from the nodes".to_owned());
        }
        SPECIAL.iter().find(|path| self.node(path).is_none()).map(|path| format!("no {path}"))
    }

    /// A node and its parent know each other, and its numbers are possible.
    fn broken_node(&self, at: &ByteString, last_zxid: i64) -> Option<String> {
        let node = self.node(at)?;
        let stat = node.stat();
        let below = |name: &ByteString| format!("{}/{name}", at.trim_end_matches('/'));
        if let Some(name) = node.children().find(|name| self.node(&below(name)).is_none()) {
            return Some(format!("{at} has a child {name} that is not there"));
        }
        let parent = parent_of(at).and_then(|parent| self.node(parent));
        if !parent.is_some_and(|parent| {
            &**at == "/" || parent.children().any(|name| &**name == path::name(at))
        }) {
            return Some(format!("{at} is not a child of its parent"));
        }
        if node.owner().is_ephemeral() && node.children().len() > 0 {
            return Some(format!("{at} is ephemeral and has children"));
        }
        let zxids = [stat.czxid.0, stat.mzxid.0, stat.pzxid.0];
        if stat.czxid > stat.mzxid || zxids.iter().any(|zxid| !(0..=last_zxid).contains(zxid)) {
            return Some(format!("{at} has impossible zxids: {stat:?}"));
        }
        None
    }
}
