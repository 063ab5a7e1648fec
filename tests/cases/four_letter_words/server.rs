//! What is told of the server.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use zk_proto::message::{GetAllChildrenNumberRequest, GetAllChildrenNumberResponse};
use zk_proto::op::Request;
use zk_test_kit::TestServer;
use zk_test_kit::request::{create, create_ephemeral};

use super::shape::assert_shape;
use super::{SRVR, ask_with, number, zxid_of};

zk_test_kit::cases![
    ruok_is_answered_without_a_line_end,
    srvr_tells_how_the_server_is,
    srvr_follows_the_writes,
    the_node_count_has_the_root_twice,
    an_unknown_word_is_a_length_that_cannot_be,
    isro_is_answered_without_a_line_end,
    the_trace_mask_can_be_set_and_comes_with_its_word,
    conf_tells_the_settings,
    dirs_tells_the_size_of_what_is_on_disk,
    envi_tells_where_the_server_runs,
    mntr_tells_what_monitoring_reads,
    a_word_may_come_in_pieces_and_with_more_behind_it,
    a_word_behind_a_handshake_is_a_length,
];

async fn ruok_is_answered_without_a_line_end(server: &TestServer) {
    assert_eq!(server.four_letter_word("ruok").await, "imok");
}

async fn srvr_tells_how_the_server_is(server: &TestServer) {
    assert_shape(&server.four_letter_word("srvr").await, &SRVR);
    assert!(server.version().await >= (3, 8, 0));
}

async fn srvr_follows_the_writes(server: &TestServer) {
    let before = server.four_letter_word("srvr").await;
    let mut raw = server.raw_session().await;
    let zxid = raw.succeed(&create(&server.path("/a"))).await.header.zxid;
    let after = server.four_letter_word("srvr").await;
    assert!(zxid_of(&before) < zxid && zxid <= zxid_of(&after));
    assert!(number(&after, "Received") > number(&before, "Received"));
    assert!(number(&after, "Sent") > number(&before, "Sent"));
    if !server.is_real() {
        assert_eq!(zxid_of(&after), zxid);
        assert_eq!(number(&after, "Node count"), number(&before, "Node count") + 1);
        // Two frames in and two out: a handshake and a write.
        assert_eq!(number(&after, "Sent"), number(&before, "Sent") + 2);
    }
}

async fn the_node_count_has_the_root_twice(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let start = Instant::now();
    loop {
        let srvr = server.four_letter_word("srvr").await;
        let request = GetAllChildrenNumberRequest { path: "/".into() };
        let reply = raw.succeed(&Request::GetAllChildrenNumber(request)).await;
        // Other cases write to a shared server in between, mostly.
        if reply.header.zxid == zxid_of(&srvr) {
            let below_root = reply.decode::<GetAllChildrenNumberResponse>().total_number;
            assert_eq!(number(&srvr, "Node count"), i64::from(below_root) + 2);
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "there is no end of writes");
    }
}

async fn an_unknown_word_is_a_length_that_cannot_be(server: &TestServer) {
    for word in ["nope", "RUOK", "help"] {
        let mut raw = server.raw().await;
        raw.send_bytes(word.as_bytes()).await;
        assert!(raw.is_hung_up_on().await, "{word}");
    }
    server.assert_serves().await;
}

async fn isro_is_answered_without_a_line_end(server: &TestServer) {
    assert_eq!(server.four_letter_word("isro").await, "rw");
}

async fn the_trace_mask_can_be_set_and_comes_with_its_word(server: &TestServer) {
    // What it is anyway, so that no other case is disturbed.
    let mut set = b"stmk".to_vec();
    set.extend_from_slice(&306_i64.to_be_bytes());
    assert_eq!(ask_with(server, &[&set]).await, "306");
    assert_eq!(server.four_letter_word("gtmk").await, "306");
    assert_eq!(server.four_letter_word("stmk").await, "");
}

async fn conf_tells_the_settings(server: &TestServer) {
    let conf = server.four_letter_word("conf").await;
    assert_shape(
        &conf,
        &[
            "clientPort=#",
            "secureClientPort=#",
            "dataDir=*",
            "dataDirSize=#",
            "dataLogDir=*",
            "dataLogSize=#",
            "tickTime=200",
            "maxClientCnxns=0",
            "minSessionTimeout=400",
            "maxSessionTimeout=4000",
            "clientPortListenBacklog=-1",
            "serverId=#",
        ],
    );
}

async fn dirs_tells_the_size_of_what_is_on_disk(server: &TestServer) {
    assert_shape(&server.four_letter_word("dirs").await, &["datadir_size: #", "logdir_size: #"]);
}

