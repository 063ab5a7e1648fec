//! Ways that break at random.

use std::time::Duration;

use fastrand::Rng;
use tokio::time::{Instant, sleep};

use super::Network;
use crate::server::SESSION_TIMEOUT;

/// Breaks one thing after the other on the way of one client, called `a` there, until it ends, and
/// leaves the way whole: cuts, one direction or both held back, refusals; now and then for so long that
/// the session may expire.
pub async fn break_things(network: Network, mut random: Rng, ends: Instant) {
    while Instant::now() < ends {
        sleep(SESSION_TIMEOUT.mul_f64(random.f64() * 2.0)).await;
        let short = SESSION_TIMEOUT.mul_f64(random.f64() / 3.0);
        match random.u8(..6) {
            0 | 1 => network.cut(),
            2 => hold(short, |on| network.hold_incoming(on)).await,
            3 => hold(short, |on| network.hold_outgoing(on)).await,
            4 => {
                network.refuse("a", true);
                network.cut();
                sleep(short).await;
                network.refuse("a", false);
            }
            _ => hold(short * 5, |on| network.silence(on)).await,
        }
    }
}

async fn hold(time: Duration, switch: impl Fn(bool)) {
    switch(true);
    sleep(time).await;
    switch(false);
}
