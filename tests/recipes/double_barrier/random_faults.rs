//! Members of one barrier while connections break, fall silent and come back at random.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use zk_client::Client;
use zk_recipes::{Inside, RoundMember};
use zk_test_kit::network::break_things;
use zk_test_kit::server::SESSION_TIMEOUT;
use zk_test_kit::{Network, Seed, TestServer};

use super::{LIMIT, barrier, nodes};

zk_test_kit::cases![rounds_open_whole_and_end_whatever_breaks];

const MEMBERS: usize = 8;
const PARTIES: usize = 3;

async fn rounds_open_whole_and_end_whatever_breaks(server: &Arc<TestServer>) {
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

    let rounds = book.lock().unwrap().rounds.len();
    assert!(rounds > 0, "no round has ever opened");
    // Whatever was left behind belongs to sessions that are over, or to a janitor.
    sleep(SESSION_TIMEOUT * 3).await;
    let client = server.client().await;
    let barrier = barrier(&client, PARTIES);
    let mut last = JoinSet::new();
    for _ in 0..PARTIES {
        let barrier = barrier.clone();
        last.spawn(async move {
            barrier.enter_timeout("", LIMIT).await.unwrap().leave_timeout(LIMIT).await.unwrap();
        });
    }
    last.join_all().await;
    assert_eq!(nodes(&client).await, 0);
}

/// What members of each round were told.
#[derive(Default)]
struct Book {
    rounds: BTreeMap<u64, Vec<RoundMember>>,
    /// Who has entered which round, and has not been lost or begun to leave.
    inside: BTreeMap<u64, usize>,
}

impl Book {
    fn enter(&mut self, inside: &Inside) {
        let (round, members) = (inside.round().unwrap(), inside.members().to_vec());
        assert_eq!(members.len(), PARTIES);
        assert!(members.iter().any(|one| inside.path().ends_with(&one.name)), "it is not in it");
        // A round begins when nobody of the one before is inside any more, as far as anybody knows.
        let earlier = self.inside.range(..round).map(|(_, count)| count).sum::<usize>();
        assert_eq!(earlier, 0, "round {round} has opened while one before it is not over");
        let told = self.rounds.entry(round).or_insert_with(|| members.clone());
        assert_eq!(*told, members, "round {round} was told differently");
        *self.inside.entry(round).or_default() += 1;
    }

    fn leave(&mut self, round: u64) {
        *self.inside.get_mut(&round).unwrap() -= 1;
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
                self.take_a_round(&client).await;
            }
            let _ = timeout(SESSION_TIMEOUT, client.close()).await;
        }
    }

    async fn take_a_round(&mut self, client: &Client) {
        let barrier = barrier(client, PARTIES);
        let limit = self.up_to(SESSION_TIMEOUT * 3);
        let Ok(inside) = barrier.enter_timeout("", limit).await else {
            return sleep(Duration::from_millis(10)).await;
        };
        let round = inside.round().unwrap();
        if !inside.is_valid() {
            // The others may know by now that it has gone.
            return;
        }
        self.book.lock().unwrap().enter(&inside);
        let stays = self.up_to(SESSION_TIMEOUT / 20);
        // Until it is told, or cannot be sure any more.
        let mut ownership = inside.watch();
        let _ = timeout(stays, ownership.wait_for(|now| *now != zk_recipes::Ownership::Held)).await;
        self.book.lock().unwrap().leave(round);
        if self.random.u8(..4) > 0 {
            let limit = self.up_to(SESSION_TIMEOUT * 3);
            let _ = inside.leave_timeout(limit).await;
        }
    }

    fn up_to(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.random.f64())
    }
}
