//! One-shot watches, as far as the server has confirmed them.

use std::collections::BTreeMap;

use zk_proto::watch::{WatchKind, WatcherType};
use zk_proto::{ByteString, WatchedEvent};

use super::super::output::Ticket;

/// In which of its tables a server keeps a one-shot watch (`DataTree.dataWatches`,
/// `childWatches`): what goes together when watches are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    /// Watches set by getData and exists.
    Data,
    /// Watches set by getChildren.
    Child,
}

#[derive(Debug)]
pub(super) struct OneShot<W> {
    /// Ordered, so that batches are the same for the same history.
    by_path: BTreeMap<ByteString, Here<W>>,
}

#[derive(Debug)]
struct Here<W> {
    data: Waiting<W>,
    child: Waiting<W>,
}

/// Those who wait for one watch of the server's.
#[derive(Debug)]
struct Waiting<W> {
    watchers: Vec<(WatchKind, W)>,
    /// How many have said that they have gone since they were last looked for. Looking only when
    /// half may have gone makes a thousand farewells cost no more than a thousand steps.
    gone: usize,
}

impl Table {
    pub(super) const fn watcher_type(self) -> WatcherType {
        match self {
            Self::Data => WatcherType::Data,
            Self::Child => WatcherType::Children,
        }
    }

    pub(super) const fn of(kind: WatchKind) -> Self {
        match kind {
            WatchKind::Data
            | WatchKind::Exist
            | WatchKind::Persistent
            | WatchKind::PersistentRecursive => Self::Data,
            WatchKind::Child => Self::Child,
        }
    }
}

impl<W> Default for OneShot<W> {
    fn default() -> Self {
        Self { by_path: BTreeMap::new() }
    }
}

impl<W> Default for Here<W> {
    fn default() -> Self {
        Self { data: Waiting::default(), child: Waiting::default() }
    }
}

impl<W> Default for Waiting<W> {
    fn default() -> Self {
        Self { watchers: Vec::new(), gone: 0 }
    }
}

impl<W: Ticket> OneShot<W> {
    pub(super) fn insert(&mut self, path: ByteString, kind: WatchKind, watcher: W) {
        let here = self.by_path.entry(path).or_default();
        here.waiting(Table::of(kind)).watchers.push((kind, watcher));
    }

    /// Takes out the watches that an event reaches. An event that nobody waits for is no fault:
    /// the watcher may be gone.
    pub(super) fn fire(&mut self, event: &WatchedEvent) -> Vec<W> {
        let Some(here) = self.by_path.get_mut(&event.path) else {
            return Vec::new();
        };
        let mut fired = Vec::new();
        for waiting in [&mut here.data, &mut here.child] {
            let reached = waiting.watchers.extract_if(.., |(kind, _)| kind.hears(event.event_type));
            fired.extend(reached.map(|(_, watcher)| watcher));
        }
        if here.is_empty() {
            self.by_path.remove(&event.path);
        }
        fired
    }

    /// Somebody who waited has gone; tells whether that was the last one for this watch.
    pub(super) fn gone(&mut self, path: &str, table: Table) -> bool {
        let Some(here) = self.by_path.get_mut(path) else {
            return false;
        };
        let waiting = here.waiting(table);
        if waiting.watchers.is_empty() {
            return false;
        }
        waiting.gone += 1;
        if waiting.gone * 2 >= waiting.watchers.len() {
            waiting.sweep();
        }
        let was_last = waiting.watchers.is_empty();
        if here.is_empty() {
            self.by_path.remove(path);
        }
        was_last
    }

    pub(super) fn is_wanted(&self, path: &str, table: Table) -> bool {
        self.by_path.get(path).is_some_and(|here| match table {
            Table::Data => !here.data.watchers.is_empty(),
            Table::Child => !here.child.watchers.is_empty(),
        })
    }

    /// Leaves out those that nobody waits for any more.
    pub(super) fn sweep(&mut self) {
        self.by_path.retain(|_, here| {
            here.data.sweep();
            here.child.sweep();
            !here.is_empty()
        });
    }

