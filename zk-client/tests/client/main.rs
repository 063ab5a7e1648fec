//! The client and its driver against a scripted peer, in virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod auth;
mod calls;
mod closing;
mod connect;
mod disconnect;
mod dropping;
mod extension;
mod flood;
mod heartbeat;
mod hostile;
mod leftovers;
#[cfg(feature = "metrics")]
mod metrics;
mod operations;
mod order;
mod peer;
mod resolving;
mod runtime;
mod steps;
mod stream;
mod tcp;
mod watch_streams;
mod watches;
