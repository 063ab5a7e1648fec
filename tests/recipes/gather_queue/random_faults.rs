//! Members of one queue while connections break, fall silent and come back at random.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use zk_client::Client;
use zk_recipes::{FencingToken, Order, Ownership, RoundMember, Turn};
use zk_test_kit::network::break_things;
use zk_test_kit::server::SESSION_TIMEOUT;
use zk_test_kit::{Network, Seed, TestServer};

use super::{LIMIT, nodes, queue, seated};

zk_test_kit::cases![no_two_run_at_once_and_rounds_start_whole_and_end_whatever_breaks];

const MEMBERS: usize = 8;
const PARTIES: usize = 3;

async fn no_two_run_at_once_and_rounds_start_whole_and_end_whatever_breaks(
    server: &Arc<TestServer>,
) {
    let seed = Seed::pick();
    let lasts = Duration::from_secs(if server.has_virtual_time() { 400 } else { 8 });
    let ends = Instant::now() + lasts;
    let book = Arc::new(Mutex::new(Book::default()));
    let mut tasks = JoinSet::new();
    for number in 0..MEMBERS {
        let network = server.network();
        let mut random = seed.random(number);
        tasks.spawn(break_things(network.clone(), random.fork(), ends));
        let (server, book) = (Arc::clone(server), Arc::clone(&book));
        tasks.spawn(Member { server, network, random, book }.take_part(ends));
    }
    tasks.join_all().await;

    assert!(!book.lock().unwrap().rounds.is_empty(), "no round has ever started");
    // Whatever was left behind belongs to sessions that are over, or to a janitor.
    sleep(SESSION_TIMEOUT * 3).await;
    let client = server.client().await;
    for seat in seated(&queue(&client, PARTIES), PARTIES).await {
        seat.my_turn_timeout(LIMIT).await.unwrap().done().await.unwrap();
    }
    assert_eq!(nodes(&client).await, 0);
}

/// What members of each round were told, and who has the turn.
#[derive(Default)]
struct Book {
    rounds: BTreeMap<u64, Vec<RoundMember>>,
    last: Option<(u64, usize)>,
    last_token: Option<FencingToken>,
    runs: Option<watch::Receiver<Ownership>>,
}

impl Book {
    fn told(&mut self, order: &Order) {
        assert_eq!(order.members.len(), PARTIES);
        let told = self.rounds.entry(order.round).or_insert_with(|| order.members.clone());
        assert_eq!(*told, order.members, "round {} was told differently", order.round);
    }

    /// A turn that still says `Held` when another one comes would be two at once.
    fn begin(&mut self, turn: &Turn) {
        let order = turn.order();
        self.told(&order);
        if let Some(before) = &self.runs {
            assert_ne!(*before.borrow(), Ownership::Held, "two run at once");
        }
        let now = (order.round, order.place);
        assert!(Some(now) > self.last, "{now:?} runs behind {:?}", self.last);
        self.last = Some(now);
        self.last_token = Some(turn.token());
        self.runs = Some(turn.watch());
    }

    fn end(&mut self, turn: &Turn) {
        if self.last_token == Some(turn.token()) {
            self.runs = None;
        }
    }
}

struct Member {
    server: Arc<TestServer>,
    network: Network,
    random: Rng,
    book: Arc<Mutex<Book>>,
}

impl Member {
    async fn take_part(mut self, ends: Instant) {
        while Instant::now() < ends {
            // A session at a time: when it is over, a new one.
            let builder = self.server.builder(&self.network).seed(self.random.u64(..));
            let Ok(client) = builder.connect().await else { continue };
            while Instant::now() < ends && !client.state().borrow().is_over() {
                self.take_a_turn(&client).await;
            }
            let _ = timeout(SESSION_TIMEOUT, client.close()).await;
        }
    }

    async fn take_a_turn(&mut self, client: &Client) {
        let limit = self.up_to(SESSION_TIMEOUT * 4);
        let joined = timeout(limit, queue(client, PARTIES).join("")).await;
        let Ok(Ok(mut seat)) = joined else { return sleep(Duration::from_millis(10)).await };
        match seat.started_timeout(limit).await {
            Ok(order) => self.book.lock().unwrap().told(&order),
            Err(_) if self.random.bool() => {
                let _ = timeout(limit, seat.withdraw()).await;
                return;
            }
            Err(_) => return,
        }
        let Ok(turn) = seat.my_turn_timeout(limit).await else { return };
        if turn.ownership() != Ownership::Held {
            return;
        }
        self.book.lock().unwrap().begin(&turn);
        let runs = self.up_to(SESSION_TIMEOUT / 20);
        let _ = timeout(runs, turn.lost()).await;
        self.book.lock().unwrap().end(&turn);
        if self.random.bool() {
            let _ = timeout(limit, turn.done()).await;
        }
    }

    fn up_to(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.random.f64())
    }
}
