//! Coordination on top of ZooKeeper.
//!
//! | recipe | what it is |
//! |---|---|
//! | [`barrier::Barrier`] | keeps everybody waiting until it is lifted; Curator's `DistributedBarrier`, kazoo's `Barrier` |
//! | [`double_barrier::DoubleBarrier`] | so many members enter together and leave together, round after round; also Curator's `DistributedDoubleBarrier` |
//! | [`gather_queue::GatherQueue`] | waits until so many members are there, then has them run one after the other |
//! | [`election::Election`] | leader election with terms, observers and an operator's override; Curator's `LeaderLatch` and `LeaderSelector`, kazoo's `Election` |
//! | [`lock::Lock`] | a fair lock without herd effect; Curator's `InterProcessMutex`, kazoo's `Lock` |
//! | [`rw_lock::RwLock`] | many readers or one writer, fair; Curator's `InterProcessReadWriteLock`, kazoo's `ReadLock` and `WriteLock` |
//! | [`semaphore::Semaphore`] | a number of permits, taken some at once, fair; Curator's `InterProcessSemaphoreV2` |
//! | [`queue::Queue`] | a queue with acks, priorities, delays, bounds and dead letters |
//! | [`simple_queue::SimpleQueue`] | the queue of ZooKeeper's own recipes and of Curator's `SimpleDistributedQueue` |
//! | [`reentrant_lock::ReentrantLock`] | the same for owners, told by keys, who may take it again |
//! | [`multi_lock::MultiLock`] | several of them at once, without deadlock; Curator's `InterProcessMultiLock` |
//! | [`simple_lock::SimpleLock`] | a lock that is one node, for few contenders |
//!
//! All recipes stand on one engine: a sequential node with a unique name that is found again when
//! the reply to its creation was lost, a [`Held`] that tells its holder when it is lost and fences
//! its writes, and a [`Janitor`] that deletes what dropped futures leave behind.
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

pub mod barrier;
mod codec;
mod contender;
mod dialect;
pub mod double_barrier;
pub mod election;
mod error;
pub mod gather_queue;
mod gathering;
mod held;
pub mod lock;
pub mod multi_lock;
mod parent;
pub mod queue;
mod recipe_path;
pub mod reentrant_lock;
mod retry;
pub mod rw_lock;
pub mod semaphore;
pub mod simple_lock;
pub mod simple_queue;

pub use barrier::{Barrier, BarrierGuard};
pub use codec::{Codec, CodecError, Json, Raw, Utf8};
pub use contender::listing::Contender;
pub use dialect::{Dialect, Parents};
pub use double_barrier::{BarrierMode, DoubleBarrier, Inside};
pub use error::{RecipeError, ReleaseError};
pub use gather_queue::{GatherQueue, Order, Seat, Turn};
pub use gathering::error::RoundError;
pub use gathering::rounds::RoundMember;
pub use held::{FencedMulti, FencingToken, Held, LostReason, Ownership, Released, SuspendPolicy};
pub use lock::{Lock, LockGuard, SharedGuard};
pub use multi_lock::{MultiGuard, MultiLock};
pub use queue::{DelayQueue, Delivery, PriorityQueue, Queue};
pub use reentrant_lock::{ReentrantGuard, ReentrantLock};
pub use rw_lock::{ConversionError, ReadGuard, RwLock, WriteGuard};
pub use semaphore::{Permits, Semaphore};
pub use simple_lock::{SimpleGuard, SimpleLock};
pub use simple_queue::SimpleQueue;
pub use zk_client::Janitor;

/// The code in the README is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