async fn envi_tells_where_the_server_runs(server: &TestServer) {
    let shapes = [
        "Environment:",
        "zookeeper.version=*, built on *",
        "host.name=*",
        "java.version=*",
        "java.vendor=*",
        "java.home=*",
        "java.class.path=*",
        "java.library.path=*",
        "java.io.tmpdir=*",
        "java.compiler=<NA>",
        "os.name=*",
        "os.arch=*",
        "os.version=*",
        "user.name=*",
        "user.home=*",
        "user.dir=*",
        "os.memory.free=#MB",
        "os.memory.max=#MB",
        "os.memory.total=#MB",
    ];
    assert_shape(&server.four_letter_word("envi").await, &shapes);
}

async fn mntr_tells_what_monitoring_reads(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let before = mntr(server).await;
    raw.succeed(&create_ephemeral(&server.path("/e"))).await;
    let after = mntr(server).await;
    for key in GAUGES {
        let value = after.get(key).unwrap_or_else(|| panic!("no {key} in {after:?}"));
        assert!(value.parse::<f64>().is_ok(), "{key} is {value}");
    }
    assert_eq!(after["zk_server_state"], "standalone");
    assert!(after["zk_version"].contains(", built on "), "{}", after["zk_version"]);
    assert!(after["zk_avg_latency"].contains('.'), "{}", after["zk_avg_latency"]);
    assert_eq!(after["zk_connection_drop_probability"], "0.0");
    if !server.is_real() {
        let grown = |key: &str| -> i64 {
            after[key].parse::<i64>().unwrap() - before[key].parse::<i64>().unwrap()
        };
        let (path, data) = (server.path("/e"), 0);
        assert_eq!(grown("zk_znode_count"), 1);
        assert_eq!(grown("zk_ephemerals_count"), 1);
        assert_eq!(grown("zk_packets_sent"), 1);
        // The request, and the second word.
        assert_eq!(grown("zk_packets_received"), 2);
        assert_eq!(grown("zk_approximate_data_size"), i64::try_from(path.len() + data).unwrap());
    }
}

async fn a_word_may_come_in_pieces_and_with_more_behind_it(server: &TestServer) {
    for pieces in [
        &[&b"r"[..], b"u", b"ok"][..],
        &[b"ruok\n"],
        &[b"ruok\r\n"],
        &[b"ruoksrvr"],
        &[b"ruok\0\0\0\x01"],
    ] {
        assert_eq!(ask_with(server, pieces).await, "imok", "{pieces:?}");
    }
}

async fn a_word_behind_a_handshake_is_a_length(server: &TestServer) {
    for word in ["ruok", "srvr", "mntr"] {
        let mut raw = server.raw_session().await;
        raw.send_bytes(word.as_bytes()).await;
        assert!(raw.is_hung_up_on().await, "{word}");
    }
    server.assert_serves().await;
}

async fn mntr(server: &TestServer) -> BTreeMap<String, String> {
    let answer = server.four_letter_word("mntr").await;
    let mut lines = answer.lines();
    assert!(answer.starts_with("zk_version\t"), "{answer}");
    assert!(lines.nth(1).unwrap().starts_with("zk_server_state\t"), "{answer}");
    let pair = |line: &str| {
        let (key, value) = line.split_once('\t').unwrap_or_else(|| panic!("{line:?}"));
        assert!(key.starts_with("zk_"), "{line}");
        (key.to_owned(), value.to_owned())
    };
    answer.lines().map(pair).collect()
}

const GAUGES: [&str; 28] = [
    "zk_avg_latency",
    "zk_max_latency",
    "zk_min_latency",
    "zk_packets_received",
    "zk_packets_sent",
    "zk_num_alive_connections",
    "zk_outstanding_requests",
    "zk_uptime",
    "zk_znode_count",
    "zk_watch_count",
    "zk_ephemerals_count",
    "zk_approximate_data_size",
    "zk_global_sessions",
    "zk_local_sessions",
    "zk_open_file_descriptor_count",
    "zk_max_file_descriptor_count",
    "zk_connection_drop_probability",
    "zk_last_client_response_size",
    "zk_min_client_response_size",
    "zk_max_client_response_size",
    "zk_outstanding_tls_handshake",
    "zk_auth_failed_count",
    "zk_non_mtls_remote_conn_count",
    "zk_non_mtls_local_conn_count",
    "zk_connection_request_count",
    "zk_connection_rejected",
    "zk_sessionless_connections_expired",
    "zk_stale_sessions_expired",
];
