//! Our contenders, in a process of their own.
//!
//! What they are told and what they answer is as in `tests/foreign/java/Measure.java`: an order is a
//! line. When everybody stands in the queue, a line says so, and another line begins. The answer is
//! followed by a line, too: until then the lock is held, and nothing happens that the server could
//! count. A single contender does not queue: its figures are those of acquiring and releasing.

use std::fmt;
use std::io::{self, BufRead as _, stdin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use clap::Parser;
use tokio::runtime::Runtime;
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use zk_client::Client;
use zk_recipes::Lock;

use crate::samples::Samples;
use crate::{Failure, cpu};

/// What to do.
#[derive(Clone, Debug, Parser)]
#[command(no_binary_name = true)]
pub(super) struct Order {
    pub(super) path: String,
    pub(super) contenders: usize,
    /// Shared by the contenders evenly.
    pub(super) sessions: usize,
    pub(super) handovers: usize,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, contenders, sessions, handovers } = self;
        write!(f, "{path} {contenders} {sessions} {handovers}")
    }
}

/// Does what the lines of the input say, until it ends.
pub(crate) fn run(address: &str) -> Result<(), Failure> {
    Runtime::new()?.block_on(async {
        let lines = Arc::new(AsyncMutex::new(lines()));
        loop {
            let Some(line) = lines.lock().await.recv().await else {
                return Ok(());
            };
            let order = Order::try_parse_from(line?.split(' '))?;
            let mut clients = Vec::new();
            for _ in 0..order.sessions {
                let builder = Client::builder(address).session_timeout(SESSION);
                clients.push(builder.connect().await?);
            }
            // A task, because what `block_on` runs itself is not on a worker.
            let measure = Arc::new(Measure::new(order, Arc::clone(&lines)));
            tokio::spawn(measure.run(clients.clone())).await??;
            for client in clients {
                client.close().await?;
            }
            println!("finished");
        }
    })
}

type Lines = mpsc::Receiver<io::Result<String>>;

/// They are awaited elsewhere, so that meanwhile the runtime runs.
fn lines() -> Lines {
    let (pass_on, lines) = mpsc::channel(1);
    thread::spawn(move || {
        let read = stdin().lock().lines();
        read.map_while(|line| pass_on.blocking_send(line).ok()).for_each(drop);
    });
    lines
}

/// One order in progress.
struct Measure {
    order: Order,
    lines: Arc<AsyncMutex<Lines>>,
    /// Of whoever holds the lock; nobody else touches it.
    turns: Mutex<Turns>,
    is_over: AtomicBool,
}

struct Turns {
    begun: Instant,
    used: Duration,
    released: Instant,
    took: Vec<Duration>,
}

impl Measure {
    fn new(order: Order, lines: Arc<AsyncMutex<Lines>>) -> Self {
        let now = Instant::now();
        let turns = Turns { begun: now, used: Duration::ZERO, released: now, took: Vec::new() };
        Self { order, lines, turns: Mutex::new(turns), is_over: AtomicBool::new(false) }
    }

    async fn run(self: Arc<Self>, clients: Vec<Client>) -> Result<(), Failure> {
        let first = clients.first().ok_or("no session")?;
        if self.order.contenders == 1 {
            self.alone(first).await
        } else {
            self.in_turn(&clients).await
        }
    }

    async fn alone(&self, client: &Client) -> Result<(), Failure> {
        let lock = Lock::new(client, &self.order.path)?;
        // The parent is made by the first one.
        lock.acquire().await?.release().await?;
        self.begin().await?;
        for _ in 0..self.order.handovers {
            let from = Instant::now();
            lock.acquire().await?.release().await?;
            self.with_turns(|turns| turns.took.push(from.elapsed()));
        }
        self.tell().await
    }

    async fn in_turn(self: &Arc<Self>, clients: &[Client]) -> Result<(), Failure> {
        let Order { path, contenders, .. } = &self.order;
        let gate_keeper = clients.first().ok_or("no session")?;
        let gate = Lock::new(gate_keeper, path)?.acquire().await?;
        let mut tasks = JoinSet::new();
        for client in clients.iter().cycle().take(*contenders) {
            // An object for each, as with Curator.
            let lock = Lock::new(client, path)?;
            tasks.spawn(Arc::clone(self).contend(lock));
        }
        while gate_keeper.exists(path).await?.is_none_or(|stat| !is_full(&stat, *contenders)) {
            sleep(Duration::from_millis(10)).await;
        }
        sleep(SETTLING).await;
        self.begin().await?;
        gate.release().await?;
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok(())
    }

    async fn contend(self: Arc<Self>, lock: Lock) -> Result<(), Failure> {
        while !self.is_over.load(Ordering::SeqCst) {
            let guard = lock.acquire().await?;
            if !self.is_over.load(Ordering::SeqCst) {
                self.granted().await?;
            }
            self.with_turns(|turns| turns.released = Instant::now());
            guard.release().await?;
        }
        Ok(())
    }

    async fn granted(&self) -> Result<(), Failure> {
        let count = self.with_turns(|turns| {
            turns.took.push(turns.released.elapsed());
            turns.took.len()
        });
        if count == self.order.handovers {
            self.is_over.store(true, Ordering::SeqCst);
            self.tell().await?;
        }
        Ok(())
    }

    async fn begin(&self) -> Result<(), Failure> {
        println!("standing");
        self.line().await?;
        let used = cpu::own()?;
        let now = Instant::now();
        self.with_turns(|turns| {
            let took = Vec::with_capacity(self.order.handovers);
            *turns = Turns { begun: now, used, released: now, took };
        });
        Ok(())
    }

    async fn tell(&self) -> Result<(), Failure> {
        let used = cpu::own()?;
        let answer = self.with_turns(|turns| {
            let cpu = used.saturating_sub(turns.used).as_nanos();
            let elapsed = turns.begun.elapsed().as_nanos();
            let took: Samples = turns.took.iter().map(Duration::as_secs_f64).collect();
            let [median, slow] = [50, 99]
                .map(|percent| Duration::from_secs_f64(took.percentile(percent)).as_nanos());
            format!("{cpu} {elapsed} {median} {slow}")
        });
        println!("{answer}");
        self.line().await
    }

    async fn line(&self) -> Result<(), Failure> {
        self.lines.lock().await.recv().await.ok_or("nobody asks any more")??;
        Ok(())
    }

    fn with_turns<T>(&self, change: impl FnOnce(&mut Turns) -> T) -> T {
        change(&mut self.turns.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn is_full(stat: &zk_client::Stat, contenders: usize) -> bool {
    usize::try_from(stat.num_children).is_ok_and(|children| children > contenders)
}

/// As Curator's clients ask for here.
const SESSION: Duration = Duration::from_secs(60);
/// The last one has still to set its watch.
const SETTLING: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_understood_as_it_was_given() {
        let order = Order { path: "/a".into(), contenders: 16, sessions: 2, handovers: 100 };
        let read = Order::try_parse_from(order.to_string().split(' ')).unwrap();
        assert_eq!(format!("{read:?}"), format!("{order:?}"));
    }
}
