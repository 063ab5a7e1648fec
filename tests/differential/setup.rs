//! What is not sent to which version: where a difference is known and would spoil all that comes
//! after it, so that masking it would not help.

use crate::known::Version;

/// What a version of ZooKeeper can be asked for.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is one known difference")]
pub(crate) struct Setup {
    /// A check outside of a multi hangs servers before 3.8.5 and 3.9.3 (ZOOKEEPER-2623).
    pub(crate) bare_check: bool,
    /// Before 3.9 a write that cannot be read takes a zxid, and a multi that cannot be read takes
    /// none; later it is the other way round.
    pub(crate) undecodable_writes: bool,
    /// Before 3.9 a path has one mode of watches for a connection, and the last one wins; types of
    /// watches to remove know no modes, and half a persistent watch can be removed
    /// (ZOOKEEPER-4466, 4471, 4472). A program then uses one mode only.
    pub(crate) watch_modes_apart: bool,
    /// Before 3.8.4 and 3.9.2 an exists needs no permission, and so sets watches that it would not
    /// set later (ZOOKEEPER-2590). A program then has ACLs, or sets watches by it.
    pub(crate) exists_needs_read: bool,
}

/// How a watch was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchMode {
    Standard,
    Persistent,
    Recursive,
}

impl Setup {
    /// For a version of ZooKeeper.
    pub(crate) fn of(version: Version) -> Self {
        let (major, minor, _) = version;
        let refuses_check = if (major, minor) == (3, 8) { (3, 8, 5) } else { (3, 9, 3) };
        let recent = version >= (3, 9, 0);
        Self {
            bare_check: version >= refuses_check,
            undecodable_writes: recent,
            watch_modes_apart: recent,
            exists_needs_read: has_2590(version),
        }
    }

    /// Whether an operation may be too short.
    pub(crate) const fn may_cut(self, op: i32) -> bool {
        let is_write = matches!(op, 1 | 2 | 5 | 7 | 14 | 15 | 16 | 19 | 21);
        self.undecodable_writes || !is_write
    }
}

/// Whether an exists needs READ.
pub(crate) fn has_2590(version: Version) -> bool {
    let (major, minor, _) = version;
    version >= if (major, minor) == (3, 8) { (3, 8, 4) } else { (3, 9, 2) }
}

impl WatchMode {
    pub(crate) const ALL: [Self; 3] = [Self::Standard, Self::Persistent, Self::Recursive];

    /// The mode of a list in setWatches2.
    pub(crate) const fn of_list(number: usize) -> Self {
        match number {
            0..=2 => Self::Standard,
            3 => Self::Persistent,
            _ => Self::Recursive,
        }
    }
}
