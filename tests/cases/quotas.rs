//! Quotas: clients write the limits, the server counts.

use zk_client::{CreateMode, ErrorCode};
use zk_proto::message::{CreateRequest, ExistsResponse, GetDataResponse, MultiOp, MultiResponse};
use zk_proto::message::{MultiResult, SetDataRequest};
use zk_proto::op::Request;
use zk_proto::{Stat, Version};
use zk_test_kit::request::{
    create, create_ephemeral, create_ttl, delete, exists, get, multi, multi_create, node, set,
    watch_data,
};
use zk_test_kit::{RawConnection, TestServer};

zk_test_kit::cases![
    what_is_there_is_counted_when_the_stats_node_is_created,
    usage_follows_every_write_and_nothing_else_of_the_stats_node_changes,
    nodes_that_the_server_removes_are_counted_out,
    the_longest_path_with_limits_counts_and_none_above_it,
    nothing_is_counted_without_limits,
    a_hard_limit_of_nodes_refuses_creates,
    a_hard_limit_of_bytes_refuses_creates_and_data,
    soft_limits_refuse_nothing,
    limits_can_be_changed,
    a_quota_is_looked_at_before_the_version_and_after_existence,
    within_a_multi_earlier_operations_do_not_count_for_the_limit,
    unknown_names_in_the_stats_are_kept_in_order,
];

/// Sets a quota on a path, as clients do.
async fn set_quota(server: &TestServer, raw: &mut RawConnection, path: &str, limits: &str) {
    let mut above = "/zookeeper/quota".to_owned();
    for name in server.path(path).split('/').skip(1) {
        above = format!("{above}/{name}");
        // Other quotas of the case may have made it.
        raw.ask(1, &create(&above)).await;
    }
    for (name, text) in [("zookeeper_limits", limits), ("zookeeper_stats", "")] {
        let path = format!("{above}/{name}");
        let data = Some(text.to_owned().into());
        let request = CreateRequest { data, ..node(&path, CreateMode::Persistent) };
        raw.succeed(&Request::Create(request)).await;
    }
}

fn stats_path(server: &TestServer, path: &str) -> String {
    format!("/zookeeper/quota{}/zookeeper_stats", server.path(path))
}

async fn usage(server: &TestServer, raw: &mut RawConnection, path: &str) -> String {
    let read: GetDataResponse = raw.succeed(&get(&stats_path(server, path))).await.decode();
    String::from_utf8(read.data.unwrap().to_vec()).unwrap()
}

async fn stat(raw: &mut RawConnection, path: &str) -> Stat {
    raw.succeed(&exists(path)).await.decode::<ExistsResponse>().stat
}

async fn what_is_there_is_counted_when_the_stats_node_is_created(server: &TestServer) {
    let mut raw = server.raw_session().await;
    for path in ["/a", "/a/b", "/a/b/c", "/ab"] {
        raw.succeed(&create(&server.path(path))).await;
        raw.succeed(&set(&server.path(path), "12345")).await;
    }
    set_quota(server, &mut raw, "/a", "count=100,bytes=100").await;
    assert_eq!(usage(server, &mut raw, "/a").await, "count=3,bytes=15");
    set_quota(server, &mut raw, "/missing", "count=100,bytes=100").await;
    assert_eq!(usage(server, &mut raw, "/missing").await, "count=0,bytes=0");
}

async fn usage_follows_every_write_and_nothing_else_of_the_stats_node_changes(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let [a, b, e] = ["/a", "/a/b", "/a/e"].map(|path| server.path(path));
    raw.succeed(&create(&a)).await;
    set_quota(server, &mut raw, "/a", "count=100,bytes=100").await;
    let stats = stats_path(server, "/a");
    let before = stat(&mut raw, &stats).await;
    raw.succeed(&watch_data(&stats)).await;
    for (request, expected) in [
        (create(&b), "count=2,bytes=0"),
        (set(&b, "12345"), "count=2,bytes=5"),
        (set(&a, "123"), "count=2,bytes=8"),
        (set(&b, "1"), "count=2,bytes=4"),
        (create_ephemeral(&e), "count=3,bytes=4"),
        (
            multi(vec![multi_create(&format!("{b}/c")), multi_create(&format!("{b}/d"))]),
            "count=5,bytes=4",
        ),
        (delete(&format!("{b}/c")), "count=4,bytes=4"),
        (delete(&e), "count=3,bytes=4"),
    ] {
        // It would tell of an event.
        raw.succeed(&request).await;
        assert_eq!(usage(server, &mut raw, "/a").await, expected, "{request:?}");
    }
    let after = stat(&mut raw, &stats).await;
    assert_eq!(after, Stat { data_length: 15, ..before });
}

