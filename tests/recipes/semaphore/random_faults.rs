//! Contenders for permits while connections break, fall silent and come back at random.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use zk_client::Client;
use zk_recipes::{Ownership, Permits};
use zk_test_kit::TestServer;
use zk_test_kit::server::SESSION_TIMEOUT;

use super::{nodes, semaphore};
use crate::contend::{Contender, Turns, contend};

zk_test_kit::cases![
    no_more_permits_are_held_than_there_are_and_everybody_gets_some_whatever_breaks
];

const CONTENDERS: usize = 8;
const PERMITS: u32 = 5;

async fn no_more_permits_are_held_than_there_are_and_everybody_gets_some_whatever_breaks(
    server: &Arc<TestServer>,
) {
    let lasts = Duration::from_secs(1_000);
    let book = contend(server, CONTENDERS, lasts, Book::default()).await;
    assert!(book.acquired.iter().any(|times| *times > 0), "nobody ever got permits");
    if server.has_virtual_time() {
        // In seconds, one long silence may be all that somebody gets to see.
        let all = book.acquired.iter().all(|times| *times > 0);
        assert!(all, "somebody never got any: {:?}", book.acquired);
        assert_eq!(book.most, PERMITS, "they were never all held");
    }
    // Whatever was left behind belongs to sessions that are over, or to a janitor.
    let client = server.client().await;
    let limit = SESSION_TIMEOUT * 3;
    let all = semaphore(&client, PERMITS).acquire_timeout(PERMITS, limit).await.unwrap();
    assert_eq!(nodes(&client).await, (5, 0));
    all.release().await.unwrap();
}

/// Who holds, or thinks so.
#[derive(Default)]
struct Book {
    holders: Vec<Holder>,
    most: u32,
    acquired: [usize; CONTENDERS],
}

struct Holder {
    paths: Vec<String>,
    ownership: watch::Receiver<Ownership>,
}

impl Book {
    fn grant(&mut self, number: usize, permits: &Permits) {
        self.enter(permits);
        self.acquired[number] += 1;
    }

    /// What is split off is about to be given up.
    fn part(&mut self, permits: &mut Permits) -> Option<Permits> {
        let part = permits.split(1)?;
        self.leave(permits);
        if permits.ownership() == Ownership::Held {
            self.enter(permits);
        }
        Some(part)
    }

    /// All that still say `Held` when permits are granted must be no more than there are.
    fn enter(&mut self, permits: &Permits) {
        self.holders.push(Holder { paths: permits.paths(), ownership: permits.watch() });
        let held = |holder: &&Holder| *holder.ownership.borrow() == Ownership::Held;
        let held: usize = self.holders.iter().filter(held).map(|holder| holder.paths.len()).sum();
        let held = u32::try_from(held).unwrap();
        assert!(held <= PERMITS, "{held} permits are held");
        self.most = self.most.max(held);
    }

    /// The permits are about to be given up; nobody else may have been granted them before that.
    fn leave(&mut self, permits: &Permits) {
        let first = &permits.paths()[0];
        self.holders.retain(|holder| holder.paths[0] != *first);
    }
}

impl Turns for Contender<Book> {
    async fn take_a_turn(&mut self, client: &Client) {
        let limit = self.up_to(SESSION_TIMEOUT * 3);
        let count = self.random.u32(1..=3);
        let acquired = semaphore(client, PERMITS).acquire_timeout(count, limit).await;
        let Ok(mut permits) = acquired else {
            return sleep(Duration::from_millis(10)).await;
        };
        self.book.lock().unwrap().grant(self.number, &permits);
        self.hold(permits.lost()).await;
        // Bit by bit, all at once, or without a word.
        while self.random.bool() {
            let Some(part) = self.book.lock().unwrap().part(&mut permits) else { break };
            let _ = part.release().await;
        }
        self.book.lock().unwrap().leave(&permits);
        if self.random.bool() {
            let _ = permits.release().await;
        }
    }
}
