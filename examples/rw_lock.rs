//! Readers hold a lock together, a writer holds it alone, and becomes a reader without letting go.
//!
//! `cargo run --example rw_lock` starts a server of its own;
//! `ZK_CONNECT=host:port cargo run --example rw_lock` uses the ZooKeeper that listens there.
#![allow(clippy::print_stdout, reason = "an example talks")]

mod stage;

use std::time::Duration;

use stage::{Failure, Stage};
use tokio::time::{Instant, sleep};
use zk_client::{Client, ErrorCode};
use zk_recipes::RwLock;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let stage = Stage::find().await?;
    let hosts = stage.connect_string.clone();
    let path = format!("/examples/rw-lock-{}", std::process::id());
    println!("the lock {path} at {hosts}\n");

    let client = Client::connect(&hosts).await?;
    let story = Story { begun: Instant::now(), lock: RwLock::new(&client, &path)? };
    story.readers_together_and_a_writer_alone().await?;
    story.a_writer_becomes_a_reader().await?;
    story.a_reader_becomes_the_writer_if_it_is_alone().await?;
    println!("\nreaders were together, a writer was alone, and nobody came between");

    match client.delete(&path).await {
        // It is a container, and a server removes those itself when they are empty.
        Err(error) if error.code() == Some(ErrorCode::NoNode) => {}
        deleted => deleted?,
    }
    client.close().await?;
    stage.leave().await;
    Ok(())
}

struct Story {
    begun: Instant,
    lock: RwLock,
}

impl Story {
    fn tell(&self, what: &str) {
        println!("{:>7.3} s  {what}", self.begun.elapsed().as_secs_f64());
    }

    /// Until so many hold or wait.
    async fn until(&self, contenders: usize) -> Result<(), Failure> {
        while self.lock.contenders().await?.len() != contenders {
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    async fn readers_together_and_a_writer_alone(&self) -> Result<(), Failure> {
        let (ada, bob) = (self.lock.read().await?, self.lock.read().await?);
        self.tell("ada and bob read together");
        let lock = self.lock.clone();
        let cyd = tokio::spawn(async move { lock.write().await });
        self.until(3).await?;
        let lock = self.lock.clone();
        let dan = tokio::spawn(async move { lock.read().await });
        self.until(4).await?;
        self.tell("cyd waits to write, and dan behind to read: no reader overtakes a writer");
        ada.release().await?;
        sleep(Duration::from_millis(50)).await;
        ensure(!cyd.is_finished() && !dan.is_finished(), "somebody did not wait for bob")?;
        bob.release().await?;
        let cyd = cyd.await??;
        self.tell(&format!("ada and bob have gone; cyd WRITES with fencing token {}", cyd.token()));
        ensure(!dan.is_finished(), "dan reads while cyd writes")?;
        cyd.release().await?;
        dan.await??.release().await?;
        self.tell("cyd has gone; dan has read");
        Ok(())
    }

    async fn a_writer_becomes_a_reader(&self) -> Result<(), Failure> {
        let eve = self.lock.write().await?;
        self.tell("eve WRITES");
        let lock = self.lock.clone();
        let fay = tokio::spawn(async move { lock.read().await });
        self.until(2).await?;
        let lock = self.lock.clone();
        let gus = tokio::spawn(async move { lock.write().await });
        self.until(3).await?;
        self.tell("fay waits to read, and gus behind to write");
        let eve = eve.downgrade().await?;
        let fay = fay.await??;
        self.tell("eve goes on as a reader, and fay reads what eve has written");
        sleep(Duration::from_millis(50)).await;
        ensure(!gus.is_finished(), "gus came between")?;
        fay.release().await?;
        eve.release().await?;
        gus.await??.release().await?;
        self.tell("both have gone; gus has written");
        Ok(())
    }

    async fn a_reader_becomes_the_writer_if_it_is_alone(&self) -> Result<(), Failure> {
        let (hal, ivy) = (self.lock.read().await?, self.lock.read().await?);
        let Err(refused) = hal.try_upgrade().await else {
            return Err("hal writes while ivy reads".into());
        };
        self.tell(&format!("hal and ivy read; hal cannot write: {}", refused.source));
        ivy.release().await?;
        let hal = refused.guard.try_upgrade().await?;
        self.tell(&format!("ivy has gone; hal WRITES with fencing token {}", hal.token()));
        hal.release().await?;
        Ok(())
    }
}

fn ensure(is_so: bool, otherwise: &'static str) -> Result<(), Failure> {
    if is_so { Ok(()) } else { Err(otherwise.into()) }
}