async fn nodes_that_the_server_removes_are_counted_out(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let mut other = server.raw_session().await;
    raw.succeed(&create(&server.path("/a"))).await;
    set_quota(server, &mut raw, "/a", "count=100,bytes=100").await;
    raw.succeed(&create_ttl(&server.path("/a/t"), 1)).await;
    other.succeed(&create_ephemeral(&server.path("/a/e"))).await;
    other.succeed(&zk_test_kit::request::close_session()).await;
    let start = tokio::time::Instant::now();
    while usage(server, &mut raw, "/a").await != "count=1,bytes=0" {
        assert!(start.elapsed() < std::time::Duration::from_secs(20), "they are still counted");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn the_longest_path_with_limits_counts_and_none_above_it(server: &TestServer) {
    let mut raw = server.raw_session().await;
    raw.succeed(&create(&server.path("/a"))).await;
    raw.succeed(&create(&server.path("/a/b"))).await;
    set_quota(server, &mut raw, "/a", "count=100").await;
    set_quota(server, &mut raw, "/a/b", "count=100").await;
    for path in ["/a/b/c", "/a/d", "/a/bc"] {
        raw.succeed(&create(&server.path(path))).await;
    }
    assert_eq!(usage(server, &mut raw, "/a/b").await, "count=2,bytes=0");
    assert_eq!(usage(server, &mut raw, "/a").await, "count=4,bytes=0");
    let limits = stats_path(server, "/a/b").replace("_stats", "_limits");
    raw.succeed(&delete(&limits)).await;
    raw.succeed(&create(&server.path("/a/b/e"))).await;
    assert_eq!(usage(server, &mut raw, "/a/b").await, "count=2,bytes=0");
    assert_eq!(usage(server, &mut raw, "/a").await, "count=5,bytes=0");
}

async fn nothing_is_counted_without_limits(server: &TestServer) {
    let mut raw = server.raw_session().await;
    raw.succeed(&create(&server.path("/a"))).await;
    set_quota(server, &mut raw, "/a", "count=100").await;
    let stats = stats_path(server, "/a");
    raw.succeed(&delete(&stats.replace("_stats", "_limits"))).await;
    raw.succeed(&create(&server.path("/a/b"))).await;
    assert_eq!(usage(server, &mut raw, "/a").await, "count=1,bytes=0");
    raw.succeed(&delete(&stats)).await;
    raw.succeed(&create(&stats)).await;
    assert_eq!(usage(server, &mut raw, "/a").await, "count=2,bytes=0");
}

async fn a_hard_limit_of_nodes_refuses_creates(server: &TestServer) {
    let mut raw = server.raw_session().await;
    raw.succeed(&create(&server.path("/a"))).await;
    set_quota(server, &mut raw, "/a", "count=-1,bytes=-1=;countHardLimit=2").await;
    raw.succeed(&create(&server.path("/a/b"))).await;
    for refused in [
        create(&server.path("/a/c")),
        create_ephemeral(&server.path("/a/c")),
        create_ttl(&server.path("/a/b/c"), 1000),
    ] {
        let code = raw.ask(1, &refused).await.header.err;
        assert_eq!(code, ErrorCode::QuotaExceeded, "{refused:?}");
    }
    raw.succeed(&set(&server.path("/a/b"), "as much as there is")).await;
    raw.succeed(&delete(&server.path("/a/b"))).await;
    raw.succeed(&create(&server.path("/a/c"))).await;
    assert_eq!(usage(server, &mut raw, "/a").await, "count=2,bytes=0");
}

async fn a_hard_limit_of_bytes_refuses_creates_and_data(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&create(&path)).await;
    set_quota(server, &mut raw, "/a", "count=-1,bytes=-1=;byteHardLimit=5").await;
    raw.succeed(&set(&path, "12345")).await;
    assert_eq!(raw.ask(1, &set(&path, "123456")).await.header.err, ErrorCode::QuotaExceeded);
    let data = Some("1".into());
    let child = CreateRequest { data, ..node(&server.path("/a/b"), CreateMode::Persistent) };
    let refused = raw.ask(1, &Request::Create(child)).await;
    assert_eq!(refused.header.err, ErrorCode::QuotaExceeded);
    // What adds nothing can be done.
    raw.succeed(&create(&server.path("/a/b"))).await;
    raw.succeed(&set(&path, "54321")).await;
    raw.succeed(&set(&path, "1234")).await;
    assert_eq!(usage(server, &mut raw, "/a").await, "count=2,bytes=4");
}

async fn soft_limits_refuse_nothing(server: &TestServer) {
    let mut raw = server.raw_session().await;
    raw.succeed(&create(&server.path("/a"))).await;
    set_quota(server, &mut raw, "/a", "count=1,bytes=1").await;
    raw.succeed(&create(&server.path("/a/b"))).await;
    raw.succeed(&set(&server.path("/a/b"), "12345")).await;
    assert_eq!(usage(server, &mut raw, "/a").await, "count=2,bytes=5");
}

async fn limits_can_be_changed(server: &TestServer) {
    let mut raw = server.raw_session().await;
    raw.succeed(&create(&server.path("/a"))).await;
    set_quota(server, &mut raw, "/a", "count=1,bytes=-1").await;
    let limits = stats_path(server, "/a").replace("_stats", "_limits");
    for (text, code) in [
        ("count=1,bytes=-1=;countHardLimit=1", ErrorCode::QuotaExceeded),
        ("countHardLimit=0", ErrorCode::QuotaExceeded),
        ("", ErrorCode::Ok),
        ("countHardLimit=2;bytes=1", ErrorCode::QuotaExceeded),
        ("countHardLimit=3", ErrorCode::Ok),
    ] {
        raw.succeed(&set(&limits, text)).await;
        let path = format!("{}/{}", server.path("/a"), text.len());
        assert_eq!(raw.ask(1, &create(&path)).await.header.err, code, "{text:?}");
    }
}

async fn a_quota_is_looked_at_before_the_version_and_after_existence(server: &TestServer) {
    use ErrorCode::{BadVersion, NoNode, NodeExists, QuotaExceeded};
    let mut raw = server.raw_session().await;
    let (path, child, missing) = (server.path("/a"), server.path("/a/b"), server.path("/a/c/d"));
    raw.succeed(&create(&path)).await;
    raw.succeed(&create(&child)).await;
    set_quota(server, &mut raw, "/a", "count=-1,bytes=-1=;byteHardLimit=0;countHardLimit=0").await;
    let versioned = |path: &str, data: &'static str| {
        let (path, data, version) = (path.into(), Some(data.into()), Version(7));
        Request::SetData(SetDataRequest { path, data, version })
    };
    for (request, expected) in [
        (versioned(&path, "x"), QuotaExceeded),
        (versioned(&path, ""), BadVersion),
        (versioned(&missing, "x"), NoNode),
        (create(&child), NodeExists),
        (create(&missing), NoNode),
        (create(&server.path("/a/c")), QuotaExceeded),
    ] {
        assert_eq!(raw.ask(1, &request).await.header.err, expected, "{request:?}");
    }
}

