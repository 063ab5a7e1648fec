//! Five contenders take a distributed lock in turn, and one of them is killed while it holds.
//!
//! `cargo run --example lock` starts a server of its own;
//! `ZK_CONNECT=host:port cargo run --example lock` uses the ZooKeeper that listens there.
//!
//! Each contender has a client, a session and a runtime of its own, as five processes would. The
//! one that is killed loses its runtime while it holds the lock: its connection breaks without a
//! word, as when a process dies, and the lock stays taken until its session has expired.
#![allow(clippy::print_stdout, reason = "an example talks")]

mod stage;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use stage::{Failure, Stage};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep};
use zk_client::{Client, ErrorCode};
use zk_recipes::{FencingToken, Lock, LockGuard};

const CONTENDERS: [&str; 5] = ["ada", "bob", "cyd", "dan", "eve"];
const KILLED: &str = "cyd";
const HOLDS_FOR: Duration = Duration::from_millis(200);
/// Asked for; ZooKeeper grants no less than two of its ticks.
const SESSION_TIMEOUT: Duration = Duration::from_secs(2);

fn main() -> Result<(), Failure> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let stage = runtime.block_on(Stage::find())?;
    let connect_string = stage.connect_string.clone();
    let path = format!("/examples/lock-{}", std::process::id());
    println!("five contenders for {path} at {connect_string}\n");

    let story = tell(&connect_string, &path)?;
    check(&story)?;
    runtime.block_on(clean_up(&connect_string, &path, stage))
}

/// Something that happened to a contender.
struct Moment {
    at: Instant,
    who: &'static str,
    what: What,
}

enum What {
    /// It has a place in the queue, behind somebody or first.
    Enqueued {
        behind: Option<String>,
    },
    Holds {
        token: FencingToken,
    },
    Releases,
    Killed {
        session_timeout: Duration,
    },
    Failed(Failure),
}

/// Lets the contenders come one after the other, and prints what happens until all are done.
fn tell(connect_string: &str, path: &str) -> Result<Vec<Moment>, Failure> {
    let (sender, moments) = channel();
    let begun = Instant::now();
    let mut story = Vec::new();
    for who in CONTENDERS {
        let contender = Contender {
            who,
            connect_string: connect_string.to_owned(),
            path: path.to_owned(),
            moments: sender.clone(),
        };
        thread::spawn(move || contender.live());
        let enqueued = |story: &[Moment]| {
            story.iter().any(|m| m.who == who && matches!(m.what, What::Enqueued { .. }))
        };
        listen(&moments, begun, &mut story, enqueued)?;
    }
    drop(sender);
    // The contenders have the only other ends: when all are done, there is nothing to hear.
    listen(&moments, begun, &mut story, |_| false)?;
    Ok(story)
}

/// Prints moments until `enough` says so, or there are no more.
fn listen(
    moments: &Receiver<Moment>,
    begun: Instant,
    story: &mut Vec<Moment>,
    enough: impl Fn(&[Moment]) -> bool,
) -> Result<(), Failure> {
    while !enough(story) {
        let Ok(moment) = moments.recv() else { return Ok(()) };
        let Moment { at, who, what } = &moment;
        let line = match what {
            What::Enqueued { behind: Some(ahead) } => format!("waits behind {ahead}"),
            What::Enqueued { behind: None } => "is first in line".to_owned(),
            What::Holds { token } => {
                let freed = story.iter().rev().find(|m| m.what.frees_the_lock());
                let waited = freed.map(|m| format!("  (hand-over {:.1?})", *at - m.at));
                format!("HOLDS with fencing token {token}{}", waited.unwrap_or_default())
            }
            What::Releases => "releases".to_owned(),
            What::Killed { session_timeout } => {
                format!("IS KILLED while holding; its session lives on for {session_timeout:?}")
            }
            What::Failed(error) => return Err(format!("{who} failed: {error}").into()),
        };
        println!("{:>7.3} s  {who}  {line}", (*at - begun).as_secs_f64());
        story.push(moment);
    }
    Ok(())
}

impl What {
    const fn frees_the_lock(&self) -> bool {
        matches!(self, Self::Releases | Self::Killed { .. })
    }
}

struct Contender {
    who: &'static str,
    connect_string: String,
    path: String,
    moments: Sender<Moment>,
}

impl Contender {
    /// Runs on a thread and a runtime of its own.
    fn live(self) {
        match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => self.live_on(runtime),
            Err(error) => self.report(What::Failed(error.into())),
        }
    }

    fn live_on(self, runtime: Runtime) {
        match runtime.block_on(self.contend()) {
            Ok(Some(held)) => {
                // The runtime goes first, and the connection with it; the guard can tell nobody.
                drop(runtime);
                drop(held);
            }
            Ok(None) => {}
            Err(error) => self.report(What::Failed(error)),
        }
    }

    /// Takes the lock once. Whoever is to be killed comes back with the lock in its hand.
    async fn contend(&self) -> Result<Option<LockGuard>, Failure> {
        let client = Client::builder(&self.connect_string)
            .session_timeout(SESSION_TIMEOUT)
            .connect()
            .await?;
        let lock = Lock::new(&client, &self.path)?.data(self.who);
        let waiting = lock.enqueue().await?;
        let behind = match waiting.ahead() {
            Some(ahead) => Some(self.name_of(&client, ahead).await?),
            None => None,
        };
        self.report(What::Enqueued { behind });

        let guard = waiting.acquire().await?;
        self.report(What::Holds { token: guard.token() });
        sleep(HOLDS_FOR).await;

        if self.who == KILLED {
            self.report(What::Killed { session_timeout: client.session_timeout() });
            return Ok(Some(guard));
        }
        self.report(What::Releases);
        guard.release().await?;
        client.close().await?;
        Ok(None)
    }

    /// The contender that a node belongs to: its data says so.
    async fn name_of(&self, client: &Client, node: &str) -> Result<String, Failure> {
        let (name, _) = client.get(&format!("{}/{node}", self.path)).await?;
        Ok(String::from_utf8_lossy(&name).into_owned())
    }

    fn report(&self, what: What) {
        // Nobody listens any more when another contender has failed.
        let _ = self.moments.send(Moment { at: Instant::now(), who: self.who, what });
    }
}

/// What the story must be: everybody held in turn, and the tokens grew.
fn check(story: &[Moment]) -> Result<(), Failure> {
    let holders: Vec<_> = story
        .iter()
        .filter_map(
            |m| if let What::Holds { token } = m.what { Some((m.who, token)) } else { None },
        )
        .collect();
    if !holders.iter().map(|(who, _)| *who).eq(CONTENDERS) {
        return Err("not everybody held the lock, or not in order".into());
    }
    if !holders.is_sorted_by(|(_, one), (_, next)| one < next) {
        return Err("the fencing tokens did not grow".into());
    }
    println!("\neverybody held the lock once, in order, and the fencing tokens grew");
    Ok(())
}

async fn clean_up(connect_string: &str, path: &str, stage: Stage) -> Result<(), Failure> {
    let client = Client::connect(connect_string).await?;
    match client.delete(path).await {
        // It is a container, and a real server removes those itself when they are empty.
        Err(error) if error.code() == Some(ErrorCode::NoNode) => {}
        deleted => deleted?,
    }
    client.close().await?;
    stage.leave().await;
    Ok(())
}
