//! What the workspace-wide tests stand on.
//!
//! | module | what lives there |
//! |---|---|
//! | [`server`] | a server to test against, whichever `ZK_TEST_SERVER` names |
//! | [`network`] | the way to it, with faults: cut, hold, refuse, count |
//! | [`proxy`] | the same for a server with an address: cut, hold, delay, refuse, retarget |
//! | [`raw`] | a connection without a client, to say what no client would |
//! | [`request`] | requests for it, said in short |
//! | [`exhaustive`] | breaks a scenario at every request and drops it at every poll |
//! | [`seed`] | where chance comes from, told when a test fails |
//! | [`certificates`] | an authority for one test, and what it signs |
//! | [`run`] | runs cases, each with a server and a part of the tree of its own |
//!
//! `ZK_TEST_SERVER` is one of
//! * `memory` (default): zk-server-lite over pipes, in virtual time;
//! * `tcp`: zk-server-lite over TCP;
//! * `container`: real ZooKeeper, from the image that `ZK_TEST_IMAGE` names (default
//!   `zookeeper:3.9`); needs the feature `container`;
//! * `host:port`: whatever listens there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test may panic"
)]

pub mod certificates;
#[cfg(feature = "container")]
mod container;
#[cfg(feature = "container")]
pub mod ensemble;
pub mod exhaustive;
pub mod network;
pub mod proxy;
pub mod raw;
#[cfg(feature = "container")]
pub mod real_server;
pub mod request;
pub mod run;
#[cfg(feature = "container")]
pub mod secure_server;
pub mod seed;
pub mod server;

pub use certificates::{Authority, Certified};
#[cfg(feature = "container")]
pub use ensemble::Ensemble;
pub use exhaustive::drop_after_polls;
pub use network::Network;
pub use proxy::FaultProxy;
pub use raw::RawConnection;
#[cfg(feature = "container")]
pub use real_server::RealServer;
pub use run::{Case, main};
#[cfg(feature = "container")]
pub use secure_server::SecureServer;
pub use seed::Seed;
pub use server::TestServer;

/// The code in the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// So is the code on the page about the server.
#[cfg(doctest)]
#[doc = include_str!("../../docs/server.md")]
pub struct ServerPage;

/// And that on the page about testing.
#[cfg(doctest)]
#[doc = include_str!("../../docs/testing.md")]
pub struct TestingPage;

/// And that on the page about watches.
#[cfg(doctest)]
#[doc = include_str!("../../docs/watches.md")]
pub struct WatchesPage;

/// And that on the page for those who come from another client.
#[cfg(doctest)]
#[doc = include_str!("../../docs/coming-from.md")]
pub struct ComingFromPage;

/// And that on the page about security.
#[cfg(doctest)]
#[doc = include_str!("../../docs/security.md")]
pub struct SecurityPage;
