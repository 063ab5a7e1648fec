//! A server inside a test: how it starts, stops and is looked at.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod client;

use std::io::ErrorKind;

use client::Client;
use zk_proto::{SessionId, Zxid};
use zk_server_lite::{Server, StartError};

#[tokio::test(start_paused = true)]
async fn a_client_over_memory_gets_a_session_and_creates_a_node() {
    let server = Server::builder().memory_only().start().await.unwrap();
    let mut client = Client::memory(&server).await;
    assert_eq!((server.node_count(), server.last_zxid()), (4, Zxid(1)));
    client.create("/a", b"hi", 0).await.unwrap();
    assert_eq!((server.node_count(), server.last_zxid()), (5, Zxid(2)));
    assert_eq!((server.session_count(), server.connection_count()), (1, 1));
    server.shutdown().await;
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_client_over_tcp_gets_a_session_and_creates_a_node() {
    let server = Server::builder().start().await.unwrap();
    assert_eq!(server.connect_string(), server.local_addr().unwrap().to_string());
    let stream = tokio::net::TcpStream::connect(server.connect_string()).await.unwrap();
    let mut client = Client::connect(stream, SessionId::NONE, &[0; 16]).await;
    client.create("/a", b"hi", 0).await.unwrap();
    assert_eq!(server.node_count(), 5);
    server.shutdown().await;
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn nobody_gets_in_after_shutdown() {
    let server = Server::builder().start().await.unwrap();
    let (memory, address) = (server.memory(), server.local_addr().unwrap());
    server.shutdown().await;
    assert_eq!(memory.connect().await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    let refused = tokio::net::TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_server_stops_it() {
    let server = Server::builder().memory_only().start().await.unwrap();
    let memory = server.memory();
    let mut client = Client::memory(&server).await;
    drop(server);
    assert!(client.is_closed().await);
    assert_eq!(memory.connect().await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn an_address_in_use_is_an_error_that_names_it() {
    let server = Server::builder().start().await.unwrap();
    let taken = server.local_addr().unwrap();
    let error = Server::builder().listen(taken).start().await.unwrap_err();
    assert!(matches!(error, StartError::Bind { address, .. } if address == taken));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_expired_by_hand_takes_its_ephemeral_nodes_along() {
    let server = Server::builder().memory_only().start().await.unwrap();
    let mut client = Client::memory(&server).await;
    client.create("/e", b"", 1).await.unwrap();
    assert!(server.expire_session(client.session));
    assert!(client.is_closed().await);
    assert_eq!((server.node_count(), server.session_count()), (4, 0));
    assert!(!server.expire_session(client.session));
}

#[tokio::test(start_paused = true)]
async fn dropped_connections_leave_their_sessions_behind() {
    let server = Server::builder().memory_only().start().await.unwrap();
    let mut client = Client::memory(&server).await;
    client.create("/e", b"", 1).await.unwrap();
    server.drop_connections();
    assert!(client.is_closed().await);
    assert_eq!((server.connection_count(), server.session_count()), (0, 1));
    let stream = server.memory().connect().await.unwrap();
    let mut again = Client::connect(stream, client.session, &client.password).await;
    assert_eq!(again.session, client.session);
    assert!(again.exists("/e", false).await.is_ok());
}
