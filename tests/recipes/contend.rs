//! Clients that contend for something while connections break, fall silent and come back at random.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use zk_client::Client;
use zk_recipes::LostReason;
use zk_test_kit::network::break_things;
use zk_test_kit::server::SESSION_TIMEOUT;
use zk_test_kit::{Network, Seed, TestServer};

/// One of them, and the book that all write into.
pub(crate) struct Contender<B> {
    server: Arc<TestServer>,
    network: Network,
    pub(crate) number: usize,
    pub(crate) random: Rng,
    pub(crate) book: Arc<Mutex<B>>,
}

/// What it does, again and again.
pub(crate) trait Turns: Send + 'static {
    fn take_a_turn(&mut self, client: &Client) -> impl Future<Output = ()> + Send;
}

/// Lets them contend for so long if the clock is ours to turn; gives back what is in the book.
pub(crate) async fn contend<B: Send + 'static>(
    server: &Arc<TestServer>,
    contenders: usize,
    lasts: Duration,
    book: B,
) -> B
where
    Contender<B>: Turns,
{
    let seed = Seed::pick();
    let lasts = if server.has_virtual_time() { lasts } else { Duration::from_secs(8) };
    let ends = Instant::now() + lasts;
    let book = Arc::new(Mutex::new(book));
    let mut tasks = JoinSet::new();
    for number in 0..contenders {
        let network = server.network();
        let mut random = seed.random(number);
        tasks.spawn(break_things(network.clone(), random.fork(), ends));
        let (server, book) = (Arc::clone(server), Arc::clone(&book));
        tasks.spawn(Contender { server, network, number, random, book }.until(ends));
    }
    tasks.join_all().await;
    Arc::into_inner(book).unwrap().into_inner().unwrap()
}

impl<B: Send + 'static> Contender<B>
where
    Self: Turns,
{
    async fn until(mut self, ends: Instant) {
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

    /// Holds for a while, now and then for so long that its session may expire meanwhile. Whoever loses
    /// what it holds stops, as it should.
    pub(crate) async fn hold(&mut self, lost: impl Future<Output = LostReason> + Send) {
        let long = self.server.has_virtual_time() && self.random.u8(..8) == 0;
        let holds = self.up_to(if long { SESSION_TIMEOUT * 2 } else { SESSION_TIMEOUT / 20 });
        let _ = timeout(holds, lost).await;
    }

    pub(crate) fn up_to(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.random.f64())
    }
}
