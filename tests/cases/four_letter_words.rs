//! Questions that are asked instead of opening a session.

use zk_client::Zxid;
use zk_test_kit::TestServer;
use zk_test_kit::request::create;

zk_test_kit::cases![
    ruok_is_answered_without_a_line_end,
    srvr_tells_how_the_server_is,
    srvr_follows_the_writes,
    an_unknown_word_is_a_length_that_cannot_be,
];

async fn ruok_is_answered_without_a_line_end(server: &TestServer) {
    assert_eq!(server.four_letter_word("ruok").await, "imok");
}

async fn srvr_tells_how_the_server_is(server: &TestServer) {
    let srvr = server.four_letter_word("srvr").await;
    let labels: Vec<_> = srvr.lines().map(|line| line.split_once(": ").unwrap().0).collect();
    assert_eq!(
        labels,
        [
            "Zookeeper version",
            "Latency min/avg/max",
            "Received",
            "Sent",
            "Connections",
            "Outstanding",
            "Zxid",
            "Mode",
            "Node count",
        ]
    );
    assert_eq!(value(&srvr, "Mode"), "standalone");
    assert!(srvr.ends_with('\n'));
    assert_eq!(value(&srvr, "Latency min/avg/max").split('/').count(), 3);
    for label in ["Received", "Sent", "Connections", "Outstanding", "Node count"] {
        assert!(number(&srvr, label) >= 0, "{label}");
    }
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

async fn an_unknown_word_is_a_length_that_cannot_be(server: &TestServer) {
    for word in ["nope", "RUOK", "help"] {
        let mut raw = server.raw().await;
        raw.send_bytes(word.as_bytes()).await;
        assert!(raw.is_hung_up_on().await, "{word}");
    }
    server.assert_serves().await;
}

fn value<'a>(srvr: &'a str, label: &str) -> &'a str {
    srvr.lines()
        .find_map(|line| line.strip_prefix(label)?.strip_prefix(": "))
        .unwrap_or_else(|| panic!("no {label} in {srvr}"))
}

fn number(srvr: &str, label: &str) -> i64 {
    value(srvr, label).parse().unwrap()
}

fn zxid_of(srvr: &str) -> Zxid {
    let digits = value(srvr, "Zxid").strip_prefix("0x").unwrap();
    Zxid(i64::from_str_radix(digits, 16).unwrap())
}
