//! Much of everything: watches on one session, sessions in one process.

use std::collections::VecDeque;

use tokio::task::JoinSet;
use tokio::time::sleep;
use zk_client::{Client, CreateMode, EventType, SessionContinuity, SessionState, Watch};
use zk_test_kit::TestServer;

zk_test_kit::cases![
    a_hundred_thousand_watches_survive_a_reconnect,
    a_thousand_sessions_live_in_one_process,
];

const WATCHES: usize = 100_000;
/// Requests that are under way at once.
const WINDOW: usize = 1_000;

/// Watches for so many nodes that are not there yet.
async fn watch_absent(client: &Client, count: usize) -> Vec<Watch> {
    let (mut replies, mut watches) = (VecDeque::new(), Vec::new());
    for number in 0..count {
        if replies.len() == WINDOW {
            let oldest = replies.pop_front().unwrap();
            watches.push(watch_of(oldest.await));
        }
        replies.push_back(client.exists(&absent(number)).watch().send());
    }
    for reply in replies {
        watches.push(watch_of(reply.await));
    }
    watches
}

fn absent(number: usize) -> String {
    format!("/absent-{number:06}")
}

fn watch_of<T>(read: Result<(Option<T>, Watch), zk_client::Error>) -> Watch {
    let (stat, watch) = read.unwrap();
    assert!(stat.is_none());
    watch
}

/// They are set again in many batches, because servers refuse a request of their size.
async fn a_hundred_thousand_watches_survive_a_reconnect(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let mut watches = watch_absent(&client, WATCHES).await;
    let before = network.counts();
    network.cut();
    // One that was missed, and one that comes afterwards.
    let other = server.client().await;
    let (missed, later) = (WATCHES / 3, WATCHES - 1);
    other.create(&absent(missed), "").await.unwrap();
    client.sync("/").await.unwrap();
    let after = network.counts();
    assert!(after.requests - before.requests > 20, "batches below the limit of servers");
    assert!(after.longest < 256 * 1024, "{}", after.longest);
    other.create(&absent(later), "").await.unwrap();
    for number in [later, missed] {
        let event = watches.swap_remove(number).await.unwrap();
        assert_eq!((event.event_type, &*event.path), (EventType::NodeCreated, &*absent(number)));
    }
    // The server has the others, and has had them since the reconnect.
    let summary = server.four_letter_word("wchs").await;
    let total = summary.lines().find_map(|line| line.strip_prefix("Total watches:"));
    assert!(total.unwrap().trim().parse::<usize>().unwrap() >= WATCHES - 2, "{summary}");
    assert_eq!(network.dialled().len(), 2);
    // Faster than having each of them removed.
    client.close().await.unwrap();
    drop(watches);
}

const SESSIONS: usize = 1_000;

async fn a_thousand_sessions_live_in_one_process(server: &TestServer) {
    let observer = server.client().await;
    observer.create("/here", "").await.unwrap();
    let network = server.network();
    let (mut connecting, mut clients) = (JoinSet::new(), Vec::new());
    for number in 0..SESSIONS {
        // No more at once than servers have room for in their queue of connections.
        if connecting.len() == 50 {
            clients.push(connecting.join_next().await.unwrap().unwrap());
        }
        let builder = server.builder(&network);
        connecting.spawn(async move {
            let client = builder.connect().await.unwrap();
            let path = format!("/here/{number}");
            client.create(&path, "").mode(CreateMode::Ephemeral).await.unwrap();
            client
        });
    }
    clients.extend(connecting.join_all().await);
    assert_eq!(observer.children("/here").await.unwrap().len(), SESSIONS);
    network.cut();
    sleep(observer.session_timeout() * 2).await;
    for client in &clients {
        let state = *client.state().borrow();
        let SessionState::Connected { session, .. } = state else { panic!("{state:?}") };
        assert_eq!(session, SessionContinuity::Same);
    }
    assert_eq!(observer.children("/here").await.unwrap().len(), SESSIONS);
    let mut closing = JoinSet::new();
    for client in clients {
        closing.spawn(async move { client.close().await.unwrap() });
    }
    closing.join_all().await;
    assert!(observer.children("/here").await.unwrap().is_empty());
}