    /// Leaves out those that nobody waits for any more, and those that end with the session.
    pub(super) fn session_expired(&mut self) {
        self.by_path.retain(|_, here| {
            for waiting in [&mut here.data, &mut here.child] {
                waiting.watchers.retain(|(_, watcher)| !watcher.is_bound());
                waiting.sweep();
            }
            !here.is_empty()
        });
    }

    /// The paths with a watch of this kind.
    pub(super) fn paths(&self, kind: WatchKind) -> impl Iterator<Item = &ByteString> {
        self.by_path.iter().filter(move |(_, here)| here.has(kind)).map(|(path, _)| path)
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        let here = self.by_path.values();
        here.map(|here| here.data.watchers.len() + here.child.watchers.len()).sum()
    }
}

impl<W> Here<W> {
    const fn waiting(&mut self, table: Table) -> &mut Waiting<W> {
        match table {
            Table::Data => &mut self.data,
            Table::Child => &mut self.child,
        }
    }

    fn has(&self, kind: WatchKind) -> bool {
        let mut all = self.data.watchers.iter().chain(&self.child.watchers);
        all.any(|(set, _)| *set == kind)
    }

    const fn is_empty(&self) -> bool {
        self.data.watchers.is_empty() && self.child.watchers.is_empty()
    }
}

impl<W: Ticket> Waiting<W> {
    fn sweep(&mut self) {
        self.watchers.retain(|(_, watcher)| !watcher.is_abandoned());
        self.gone = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use zk_proto::{EventType, KeeperState};

    #[derive(Debug, PartialEq)]
    struct Name(&'static str);

    impl Ticket for Name {
        fn is_abandoned(&self) -> bool {
            self.0 == "gone"
        }
    }

    /// One of many; those below the mark have gone.
    struct Numbered<'a>(usize, &'a Cell<usize>);

    impl Ticket for Numbered<'_> {
        fn is_abandoned(&self) -> bool {
            self.0 < self.1.get()
        }
    }

    fn event(event_type: EventType, path: &'static str) -> WatchedEvent {
        WatchedEvent { event_type, state: KeeperState::SyncConnected, path: path.into() }
    }

    #[test]
    fn an_event_takes_the_watches_it_reaches_and_leaves_the_others() {
        let mut watches = OneShot::default();
        watches.insert("/a".into(), WatchKind::Data, Name("data"));
        watches.insert("/a".into(), WatchKind::Child, Name("child"));
        watches.insert("/b".into(), WatchKind::Data, Name("other"));
        assert_eq!(watches.fire(&event(EventType::NodeDataChanged, "/a")), [Name("data")]);
        assert_eq!(watches.fire(&event(EventType::NodeDataChanged, "/a")), []);
        assert_eq!(watches.fire(&event(EventType::NodeDeleted, "/a")), [Name("child")]);
        assert_eq!(watches.count(), 1);
    }

    #[test]
    fn the_last_one_to_go_is_known_for_each_of_the_servers_tables() {
        let mut watches = OneShot::default();
        watches.insert("/a".into(), WatchKind::Data, Name("gone"));
        watches.insert("/a".into(), WatchKind::Exist, Name("here"));
        watches.insert("/a".into(), WatchKind::Child, Name("gone"));
        assert!(!watches.gone("/a", Table::Data), "an exists watch is in the same table");
        assert!(watches.gone("/a", Table::Child));
        assert!(!watches.gone("/a", Table::Child), "it is said once");
        assert!(!watches.gone("/b", Table::Data));
        assert_eq!(watches.count(), 1);
    }

    #[test]
    fn of_many_who_go_only_the_last_one_is_the_last() {
        let mark = Cell::new(0);
        let mut watches = OneShot::default();
        for number in 0..1000 {
            watches.insert("/a".into(), WatchKind::Data, Numbered(number, &mark));
        }
        for number in 1..=1000 {
            mark.set(number);
            assert_eq!(watches.gone("/a", Table::Data), number == 1000);
            assert!(watches.count() <= 2 * (1000 - number) + 1, "those who have gone pile up");
        }
        assert_eq!(watches.count(), 0);
    }
}
