//! The way from a leader to one follower, which can be slow.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use zk_proto::Zxid;

use crate::engine::{FollowerId, Ordered};

use super::hub::Hub;

/// What the leader has said and the follower has not heard so far.
#[derive(Debug)]
pub(crate) struct Link {
    id: FollowerId,
    queue: Mutex<Queue>,
    changed: Notify,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Queue {
    ordered: VecDeque<(Ordered, Instant)>,
    lag: Lag,
}

/// How late a follower hears what the leader has said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lag {
    /// As soon as it can.
    #[default]
    None,
    /// Not at all.
    Held,
    /// When so many other things were said after it.
    Behind(usize),
    /// So much later.
    Time(Duration),
    /// When a client of the follower waits for it, and after so much time at the latest.
    UntilAsked(Duration),
}

/// When the oldest of what was said is to be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Now,
    At(Instant),
    Never,
}

impl Link {
    pub(super) fn new(id: FollowerId) -> Self {
        Self { id, queue: Mutex::default(), changed: Notify::new(), closed: AtomicBool::new(false) }
    }

    /// The leader says something.
    pub(super) fn push(&self, ordered: Ordered) {
        self.lock().ordered.push_back((ordered, Instant::now()));
        self.changed.notify_one();
    }

    pub(crate) fn set_lag(&self, lag: Lag) {
        self.lock().lag = lag;
        self.changed.notify_one();
    }

    /// The follower has gone, and nothing needs to be said to it any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// How much the follower has not heard.
    pub(crate) fn len(&self) -> usize {
        self.lock().ordered.len()
    }

    fn pop_due(&self, now: Instant) -> Option<Ordered> {
        let mut queue = self.lock();
        let due = match queue.due(self.id) {
            Due::Now => true,
            Due::At(at) => at <= now,
            Due::Never => false,
        };
        if due { queue.ordered.pop_front().map(|(ordered, _)| ordered) } else { None }
    }

    fn pop_up_to(&self, zxid: Zxid) -> Option<Ordered> {
        let mut queue = self.lock();
        let wanted = match &queue.ordered.front()?.0 {
            Ordered::Txn(txn, _) => txn.header.zxid <= zxid,
            Ordered::Sync(_) => true,
        };
        if wanted { queue.ordered.pop_front().map(|(ordered, _)| ordered) } else { None }
    }

    /// Waits until something is due, as far as is known now.
    async fn due(&self) {
        let due = self.lock().due(self.id);
        match due {
            Due::Now => {}
            Due::At(at) => {
                tokio::select! {
                    biased;
                    () = sleep_until(at) => {}
                    () = self.changed.notified() => {}
                }
            }
            Due::Never => self.changed.notified().await,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn due(&self, me: FollowerId) -> Due {
        let Some((_, said)) = self.ordered.front() else {
            return Due::Never;
        };
        let after = |time: Duration| said.checked_add(time).map_or(Due::Never, Due::At);
        match self.lag {
            Lag::None => Due::Now,
            Lag::Held => Due::Never,
            Lag::Behind(others) if self.ordered.len() > others => Due::Now,
            Lag::Behind(_) => Due::Never,
            Lag::Time(time) => after(time),
            Lag::UntilAsked(limit) => {
                let mine = |(ordered, _): &(Ordered, Instant)| {
                    ordered.origin().is_some_and(|origin| origin.follower == me)
                };
                if self.ordered.iter().any(mine) { Due::Now } else { after(limit) }
            }
        }
    }
}

/// Lets a follower hear what is due, again and again.
pub(crate) async fn follow_loop(hub: Arc<Hub>, link: Arc<Link>) {
    loop {
        link.due().await;
        hear(&hub, || link.pop_due(Instant::now()));
    }
}

/// Lets a follower hear everything up to a transaction, at once.
pub(crate) fn catch_up(hub: &Hub, link: &Link, zxid: Zxid) {
    hear(hub, || link.pop_up_to(zxid));
}

/// The follower is locked meanwhile, so that nothing overtakes.
fn hear(hub: &Hub, mut next: impl FnMut() -> Option<Ordered>) {
    hub.with_engine(|engine, now| {
        while let Some(ordered) = next() {
            engine.handle_ordered(&ordered, now);
        }
    });
}
