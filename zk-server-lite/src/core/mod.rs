//! What a server knows and how it changes, without IO: the replicated state machine.
//!
//! A write is first *prepared* (checked against the state, and refused or turned into a
//! [`TxnBody`]) and then *applied*. Applying is the only way to change a [`Replica`]; it cannot
//! fail and reads nothing but the transaction, so replaying the same transactions gives the same
//! state anywhere. Whatever is timed, numbered or named is decided before and stands in the
//! transaction. [`WatchManager`] is not replicated: watches belong to the server that a client is
//! connected to.
//!
//! Knows no connections, no clock, no sockets and no files; `engine` puts it to use.
#![warn(clippy::arithmetic_side_effects, clippy::wildcard_enum_match_arm)]

mod acl;
mod apply;
mod data_node;
mod data_tree;
mod digest;
mod ephemeral_type;
#[cfg(any(test, feature = "fuzzing"))]
mod invariants;
mod outstanding;
mod prepare;
mod query;
mod quota;
mod session;
#[cfg(test)]
mod tests;
mod txn;
mod watches;

use std::collections::BTreeMap;

use zk_proto::{SessionId, Zxid};

pub(crate) use acl::{AuthIds, Caller};
pub(crate) use data_tree::DataTree;
pub(crate) use ephemeral_type::EphemeralType;
pub(crate) use prepare::{
    Features, SaslScheme, WriteRequest, is_unreadable_at_once, mode_of, mode_with_ttl,
};
pub(crate) use session::{first_session_id, next_session_id, session_password};
pub(crate) use txn::{Txn, TxnBody, TxnHeader, TxnResult};
pub(crate) use watches::{ConnId, Fired, WatchManager, WatchTable, WatchesSummary};

/// The replicated state: the tree, the sessions and the last transaction that was applied.
#[derive(Clone, Debug, Default)]
pub(crate) struct Replica {
    tree: DataTree,
    /// Each session's timeout, in milliseconds, as it was created with.
    sessions: BTreeMap<SessionId, i32>,
    last_zxid: Zxid,
}

impl Replica {
    /// The last transaction that was applied, refused writes included.
    pub(crate) const fn last_zxid(&self) -> Zxid {
        self.last_zxid
    }

    /// The data tree, to read from.
    pub(crate) const fn tree(&self) -> &DataTree {
        &self.tree
    }

    /// Whether the session exists.
    pub(crate) fn has_session(&self, session: SessionId) -> bool {
        self.sessions.contains_key(&session)
    }

    /// All sessions, with the timeout in milliseconds that each was created with.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = (SessionId, i32)> + '_ {
        self.sessions.iter().map(|(session, timeout)| (*session, *timeout))
    }

    /// How many sessions there are.
    pub(crate) fn session_count(&self) -> usize {
        self.sessions.len()
    }
}