async fn within_a_multi_earlier_operations_do_not_count_for_the_limit(server: &TestServer) {
    let mut raw = server.raw_session().await;
    raw.succeed(&create(&server.path("/a"))).await;
    set_quota(server, &mut raw, "/a", "count=-1,bytes=-1=;countHardLimit=2").await;
    let ops = ["/a/b", "/a/c", "/a/d"].map(|path| multi_create(&server.path(path)));
    raw.succeed(&multi(ops.to_vec())).await;
    assert_eq!(usage(server, &mut raw, "/a").await, "count=4,bytes=0");
    let one_more: MultiOp = multi_create(&server.path("/a/e"));
    let refused = raw.succeed(&multi(vec![one_more])).await;
    let results = refused.decode::<MultiResponse>().results;
    assert!(
        matches!(&results[..], [MultiResult::Error(error)] if error.err == ErrorCode::QuotaExceeded)
    );
}

async fn unknown_names_in_the_stats_are_kept_in_order(server: &TestServer) {
    let mut raw = server.raw_session().await;
    raw.succeed(&create(&server.path("/a"))).await;
    set_quota(server, &mut raw, "/a", "count=100").await;
    raw.succeed(&set(&stats_path(server, "/a"), "z=1;count=7;bytes=3,a=-5")).await;
    raw.succeed(&create(&server.path("/a/b"))).await;
    assert_eq!(usage(server, &mut raw, "/a").await, "count=8,bytes=3=;a=-5;z=1");
}
