//! Removes empty containers and nodes whose time to live is over (`ContainerManager`).
//!
//! The server looks for them at the whole multiples of an interval since its start, and spreads
//! the deletes that follow. Each is a write of its own, with nobody's session. Without such nodes
//! in the tree there is no deadline.

use std::collections::VecDeque;

use zk_proto::{ByteString, SessionId};

use crate::core::{Caller, DataTree, EphemeralType, WriteRequest};

use super::{Engine, Now};

/// When the server removes nodes by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ContainerOptions {
    /// Milliseconds between two looks at the tree; not 0 (`znode.container.checkIntervalMs`).
    pub(crate) check_interval_ms: u64,
    /// How many nodes go in a minute at the most; not 0 (`znode.container.maxPerMinute`).
    pub(crate) max_per_minute: u64,
    /// Milliseconds that a container lasts that never had a child; 0 for ever
    /// (`znode.container.maxNeverUsedIntervalMs`).
    pub(crate) max_never_used_ms: u64,
}

/// What is left to look at and to remove.
#[derive(Debug)]
pub(super) struct ContainerManager {
    options: ContainerOptions,
    /// When to look next; `None` while there is nothing to look at.
    next_check: Option<u64>,
    /// Found at the last look, and not tried yet.
    candidates: VecDeque<ByteString>,
    /// When the next of them may go.
    next_delete: u64,
}

impl ContainerManager {
    pub(super) const fn new(options: ContainerOptions) -> Self {
        Self { options, next_check: None, candidates: VecDeque::new(), next_delete: 0 }
    }

    /// The tree may have its first container, or none any more.
    pub(super) fn observe(&mut self, tree: &DataTree, now: Now) {
        if !tree.has_expiring() {
            self.next_check = None;
        } else if self.next_check.is_none() {
            self.next_check = Some(self.check_after(now.elapsed_ms));
        }
    }

    /// No look while some are left from the one before.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        if self.candidates.is_empty() { self.next_check } else { Some(self.next_delete) }
    }

    /// Looks, if it is time to.
    fn check(&mut self, tree: &DataTree, now: Now) {
        if self.candidates.is_empty() && self.next_check.is_some_and(|due| due <= now.elapsed_ms) {
            self.candidates = candidates(tree, now.wall_ms, self.options.max_never_used_ms);
            self.next_check = Some(self.check_after(now.elapsed_ms));
        }
    }

    /// One that is to go now.
    fn pop_due(&mut self, now: Now) -> Option<ByteString> {
        if self.next_delete > now.elapsed_ms {
            return None;
        }
        let path = self.candidates.pop_front()?;
        let spacing = MINUTE_MS.checked_div(self.options.max_per_minute).unwrap_or(MINUTE_MS);
        self.next_delete = now.elapsed_ms.saturating_add(spacing);
        Some(path)
    }

    fn check_after(&self, elapsed_ms: u64) -> u64 {
        let interval = self.options.check_interval_ms.max(1);
        let past = elapsed_ms.checked_div(interval).unwrap_or(0);
        past.saturating_add(1).saturating_mul(interval)
    }
}

impl Engine {
    /// Removes what has had its time. A node that has got a child meanwhile stays, and the write
    /// is refused.
    pub(super) fn clean(&mut self, now: Now) {
        if self.is_read_only() {
            return;
        }
        self.containers.check(self.replica.tree(), now);
        while let Some(path) = self.containers.pop_due(now) {
            let server = Caller::server(SessionId::NONE);
            let _ = self.commit(&server, WriteRequest::DeleteContainer { path }, now);
        }
    }
}

/// Nodes without children that have had their time (`ContainerManager.getCandidates`). A new
/// container is kept until it has had a child; only data written to it counts as a sign of life of
/// a node with a time to live.
fn candidates(tree: &DataTree, wall_ms: i64, max_never_used_ms: u64) -> VecDeque<ByteString> {
    let mut found = VecDeque::new();
    for (path, node) in tree.expiring() {
        let idle = u64::try_from(wall_ms.saturating_sub(node.stat().mtime)).unwrap_or(0);
        let over = match node.owner() {
            EphemeralType::Container => {
                node.has_had_children() || (max_never_used_ms != 0 && idle > max_never_used_ms)
            }
            EphemeralType::Ttl(ttl) => idle > ttl.ms(),
            EphemeralType::Void | EphemeralType::Normal(_) => false,
        };
        if over && node.children().len() == 0 {
            found.push_back(path.clone());
        }
    }
    found
}

const MINUTE_MS: u64 = 60_000;
