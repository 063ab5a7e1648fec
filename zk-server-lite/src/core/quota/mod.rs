//! Quotas: how much there may be in a part of the tree (`Quotas`, `PathTrie`, `DataTree`).
//!
//! Clients set a quota on `/a` by creating two ordinary nodes, and remove it by deleting them:
//!
//! ```text
//! /zookeeper/quota/a/zookeeper_limits    count=3,bytes=20       the client writes it
//! /zookeeper/quota/a/zookeeper_stats     count=1,bytes=5        the server writes it
//! ```
//!
//! Whatever changes below `/a` is counted in the stats node of the longest such path: its data is
//! replaced, and nothing else of it. Limits have an effect only if they are enforced.

mod stats_track;

use std::collections::BTreeSet;

use zk_proto::{ByteString, ErrorCode};

use super::data_tree::{DataTree, QUOTA, parent_of};
use stats_track::{Key, StatsTrack};

/// The paths that have limits.
#[derive(Clone, Debug, Default)]
pub(super) struct Quotas {
    prefixes: BTreeSet<ByteString>,
}

/// What a write adds, or takes away.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    pub(super) nodes: i64,
    pub(super) bytes: i64,
}

impl Quotas {
    /// The longest path with limits that is this path, or above it.
    fn longest_prefix(&self, path: &str) -> Option<&str> {
        if self.prefixes.is_empty() {
            return None;
        }
        // The root cannot have a quota.
        let mut path = path;
        while !path.is_empty() {
            if let Some(prefix) = self.prefixes.get(path) {
                return Some(prefix);
            }
            (path, _) = path.rsplit_once('/')?;
        }
        None
    }

    pub(super) fn prefixes(&self) -> impl Iterator<Item = &ByteString> {
        self.prefixes.iter()
    }
}

impl DataTree {
    /// A node was created: it may be one of a quota, and it may be counted in one.
    pub(super) fn count_created(&mut self, path: &str, bytes: i64) {
        match quota_node(path) {
            // The original ends when limits are set on the root.
            Some((prefix, LIMITS)) if !prefix.is_empty() => {
                self.quotas.prefixes.insert(prefix.into());
            }
            Some((prefix, STATS)) => self.recount(prefix),
            Some(_) | None => {}
        }
        self.count(path, Usage { nodes: 1, bytes });
    }

    /// A node was deleted.
    pub(super) fn count_deleted(&mut self, path: &str, bytes: i64) {
        if let Some((prefix, LIMITS)) = quota_node(path) {
            self.quotas.prefixes.remove(prefix);
        }
        self.count(path, Usage { nodes: -1, bytes: bytes.wrapping_neg() });
    }

    /// Counts a change in the quota that it falls under.
    pub(super) fn count(&mut self, path: &str, change: Usage) {
        let Some(prefix) = self.quotas.longest_prefix(path) else {
            return;
        };
        let stats = stats_path(prefix);
        if let Some(node) = self.node(&stats) {
            let mut track = StatsTrack::parse(node.data());
            track.set(Key::Count, track.get(Key::Count).wrapping_add(change.nodes));
            track.set(Key::Bytes, track.get(Key::Bytes).wrapping_add(change.bytes));
            self.replace_data(&stats, track.to_bytes());
        }
    }

    /// Counts all there is at a path and below it, as nothing was counted before.
    fn recount(&mut self, prefix: &str) {
        let usage = self.usage(prefix);
        let mut track = StatsTrack::default();
        track.set(Key::Count, usage.nodes);
        track.set(Key::Bytes, usage.bytes);
        self.replace_data(&stats_path(prefix), track.to_bytes());
    }

    fn usage(&self, prefix: &str) -> Usage {
        let mut usage = Usage { nodes: 0, bytes: 0 };
        let mut open = vec![prefix.to_owned()];
        while let Some(path) = open.pop() {
            let Some(node) = self.node(&path) else {
                continue;
            };
            usage.nodes = usage.nodes.wrapping_add(1);
            usage.bytes = usage.bytes.wrapping_add(node.data_length());
            open.extend(node.children().map(|name| format!("{path}/{name}")));
        }
        usage
    }

    /// Whether a write stays within the limits (`ZooKeeperServer.checkQuota`). Within a multi,
    /// operations before this one do not count yet.
    ///
    /// # Errors
    /// `QuotaExceeded` for a hard limit; a soft one that is passed is logged.
    pub(super) fn check_quota(&self, path: &str, change: Usage) -> Result<(), ErrorCode> {
        let Some(prefix) = self.quotas.longest_prefix(path) else {
            return Ok(());
        };
        let (Some(limits), Some(stats)) =
            (self.node(&limits_path(prefix)), self.node(&stats_path(prefix)))
        else {
            return Ok(());
        };
        let (limits, stats) = (StatsTrack::parse(limits.data()), StatsTrack::parse(stats.data()));
        for (key, hard_key, change) in [
            (Key::Count, Key::CountHardLimit, change.nodes),
            (Key::Bytes, Key::ByteHardLimit, change.bytes),
        ] {
            let (now, soft) = (stats.get(key), limits.limit(key));
            let then = now.wrapping_add(change);
            match limits.limit(hard_key) {
                Some(limit) if change != 0 && then > limit => {
                    return Err(ErrorCode::QuotaExceeded);
                }
                None if soft.is_some_and(|limit| now <= limit && limit < then) => {
                    tracing::warn!(prefix, ?key, limit = soft, usage = then, "soft quota passed");
                }
                Some(_) | None => {}
            }
        }
        Ok(())
    }
}

/// Whose quota a node belongs to, and the node's name, if it stands below `/zookeeper/quota`.
fn quota_node(path: &str) -> Option<(&str, &str)> {
    let prefix = parent_of(path)?.strip_prefix(QUOTA)?;
    let below = prefix.is_empty() || prefix.starts_with('/');
    below.then(|| (prefix, zk_proto::path::name(path)))
}

fn limits_path(prefix: &str) -> String {
    format!("{QUOTA}{prefix}/{LIMITS}")
}

fn stats_path(prefix: &str) -> String {
    format!("{QUOTA}{prefix}/{STATS}")
}

const LIMITS: &str = "zookeeper_limits";
const STATS: &str = "zookeeper_stats";
