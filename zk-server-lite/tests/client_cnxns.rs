//! How many connections one address may have.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod client;

use client::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zk_proto::SessionId;
use zk_server_lite::{FourLetterWords, Server};

async fn server(most: u32) -> Server {
    let builder = Server::builder().max_client_cnxns(most);
    builder.four_letter_words(FourLetterWords::ALL).start().await.unwrap()
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.connect_string()).await.unwrap()
}

/// What a new connection is told; `None` when it is reset.
async fn ruok(server: &Server) -> Option<String> {
    let mut stream = TcpStream::connect(server.connect_string()).await.ok()?;
    stream.write_all(b"ruok").await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    (!answer.is_empty()).then_some(answer)
}

/// Asks until true: a server learns of a client's hanging up when it does.
async fn ruok_at_last(server: &Server) {
    let wait = async {
        while ruok(server).await.as_deref() != Some("imok") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), wait).await.unwrap();
}

#[tokio::test]
async fn one_connection_too_many_is_reset_and_the_others_go_on() {
    let server = server(2).await;
    let mut session = Client::connect(connect(&server).await, SessionId::NONE, &[0; 16]).await;
    // One that has said nothing counts as much as one with a session, and as a word.
    let silent = connect(&server).await;
    assert_eq!(ruok(&server).await, None);
    // The reset may come before the client knows that it is connected.
    let reset = match TcpStream::connect(server.connect_string()).await {
        Ok(mut refused) => refused.read(&mut [0; 1]).await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(reset.kind(), std::io::ErrorKind::ConnectionReset);
    session.create("/a", b"", 0).await.unwrap();
    drop(silent);
    ruok_at_last(&server).await;
    let mut over_memory = server.memory().connect().await.unwrap();
    over_memory.write_all(b"mntr").await.unwrap();
    let mut mntr = String::new();
    over_memory.read_to_string(&mut mntr).await.unwrap();
    let rejected = mntr.lines().find_map(|line| line.strip_prefix("zk_connection_rejected\t"));
    assert!(rejected.unwrap().parse::<u32>().unwrap() >= 2, "{mntr}");
    server.shutdown().await;
}

#[tokio::test]
async fn a_word_gives_its_place_back_before_its_client_hangs_up() {
    let server = server(1).await;
    let mut lingering = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(&server).await;
        stream.write_all(b"ruok").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "imok");
        lingering.push(stream);
    }
    server.shutdown().await;
}

#[tokio::test]
async fn an_embedded_server_has_no_limit_unless_it_is_given_one() {
    let server = Server::builder().start().await.unwrap();
    let mut streams = Vec::new();
    for _ in 0..100 {
        let stream = connect(&server).await;
        streams.push(Client::connect(stream, SessionId::NONE, &[0; 16]).await);
    }
    assert_eq!(server.session_count(), 100);
    server.shutdown().await;
}

#[tokio::test]
async fn clients_over_memory_are_never_too_many() {
    let server = server(1).await;
    let _over_tcp = Client::connect(connect(&server).await, SessionId::NONE, &[0; 16]).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(Client::memory(&server).await);
    }
    assert_eq!(server.session_count(), 4);
    server.shutdown().await;
}
