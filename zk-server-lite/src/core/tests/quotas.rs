//! Quotas: what is counted where, and what limits do.

use zk_proto::message::MultiOp;

use super::*;

/// A tree with `/a` (1 byte) and `/a/b` (1 byte) and limits on `/a`.
fn limited(limits: &str, enforce_quota: bool) -> Bench {
    let features = Features { enforce_quota, ..Features::default() };
    let mut bench = Bench { features, ..Bench::default() };
    bench.plant(&["/a", "/a/b"]);
    quota(&mut bench, "/a", limits);
    bench
}

/// Sets limits as clients do.
fn quota(bench: &mut Bench, path: &str, limits: &str) {
    let mut above = "/zookeeper/quota".to_owned();
    for name in path.split('/').skip(1) {
        above = format!("{above}/{name}");
        let _ = bench.write(create(&above, 0));
    }
    for (name, text) in [("zookeeper_limits", limits), ("zookeeper_stats", "count=0,bytes=0")] {
        let request = CreateRequest { data: data(text), ..create_request("", 0) };
        let path = format!("{above}/{name}").into();
        let created = bench.write(WriteRequest::Create(CreateRequest { path, ..request }));
        assert!(matches!(created, TxnResult::Created(_)), "{created:?}");
    }
}

fn stats(bench: &Bench, path: &str) -> String {
    let path = format!("/zookeeper/quota{path}/zookeeper_stats");
    let node = bench.replica.tree().node(&path).unwrap();
    String::from_utf8(node.data().unwrap().to_vec()).unwrap()
}

#[test]
fn what_is_there_is_counted_when_the_stats_node_is_created() {
    assert_eq!(stats(&limited("count=9", false), "/a"), "count=2,bytes=2");
    let mut bench = Bench::default();
    quota(&mut bench, "/missing", "");
    assert_eq!(stats(&bench, "/missing"), "count=0,bytes=0");
}

#[test]
fn creates_deletes_and_data_are_counted_and_nothing_else_of_the_stats_node_changes() {
    let mut bench = limited("count=9", false);
    let path = "/zookeeper/quota/a/zookeeper_stats";
    let before = bench.stat(path);
    for (request, expected) in [
        (create("/a/c", 0), "count=3,bytes=3"),
        (create("/a/e", 1), "count=4,bytes=4"),
        (set_data("/a", "12345", -1), "count=4,bytes=8"),
        (set_data("/a", "", -1), "count=4,bytes=3"),
        (delete("/a/c", -1), "count=3,bytes=2"),
        (create("/a/c", 7), "count=3,bytes=2"),
        (create("/ab", 0), "count=3,bytes=2"),
        (WriteRequest::CloseSession, "count=2,bytes=1"),
        (delete("/a/b", -1), "count=1,bytes=0"),
        (delete("/a", -1), "count=0,bytes=0"),
        (create("/a", 0), "count=1,bytes=1"),
    ] {
        let _ = bench.write(request);
        assert_eq!(stats(&bench, "/a"), expected);
    }
    assert_eq!(bench.stat(path), Stat { data_length: 15, ..before });
}

#[test]
fn the_longest_path_with_limits_counts_and_none_above_it() {
    let mut bench = limited("count=9", false);
    quota(&mut bench, "/a/b", "count=9");
    bench.plant(&["/a/b/c", "/a/d"]);
    assert_eq!(stats(&bench, "/a/b"), "count=2,bytes=2");
    assert_eq!(stats(&bench, "/a"), "count=3,bytes=3");
    let _ = bench.write(delete("/zookeeper/quota/a/b/zookeeper_limits", -1));
    bench.plant(&["/a/b/e"]);
    assert_eq!(stats(&bench, "/a/b"), "count=2,bytes=2");
    assert_eq!(stats(&bench, "/a"), "count=4,bytes=4");
}

#[test]
fn the_stat_of_a_new_stats_node_is_that_of_the_data_that_was_sent() {
    let mut bench = limited("count=9", false);
    let path = "/zookeeper/quota/a/zookeeper_stats";
    let _ = bench.write(delete(path, -1));
    let request = CreateRequest { data: None, ..create_request(path, 0) };
    let created = bench.write(WriteRequest::Create2(request));
    assert!(matches!(&created, TxnResult::Created2(_, stat) if stat.data_length == 0));
    assert_eq!(bench.stat(path).data_length, 15);
}

#[test]
fn hard_limits_hold_if_they_are_enforced_and_soft_ones_never() {
    use ErrorCode::{Ok, QuotaExceeded as Exceeded};
    for (limits, enforced, node, bytes) in [
        ("count=2,bytes=2", true, Ok, Ok),
        ("count=-1,bytes=-1=;countHardLimit=2", false, Ok, Ok),
        ("count=-1,bytes=-1=;countHardLimit=2", true, Exceeded, Ok),
        ("count=-1,bytes=-1=;countHardLimit=3", true, Ok, Ok),
        ("count=-1,bytes=-1=;byteHardLimit=2", true, Exceeded, Exceeded),
        ("count=1,bytes=-1=;byteHardLimit=3", true, Ok, Exceeded),
        ("count=-1,bytes=9=;byteHardLimit=0", true, Exceeded, Exceeded),
        ("nonsense", true, Ok, Ok),
    ] {
        assert_eq!(limited(limits, enforced).code(create("/a/c", 0)), node, "{limits}");
        assert_eq!(limited(limits, enforced).code(set_data("/a", "123", -1)), bytes, "{limits}");
        // What adds nothing is always possible.
        assert_eq!(limited(limits, enforced).code(set_data("/a", "y", -1)), Ok, "{limits}");
        assert_eq!(limited(limits, enforced).code(delete("/a/b", -1)), Ok, "{limits}");
    }
}

#[test]
fn a_quota_is_looked_at_before_the_version_and_after_all_else() {
    use ErrorCode::{BadVersion, NoNode, NodeExists, QuotaExceeded};
    let hard = "count=-1,bytes=-1=;byteHardLimit=2;countHardLimit=2";
    for (request, expected) in [
        (set_data("/a", "123", 7), QuotaExceeded),
        (set_data("/a", "1", 7), BadVersion),
        (set_data("/a/nope", "123", 7), NoNode),
        (create("/a/b", 0), NodeExists),
        (create("/a/nope/x", 0), NoNode),
    ] {
        assert_eq!(limited(hard, true).code(request), expected);
    }
}

#[test]
fn within_a_multi_earlier_operations_do_not_count_for_the_limit() {
    let mut bench = limited("count=-1,bytes=-1=;countHardLimit=3", true);
    let op = |path: &str| MultiOp::Create(create_request(path, 0));
    let both = WriteRequest::Multi(vec![op("/a/c"), op("/a/d")]);
    assert!(matches!(bench.write(both), TxnResult::Multi(results)
        if results.iter().all(|result| matches!(result, TxnResult::Created(_)))));
    assert_eq!(stats(&bench, "/a"), "count=4,bytes=4");
    assert_eq!(bench.code(create("/a/e", 0)), ErrorCode::QuotaExceeded);
}

#[test]
fn the_root_has_no_quota_but_its_stats_node_counts_once() {
    let mut bench = Bench::default();
    quota(&mut bench, "", "count=1");
    let counted = stats(&bench, "");
    bench.plant(&["/a"]);
    assert_eq!(
        (counted.as_str(), stats(&bench, "").as_str()),
        ("count=6,bytes=22", "count=6,bytes=22")
    );
}
