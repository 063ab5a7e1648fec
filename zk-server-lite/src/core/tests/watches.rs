//! Which change makes which watch fire.

use std::sync::Arc;

use zk_proto::AddWatchMode;
use zk_proto::EventType::{self, NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};

use super::super::txn::Change;
use super::super::watches::{ConnId, WatchManager, WatchTable, WatchesSummary};
use super::*;

const ONE: ConnId = ConnId(1);
const TWO: ConnId = ConnId(2);

pub(super) fn created(path: &str) -> Change {
    let acl: Arc<[Acl]> = Acl::open().into();
    Change::Created { path: path.into(), parent_acl: Arc::clone(&acl), acl }
}

pub(super) fn deleted(path: &str) -> Change {
    let acl: Arc<[Acl]> = Acl::open().into();
    Change::Deleted { path: path.into(), parent_acl: Arc::clone(&acl), acl }
}

pub(super) fn data_changed(path: &str) -> Change {
    Change::DataChanged { path: path.into(), acl: Acl::open().into() }
}

fn fire(watches: &mut WatchManager, change: &Change) -> Vec<(u64, EventType, String)> {
    let fired = watches.trigger(change);
    fired.into_iter().map(|fired| (fired.conn.0, fired.event, fired.path.to_string())).collect()
}

#[test]
fn a_change_fires_the_watches_of_the_node_and_the_child_watches_of_its_parent() {
    use WatchTable::{Child, Data};
    let (created, deleted, changed) = (created("/p/n"), deleted("/p/n"), data_changed("/p/n"));
    for (table, watched, change, expected) in [
        (Data, "/p/n", &created, Some(NodeCreated)),
        (Data, "/p/n", &changed, Some(NodeDataChanged)),
        (Data, "/p/n", &deleted, Some(NodeDeleted)),
        (Child, "/p/n", &created, None),
        (Child, "/p/n", &changed, None),
        (Child, "/p/n", &deleted, Some(NodeDeleted)),
        (Data, "/p", &created, None),
        (Data, "/p", &deleted, None),
        (Child, "/p", &created, Some(NodeChildrenChanged)),
        (Child, "/p", &deleted, Some(NodeChildrenChanged)),
        (Child, "/p", &changed, None),
        (Child, "/", &created, None),
    ] {
        let mut watches = WatchManager::default();
        watches.add(table, watched, ONE);
        let fired = fire(&mut watches, change);
        let expected: Vec<_> =
            expected.into_iter().map(|event| (1, event, watched.to_owned())).collect();
        assert_eq!(fired, expected, "{table:?} {watched} {change:?}");
        assert_eq!(watches.count(), usize::from(expected.is_empty()));
    }
}

#[test]
fn a_watch_fires_once() {
    let mut watches = WatchManager::default();
    watches.add(WatchTable::Data, "/a", ONE);
    let change = data_changed("/a");
    assert_eq!(fire(&mut watches, &change).len(), 1);
    assert_eq!(fire(&mut watches, &change).len(), 0);
}

#[test]
fn two_watches_of_a_kind_are_one_and_a_data_and_a_child_watch_are_two() {
    let mut watches = WatchManager::default();
    watches.add(WatchTable::Data, "/a", ONE);
    watches.add(WatchTable::Data, "/a", ONE);
    assert_eq!(watches.count(), 1);
    watches.add(WatchTable::Child, "/a", ONE);
    watches.add(WatchTable::Data, "/a", TWO);
    assert_eq!(watches.count(), 3);
}

#[test]
fn a_deletion_tells_each_connection_once_and_takes_both_of_its_watches() {
    let mut watches = WatchManager::default();
    watches.add(WatchTable::Data, "/a", ONE);
    watches.add(WatchTable::Child, "/a", ONE);
    watches.add(WatchTable::Child, "/a", TWO);
    let fired = fire(&mut watches, &deleted("/a"));
    assert_eq!(fired, [(1, NodeDeleted, "/a".into()), (2, NodeDeleted, "/a".into())]);
    assert_eq!(watches.count(), 0);
}

#[test]
fn a_connection_that_is_gone_has_no_watches() {
    let mut watches = WatchManager::default();
    for conn in [ONE, TWO] {
        watches.add(WatchTable::Data, "/a", conn);
        watches.add(WatchTable::Child, "/b", conn);
    }
    watches.remove_connection(ONE);
    assert_eq!(watches.count(), 2);
    let fired = fire(&mut watches, &data_changed("/a"));
    assert_eq!(fired, [(2, NodeDataChanged, "/a".into())]);
}

#[test]
fn the_changes_of_a_multi_come_in_the_order_of_its_operations() {
    use zk_proto::message::MultiOp;
    let mut bench = Bench::default();
    let ops =
        vec![MultiOp::Create(create_request("/a", 0)), MultiOp::Create(create_request("/a/b", 0))];
    let request = WriteRequest::Multi(ops);
    let body = bench.replica.prepare(&caller(ALICE), request, bench.features).unwrap();
    let header = TxnHeader { session: ALICE, zxid: Zxid(1), time: 0 };
    let applied = bench.replica.apply(&Txn { header, body });
    assert_eq!(applied.changes, [created("/a"), created("/a/b")]);
}

#[test]
fn a_summary_is_of_data_watches_only_and_the_count_of_both_tables() {
    let mut watches = WatchManager::default();
    watches.add(WatchTable::Child, "/a", ONE);
    assert_eq!((watches.summary(), watches.count()), (WatchesSummary::default(), 1));
    watches.add(WatchTable::Data, "/a", ONE);
    watches.add_watch("/b", TWO, AddWatchMode::Persistent);
    watches.add_watch("/a", TWO, AddWatchMode::PersistentRecursive);
    let summary = WatchesSummary { connections: 2, paths: 2, total: 3 };
    assert_eq!((watches.summary(), watches.count()), (summary, 5));
    // Several modes are one entry.
    watches.add_watch("/a", ONE, AddWatchMode::PersistentRecursive);
    assert_eq!((watches.summary(), watches.count()), (summary, 5));
}

#[test]
fn a_connection_whose_watches_have_all_fired_is_counted_until_it_is_gone() {
    let mut watches = WatchManager::default();
    watches.add(WatchTable::Data, "/a", ONE);
    fire(&mut watches, &data_changed("/a"));
    let summary = WatchesSummary { connections: 1, paths: 0, total: 0 };
    assert_eq!(watches.summary(), summary);
    watches.remove_connection(ONE);
    assert_eq!(watches.summary(), WatchesSummary::default());
}
