//! Questions that are asked without a session.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod client;

use client::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zk_server_lite::Server;

async fn ask(server: &Server, words: &[&[u8]]) -> String {
    let mut stream = server.memory().connect().await.unwrap();
    for part in words {
        stream.write_all(part).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(start_paused = true)]
async fn a_word_is_answered_and_the_connection_ends() {
    let server = Server::builder().memory_only().start().await.unwrap();
    for words in [&[&b"ruok"[..]][..], &[b"ruok\n"], &[b"r", b"uo", b"k"], &[b"ruok and so on"]] {
        assert_eq!(ask(&server, words).await, "imok", "{words:?}");
    }
    assert_eq!(server.connection_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_word_that_is_switched_off_says_so() {
    let server = Server::builder().memory_only().start().await.unwrap();
    assert_eq!(
        ask(&server, &[b"mntr"]).await,
        "mntr is not executed because it is not in the whitelist.\n"
    );
}

#[tokio::test(start_paused = true)]
async fn an_unknown_word_is_the_length_of_a_frame_that_is_too_long() {
    let server = Server::builder().memory_only().start().await.unwrap();
    assert_eq!(ask(&server, &[b"what"]).await, "");
}

#[tokio::test(start_paused = true)]
async fn srvr_tells_the_state_in_zookeepers_format() {
    let server = Server::builder().memory_only().start().await.unwrap();
    let mut client = Client::memory(&server).await;
    client.create("/a", b"", 0).await.unwrap();
    let answer = ask(&server, &[b"srvr"]).await;
    let (version, rest) = answer.split_once('\n').unwrap();
    assert!(version.starts_with("Zookeeper version: 3.9."), "{version}");
    assert!(version.contains(", built on "), "{version}");
    assert_eq!(
        rest,
        "Latency min/avg/max: 0/0.0/0\nReceived: 2\nSent: 2\nConnections: 2\nOutstanding: 0\n\
         Zxid: 0x2\nMode: standalone\nNode count: 6\n"
    );
}

#[tokio::test]
async fn a_word_with_a_line_end_is_answered_over_tcp_without_a_reset() {
    let server = Server::builder().start().await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(server.connect_string()).await.unwrap();
    stream.write_all(b"ruok\n").await.unwrap();
    stream.write_all(b"more that nobody reads\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "imok");
    server.shutdown().await;
}
