//! Questions that are asked instead of opening a session.

mod server;
mod sessions;
mod shape;

use zk_client::Zxid;
use zk_test_kit::TestServer;

pub(crate) fn cases() -> Vec<zk_test_kit::Case> {
    [server::cases(), sessions::cases()].concat()
}

fn value_of<'a>(srvr: &'a str, label: &str) -> &'a str {
    srvr.lines()
        .find_map(|line| line.strip_prefix(label)?.strip_prefix(": "))
        .unwrap_or_else(|| panic!("no {label} in {srvr}"))
}

fn number(srvr: &str, label: &str) -> i64 {
    value_of(srvr, label).parse().unwrap()
}

fn zxid_of(srvr: &str) -> Zxid {
    let digits = value_of(srvr, "Zxid").strip_prefix("0x").unwrap();
    Zxid(i64::from_str_radix(digits, 16).unwrap())
}

/// The answer to a word that is said in pieces, or with something behind it.
async fn ask_with(server: &TestServer, pieces: &[&[u8]]) -> String {
    let mut raw = server.raw().await;
    for piece in pieces {
        raw.send_bytes(piece).await;
        // Lets it arrive alone.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    String::from_utf8(raw.rest().await.into()).unwrap()
}

const SRVR: [&str; 9] = [
    "Zookeeper version: *, built on *",
    "Latency min/avg/max: #/%/#",
    "Received: #",
    "Sent: #",
    "Connections: #",
    "Outstanding: #",
    "Zxid: 0x@",
    "Mode: standalone",
    "Node count: #",
];
