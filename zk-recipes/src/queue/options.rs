//! What can be set before a queue is used.

use std::sync::Arc;
use std::time::SystemTime;

use zk_client::Acl;

use super::Queue;
use super::choosing::Order;
use super::clock::Clock;
use super::core::Core;
use super::delay::DelayQueue;
use super::priority::PriorityQueue;
use crate::codec::Codec;
use crate::held::SuspendPolicy;

impl<T, C: Codec<T>> Queue<T, C> {
    /// The lowest number first, and first in first out among those of the same.
    #[must_use]
    pub fn by_priority(self) -> PriorityQueue<T, C> {
        PriorityQueue::new(self.with(|core| core.order = Order::Priority))
    }

    /// The earliest time first, and none before its time.
    #[must_use]
    pub fn by_due_time(self) -> DelayQueue<T, C> {
        DelayQueue::new(self.with(|core| core.order = Order::Due))
    }

    /// How many items there may be, those included that somebody has, at least 1. Dead letters do not
    /// count. Default: any number.
    ///
    /// It is a hard limit: each item has one of so many places, which it is put with and gives back in the
    /// same transaction. It holds as long as all producers have the same one; items of a producer without a
    /// limit have no place, and do not count.
    #[must_use]
    pub fn max_items(self, most: u32) -> Self {
        self.with(|core| core.max_items = Some(most.max(1)))
    }

    /// How often an item is delivered at most; after that it is a dead letter. Deliveries to consumers that
    /// have died count. Default: any number.
    #[must_use]
    pub fn max_attempts(self, most: u32) -> Self {
        self.with(|core| core.max_attempts = Some(most.max(1)))
    }

    /// What becomes of a delivery when the connection is lost. Default: [`SuspendPolicy::Session`].
    #[must_use]
    pub fn on_suspend(self, policy: SuspendPolicy) -> Self {
        self.with(|core| core.policy = policy)
    }

    /// The ACL of all nodes of this queue. All who use it must be able to do everything with each other's.
    /// Default: open.
    #[must_use]
    pub fn acl(self, acl: Vec<Acl>) -> Self {
        self.with(|core| core.acl = acl)
    }

    /// Where the time of day comes from that items are put off until, for tests. Waits go by tokio's clock.
    /// Default: the system's; those of processes that share a queue should agree.
    #[must_use]
    pub fn clock(self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.with(|core| core.clock = Clock::new(now))
    }

    fn with(mut self, set: impl FnOnce(&mut Core)) -> Self {
        set(Arc::make_mut(&mut self.core));
        self
    }
}
