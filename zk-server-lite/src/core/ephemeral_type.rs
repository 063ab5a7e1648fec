//! What a node goes with (`EphemeralType`).

use zk_proto::SessionId;

/// When the server removes a node by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EphemeralType {
    /// Never: a persistent node.
    Void,
    /// With its session.
    Normal(SessionId),
    /// When it has no children any more.
    Container,
    /// When it has no children and was not changed for so long.
    Ttl(Ttl),
}

/// A time to live: 1 ms to about 34.8 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ttl(i64);

impl EphemeralType {
    /// The one number that stands for it in the stored state of a node (`ephemeralOwner`).
    pub(crate) const fn stored(self) -> i64 {
        match self {
            Self::Void => 0,
            Self::Normal(session) => session.0,
            Self::Container => i64::MIN,
            Self::Ttl(Ttl(ms)) => EXTENDED | ms,
        }
    }

    /// What clients see of it: the session of an ephemeral node, and nothing of the other types
    /// (`DataNode.getClientEphemeralOwner`).
    pub(crate) const fn client_owner(self) -> SessionId {
        match self {
            Self::Normal(session) => session,
            Self::Void | Self::Container | Self::Ttl(_) => SessionId::NONE,
        }
    }

    /// Whether it is ephemeral, and so cannot have children.
    pub(crate) const fn is_ephemeral(self) -> bool {
        matches!(self, Self::Normal(_))
    }
}

impl Ttl {
    /// So many milliseconds, if a node can live for so long.
    pub(crate) const fn from_ms(ms: i64) -> Option<Self> {
        if ms >= 1 && ms <= LONGEST { Some(Self(ms)) } else { None }
    }

    /// Milliseconds.
    pub(crate) const fn ms(self) -> u64 {
        self.0.unsigned_abs()
    }
}

/// The top byte of what is no session id, where extended types are switched on. The two bytes
/// below it say which type; 0 is a time to live.
const EXTENDED: i64 = 0xff << 56;

/// Forty bits are left for the time.
const LONGEST: i64 = 0xff_ffff_ffff;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_numbers_are_those_of_zookeeper() {
        let ttl = |ms| EphemeralType::Ttl(Ttl::from_ms(ms).unwrap());
        for (owner, stored) in [
            (EphemeralType::Void, 0),
            (EphemeralType::Normal(SessionId(0x0100_0000_0000_002a)), 0x0100_0000_0000_002a),
            (EphemeralType::Container, 0x8000_0000_0000_0000),
            (ttl(1), 0xff00_0000_0000_0001),
            (ttl(0xff_ffff_ffff), 0xff00_00ff_ffff_ffff),
        ] {
            assert_eq!(owner.stored().cast_unsigned(), stored, "{owner:?}");
        }
    }

    #[test]
    fn a_time_to_live_has_forty_bits_and_is_not_nothing() {
        for ms in [i64::MIN, -1, 0, 0x100_0000_0000, i64::MAX] {
            assert_eq!(Ttl::from_ms(ms), None, "{ms}");
        }
    }

    #[test]
    fn clients_see_sessions_and_nothing_else() {
        let ttl = EphemeralType::Ttl(Ttl::from_ms(1).unwrap());
        for owner in [EphemeralType::Void, EphemeralType::Container, ttl] {
            assert_eq!(owner.client_owner(), SessionId::NONE);
        }
        assert_eq!(EphemeralType::Normal(SessionId(7)).client_owner(), SessionId(7));
    }
}
