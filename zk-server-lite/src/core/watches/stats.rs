//! In which modes a connection watches a path.

/// How a watch was set (`WatcherMode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WatcherMode {
    /// It fires once.
    Standard = 1,
    /// It stays.
    Persistent = 2,
    /// It stays, and is of everything below the path, too.
    PersistentRecursive = 4,
}

/// The modes that one connection has on one path in one table (`WatchStats`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct WatchStats(u8);

impl WatchStats {
    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn has_mode(self, mode: WatcherMode) -> bool {
        self.0 & mode as u8 != 0
    }

    #[must_use]
    pub(super) const fn add_mode(self, mode: WatcherMode) -> Self {
        Self(self.0 | mode as u8)
    }

    #[must_use]
    pub(super) const fn remove_mode(self, mode: WatcherMode) -> Self {
        Self(self.0 & !(mode as u8))
    }
}
