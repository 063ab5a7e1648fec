//! Sessions over memory, in virtual time.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod client;

use std::time::Duration;

use client::Client;
use tokio::time::{Instant, sleep};
use zk_proto::message::NoBody;
use zk_proto::{OpCode, SessionId, Xid, Zxid};
use zk_server_lite::Server;

async fn memory_server() -> Server {
    Server::builder().memory_only().tick_time(Duration::from_secs(2)).start().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_hung_up_on_when_its_session_expires() {
    let server = memory_server().await;
    let start = Instant::now();
    let mut silent = Client::memory(&server).await;
    silent.create("/e", b"", 1).await.unwrap();
    assert!(silent.is_closed().await);
    // 10 s, rounded up to the next tick.
    assert_eq!(start.elapsed().as_secs(), 12);
    assert_eq!((server.session_count(), server.node_count()), (0, 4));
}

#[tokio::test(start_paused = true)]
async fn pings_keep_a_session_alive_for_ever() {
    let server = memory_server().await;
    let mut client = Client::memory(&server).await;
    for _ in 0..100 {
        sleep(Duration::from_secs(9)).await;
        client.send(OpCode::Ping, &NoBody {}).await;
        assert_eq!(client.reply().await.unwrap().0.xid, Xid::PING);
    }
    assert_eq!(server.session_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_watcher_hears_of_an_expiry_in_the_tick_in_which_it_happens() {
    let server = memory_server().await;
    let mut owner = Client::memory(&server).await;
    owner.create("/e", b"", 1).await.unwrap();
    sleep(Duration::from_secs(5)).await;
    let mut watcher = Client::memory(&server).await;
    watcher.exists("/e", true).await.unwrap();
    let asleep = Instant::now();
    let (header, _) = watcher.reply().await.unwrap();
    assert_eq!((header.xid, asleep.elapsed().as_secs()), (Xid::NOTIFICATION, 7));
}

#[tokio::test(start_paused = true)]
async fn who_never_says_who_it_is_is_hung_up_on_after_ten_seconds() {
    let server = memory_server().await;
    let mut silent = Client::raw(server.memory().connect().await.unwrap());
    let start = Instant::now();
    assert!(silent.is_closed().await);
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!(server.connection_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_session_moves_to_the_connection_that_knows_its_password() {
    let server = memory_server().await;
    let mut old = Client::memory(&server).await;
    old.create("/e", b"", 1).await.unwrap();
    let stream = server.memory().connect().await.unwrap();
    let mut new = Client::connect(stream, old.session, &old.password).await;
    assert_eq!(new.session, old.session);
    assert!(old.is_closed().await);
    assert!(new.exists("/e", false).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_refused_and_the_session_can_still_be_taken_up() {
    let server = memory_server().await;
    let mut rightful = Client::memory(&server).await;
    let stream = server.memory().connect().await.unwrap();
    let mut thief = Client::connect(stream, rightful.session, &[9; 16]).await;
    assert_eq!((thief.session, thief.timeout), (SessionId::NONE, 0));
    assert!(thief.is_closed().await && rightful.is_closed().await);
    let stream = server.memory().connect().await.unwrap();
    let again = Client::connect(stream, rightful.session, &rightful.password).await;
    assert_eq!(again.session, rightful.session);
}

#[tokio::test(start_paused = true)]
async fn a_client_from_the_future_is_hung_up_on_without_a_word() {
    let server = memory_server().await;
    let mut client = Client::raw(server.memory().connect().await.unwrap());
    client.send_connect(Zxid(1), SessionId::NONE, &[0; 16]).await;
    assert!(client.is_closed().await);
}

#[tokio::test(start_paused = true)]
async fn closing_a_session_is_answered_and_then_the_connection_ends() {
    let server = memory_server().await;
    let mut client = Client::memory(&server).await;
    client.create("/e", b"", 1).await.unwrap();
    client.call::<NoBody>(OpCode::CloseSession, &NoBody {}).await.unwrap();
    assert!(client.is_closed().await);
    assert_eq!((server.session_count(), server.node_count()), (0, 4));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_never_seen_off_does_not_hold_up_the_shutdown() {
    let server = memory_server().await;
    let mut client = Client::memory(&server).await;
    client.send(OpCode::CloseSession, &NoBody {}).await;
    let start = Instant::now();
    server.shutdown().await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn many_clients_at_once_see_one_order_of_writes() {
    let server = Server::builder().start().await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let address = server.connect_string();
        tasks.spawn(async move {
            let stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let mut client = Client::connect(stream, SessionId::NONE, &[0; 16]).await;
            for _ in 0..50 {
                client.create("/n-", b"", 2).await.unwrap();
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(server.node_count(), 1004);
    assert_eq!(server.last_zxid(), Zxid(1020));
    server.shutdown().await;
}
