//! TLS between the client and servers, over TCP: whom either side lets in, what it says otherwise,
//! and that sessions over TLS are like all others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod client_certificates;
mod identities;
mod place;
mod reload;
mod sasl;
mod secrets;
mod sessions;
mod settings;
mod trust;
