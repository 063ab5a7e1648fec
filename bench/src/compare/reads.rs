//! Reads of one node, so many in flight at a time.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::meter::Meter;
use super::node;
use super::order::{Cost, Order, Reads, Style};
use super::subject::Subject;
use crate::Failure;
use crate::floor::{Node, SocketLoop};
use crate::samples::Samples;

/// By a client.
pub(crate) async fn by<S: Subject>(client: S, order: &Reads) -> Result<Cost, Failure> {
    let &Reads { style, in_flight, reads, data, .. } = order;
    let work = Work { path: node(data), in_flight, reads, data };
    if in_flight == 1 {
        return one_by_one(&client, work).await;
    }
    let meter = Meter::start()?;
    match style {
        Style::Window if S::SENDS_WHEN_MADE => slide(&client, work).await?,
        Style::Window => hold(&client, work).await?,
        Style::Tasks => share(&client, work).await?,
    }
    meter.stop()
}

/// By a loop around a socket, without a client.
pub(crate) fn by_floor(order: &Order) -> Result<Cost, Failure> {
    let Order::Reads(order) = order else {
        return Err("only a client does that".into());
    };
    let &Reads { in_flight, reads, data, .. } = order;
    let mut socket =
        SocketLoop::connect(&order.address, Node { path: node(data), data }, in_flight)?;
    let turns = reads / in_flight;
    let mut took = Vec::with_capacity(turns);
    let meter = Meter::start()?;
    for _ in 0..turns {
        let begun = Instant::now();
        socket.turn(in_flight)?;
        took.push(begun.elapsed());
    }
    Ok(with_percentiles(meter.stop()?, took))
}

#[derive(Clone, Copy)]
struct Work {
    path: &'static str,
    in_flight: usize,
    reads: usize,
    data: usize,
}

impl Work {
    fn check(self, length: usize) -> Result<(), Failure> {
        if length == self.data { Ok(()) } else { Err("the server answered with other data".into()) }
    }
}

async fn one_by_one<S: Subject>(client: &S, work: Work) -> Result<Cost, Failure> {
    let mut took = Vec::with_capacity(work.reads);
    let meter = Meter::start()?;
    for _ in 0..work.reads {
        let begun = Instant::now();
        work.check(client.get(work.path).await?)?;
        took.push(begun.elapsed());
    }
    Ok(with_percentiles(meter.stop()?, took))
}

/// Awaits the oldest reply, then sends one more request.
async fn slide<S: Subject>(client: &S, work: Work) -> Result<(), Failure> {
    let mut replies = VecDeque::with_capacity(work.in_flight);
    for _ in 0..work.reads {
        if replies.len() == work.in_flight
            && let Some(oldest) = replies.pop_front()
        {
            work.check(oldest.await?)?;
        }
        replies.push_back(client.get(work.path));
    }
    for reply in replies {
        work.check(reply.await?)?;
    }
    Ok(())
}

/// Polls all requests, as nothing else would send them; when one is answered, makes one more.
async fn hold<S: Subject>(client: &S, work: Work) -> Result<(), Failure> {
    let mut replies = FuturesUnordered::new();
    for _ in 0..work.reads {
        if replies.len() == work.in_flight
            && let Some(length) = replies.next().await
        {
            work.check(length?)?;
        }
        replies.push(client.get(work.path));
    }
    while let Some(length) = replies.next().await {
        work.check(length?)?;
    }
    Ok(())
}

/// Each task has one request in flight.
async fn share<S: Subject>(client: &S, work: Work) -> Result<(), Failure> {
    let mut tasks = JoinSet::new();
    for _ in 0..work.in_flight {
        let client = client.clone();
        tasks.spawn(async move {
            for _ in 0..work.reads / work.in_flight {
                work.check(client.get(work.path).await?)?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

pub(crate) fn with_percentiles(cost: Cost, took: Vec<Duration>) -> Cost {
    let took = Samples::from_iter(took.iter().map(Duration::as_secs_f64));
    let [median, slow] = [50, 99].map(|percent| Duration::from_secs_f64(took.percentile(percent)));
    Cost { median, slow, ..cost }
}
