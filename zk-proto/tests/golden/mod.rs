//! Typed frames, and what they say.

mod connection;
mod exchange;
pub(crate) mod message;
mod multi;
mod nodes;
mod watches;
