//! Memory of an idle session, in the client and in the server, and what connecting and idling cost.

use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::runtime::{Builder, Handle};
use tokio::time::Instant;
use zk_client::Client;

use crate::memory::Occupied;
use crate::{Failure, child, cpu, memory};

pub(crate) fn run(clients: usize, idle: Duration) -> Result<(), Failure> {
    allow_sockets()?;
    let (server, address) = child::server()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // What the first ones set up is not the price of one more.
        let early = connect(&address, EARLY).await?;
        let before = State::now(server.id())?;
        let (begun, used) = (Instant::now(), cpu::own()?);
        let late = connect(&address, clients).await?;
        let connected = (begun.elapsed(), cpu::own()?.saturating_sub(used));
        let after = State::now(server.id())?;
        report(clients, &before, &after);
        report_connects(clients, connected);
        let (begun, used) = (Instant::now(), cpu::own()?);
        tokio::time::sleep(idle).await;
        report_idling(clients + EARLY, begun.elapsed(), cpu::own()?.saturating_sub(used));
        drop((early, late));
        Ok(())
    })
}

/// Connects clients that then do nothing but to answer for their sessions.
async fn connect(address: &str, clients: usize) -> Result<Vec<Client>, Failure> {
    let mut connected = Vec::with_capacity(clients);
    for _ in 0..clients {
        connected.push(Client::connect(address).await?);
    }
    Ok(connected)
}

/// What both processes hold at one time.
struct State {
    client: Occupied,
    server: Occupied,
    tasks: usize,
}

impl State {
    fn now(server: u32) -> Result<Self, Failure> {
        Ok(Self {
            client: memory::own()?,
            server: memory::of(server)?,
            tasks: Handle::current().metrics().num_alive_tasks(),
        })
    }
}

fn report(clients: usize, before: &State, after: &State) {
    let each = |before: u64, after: u64| after.saturating_sub(before) as f64 / clients as f64;
    let tasks = after.tasks.saturating_sub(before.tasks);
    println!("{clients} idle sessions, a client each");
    println!(
        "memory in the client : {:5.1} KiB per session",
        each(before.client.resident, after.client.resident)
    );
    println!(
        "memory in the server : {:5.1} KiB per session",
        each(before.server.resident, after.server.resident)
    );
    println!("tasks in the client  : {:5.1} per session", tasks as f64 / clients as f64);
    println!("threads in the client: {}, on a current-thread runtime", after.client.threads);
}

fn report_connects(clients: usize, (took, used): (Duration, Duration)) {
    let each = |time: Duration| time.as_secs_f64() * 1e6 / clients as f64;
    let (took, used) = (each(took), each(used));
    println!("one connect          : {took:5.0} µs, {used:5.0} µs of CPU in the client");
}

/// With a session timeout of 30 s, each sends a ping every 10 s.
fn report_idling(clients: usize, took: Duration, used: Duration) {
    let of_thousand = used.as_secs_f64() * 1e3 / took.as_secs_f64() * 1e3 / clients as f64;
    println!(
        "CPU of idling        : {of_thousand:5.2} ms each second for 1,000 sessions, in {:.0} s",
        took.as_secs_f64()
    );
}

/// Each session is a socket here, and one in the server, which inherits the limit.
fn allow_sockets() -> Result<(), Failure> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, most, most)?)
}

/// Clients that come before the first look.
const EARLY: usize = 100;
