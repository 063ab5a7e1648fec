//! The watches of a session, as far as the server has confirmed them.
//!
//! A server keeps watches by connection, so after a reconnect they are set again, relative to
//! the last transaction that was seen: what changed in between fires at once.

use std::collections::BTreeMap;

use zk_proto::message::SetWatches;
use zk_proto::op::Request;
use zk_proto::watch::WatchKind;
use zk_proto::{ByteString, WatchedEvent, Zxid};

use super::output::Ticket;

#[derive(Debug)]
pub(super) struct Watches<W> {
    /// Ordered, so that batches are the same for the same history.
    by_path: BTreeMap<ByteString, Vec<(WatchKind, W)>>,
    count: usize,
    /// The count at which those that nobody waits for any more are looked for and left out.
    ///
    /// Whoever sets watches and drops them would grow the map otherwise.
    sweep_at: usize,
}

impl<W> Default for Watches<W> {
    fn default() -> Self {
        Self { by_path: BTreeMap::new(), count: 0, sweep_at: FIRST_SWEEP }
    }
}

impl<W: Ticket> Watches<W> {
    pub(super) fn insert(&mut self, path: ByteString, kind: WatchKind, watcher: W) {
        if watcher.is_abandoned() {
            return;
        }
        if self.count >= self.sweep_at {
            self.sweep();
        }
        self.by_path.entry(path).or_default().push((kind, watcher));
        self.count += 1;
    }

    /// Twice the number of those who wait is the most there ever is, at a cost that is shared by
    /// as many inserts.
    fn sweep(&mut self) {
        self.count = 0;
        self.by_path.retain(|_, here| {
            here.retain(|(_, watcher)| !watcher.is_abandoned());
            self.count += here.len();
            !here.is_empty()
        });
        self.sweep_at = FIRST_SWEEP.max(self.count * 2);
    }

    /// Takes out the watches that an event reaches. An event that nobody waits for is no fault:
    /// the watcher may be gone.
    pub(super) fn fire(&mut self, event: &WatchedEvent) -> Vec<W> {
        let Some(here) = self.by_path.get_mut(&event.path) else {
            return Vec::new();
        };
        let fired = here.extract_if(.., |(kind, _)| kind.hears(event.event_type));
        let fired: Vec<_> = fired.map(|(_, watcher)| watcher).collect();
        self.count -= fired.len();
        if here.is_empty() {
            self.by_path.remove(&event.path);
        }
        fired
    }

    /// The requests that set all watches again, each well below the limit of a frame.
    pub(super) fn batches(&mut self, relative_zxid: Zxid) -> Vec<Request> {
        self.sweep();
        let mut batches = Vec::new();
        let mut batch = SetWatches { relative_zxid, ..SetWatches::default() };
        let mut bytes = 0;
        for (path, here) in &self.by_path {
            for kind in [WatchKind::Data, WatchKind::Exist, WatchKind::Child] {
                if !here.iter().any(|(set, _)| *set == kind) {
                    continue;
                }
                let length = path.len() + LENGTH_PREFIX;
                if bytes > 0 && bytes + length > BATCH_BYTES {
                    let next = SetWatches { relative_zxid, ..SetWatches::default() };
                    batches.push(Request::SetWatches(std::mem::replace(&mut batch, next)));
                    bytes = 0;
                }
                bytes += length;
                if let Some(list) = list(&mut batch, kind) {
                    list.push(path.clone());
                }
            }
        }
        if bytes > 0 {
            batches.push(Request::SetWatches(batch));
        }
        batches
    }

    #[cfg(test)]
    pub(super) const fn count(&self) -> usize {
        self.count
    }
}

fn list(batch: &mut SetWatches, kind: WatchKind) -> Option<&mut Vec<ByteString>> {
    match kind {
        WatchKind::Data => Some(&mut batch.data_watches),
        WatchKind::Exist => Some(&mut batch.exist_watches),
        WatchKind::Child => Some(&mut batch.child_watches),
        WatchKind::Persistent | WatchKind::PersistentRecursive => None,
    }
}

/// The Java client splits at 128 KiB of characters, and may pass it by one path. Here the
/// lengths count too, and only a single path may be longer.
const BATCH_BYTES: usize = 128 * 1024;
const LENGTH_PREFIX: usize = 4;
const FIRST_SWEEP: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use zk_proto::{EventType, KeeperState};

    #[derive(Debug, PartialEq)]
    struct Name(&'static str);

    impl Ticket for Name {
        fn is_abandoned(&self) -> bool {
            self.0 == "gone"
        }
    }

    fn event(event_type: EventType, path: &'static str) -> WatchedEvent {
        WatchedEvent { event_type, state: KeeperState::SyncConnected, path: path.into() }
    }

    #[test]
    fn an_event_takes_the_watches_it_reaches_and_leaves_the_others() {
        let mut watches = Watches::default();
        watches.insert("/a".into(), WatchKind::Data, Name("data"));
        watches.insert("/a".into(), WatchKind::Child, Name("child"));
        watches.insert("/b".into(), WatchKind::Data, Name("other"));
        assert_eq!(watches.fire(&event(EventType::NodeDataChanged, "/a")), [Name("data")]);
        assert_eq!(watches.fire(&event(EventType::NodeDataChanged, "/a")), []);
        assert_eq!(watches.fire(&event(EventType::NodeDeleted, "/a")), [Name("child")]);
        assert_eq!(watches.count(), 1);
    }

    #[test]
    fn watches_whose_owners_are_gone_are_not_set_again() {
        let mut watches = Watches::default();
        watches.insert("/a".into(), WatchKind::Data, Name("gone"));
        watches.insert("/b".into(), WatchKind::Exist, Name("here"));
        let expected = SetWatches {
            relative_zxid: Zxid(7),
            exist_watches: vec!["/b".into()],
            ..SetWatches::default()
        };
        assert_eq!(watches.batches(Zxid(7)), [Request::SetWatches(expected)]);
        assert_eq!(watches.count(), 1);
    }

    #[test]
    fn many_watches_are_set_again_in_several_requests() {
        let mut watches = Watches::default();
        for number in 0..10_000 {
            watches.insert(
                format!("/a/quite/long/path/{number:06}").into(),
                WatchKind::Data,
                Name("w"),
            );
        }
        let batches = watches.batches(Zxid(1));
        assert!(batches.len() > 1);
        let mut total = 0;
        for batch in &batches {
            let Request::SetWatches(batch) = batch else { panic!("{batch:?}") };
            assert!(
                batch.data_watches.iter().map(|path| path.len() + 4).sum::<usize>() <= BATCH_BYTES
            );
            total += batch.data_watches.len();
        }
        assert_eq!(total, 10_000);
    }
}
