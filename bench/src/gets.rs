//! CPU time of a client per read of 100 bytes, against the server in another process.
//!
//! The clients keep a sliding window: the oldest reply is awaited, then one more request is sent.
//! That is how a user would do it. The floor sends a whole window at once and waits for all of it.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;
use zk_client::{Client, Reply, Stat};

use crate::floor::{Node, SocketLoop};
use crate::samples::Samples;
use crate::{Failure, child, cpu};

pub(crate) fn run(
    rounds: usize,
    in_flight: Option<usize>,
    only: Option<&str>,
) -> Result<(), Failure> {
    let (server, address) = child::server()?;
    create_node(&address)?;
    println!("get of {} bytes; medians of {rounds} rounds in turn", NODE.data.len());
    for (size, gets) in WINDOWS {
        if in_flight.is_some_and(|wanted| wanted != size) {
            continue;
        }
        let mut variants = variants(&address, size)?;
        variants.retain(|variant| only.is_none_or(|name| variant.name == name));
        let window = Window { size, gets };
        for variant in &mut variants {
            variant.subject.gets(window)?;
        }
        for _ in 0..rounds {
            round(&mut variants, window, server.id())?;
        }
        report(size, &variants);
    }
    Ok(())
}

/// How many requests are in flight at a time, and how many there are in all.
#[derive(Clone, Copy, Debug)]
struct Window {
    size: usize,
    gets: usize,
}

/// One way to read, and what it has cost so far.
struct Variant {
    name: &'static str,
    subject: Subject,
    /// Microseconds per get.
    client: Samples,
    /// Against the floor in the same round, so that a busy machine slows down both.
    ratio: Samples,
    /// Microseconds per get.
    server: Samples,
    /// Gets in a second.
    rate: Samples,
}

enum Subject {
    Floor(SocketLoop),
    Client { runtime: Runtime, client: Client },
}

fn variants(address: &str, in_flight: usize) -> Result<Vec<Variant>, Failure> {
    let current = Builder::new_current_thread().enable_all().build()?;
    let multi = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    Ok(vec![
        Variant::new("floor", Subject::Floor(SocketLoop::connect(address, &NODE, in_flight)?)),
        Variant::new("current-thread", Subject::client(current, address)?),
        Variant::new("multi-thread", Subject::client(multi, address)?),
    ])
}

impl Variant {
    fn new(name: &'static str, subject: Subject) -> Self {
        let (client, ratio, server, rate) = Default::default();
        Self { name, subject, client, ratio, server, rate }
    }

    /// Returns the microseconds of client CPU per get.
    fn measure(&mut self, window: Window, server: u32) -> Result<f64, Failure> {
        let (own, other, begun) = (cpu::own()?, cpu::of(server)?, Instant::now());
        self.subject.gets(window)?;
        let took = begun.elapsed();
        let gets = window.gets as f64;
        let each = |time: Duration| time.as_secs_f64() * 1e6 / gets;
        let spent = each(cpu::own()?.saturating_sub(own));
        self.client.push(spent);
        self.server.push(each(cpu::of(server)?.saturating_sub(other)));
        self.rate.push(gets / took.as_secs_f64());
        Ok(spent)
    }
}

impl Subject {
    fn client(runtime: Runtime, address: &str) -> Result<Self, Failure> {
        let client = runtime.block_on(Client::connect(address))?;
        Ok(Self::Client { runtime, client })
    }

    fn gets(&mut self, window: Window) -> Result<(), Failure> {
        match self {
            Self::Floor(socket) => {
                for _ in 0..window.gets / window.size {
                    socket.turn(window.size)?;
                }
                Ok(())
            }
            // A task, because what `block_on` runs itself is not on a worker.
            Self::Client { runtime, client } => {
                runtime.block_on(runtime.spawn(slide(client.clone(), window)))?
            }
        }
    }
}

/// Measures each variant once; the floor comes first.
fn round(variants: &mut [Variant], window: Window, server: u32) -> Result<(), Failure> {
    let mut floor = f64::NAN;
    for variant in variants {
        let spent = variant.measure(window, server)?;
        if matches!(variant.subject, Subject::Floor(_)) {
            floor = spent;
        }
        variant.ratio.push(spent / floor);
    }
    Ok(())
}

async fn slide(client: Client, window: Window) -> Result<(), Failure> {
    let mut replies = VecDeque::with_capacity(window.size);
    for _ in 0..window.gets {
        if replies.len() == window.size {
            oldest(&mut replies).await?;
        }
        replies.push_back(client.get(NODE.path).send());
    }
    while !replies.is_empty() {
        oldest(&mut replies).await?;
    }
    Ok(())
}

async fn oldest(replies: &mut VecDeque<Reply<(Bytes, Stat)>>) -> Result<(), Failure> {
    if let Some(reply) = replies.pop_front() {
        let (data, _) = reply.await?;
        if data.len() != NODE.data.len() {
            return Err("the server answered with other data".into());
        }
    }
    Ok(())
}

fn create_node(address: &str) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::connect(address).await?;
        client.create(NODE.path, NODE.data).await?;
        Ok(client.close().await?)
    })
}

fn report(in_flight: usize, variants: &[Variant]) {
    for Variant { name, client, ratio, server, rate, .. } in variants {
        println!(
            "{in_flight:>3} in flight, {name:<14}: {:6.3} µs of client CPU (min {:6.3}), \
             {:5.1} times the floor; {:7.0} gets/s; {:6.3} µs of server CPU",
            client.median(),
            client.min(),
            ratio.median(),
            rate.median(),
            server.median(),
        );
    }
}

const NODE: Node = Node { path: "/bench", data: &[b'x'; 100] };
/// In flight, and in a round: a few tenths of a second each.
const WINDOWS: [(usize, usize); 3] = [(1, 10_000), (16, 96_000), (256, 204_800)];
