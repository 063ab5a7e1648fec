//! Contenders for one lock while connections break, fall silent and come back at random.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use zk_client::Client;
use zk_recipes::{FencingToken, LockGuard, Ownership};
use zk_test_kit::network::break_things;
use zk_test_kit::server::SESSION_TIMEOUT;
use zk_test_kit::{Network, Seed, TestServer};

use super::lock;

zk_test_kit::cases![no_two_hold_at_once_and_everybody_gets_in_whatever_breaks];

const CONTENDERS: usize = 6;

async fn no_two_hold_at_once_and_everybody_gets_in_whatever_breaks(server: &Arc<TestServer>) {
    let seed = Seed::pick();
    let lasts = Duration::from_secs(if server.has_virtual_time() { 2_000 } else { 8 });
    let ends = Instant::now() + lasts;
    let book = Arc::new(Mutex::new(Book::default()));
    let mut tasks = JoinSet::new();
    for number in 0..CONTENDERS {
        let network = server.network();
        let mut random = seed.random(number);
        tasks.spawn(break_things(network.clone(), random.fork(), ends));
        let (server, book) = (Arc::clone(server), Arc::clone(&book));
        tasks.spawn(Contender { server, network, number, random, book }.contend(ends));
    }
    tasks.join_all().await;

    let acquired = book.lock().unwrap().acquired;
    assert!(acquired.iter().any(|times| *times > 0), "nobody ever got in");
    if server.has_virtual_time() {
        // In seconds, one long silence may be all that somebody gets to see.
        assert!(acquired.iter().all(|times| *times > 0), "somebody never got in: {acquired:?}");
    }
    // Whatever was left behind belongs to sessions that are over, or to a janitor.
    let client = server.client().await;
    let lock = lock(&client);
    let limit = SESSION_TIMEOUT * 3;
    lock.acquire_timeout(limit).await.unwrap().release().await.unwrap();
    assert_eq!(lock.contenders().await.unwrap(), []);
}

/// Who has held, and who thinks that it holds.
#[derive(Default)]
struct Book {
    last_token: Option<FencingToken>,
    holder: Option<watch::Receiver<Ownership>>,
    acquired: [usize; CONTENDERS],
}

impl Book {
    /// A guard that still says `Held` when another one is granted would be two owners.
    fn enter(&mut self, number: usize, guard: &LockGuard) {
        if let Some(before) = &self.holder {
            assert_ne!(*before.borrow(), Ownership::Held, "two hold at once");
        }
        assert!(Some(guard.token()) > self.last_token, "a token that is not higher");
        self.last_token = Some(guard.token());
        self.holder = Some(guard.watch());
        self.acquired[number] += 1;
    }

    /// The guard is about to be given up; nobody else may have been granted before that.
    fn leave(&mut self, guard: &LockGuard) {
        if self.last_token == Some(guard.token()) {
            self.holder = None;
        }
    }
}

struct Contender {
    server: Arc<TestServer>,
    network: Network,
    number: usize,
    random: Rng,
    book: Arc<Mutex<Book>>,
}

impl Contender {
    async fn contend(mut self, ends: Instant) {
        while Instant::now() < ends {
            // A session at a time: when it is over, a new one.
            let builder = self.server.builder(&self.network).seed(self.random.u64(..));
            let Ok(client) = builder.connect().await else { continue };
            while Instant::now() < ends && !client.state().borrow().is_over() {
                self.take_a_turn(&client).await;
            }
            // It may be cut off, and its session lives on for a while.
            let _ = timeout(SESSION_TIMEOUT, client.close()).await;
        }
    }

    async fn take_a_turn(&mut self, client: &Client) {
        let lock = lock(client);
        let limit = self.up_to(SESSION_TIMEOUT * 3);
        let Ok(guard) = lock.acquire_timeout(limit).await else {
            return sleep(Duration::from_millis(10)).await;
        };
        self.book.lock().unwrap().enter(self.number, &guard);
        // Now and then for so long that its session may expire meanwhile.
        let long = self.server.has_virtual_time() && self.random.u8(..8) == 0;
        let holds = self.up_to(if long { SESSION_TIMEOUT * 2 } else { SESSION_TIMEOUT / 20 });
        // Whoever loses it stops, as it should.
        let _ = timeout(holds, guard.lost()).await;
        self.book.lock().unwrap().leave(&guard);
        if self.random.bool() {
            let _ = guard.release().await;
        }
    }

    fn up_to(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.random.f64())
    }
}
