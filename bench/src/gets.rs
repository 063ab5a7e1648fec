//! CPU time of a client per read, against a server in another process.
//!
//! The clients keep a sliding window: the oldest reply is awaited, then one more request is sent.
//! That is how a user would do it. The floor sends a whole window at once and waits for all of it.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use clap::{Args, ValueEnum};
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;
use zk_client::{Client, Reply, Stat};

use crate::child::ServerKind;
use crate::floor::{Node, SocketLoop};
use crate::samples::Samples;
use crate::{Failure, child, cpu};

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    println!("against {:?}; medians of {} rounds in turn", options.server, options.rounds);
    for window in WINDOWS {
        if options.in_flight.is_none_or(|wanted| wanted == window.size) {
            measure(options, window)?;
        }
    }
    Ok(())
}

/// What is measured against what.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How often each variant is measured, in turn with the others
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Only with so many in flight
    #[arg(long)]
    in_flight: Option<usize>,
    /// Only this variant: floor, current-thread or multi-thread
    #[arg(long)]
    only: Option<String>,
    /// What answers
    #[arg(long, value_enum, default_value_t)]
    server: ServerKind,
}

/// A fixed piece of work, with one client on one runtime and nothing else in the process.
#[derive(Debug, Args)]
pub(crate) struct Work {
    #[arg(long)]
    address: String,
    #[arg(long, value_enum)]
    runtime: RuntimeKind,
    #[arg(long)]
    in_flight: usize,
    #[arg(long)]
    gets: usize,
    /// Bytes that each reply must have
    #[arg(long)]
    data: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuntimeKind {
    CurrentThread,
    /// With two workers
    MultiThread,
}

impl RuntimeKind {
    fn build(self) -> std::io::Result<Runtime> {
        match self {
            Self::CurrentThread => Builder::new_current_thread().enable_all().build(),
            Self::MultiThread => Builder::new_multi_thread().worker_threads(2).enable_all().build(),
        }
    }
}

pub(crate) fn work(work: &Work) -> Result<(), Failure> {
    let mut subject = Subject::client(work.runtime.build()?, &work.address)?;
    subject.gets(Window { size: work.in_flight, gets: work.gets, data: work.data })
}

/// How many requests are in flight at a time, how many there are in all, and how much is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) size: usize,
    pub(crate) gets: usize,
    /// Bytes of data.
    pub(crate) data: usize,
}

impl Window {
    const fn node(self) -> Node {
        Node { path: PATH, data: self.data }
    }
}

fn measure(options: &Options, window: Window) -> Result<(), Failure> {
    let (server, address) = match options.server {
        ServerKind::Canned => child::canned(window.data)?,
        ServerKind::Lite => {
            let (server, address) = child::server()?;
            create_node(&address, window.data)?;
            (server, address)
        }
    };
    let mut variants = variants(&address, window)?;
    variants.retain(|variant| options.only.as_ref().is_none_or(|name| variant.name == name));
    for variant in &mut variants {
        variant.subject.gets(window)?;
    }
    for _ in 0..options.rounds {
        round(&mut variants, window, server.id())?;
    }
    report(window, &variants);
    Ok(())
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

fn variants(address: &str, window: Window) -> Result<Vec<Variant>, Failure> {
    let [current, multi] =
        [RuntimeKind::CurrentThread, RuntimeKind::MultiThread].map(RuntimeKind::build);
    Ok(vec![
        Variant::new(
            "floor",
            Subject::Floor(SocketLoop::connect(address, window.node(), window.size)?),
        ),
        Variant::new("current-thread", Subject::client(current?, address)?),
        Variant::new("multi-thread", Subject::client(multi?, address)?),
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
            oldest(&mut replies, window.data).await?;
        }
        replies.push_back(client.get(PATH).send());
    }
    while !replies.is_empty() {
        oldest(&mut replies, window.data).await?;
    }
    Ok(())
}

async fn oldest(
    replies: &mut VecDeque<Reply<(Bytes, Stat)>>,
    length: usize,
) -> Result<(), Failure> {
    if let Some(reply) = replies.pop_front() {
        let (data, _) = reply.await?;
        if data.len() != length {
            return Err("the server answered with other data".into());
        }
    }
    Ok(())
}

fn create_node(address: &str, data: usize) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::connect(address).await?;
        client.create(PATH, vec![b'x'; data]).await?;
        Ok(client.close().await?)
    })
}

fn report(window: Window, variants: &[Variant]) {
    let Window { size, data, .. } = window;
    for Variant { name, client, ratio, server, rate, .. } in variants {
        println!(
            "{size:>3} in flight, {data:>5} bytes, {name:<14}: {:6.3} µs of client CPU (min {:6.3}), \
             {:5.1} times the floor; {:7.0} gets/s; {:6.3} µs of server CPU",
            client.median(),
            client.min(),
            ratio.median(),
            rate.median(),
            server.median(),
        );
    }
}

const PATH: &str = "/bench";
/// A few tenths of a second each.
pub(crate) const WINDOWS: [Window; 4] = [
    Window { size: 1, gets: 10_000, data: 100 },
    Window { size: 16, gets: 96_000, data: 100 },
    Window { size: 256, gets: 204_800, data: 100 },
    Window { size: 64, gets: 25_600, data: 10 * 1024 },
];
