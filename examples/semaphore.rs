//! Permits that are taken some at once, a number of permits that is raised while somebody waits, and a
//! holder that is killed.
//!
//! `cargo run --example semaphore` starts a server of its own;
//! `ZK_CONNECT=host:port cargo run --example semaphore` uses the ZooKeeper that listens there.
#![allow(clippy::print_stdout, reason = "an example talks")]

mod stage;

use std::thread;
use std::time::Duration;

use stage::{Failure, Stage};
use tokio::runtime::Builder;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use zk_client::Client;
use zk_recipes::{Permits, RecipeError, Semaphore};

/// Asked for; ZooKeeper grants no less than two of its ticks.
const SESSION_TIMEOUT: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let stage = Stage::find().await?;
    let hosts = stage.connect_string.clone();
    let path = format!("/examples/semaphore-{}", std::process::id());
    println!("the semaphore {path} at {hosts}\n");

    let client = Client::connect(&hosts).await?;
    let story = Story { begun: Instant::now(), hosts, path: path.clone() };
    story.run(&client).await?;
    println!("\nno more permits were held than there were, and everybody got some");

    client.delete_recursive(&path).await?;
    client.close().await?;
    stage.leave().await;
    Ok(())
}

struct Story {
    begun: Instant,
    hosts: String,
    path: String,
}

impl Story {
    fn tell(&self, what: &str) {
        println!("{:>7.3} s  {what}", self.begun.elapsed().as_secs_f64());
    }

    async fn run(&self, client: &Client) -> Result<(), Failure> {
        let semaphore = semaphore(client, &self.path)?;
        semaphore.set_permits(4).await?;
        self.tell("there are 4 permits");

        // A thread and a runtime of its own, as another process would have.
        let (hosts, path) = (self.hosts.clone(), self.path.clone());
        let ada = thread::spawn(move || killed_later(&hosts, &path));
        while semaphore.available().await? != 2 {
            sleep(Duration::from_millis(5)).await;
        }
        self.tell("ada, a process of its own, holds 2");
        let bob = semaphore.acquire(1).await?;
        self.tell("bob holds 1");
        self.more_permits_come(&semaphore).await?;

        let dan = waits(&semaphore, 5).await?;
        self.tell("dan waits for 5");
        let killed = ada.join().map_err(|_| "ada has panicked")??;
        self.tell("ada IS KILLED; its session lives on for a while");
        let begun = Instant::now();
        let dan = dan.await??;
        self.tell(&format!("dan HOLDS 5, {:.1?} later", begun.elapsed()));
        ensure(semaphore.participants().await?.len() == 6, "bob and dan are not all there is")?;
        drop(killed);
        bob.verify().await?;
        dan.release().await?;
        bob.release().await?;
        Ok(())
    }

    async fn more_permits_come(&self, semaphore: &Semaphore) -> Result<(), Failure> {
        let cyd = waits(semaphore, 3).await?;
        self.tell("cyd waits for 3: one is free, but it is all or none");
        sleep(Duration::from_millis(50)).await;
        ensure(!cyd.is_finished() && semaphore.available().await? == 1, "cyd did not wait")?;
        semaphore.set_permits(6).await?;
        let cyd = cyd.await??;
        self.tell("there are 6 permits now, and cyd HOLDS 3 at once");
        self.give_back(cyd, "cyd").await
    }

    /// First one, then the others.
    async fn give_back(&self, mut permits: Permits, who: &str) -> Result<(), Failure> {
        if let Some(one) = permits.split(1) {
            one.release().await?;
            self.tell(&format!("{who} gives 1 back and holds {}", permits.count()));
        }
        permits.release().await?;
        self.tell(&format!("{who} gives the others back"));
        Ok(())
    }
}

/// Somebody who waits for permits as the only one.
async fn waits(
    semaphore: &Semaphore,
    count: u32,
) -> Result<JoinHandle<Result<Permits, RecipeError>>, Failure> {
    let acquire = semaphore.clone();
    let waiter = tokio::spawn(async move { acquire.acquire(count).await });
    while semaphore.waiting().await?.len() != 1 {
        sleep(Duration::from_millis(5)).await;
    }
    Ok(waiter)
}

fn semaphore(client: &Client, path: &str) -> Result<Semaphore, Failure> {
    Ok(Semaphore::new(client, path)?.shared_count(&format!("{path}/count"))?)
}

/// Takes permits, and is killed a second later: the runtime goes, and the connection with it.
fn killed_later(hosts: &str, path: &str) -> Result<Permits, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let permits = runtime.block_on(async {
        let client = Client::builder(hosts).session_timeout(SESSION_TIMEOUT).connect().await?;
        let permits = semaphore(&client, path)?.acquire(2).await?;
        sleep(Duration::from_secs(1)).await;
        Ok::<_, Failure>(permits)
    });
    drop(runtime);
    permits
}

fn ensure(is_so: bool, otherwise: &'static str) -> Result<(), Failure> {
    if is_so { Ok(()) } else { Err(otherwise.into()) }
}
