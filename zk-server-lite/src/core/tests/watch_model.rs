//! Any watches and changes, against a list of watches that is searched from end to end.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use zk_proto::EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};
use zk_proto::{AddWatchMode, EventType, WatcherType};

use super::super::watches::{ConnId, WatchManager, WatchTable, WatchesSummary};
use super::watches::{created, data_changed, deleted};

/// How a watch was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Data,
    Child,
    Persistent,
    Recursive,
}

#[derive(Clone, Debug)]
enum Step {
    Add(u64, Kind, &'static str),
    Remove(u64, WatcherType, &'static str),
    Gone(u64),
    Created(&'static str),
    Deleted(&'static str),
    DataChanged(&'static str),
}

type Heard = BTreeMap<u64, Vec<(EventType, String)>>;

/// Every watch, and which connections are counted as watching data.
#[derive(Debug, Default)]
struct Model {
    watches: BTreeSet<(u64, Kind, String)>,
    listed: BTreeSet<u64>,
}

impl Model {
    fn add(&mut self, conn: u64, kind: Kind, path: &str) {
        self.watches.insert((conn, kind, path.to_owned()));
        if kind != Kind::Child {
            self.listed.insert(conn);
        }
    }

    fn has(&self, conn: u64, kinds: &[Kind], path: &str) -> bool {
        kinds.iter().any(|kind| self.watches.contains(&(conn, *kind, path.to_owned())))
    }

    fn remove(&mut self, conn: u64, kinds: &[Kind], path: &str) -> bool {
        let data = self.data_paths(conn);
        let there = self.has(conn, kinds, path);
        self.watches.retain(|(of, kind, on)| *of != conn || on != path || !kinds.contains(kind));
        if self.data_paths(conn) < data && self.data_paths(conn) == 0 {
            self.listed.remove(&conn);
        }
        there
    }

    fn data_paths(&self, conn: u64) -> usize {
        self.pairs(|kind| kind != Kind::Child).iter().filter(|(of, _)| *of == conn).count()
    }

    fn pairs(&self, wanted: impl Fn(Kind) -> bool) -> BTreeSet<(u64, String)> {
        let wanted = self.watches.iter().filter(|(_, kind, _)| wanted(*kind));
        wanted.map(|(conn, _, path)| (*conn, path.clone())).collect()
    }

    /// Who hears of one event, each once; `used_up` fire once.
    fn event(&mut self, event: EventType, path: &str, used_up: &[Kind], heard: &mut Heard) {
        let hears = |kind: Kind, on: &str| match kind {
            Kind::Data | Kind::Child => on == path && used_up.contains(&kind),
            Kind::Persistent => on == path,
            Kind::Recursive => {
                let below = path.strip_prefix(on).is_some_and(|rest| rest.starts_with('/'));
                let above = on == "/" || (below && !on.is_empty());
                event != NodeChildrenChanged && (on == path || above)
            }
        };
        let who: BTreeSet<u64> = self
            .watches
            .iter()
            .filter(|(_, kind, on)| hears(*kind, on))
            .map(|(conn, ..)| *conn)
            .collect();
        for conn in who {
            heard.entry(conn).or_default().push((event, path.to_owned()));
        }
        self.watches.retain(|(_, kind, on)| on != path || !used_up.contains(kind));
    }

    fn children_of_parent(&mut self, path: &str, heard: &mut Heard) {
        let (parent, _) = path.rsplit_once('/').unwrap();
        let parent = if parent.is_empty() { "/" } else { parent };
        self.event(NodeChildrenChanged, parent, &[Kind::Child], heard);
    }

    fn summary(&self) -> WatchesSummary {
        let data = self.pairs(|kind| kind != Kind::Child);
        let paths: BTreeSet<&String> = data.iter().map(|(_, path)| path).collect();
        WatchesSummary { connections: self.listed.len(), paths: paths.len(), total: data.len() }
    }
}

const CONNS: [u64; 3] = [1, 2, 3];

/// Nodes, some of which only look as if they were below others.
const NODES: [&str; 7] = ["/a", "/a/b", "/a/b/c", "/a/bc", "/ab", "/ab/c", "/d"];

/// What is watched: also the root, and what is no path.
const WATCHED: [&str; 10] = ["/", "/a", "/a/b", "/a/b/c", "/a/bc", "/ab", "/d", "", "/a/", "a"];

const TYPES: [(WatcherType, &[Kind]); 5] = [
    (WatcherType::Children, &[Kind::Child]),
    (WatcherType::Data, &[Kind::Data]),
    (WatcherType::Any, &[Kind::Data, Kind::Child, Kind::Persistent, Kind::Recursive]),
    (WatcherType::Persistent, &[Kind::Persistent]),
    (WatcherType::PersistentRecursive, &[Kind::Recursive]),
];

fn any_step() -> impl Strategy<Value = Step> {
    let conn = || prop::sample::select(&CONNS[..]);
    let node = || prop::sample::select(&NODES[..]);
    let watched = || prop::sample::select(&WATCHED[..]);
    let kind =
        prop::sample::select(&[Kind::Data, Kind::Child, Kind::Persistent, Kind::Recursive][..]);
    let watcher_type = prop::sample::select(&TYPES[..]).prop_map(|(watcher_type, _)| watcher_type);
    prop_oneof![
        8 => (conn(), kind, watched()).prop_map(|(conn, kind, on)| Step::Add(conn, kind, on)),
        4 => (conn(), watcher_type, watched()).prop_map(|(conn, of, on)| Step::Remove(conn, of, on)),
        1 => conn().prop_map(Step::Gone),
        3 => node().prop_map(Step::Created),
        3 => node().prop_map(Step::Deleted),
        3 => node().prop_map(Step::DataChanged),
    ]
}

fn run(watches: &mut WatchManager, model: &mut Model, step: &Step) {
    let mut expected = Heard::new();
    let change = match *step {
        Step::Add(conn, kind, path) => {
            model.add(conn, kind, path);
            let conn = ConnId(conn);
            match kind {
                Kind::Data => watches.add(WatchTable::Data, path, conn),
                Kind::Child => watches.add(WatchTable::Child, path, conn),
                Kind::Persistent => watches.add_watch(path, conn, AddWatchMode::Persistent),
                Kind::Recursive => watches.add_watch(path, conn, AddWatchMode::PersistentRecursive),
            }
            return;
        }
        Step::Remove(conn, watcher_type, path) => {
            let (_, kinds) = TYPES.iter().find(|(of, _)| *of == watcher_type).unwrap();
            let removed = watches.remove(path, ConnId(conn), watcher_type);
            assert_eq!(removed, model.remove(conn, kinds, path));
            return;
        }
        Step::Gone(conn) => {
            watches.remove_connection(ConnId(conn));
            model.watches.retain(|(of, ..)| *of != conn);
            model.listed.remove(&conn);
            return;
        }
        Step::Created(path) => {
            model.event(NodeCreated, path, &[Kind::Data], &mut expected);
            model.children_of_parent(path, &mut expected);
            created(path)
        }
        Step::Deleted(path) => {
            model.event(NodeDeleted, path, &[Kind::Data, Kind::Child], &mut expected);
            model.children_of_parent(path, &mut expected);
            deleted(path)
        }
        Step::DataChanged(path) => {
            model.event(NodeDataChanged, path, &[Kind::Data], &mut expected);
            data_changed(path)
        }
    };
    let mut heard = Heard::new();
    for fired in watches.trigger(&change) {
        heard.entry(fired.conn.0).or_default().push((fired.event, fired.path.to_string()));
    }
    assert_eq!(heard, expected);
}

fn check(watches: &WatchManager, model: &Model) {
    for (conn, path) in CONNS.iter().flat_map(|conn| WATCHED.map(|path| (*conn, path))) {
        for (watcher_type, kinds) in TYPES {
            let there = watches.contains(path, ConnId(conn), watcher_type);
            assert_eq!(there, model.has(conn, kinds, path), "{conn} {path} {watcher_type:?}");
        }
    }
    let data = model.pairs(|kind| kind != Kind::Child);
    let child = model.pairs(|kind| matches!(kind, Kind::Child | Kind::Persistent));
    assert_eq!(watches.count(), data.len() + child.len());
    assert_eq!(watches.summary(), model.summary());
    let by_connection: BTreeSet<(u64, String)> = watches
        .paths_by_connection()
        .flat_map(|(conn, paths)| paths.map(move |path| (conn.0, path.to_string())))
        .collect();
    let by_path: BTreeSet<(u64, String)> = watches
        .connections_by_path()
        .flat_map(|(path, conns)| conns.map(move |conn| (conn.0, path.to_string())))
        .collect();
    assert_eq!((&by_connection, &by_path), (&data, &data));
}

proptest! {
    #[test]
    fn any_watches_fire_as_the_model_says(steps in prop::collection::vec(any_step(), 1..80)) {
        let (mut watches, mut model) = (WatchManager::default(), Model::default());
        for step in &steps {
            run(&mut watches, &mut model, step);
            check(&watches, &model);
        }
        // Nothing is left when nobody is, counts included.
        for conn in CONNS {
            watches.remove_connection(ConnId(conn));
        }
        assert_eq!(format!("{watches:?}"), format!("{:?}", WatchManager::default()));
    }
}
