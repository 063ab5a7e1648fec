//! Clients of several languages at one lock, and an observer that reads the tree.
//!
//! | module | what lives there |
//! |---|---|
//! | [`contest`] | who takes part, and what must be true in the end |
//! | [`contender`] | our own contenders |
//! | [`observer`] | follows what happens, in the order in which it happened |
//! | [`layout`] | which lock it is |
//! | [`history`] | decides whether it was right, without IO |
//! | the others | the cases |
//!
//! No clock decides anything. Each contender that believes to hold the lock says so in the tree: in
//! one transaction it creates an ephemeral node that there can be only once, or one of its own if it
//! holds together with others, and an entry of a ledger, whose name tells its contender node and the
//! czxid of that. It takes the former back before it releases. The observer has a recursive watch, which tells every change in the order of
//! transactions, so it knows who was first in the queue at the very transaction of each claim.
//!
//! `ZK_TEST_HANDOVERS` says how many claims a case makes, 2,000 by default.

mod contender;
pub(crate) mod contest;
mod history;
mod layout;
pub(crate) mod observer;
pub(crate) mod with_both;
pub(crate) mod with_curator;
pub(crate) mod with_kazoo;
