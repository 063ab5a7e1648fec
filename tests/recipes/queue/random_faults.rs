//! Producers and consumers while connections break, fall silent and come back at random.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use fastrand::Rng;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use zk_client::{Client, ExpiryPolicy};
use zk_recipes::Ownership;
use zk_recipes::queue::{Delivery, ItemId};
use zk_test_kit::network::break_things;
use zk_test_kit::server::SESSION_TIMEOUT;
use zk_test_kit::{Network, Seed, TestServer};

use super::{Texts, queue, time_of_day};

zk_test_kit::cases![no_item_is_lost_or_acknowledged_twice_whatever_breaks];

/// One for all.
type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

const CLIENTS: usize = 8;
const PRODUCERS: usize = 4;
/// Every other producer has room for so many.
const MOST: u32 = 10;

async fn no_item_is_lost_or_acknowledged_twice_whatever_breaks(server: &Arc<TestServer>) {
    let seed = Seed::pick();
    let lasts = Duration::from_secs(if server.has_virtual_time() { 1_000 } else { 8 });
    let ends = Instant::now() + lasts;
    let book = Arc::new(Mutex::new(Book::default()));
    let clock: Clock = Arc::new(time_of_day());
    let mut tasks = JoinSet::new();
    for number in 0..CLIENTS {
        let network = server.network();
        let mut random = seed.random(number);
        tasks.spawn(break_things(network.clone(), random.fork(), ends));
        let (server, book, clock) = (Arc::clone(server), Arc::clone(&book), Arc::clone(&clock));
        tasks.spawn(Member { server, network, number, random, book, clock }.live(ends));
    }
    tasks.join_all().await;

    // Whatever was left behind belongs to sessions that are over, or to a janitor.
    let client = server.client().await;
    let rest = queue(&client).clock(move || clock());
    while let Ok(delivery) = rest.take_timeout(SESSION_TIMEOUT * 3).await {
        let number = book.lock().unwrap().deliver(&delivery);
        delivery.ack().await.unwrap();
        book.lock().unwrap().acked(&number, Known::Yes);
    }
    assert_eq!(rest.len().await.unwrap(), 0);
    for part in ["claims", "slots"] {
        assert_eq!(super::children(&client, part).await, [""; 0], "{part}");
    }
    book.lock().unwrap().check(server.has_virtual_time());
}

/// Whether something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Yes,
    No,
    Unknown,
}

/// What became of an item, by its text, which no other item has.
#[derive(Debug)]
struct Fate {
    put: Known,
    acks: usize,
    perhaps: usize,
    delivered: usize,
    holder: Option<watch::Receiver<Ownership>>,
    id: Option<ItemId>,
}

#[derive(Debug, Default)]
struct Book {
    fates: BTreeMap<String, Fate>,
}

impl Book {
    fn putting(&mut self, item: &str) {
        let fate =
            Fate { put: Known::Unknown, acks: 0, perhaps: 0, delivered: 0, holder: None, id: None };
        assert!(self.fates.insert(item.to_owned(), fate).is_none());
    }

    fn put(&mut self, item: &str, known: Known) {
        self.fates.get_mut(item).unwrap().put = known;
    }

    /// A delivery that still says `Held` when the item is delivered again would be two owners.
    fn deliver(&mut self, delivery: &Delivery<String>) -> String {
        let item = delivery.item().clone();
        let fate = self.fates.get_mut(&item).expect("nobody has put this");
        assert_ne!(fate.put, Known::No, "{item} was not put");
        assert_eq!(fate.acks, 0, "{item} comes again behind its ack");
        assert!(fate.id.is_none_or(|id| id == delivery.id()), "{item} was put twice");
        fate.id = Some(delivery.id());
        if let Some(before) = &fate.holder {
            assert_ne!(*before.borrow(), Ownership::Held, "two have {item}");
        }
        fate.holder = Some(delivery.watch());
        fate.delivered += 1;
        item
    }

    fn let_go(&mut self, item: &str) {
        self.fates.get_mut(item).unwrap().holder = None;
    }

