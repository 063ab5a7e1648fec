//! Candidates of one election while connections break, fall silent and come back at random.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use zk_client::{Client, ExpiryPolicy};
use zk_recipes::election::{Candidate, Election, Leadership, OverrideMode};
use zk_recipes::{FencingToken, Ownership, SuspendPolicy};
use zk_test_kit::network::break_things;
use zk_test_kit::server::SESSION_TIMEOUT;
use zk_test_kit::{Network, Seed, TestServer};

use super::{PATH, until_ids};

zk_test_kit::cases![
    no_two_lead_at_once_and_everybody_leads_whatever_breaks,
    no_two_lead_at_once_whatever_an_operator_wants;
];

const CANDIDATES: usize = 8;

async fn no_two_lead_at_once_and_everybody_leads_whatever_breaks(server: &Arc<TestServer>) {
    let join =
        |client: &Client, id: &str, policy| super::election(client, id).on_suspend(policy).join();
    never_two(server, Seed::pick(), 2_000, join).await;
    // Whatever was left behind belongs to sessions that are over, or to a janitor.
    let client = server.client().await;
    until_ids(&client, &[]).await;
}

async fn no_two_lead_at_once_whatever_an_operator_wants(server: &Arc<TestServer>) {
    let seed = Seed::pick();
    let operator = server.client().await;
    let control = election(&operator, "operator").control();
    let mut random = seed.random(CANDIDATES + 1);
    let meddles = tokio::spawn(async move {
        loop {
            sleep(SESSION_TIMEOUT.mul_f64(random.f64() * 3.0)).await;
            let ids = [random.usize(..CANDIDATES), random.usize(..CANDIDATES)];
            let ids = ids.map(|number| number.to_string());
            let ids = [ids[0].as_str(), ids[1].as_str()];
            let set = match random.u8(..6) {
                0 => control.prefer(&ids, "").await,
                1 => control.force(&ids, "").await,
                2 => control.exclude(&ids, "").await,
                3 => control.clone().lasting(SESSION_TIMEOUT).freeze("").await,
                _ => {
                    control.clear().await.unwrap();
                    continue;
                }
            };
            let modes = [
                OverrideMode::Prefer,
                OverrideMode::Force,
                OverrideMode::Exclude,
                OverrideMode::Freeze,
            ];
            // A candidate may have taken away one that has expired.
            if let Ok(set) = set {
                assert!(modes.contains(&set.mode));
            }
        }
    });
    let join = |client: &Client, id: &str, policy| election(client, id).on_suspend(policy).join();
    never_two(server, seed, 2_000, join).await;
    meddles.abort();
    assert!(meddles.await.unwrap_err().is_cancelled());
    let client = server.client().await;
    until_ids(&client, &[]).await;
    // The container may have gone.
    let rest = client.children(PATH).await.unwrap_or_default();
    assert!(rest.iter().all(|name| **name == *"_override"), "{rest:?}");
}

fn election(client: &Client, id: &str) -> Election {
    super::election(client, id).overridable(true)
}

/// Lets candidates lead as long as that lasts, and asserts that no two do so at once, that terms grow,
/// and that each has its turn.
pub(super) async fn never_two(
    server: &Arc<TestServer>,
    seed: Seed,
    virtual_seconds: u64,
    join: fn(&Client, &str, SuspendPolicy) -> Candidate,
) {
    let lasts = Duration::from_secs(if server.has_virtual_time() { virtual_seconds } else { 8 });
    let ends = Instant::now() + lasts;
    let book = Arc::new(Mutex::new(Book::default()));
    let mut tasks = JoinSet::new();
    for number in 0..CANDIDATES {
        let network = server.network();
        let mut random = seed.random(number);
        tasks.spawn(break_things(network.clone(), random.fork(), ends));
        let (server, book) = (Arc::clone(server), Arc::clone(&book));
        let policy = if number % 2 == 0 { SuspendPolicy::Strict } else { SuspendPolicy::Session };
        let contender = Contender { server, network, number, policy, random, book, join };
        tasks.spawn(contender.contend(ends));
    }
    tasks.join_all().await;
    let led = book.lock().unwrap().led;
    assert!(led.iter().any(|times| *times > 0), "nobody ever led");
    if server.has_virtual_time() {
        assert!(led.iter().all(|times| *times > 0), "somebody never led: {led:?}");
    }
}

/// Who has led, and who thinks that it leads.
#[derive(Default)]
struct Book {
    last_term: Option<FencingToken>,
    leader: Option<watch::Receiver<Ownership>>,
    led: [usize; CANDIDATES],
}

impl Book {
    fn enter(&mut self, number: usize, leadership: &Leadership) {
        if leadership.ownership() != Ownership::Held {
            // Lost again before this was written down.
            return;
        }
        if let Some(before) = &self.leader {
            assert_ne!(*before.borrow(), Ownership::Held, "two lead at once");
        }
        assert!(Some(leadership.term()) > self.last_term, "a term that is not higher");
        self.last_term = Some(leadership.term());
        self.leader = Some(leadership.watch());
        self.led[number] += 1;
    }

    fn leave(&mut self, leadership: &Leadership) {
        if self.last_term == Some(leadership.term()) {
            self.leader = None;
        }
    }
}

struct Contender {
    server: Arc<TestServer>,
    network: Network,
    number: usize,
    policy: SuspendPolicy,
    random: Rng,
    book: Arc<Mutex<Book>>,
    join: fn(&Client, &str, SuspendPolicy) -> Candidate,
}

impl Contender {
    async fn contend(mut self, ends: Instant) {
        while Instant::now() < ends {
            let builder = self.server.builder(&self.network).seed(self.random.u64(..));
            let expiry =
                if self.random.bool() { ExpiryPolicy::NewSession } else { ExpiryPolicy::Fail };
            let Ok(client) = builder.on_expiry(expiry).connect().await else { continue };
            let mut candidate = (self.join)(&client, &self.number.to_string(), self.policy);
            // Now and then it leaves, and comes again.
            let until = (Instant::now() + self.up_to(SESSION_TIMEOUT * 50)).min(ends);
            while Instant::now() < until {
                match tokio::time::timeout_at(until, candidate.leadership()).await {
                    Ok(Ok(leadership)) => self.lead(leadership).await,
                    // It has left: its session is over.
                    Ok(Err(_)) => break,
                    Err(_) => {}
                }
            }
            if self.random.bool() {
                let _ = timeout(SESSION_TIMEOUT, candidate.leave(Default::default())).await;
            } else {
                drop(candidate);
            }
            // It may be cut off, and its session lives on for a while.
            let _ = timeout(SESSION_TIMEOUT, client.close()).await;
        }
    }

    async fn lead(&mut self, leadership: Leadership) {
        self.book.lock().unwrap().enter(self.number, &leadership);
        let leads = self.up_to(SESSION_TIMEOUT / 4);
        // Whoever is told to stop does, sooner or later.
        let told = timeout(leads, leadership.cancelled()).await;
        if told.is_ok() && self.random.bool() {
            sleep(self.up_to(SESSION_TIMEOUT / 2)).await;
        }
        self.book.lock().unwrap().leave(&leadership);
        if self.random.bool() {
            let _ = timeout(SESSION_TIMEOUT, leadership.step_down()).await;
        }
    }

    fn up_to(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.random.f64())
    }
}
