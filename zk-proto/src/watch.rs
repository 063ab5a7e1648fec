//! Watch events, and which event reaches which kind of watch.

use bytes::BytesMut;
use bytestring::ByteString;

use crate::jute::{Decode, DecodeError, DecodeProblem, Encode, Reader};
use crate::record;

macro_rules! wire_enum {
    (
        $(#[$meta:meta])*
        $name:ident { $( $(#[$variant_meta:meta])* $variant:ident = $number:literal ),* $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name { $( $(#[$variant_meta])* $variant = $number ),* }

        impl $name {
            /// The number on the wire.
            #[must_use]
            pub const fn code(self) -> i32 {
                self as i32
            }

            /// The value of a number from the wire.
            #[must_use]
            pub const fn from_code(code: i32) -> Option<Self> {
                match code {
                    $( $number => Some(Self::$variant), )*
                    _ => None,
                }
            }
        }

        impl Encode for $name {
            fn encode(&self, out: &mut BytesMut) {
                self.code().encode(out);
            }
        }

        impl Decode for $name {
            fn decode(reader: &mut Reader) -> Result<Self, DecodeError> {
                let start = reader.offset();
                let code = i32::decode(reader)?;
                let unknown = DecodeProblem::UnknownValue(code);
                Self::from_code(code).ok_or_else(|| Reader::error_at(start, unknown))
            }
        }
    };
}

wire_enum! {
    /// What happened to a node (`Watcher.Event.EventType`).
    EventType {
        /// Nothing: only the state of the session changed.
        #[default]
        None = -1,
        /// The node was created.
        NodeCreated = 1,
        /// The node was deleted.
        NodeDeleted = 2,
        /// The node's data was set.
        NodeDataChanged = 3,
        /// A child was created or deleted.
        NodeChildrenChanged = 4,
        /// A data watch was removed by the client.
        DataWatchRemoved = 5,
        /// A child watch was removed by the client.
        ChildWatchRemoved = 6,
        /// A persistent watch was removed by the client.
        PersistentWatchRemoved = 7,
    }
}

wire_enum! {
    /// The state of a session as events carry it (`Watcher.Event.KeeperState`).
    ///
    /// Servers only ever send `SyncConnected`.
    KeeperState {
        /// No longer used.
        Unknown = -1,
        /// Without a connection.
        Disconnected = 0,
        /// No longer used.
        NoSyncConnected = 1,
        /// Connected to a server that takes part in the ensemble.
        #[default]
        SyncConnected = 3,
        /// The credentials were refused.
        AuthFailed = 4,
        /// Connected to a server that is cut off from the ensemble.
        ConnectedReadOnly = 5,
        /// Authenticated by SASL.
        SaslAuthenticated = 6,
        /// Closed by the client.
        Closed = 7,
        /// Ended by the ensemble.
        Expired = -112,
    }
}

wire_enum! {
    /// Which watches checkWatches and removeWatches speak of (`Watcher.WatcherType`).
    WatcherType {
        /// Child watches.
        Children = 1,
        /// Data watches, and those of exists.
        Data = 2,
        /// All of them.
        #[default]
        Any = 3,
        /// Persistent watches (ZooKeeper 3.9).
        Persistent = 4,
        /// Persistent recursive watches (ZooKeeper 3.9).
        PersistentRecursive = 5,
    }
}

wire_enum! {
    /// The two kinds of watch that stay after they fired (`AddWatchMode`).
    AddWatchMode {
        /// Events of the node itself and of its list of children.
        #[default]
        Persistent = 0,
        /// Events of the node and of everything below it, but none of lists of children.
        PersistentRecursive = 1,
    }
}

record! {
    /// Something happened to a node that is watched (`WatcherEvent` on the wire).
    pub struct WatchedEvent {
        /// What happened.
        event_type: EventType,
        /// The state of the session.
        state: KeeperState,
        /// The path of the node.
        path: ByteString,
    }
}

/// How a watch was set, which decides what reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WatchKind {
    /// By getData, or by exists on a node that exists.
    Data,
    /// By exists on a node that does not exist.
    Exist,
    /// By getChildren.
    Child,
    /// By addWatch in persistent mode.
    Persistent,
    /// By addWatch in persistent recursive mode.
    PersistentRecursive,
}

impl WatchKind {
    /// Whether an event of the watched node itself reaches a watch of this kind
    /// (`ZKWatchManager.materialize`).
    ///
    /// A recursive watch also hears events of every node below, by the same rule.
    #[must_use]
    pub const fn hears(self, event: EventType) -> bool {
        match event {
            EventType::NodeCreated | EventType::NodeDataChanged => !matches!(self, Self::Child),
            EventType::NodeDeleted => true,
            EventType::NodeChildrenChanged => matches!(self, Self::Child | Self::Persistent),
            EventType::None
            | EventType::DataWatchRemoved
            | EventType::ChildWatchRemoved
            | EventType::PersistentWatchRemoved => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recursive_watch_never_hears_of_lists_of_children() {
        assert!(!WatchKind::PersistentRecursive.hears(EventType::NodeChildrenChanged));
        assert!(WatchKind::Persistent.hears(EventType::NodeChildrenChanged));
    }

    #[test]
    fn a_child_watch_hears_of_the_deletion_of_its_node_but_not_of_its_data() {
        assert!(WatchKind::Child.hears(EventType::NodeDeleted));
        assert!(!WatchKind::Child.hears(EventType::NodeDataChanged));
    }
}
