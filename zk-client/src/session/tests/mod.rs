//! Sessions driven by hand.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test fails on what it does not name")]

mod auth;
mod close;
mod deadlines;
mod detach;
mod expiry;
mod fixture;
mod handshake;
mod heartbeat;
mod hostile;
mod leases;
mod limits;
mod long_replies;
mod moving;
mod persistent;
mod read_only;
mod reconnect;
mod removals;
mod resolving;
#[cfg(feature = "sasl")]
mod sasl;
mod schedules;
mod together;
mod watches;
