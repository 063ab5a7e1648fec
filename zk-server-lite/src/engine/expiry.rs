//! When sessions end (`SessionTrackerImpl` over `ExpiryQueue`).
//!
//! Times are rounded up to whole ticks, so that sessions end in batches, and touching a session
//! twice in a tick costs nothing.

use std::collections::{BTreeMap, BTreeSet};

use zk_proto::SessionId;

/// Sessions by the tick in which they end.
#[derive(Debug)]
pub(super) struct ExpiryQueue {
    tick_ms: u64,
    buckets: BTreeMap<u64, BTreeSet<SessionId>>,
    sessions: BTreeMap<SessionId, u64>,
}

impl ExpiryQueue {
    /// An empty queue; a tick is at least a millisecond.
    pub(super) fn new(tick_ms: u64) -> Self {
        Self { tick_ms: tick_ms.max(1), buckets: BTreeMap::new(), sessions: BTreeMap::new() }
    }

    /// When a session touched now would end: the first tick after its timeout.
    pub(super) fn expires(&self, now_ms: u64, timeout_ms: i32) -> u64 {
        let end = now_ms.saturating_add(u64::try_from(timeout_ms).unwrap_or(0));
        let ticks = end.checked_div(self.tick_ms).unwrap_or(0).saturating_add(1);
        ticks.saturating_mul(self.tick_ms)
    }

    /// Lets a session end at a time that [`ExpiryQueue::expires`] gave.
    pub(super) fn set(&mut self, session: SessionId, expires: u64) {
        if let Some(before) = self.sessions.insert(session, expires) {
            if before == expires {
                return;
            }
            self.leave(session, before);
        }
        self.buckets.entry(expires).or_default().insert(session);
    }

    pub(super) fn remove(&mut self, session: SessionId) {
        if let Some(expires) = self.sessions.remove(&session) {
            self.leave(session, expires);
        }
    }

    /// Takes out one session whose time has come.
    pub(super) fn pop_due(&mut self, now_ms: u64) -> Option<SessionId> {
        let (expires, sessions) = self.buckets.first_key_value()?;
        if *expires > now_ms {
            return None;
        }
        let session = *sessions.first()?;
        self.remove(session);
        Some(session)
    }

    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.buckets.first_key_value().map(|(expires, _)| *expires)
    }

    /// Who ends when, the next ones first.
    pub(super) fn buckets(&self) -> impl Iterator<Item = (u64, Vec<SessionId>)> + '_ {
        self.buckets.iter().map(|(expires, ids)| (*expires, ids.iter().copied().collect()))
    }

    fn leave(&mut self, session: SessionId, expires: u64) {
        if let Some(sessions) = self.buckets.get_mut(&expires) {
            sessions.remove(&session);
            if sessions.is_empty() {
                self.buckets.remove(&expires);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_at_the_first_tick_strictly_after_its_timeout() {
        let queue = ExpiryQueue::new(2000);
        for (now, timeout, expires) in
            [(0, 4000, 6000), (1, 3999, 6000), (1, 3998, 4000), (1999, 4000, 6000), (5, 0, 2000)]
        {
            assert_eq!(queue.expires(now, timeout), expires, "{now} + {timeout}");
        }
    }

    #[test]
    fn a_session_that_is_touched_ends_later() {
        let mut queue = ExpiryQueue::new(10);
        let (a, b) = (SessionId(1), SessionId(2));
        queue.set(a, 50);
        queue.set(b, 50);
        queue.set(a, 80);
        assert_eq!(queue.next_deadline(), Some(50));
        assert_eq!(queue.pop_due(49), None);
        assert_eq!(queue.pop_due(50), Some(b));
        assert_eq!(queue.pop_due(79), None);
        assert_eq!(queue.pop_due(200), Some(a));
        assert_eq!(queue.next_deadline(), None);
    }

    #[test]
    fn a_session_that_is_removed_never_ends_again() {
        let mut queue = ExpiryQueue::new(10);
        queue.set(SessionId(1), 50);
        queue.remove(SessionId(1));
        assert_eq!(queue.pop_due(u64::MAX), None);
    }
}
