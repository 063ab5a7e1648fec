//! The kinds of node a create can ask for.

/// What kind of node to create (`CreateMode` in Java).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CreateMode {
    /// Stays until it is deleted.
    #[default]
    Persistent,
    /// Goes away with the session that made it; cannot have children.
    Ephemeral,
    /// Persistent, with a sequence number appended to its name.
    PersistentSequential,
    /// Ephemeral, with a sequence number appended to its name.
    EphemeralSequential,
    /// Removed by the server some time after its last child went (ZooKeeper 3.5.1).
    Container,
    /// Removed by the server when it has no children and was not changed for its time to live.
    PersistentWithTtl,
    /// As `PersistentWithTtl`, with a sequence number appended to its name.
    PersistentSequentialWithTtl,
}

impl CreateMode {
    /// The number on the wire. The numbers are an enumeration, not a set of bits.
    #[must_use]
    pub const fn flags(self) -> i32 {
        match self {
            Self::Persistent => 0,
            Self::Ephemeral => 1,
            Self::PersistentSequential => 2,
            Self::EphemeralSequential => 3,
            Self::Container => 4,
            Self::PersistentWithTtl => 5,
            Self::PersistentSequentialWithTtl => 6,
        }
    }

    /// The mode of a number from the wire.
    #[must_use]
    pub const fn from_flags(flags: i32) -> Option<Self> {
        Some(match flags {
            0 => Self::Persistent,
            1 => Self::Ephemeral,
            2 => Self::PersistentSequential,
            3 => Self::EphemeralSequential,
            4 => Self::Container,
            5 => Self::PersistentWithTtl,
            6 => Self::PersistentSequentialWithTtl,
            _ => return None,
        })
    }

    /// Whether the node goes away with its session.
    #[must_use]
    pub const fn is_ephemeral(self) -> bool {
        matches!(self, Self::Ephemeral | Self::EphemeralSequential)
    }

    /// Whether the server appends a sequence number to the name.
    #[must_use]
    pub const fn is_sequential(self) -> bool {
        matches!(
            self,
            Self::PersistentSequential
                | Self::EphemeralSequential
                | Self::PersistentSequentialWithTtl
        )
    }

    /// Whether the mode needs a time to live.
    #[must_use]
    pub const fn has_ttl(self) -> bool {
        matches!(self, Self::PersistentWithTtl | Self::PersistentSequentialWithTtl)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_an_enumeration_of_seven() {
        for flags in 0..7 {
            assert_eq!(CreateMode::from_flags(flags).map(CreateMode::flags), Some(flags));
        }
        assert_eq!(CreateMode::from_flags(7), None);
        assert_eq!(CreateMode::from_flags(-1), None);
    }
}
