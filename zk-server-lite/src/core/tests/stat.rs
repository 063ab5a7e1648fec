//! What writes do to the states of nodes.

use super::*;

#[test]
fn a_fresh_tree_looks_like_zookeepers() {
    let bench = Bench::default();
    for (path, cversion, aversion, children) in [
        ("/", -1, 0, 1),
        ("/zookeeper", -2, 0, 2),
        ("/zookeeper/quota", 0, 0, 0),
        ("/zookeeper/config", 0, -1, 0),
    ] {
        let expected = Stat {
            cversion: Version(cversion),
            aversion: Version(aversion),
            num_children: children,
            ..Stat::default()
        };
        assert_eq!(bench.stat(path), expected, "{path}");
        assert_eq!(bench.replica.tree().get_data(&caller(ALICE), path).unwrap().data, data(""));
    }
    let config = bench.replica.tree().get_acl(&caller(ALICE), "/zookeeper/config").unwrap();
    assert_eq!(config.acl, Acl::read_only());
}

#[test]
fn a_create_stamps_the_node_and_its_parent() {
    let mut bench = Bench::default();
    bench.plant(&["/a"]);
    let expected = Stat {
        czxid: Zxid(1),
        mzxid: Zxid(1),
        pzxid: Zxid(1),
        ctime: 1000,
        mtime: 1000,
        data_length: 1,
        ..Stat::default()
    };
    assert_eq!(bench.stat("/a"), expected);
    let root = Stat { cversion: Version(0), num_children: 2, pzxid: Zxid(1), ..Stat::default() };
    assert_eq!(bench.stat("/"), root);
}

#[test]
fn a_delete_counts_in_the_parents_cversion_and_moves_its_pzxid() {
    let mut bench = Bench::default();
    bench.plant(&["/a", "/a/1", "/a/2", "/a/3"]);
    let _ = bench.write(delete("/a/2", -1));
    let stat = bench.stat("/a");
    assert_eq!((stat.cversion, stat.pzxid, stat.num_children), (Version(4), Zxid(5), 2));
}

#[test]
fn setting_data_moves_version_mzxid_and_mtime_of_the_node_alone() {
    let mut bench = Bench::default();
    bench.plant(&["/a", "/a/b"]);
    let (parent, before) = (bench.stat("/a"), bench.stat("/a/b"));
    let result = bench.write(set_data("/a/b", "four", 0));
    let expected =
        Stat { version: Version(1), mzxid: Zxid(3), mtime: 3000, data_length: 4, ..before };
    assert_eq!(result, TxnResult::DataSet(expected));
    assert_eq!((bench.stat("/a/b"), bench.stat("/a")), (expected, parent));
}

#[test]
fn setting_an_acl_moves_aversion_and_nothing_else() {
    let mut bench = Bench::default();
    bench.plant(&["/a"]);
    let before = bench.stat("/a");
    let result = bench.write(set_acl("/a", Acl::read_only(), 0));
    assert_eq!(result, TxnResult::AclSet(Stat { aversion: Version(1), ..before }));
}

#[test]
fn an_ephemeral_node_names_its_owner() {
    let mut bench = Bench::default();
    let _ = bench.write(create("/e", 1));
    assert_eq!(bench.stat("/e").ephemeral_owner, ALICE);
    let _ = bench.write_as(BOB, set_data("/e", "y", -1));
    assert_eq!(bench.stat("/e").ephemeral_owner, ALICE);
}

#[test]
fn the_flags_of_a_container_make_a_plain_node() {
    let mut bench = Bench::default();
    let _ = bench.write(create("/c", 4));
    assert_eq!(bench.stat("/c").ephemeral_owner, SessionId::NONE);
    bench.plant(&["/c/child"]);
}

#[test]
fn a_version_wraps_around_and_does_not_step_over_the_number_that_means_any() {
    let mut bench = Bench::default();
    bench.plant(&["/a"]);
    for (present, next) in [(-2, -1), (-1, 0), (i32::MAX, i32::MIN)] {
        let body = TxnBody::SetData { path: "/a".into(), data: None, version: Version(present) };
        let header = TxnHeader { session: ALICE, zxid: Zxid(9), time: 0 };
        let _ = bench.replica.apply(&Txn { header, body });
        let _ = bench.write(set_data("/a", "x", -1));
        assert_eq!(bench.stat("/a").version, Version(next));
    }
}
