//! The engine on a tokio runtime: streams, tasks and time.
//!
//! [`Hub`] is the one place where they meet: the engine under a short lock, an [`outbox`] for each
//! connection, and the clock. A task a connection reads what has arrived, hands all whole frames
//! to the engine in one go, and writes what has gathered in its outbox. The *ticker* tells the
//! engine when a deadline has come.

mod client_cnxns;
mod clock;
mod connection;
mod four_letter;
mod hub;
mod java_date;
mod link;
mod listener;
mod memory;
mod outbox;
mod ticker;
#[cfg(feature = "tls")]
mod tls;

pub(crate) use client_cnxns::ClientCnxns;
pub(crate) use four_letter::FourLetterOptions;
pub use four_letter::{FourLetterWords, UnknownWord};
pub(crate) use hub::Hub;
pub(crate) use link::{Lag, Link, catch_up, follow_loop};
pub(crate) use listener::accept_loop;
pub use memory::MemoryTransport;
pub(crate) use ticker::tick_loop;
#[cfg(feature = "tls")]
pub(crate) use tls::{Acceptor, welcome};
#[cfg(feature = "tls")]
pub use tls::{ClientAuth, TlsError, TlsSettings};
