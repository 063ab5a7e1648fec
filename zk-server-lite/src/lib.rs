//! A ZooKeeper-compatible server in one small binary, embeddable in a test.
//!
//! A standalone server that keeps everything in memory and speaks ZooKeeper's protocol, over TCP
//! and over pipes in memory. Behaviour is ZooKeeper's to the field: error codes, `Stat` values,
//! order of events, the zxid that a refused write uses up.
//!
//! ```
//! use zk_server_lite::Server;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::builder().memory_only().start().await?;
//! let stream = server.memory().connect().await?; // speak ZooKeeper's protocol over it
//! assert_eq!(server.connection_count(), 1);
//! server.shutdown().await;
//! # drop(stream);
//! # Ok(())
//! # }
//! ```
//!
//! With [`memory_only`](ServerBuilder::memory_only) it runs under a paused tokio clock: sessions
//! expire in virtual time, and nothing in it waits for anything else.
//!
//! # Not there yet
//!
//! - **SASL**: it is answered as by a ZooKeeper without it, with a null token.
//! - **Storage**: nothing survives the process.
//!
//! # Limits
//!
//! Requests above [`max_frame`](ServerBuilder::max_frame) close the connection. A client that does
//! not read is not read from once 256 KiB wait for it, and is cut off when 4 MiB of events do. A
//! connection that is not a session after 10 s is closed. A multiRead whose reply would exceed
//! 64 MiB closes the connection, and a connection has up to 256 identities, where ZooKeeper has no
//! limit.

mod core;
mod engine;
mod follower;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod net;
mod options;
mod server;

pub use follower::Follower;
#[cfg(feature = "tls")]
pub use net::{ClientAuth, TlsError, TlsSettings};
pub use net::{FourLetterWords, MemoryTransport, UnknownWord};
pub use options::{ServerBuilder, StartError};
pub use server::Server;
/// The rustls that [`TlsSettings`] is about.
#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;
