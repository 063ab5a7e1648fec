//! Three members enter a barrier together and leave it together; one that comes late gets into the next
//! round, and one is killed inside.
//!
//! `cargo run --example double_barrier` starts a server of its own;
//! `ZK_CONNECT=host:port cargo run --example double_barrier` uses the ZooKeeper that listens there.
#![allow(clippy::print_stdout, reason = "an example talks")]

mod stage;

use std::time::Duration;

use stage::{Failure, Stage};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use zk_client::Client;
use zk_recipes::{DoubleBarrier, Inside, RecipeError};

const PARTIES: usize = 3;
/// Long enough to come one after the other.
const A_MOMENT: Duration = Duration::from_millis(200);
/// Asked for; ZooKeeper grants no less than two of its ticks.
const SESSION_TIMEOUT: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let stage = Stage::find().await?;
    let connect_string = stage.connect_string.clone();
    let path = format!("/examples/double-barrier-{}", std::process::id());
    let place = Place { connect_string, path };
    println!("rounds of {PARTIES} at {}\n", place.path);

    // A round: nobody is in before all are there.
    let ada = place.enter("ada");
    sleep(A_MOMENT).await;
    let bob = place.enter("bob");
    sleep(A_MOMENT).await;
    ensure(!ada.is_finished() && !bob.is_finished(), "somebody is in alone")?;
    let cyd = place.enter("cyd");
    let (ada, bob, cyd) = (ada.await??, bob.await??, cyd.await??);
    ensure(names(&ada) == names(&bob) && names(&bob) == names(&cyd), "they do not agree")?;
    ensure(names(&ada) == ["ada", "bob", "cyd"], "another list")?;

    // A late comer waits for the next round.
    let dan = place.enter("dan");
    sleep(A_MOMENT).await;
    ensure(!dan.is_finished(), "the late comer is in a round that is full")?;
    let early = tokio::spawn(leave("ada", ada));
    sleep(A_MOMENT).await;
    ensure(!early.is_finished(), "somebody has left alone")?;
    let ((), ()) = tokio::try_join!(leave("bob", bob), leave("cyd", cyd))?;
    early.await??;

    // In the next round one is killed. For the others it has left.
    let eve = place.enter("eve");
    let (runtime, killed) = place.enter_elsewhere("fay").await?;
    let (dan, eve) = (dan.await??, eve.await??);
    ensure((dan.round(), killed.round()) == (Some(2), Some(2)), "another round")?;
    println!(
        "    fay is killed inside; its session lives on for {:?}",
        killed.client().session_timeout()
    );
    // The runtime goes first, and the connection with it; the guard can tell nobody.
    runtime.shutdown_background();
    drop(killed);
    let ((), ()) = tokio::try_join!(leave("dan", dan), leave("eve", eve))?;
    println!("\nboth rounds were entered and left by all who lived, together");

    let client = Client::connect(&place.connect_string).await?;
    client.delete(&place.path).await?;
    client.close().await?;
    stage.leave().await;
    Ok(())
}

struct Place {
    connect_string: String,
    path: String,
}

impl Place {
    /// Enters with a client of its own.
    fn enter(&self, who: &'static str) -> JoinHandle<Result<Inside, RecipeError>> {
        tokio::spawn(enter(self.connect_string.clone(), self.path.clone(), who))
    }

    /// Enters on a runtime of its own, as another process would.
    async fn enter_elsewhere(&self, who: &'static str) -> Result<(Runtime, Inside), Failure> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let enter = enter(self.connect_string.clone(), self.path.clone(), who);
        let inside = runtime.spawn(enter).await??;
        Ok((runtime, inside))
    }
}

async fn enter(
    connect_string: String,
    path: String,
    who: &'static str,
) -> Result<Inside, RecipeError> {
    let client = Client::builder(connect_string).session_timeout(SESSION_TIMEOUT).connect().await?;
    println!("{who} comes");
    let inside = DoubleBarrier::new(&client, &path, PARTIES)?.enter(who).await?;
    println!("    {who} is in round {:?} with {:?}", inside.round(), names(&inside));
    Ok(inside)
}

async fn leave(who: &str, inside: Inside) -> Result<(), Failure> {
    println!("    {who} leaves");
    inside.leave().await?;
    println!("{who} has left, as all others have");
    Ok(())
}

/// Who is inside, in the order in which they came: what they say of themselves.
fn names(inside: &Inside) -> Vec<String> {
    let name = |payload: &[u8]| String::from_utf8_lossy(payload).into_owned();
    inside.members().iter().map(|member| name(&member.payload)).collect()
}

fn ensure(condition: bool, what_went_wrong: &str) -> Result<(), Failure> {
    if condition { Ok(()) } else { Err(what_went_wrong.into()) }
}
