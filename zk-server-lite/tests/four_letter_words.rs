//! Questions that are asked without a session.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod client;

use std::time::Duration;

use client::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zk_proto::OpCode;
use zk_proto::message::NoBody;
use zk_server_lite::{FourLetterWords, Server};

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

async fn server(words: &str) -> Server {
    let words: FourLetterWords = words.parse().unwrap();
    Server::builder().memory_only().four_letter_words(words).start().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_word_is_answered_and_the_connection_ends() {
    let server = server("*").await;
    for words in [&[&b"ruok"[..]][..], &[b"ruok\n"], &[b"r", b"uo", b"k"], &[b"ruok and so on"]] {
        assert_eq!(ask(&server, words).await, "imok", "{words:?}");
    }
    assert_eq!(server.connection_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn only_srvr_is_answered_unless_others_are_asked_for() {
    for (server, answered) in [
        (Server::builder().memory_only().start().await.unwrap(), ""),
        (server("ruok").await, "ruok"),
    ] {
        for word in ALL {
            let answer = ask(&server, &[word.as_bytes()]).await;
            let refused = format!("{word} is not executed because it is not in the whitelist.\n");
            assert_eq!(answer != refused, word == "srvr" || word == answered, "{word}");
        }
        assert_eq!(
            ask(&server, &[b"\xff\xf4\xff\xfd"]).await,
            "telnet close is not executed because it is not in the whitelist.\n"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn every_word_is_answered_when_all_are_asked_for() {
    let server = server("*").await;
    for word in ALL {
        let answer = ask(&server, &[word.as_bytes()]).await;
        assert!(!answer.contains("whitelist"), "{word}: {answer}");
        // A mask has to follow stmk, and no digests are noted.
        assert_eq!(answer.is_empty(), ["stmk", "hash"].contains(&word), "{word}");
    }
    assert_eq!(ask(&server, &[b"\xff\xf4\xff\xfd"]).await, "");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_word_is_the_length_of_a_frame_that_is_too_long() {
    let server = server("*").await;
    assert_eq!(ask(&server, &[b"what"]).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_word_that_is_never_finished_ends_like_a_handshake_that_never_comes() {
    let server = server("*").await;
    let begin = tokio::time::Instant::now();
    assert_eq!(ask(&server, &[b"ruo"]).await, "");
    assert_eq!(begin.elapsed().as_secs(), 10);
    assert!(ask(&server, &[b"mntr"]).await.contains("zk_sessionless_connections_expired\t1\n"));
}

#[tokio::test(start_paused = true)]
async fn srvr_tells_the_state_in_zookeepers_format() {
    let server = server("").await;
    let mut client = Client::memory(&server).await;
    client.create("/a", b"", 0).await.unwrap();
    let answer = ask(&server, &[b"srvr"]).await;
    let (version, rest) = answer.split_once('\n').unwrap();
    assert!(version.starts_with("Zookeeper version: 3.9."), "{version}");
    assert!(version.contains(", built on "), "{version}");
    // The word itself was received, too.
    assert_eq!(
        rest,
        "Latency min/avg/max: 0/0.0/0\nReceived: 3\nSent: 2\nConnections: 2\nOutstanding: 0\n\
         Zxid: 0x2\nMode: standalone\nNode count: 6\n"
    );
}

#[tokio::test(start_paused = true)]
async fn cons_tells_what_a_client_did_last() {
    let server = server("cons, crst").await;
    let mut client = Client::memory(&server).await;
    client.exists("/none", true).await.unwrap_err();
    client.create("/", b"", 0).await.unwrap_err();
    tokio::time::advance(Duration::from_millis(1500)).await;
    let cons = ask(&server, &[b"cons"]).await;
    let (mine, asking) = cons.split_once('\n').unwrap();
    let established = mine.split_once(",est=").unwrap().1.split_once(',').unwrap().0;
    assert_eq!(
        mine,
        format!(
            " /127.0.0.1:1[1](queued=0,recved=3,sent=3,sid={},lop=NA,est={established},to=10000,\
             lcxid=0x2,lzxid=0x2,lresp=0,llat=0,minlat=0,avglat=0,maxlat=0)",
            client.session
        )
    );
    assert_eq!(asking, " /127.0.0.1:1[0](queued=0,recved=1,sent=0)\n\n");

    assert_eq!(ask(&server, &[b"crst"]).await, "Connection stats reset.\n");
    client.send(OpCode::Ping, &NoBody {}).await;
    client.reply().await.unwrap();
    let cons = ask(&server, &[b"cons"]).await;
    assert!(cons.contains("recved=1,sent=1,") && cons.contains(",lop=PING,"), "{cons}");
    assert!(cons.contains(",lresp=1500,"), "{cons}");
}

#[tokio::test(start_paused = true)]
async fn conf_tells_what_the_server_was_started_with() {
    let server = Server::builder()
        .tick_time(Duration::from_millis(500))
        .max_session_timeout(Duration::from_secs(7))
        .max_client_cnxns(9)
        .four_letter_words(FourLetterWords::ALL)
        .start()
        .await
        .unwrap();
    let conf = ask(&server, &[b"conf"]).await;
    let port = server.local_addr().unwrap().port();
    for line in [
        &*format!("clientPort={port}"),
        "tickTime=500",
        "maxClientCnxns=9",
        "minSessionTimeout=1000",
        "maxSessionTimeout=7000",
    ] {
        assert!(conf.lines().any(|found| found == line), "{line} in {conf}");
    }
}

#[tokio::test(start_paused = true)]
async fn dump_tells_when_sessions_and_connections_end() {
    let server = server("dump").await;
    let mut client = Client::memory(&server).await;
    client.create("/e", b"", 1).await.unwrap();
    let dump = ask(&server, &[b"dump"]).await;
    let id = client.session;
    for part in [
        "Session Sets (1)/(1):\n1 expire at ",
        &*format!(":\n\t{id}\nephemeral nodes dump:\nSessions with Ephemerals (1):\n"),
        &*format!("{id}:\n\t/e\nConnections dump:\nConnections Sets (2)/(2):\n"),
        &*format!("\tip: /127.0.0.1:1 sessionId: {id}\n"),
        "\tip: /127.0.0.1:1 sessionId: 0x0\n",
    ] {
        assert!(dump.contains(part), "{part} in {dump}");
    }
}

#[tokio::test]
async fn a_word_with_a_line_end_is_answered_over_tcp_without_a_reset() {
    let server = Server::builder().start().await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(server.connect_string()).await.unwrap();
    stream.write_all(b"ruok\n").await.unwrap();
    stream.write_all(b"more that nobody reads\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "ruok is not executed because it is not in the whitelist.\n");
    server.shutdown().await;
}

const ALL: [&str; 18] = [
    "ruok", "isro", "gtmk", "stmk", "srvr", "stat", "cons", "crst", "srst", "conf", "dirs", "dump",
    "envi", "wchs", "wchc", "wchp", "hash", "mntr",
];
