use crate::dialect::{Dialect, Kind, Parents, Rule};

/// Whose election it is: how the nodes of candidates are named. All candidates of one path must use
/// the same one, as they do not count the nodes of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// Curator's `LeaderLatch`: `_c_<uuid>-latch-<sequence>`.
    #[default]
    #[doc(alias = "LeaderLatch")]
    Latch,
    /// Curator's `LeaderSelector`, which stands in the queue of an `InterProcessMutex`:
    /// `_c_<uuid>-lock-<sequence>`.
    #[doc(alias = "LeaderSelector")]
    Selector,
    /// kazoo's `Election`, which stands in the queue of its `Lock`: `<hex>__lock__<sequence>`.
    Kazoo,
}

impl Layout {
    pub(super) const fn dialect(self) -> Dialect {
        match self {
            Self::Latch | Self::Selector => Dialect::Curator,
            Self::Kazoo => Dialect::Kazoo,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Latch => "latch-",
            Self::Selector => "lock-",
            Self::Kazoo => "__lock__",
        }
    }

    pub(super) const fn kind(self) -> Kind {
        Kind::Borrowed(self.name())
    }

    pub(super) fn rule(self) -> Rule {
        Rule::new(self.name(), &[self.name()])
    }

    pub(super) const fn parents(self) -> Parents {
        Parents::of(self.dialect())
    }
}
