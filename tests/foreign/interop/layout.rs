//! Which lock a contest is for, and how the nodes of its contenders are named.

use zk_recipes::Dialect;

/// A recipe in a dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `…lock-<number>`
    CuratorLock,
    /// `…__READ__<number>` and `…__WRIT__<number>`
    CuratorReadWrite,
    /// `…__lock__<number>`
    KazooLock,
    /// `…__rlock__<number>` and `…__lock__<number>`
    KazooReadWrite,
}

/// What a contender wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// To be the only one.
    Alone,
    /// To be there with others who want no more.
    Shared,
}

impl Layout {
    pub(super) const fn dialect(self) -> Dialect {
        match self {
            Self::CuratorLock | Self::CuratorReadWrite => Dialect::Curator,
            Self::KazooLock | Self::KazooReadWrite => Dialect::Kazoo,
        }
    }

    pub(super) const fn is_shared(self) -> bool {
        matches!(self, Self::CuratorReadWrite | Self::KazooReadWrite)
    }

    /// As the programs of others are told.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::CuratorLock => "curator",
            Self::CuratorReadWrite => "curator-rw",
            Self::KazooLock => "kazoo",
            Self::KazooReadWrite => "kazoo-rw",
        }
    }

    const fn marks(self) -> &'static [(&'static str, Access)] {
        match self {
            Self::CuratorLock => &[("lock-", Access::Alone)],
            Self::CuratorReadWrite => &[("__READ__", Access::Shared), ("__WRIT__", Access::Alone)],
            Self::KazooLock => &[("__lock__", Access::Alone)],
            Self::KazooReadWrite => &[("__rlock__", Access::Shared), ("__lock__", Access::Alone)],
        }
    }

    /// The number at the end of a contender's name, and what it wants.
    pub(super) fn read(self, node: &str) -> Result<(u32, Access), String> {
        let read = self.marks().iter().find_map(|(mark, access)| {
            let (_, number) = node.rsplit_once(mark)?;
            let number = Some(number).filter(|number| number.len() == DIGITS)?;
            Some((number.parse().ok()?, *access))
        });
        read.ok_or_else(|| format!("{node} is no contender"))
    }
}

/// How long the number at the end of a sequential node's name is.
const DIGITS: usize = 10;
