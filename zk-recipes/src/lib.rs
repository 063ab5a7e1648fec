//! Coordination on top of ZooKeeper.
//!
//! | recipe | what it is |
//! |---|---|
//! | [`lock::Lock`] | a fair lock without herd effect; Curator's `InterProcessMutex` |
//!
//! All recipes stand on one engine: a sequential node with a unique name that is found again when
//! the reply to its creation was lost, an [`Ownership`] that tells its holder when it is lost, and
//! a [`Janitor`] that deletes what dropped futures leave behind.
//!
//! ```no_run
//! use zk_client::Client;
//! use zk_recipes::{Lock, RecipeError};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect("localhost:2181").await?;
//! let lock = Lock::new(&client, "/locks/report")?;
//! let guard = lock.acquire().await?;
//! println!("holding with fencing token {}", guard.token());
//! guard.release().await?;
//! # Ok(())
//! # }
//! ```

mod contender;
mod error;
pub mod lock;
mod ownership;

pub use error::{RecipeError, ReleaseError};
pub use lock::{Lock, LockGuard};
pub use ownership::{FencingToken, LostReason, Ownership, Released};
pub use zk_client::Janitor;

/// The code in the README is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