    fn acked(&mut self, item: &str, known: Known) {
        let fate = self.fates.get_mut(item).unwrap();
        match known {
            Known::Yes => {
                fate.acks += 1;
                assert_eq!(fate.acks, 1, "{item} was acknowledged twice");
            }
            Known::Unknown => fate.perhaps += 1,
            Known::No => {}
        }
    }

    fn check(&self, in_virtual_time: bool) {
        let count = |known: Known| self.fates.values().filter(|fate| fate.put == known).count();
        let again = self.fates.values().filter(|fate| fate.delivered > 1).count();
        let put = count(Known::Yes);
        assert!(put > if in_virtual_time { 300 } else { 0 }, "only {put} items");
        assert!(!in_virtual_time || again > 0, "nothing came again");
        for (item, fate) in &self.fates {
            match fate.put {
                Known::Yes => assert!(fate.acks + fate.perhaps > 0, "{item} is lost: {fate:?}"),
                Known::No => assert_eq!(fate.delivered, 0, "{item}: {fate:?}"),
                Known::Unknown => {}
            }
        }
    }
}

struct Member {
    server: Arc<TestServer>,
    network: Network,
    number: usize,
    random: Rng,
    book: Arc<Mutex<Book>>,
    clock: Clock,
}

impl Member {
    async fn live(mut self, ends: Instant) {
        let mut count = 0;
        while Instant::now() < ends {
            let builder = self.server.builder(&self.network).seed(self.random.u64(..));
            let policy =
                if self.random.bool() { ExpiryPolicy::NewSession } else { ExpiryPolicy::Fail };
            let Ok(client) = builder.on_expiry(policy).connect().await else { continue };
            let handle = self.handle(&client);
            let gives_up = Instant::now() + SESSION_TIMEOUT * 20;
            while Instant::now() < ends.min(gives_up) && !client.state().borrow().is_over() {
                if self.number < PRODUCERS {
                    count += 1;
                    let item = format!("{}-{count}", self.number);
                    self.produce(&handle, item).await;
                } else {
                    self.consume(&handle).await;
                }
            }
            drop(handle);
            let _ = timeout(SESSION_TIMEOUT, client.close()).await;
        }
    }

    fn handle(&self, client: &Client) -> Texts {
        let clock = Arc::clone(&self.clock);
        let queue = queue(client).clock(move || clock());
        if self.number.is_multiple_of(2) { queue.max_items(MOST) } else { queue }
    }

    async fn produce(&mut self, queue: &Texts, item: String) {
        self.book.lock().unwrap().putting(&item);
        let limit = SESSION_TIMEOUT.mul_f64(self.random.f64() * 4.0);
        let known = match timeout(limit, queue.put(&item)).await {
            Ok(Ok(_)) => Known::Yes,
            Ok(Err(error)) if error.outcome_unknown() => Known::Unknown,
            Ok(Err(_)) => Known::No,
            Err(_) => Known::Unknown,
        };
        self.book.lock().unwrap().put(&item, known);
        sleep(SESSION_TIMEOUT.mul_f64(self.random.f64() / 2.0)).await;
    }

    async fn consume(&mut self, queue: &Texts) {
        let limit = SESSION_TIMEOUT.mul_f64(self.random.f64() * 3.0);
        let Ok(delivery) = queue.take_timeout(limit).await else {
            return sleep(Duration::from_millis(10)).await;
        };
        let item = self.book.lock().unwrap().deliver(&delivery);
        let long = self.server.has_virtual_time() && self.random.u8(..8) == 0;
        let works = if long { SESSION_TIMEOUT * 2 } else { SESSION_TIMEOUT / 20 };
        let _ = timeout(works.mul_f64(self.random.f64()), delivery.lost()).await;
        // From here on it is about to be somebody else's, or nobody's.
        self.book.lock().unwrap().let_go(&item);
        match self.random.u8(..8) {
            0 => drop(delivery),
            1 => drop(delivery.nack(None).await),
            2 => drop(delivery.nack(Some(works.mul_f64(self.random.f64()))).await),
            3 => drop(delivery.requeue().await),
            _ => {
                let known = match delivery.ack().await {
                    Ok(()) => Known::Yes,
                    Err(error) if error.outcome_unknown() => Known::Unknown,
                    Err(_) => Known::No,
                };
                self.book.lock().unwrap().acked(&item, known);
            }
        }
    }
}
