//! How often a pipelined get allocates, peer and pipe included.
//!
//! The allocator counts for the whole process, so this file has one test.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../zk-client/benches/canned_gets/mod.rs"]
mod canned_gets;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[tokio::test]
#[ignore = "counts a client without the feature `metrics`, which the tests of the workspace turn on"]
async fn a_pipelined_get_allocates_little_more_than_twice() {
    let client = canned_gets::connect().await.unwrap();
    // Tables and buffers grow to what the window needs before anything is counted.
    canned_gets::slide(&client, IN_FLIGHT, 10 * GETS).await.unwrap();

    let region = Region::new(COUNTED);
    canned_gets::slide(&client, IN_FLIGHT, GETS).await.unwrap();
    let change = region.change();

    let allocations = (change.allocations + change.reallocations) as f64;
    let each = allocations / GETS as f64;
    assert!(each <= MOST, "{each:.2} allocations per get, where {MOST} are the most");
}

const IN_FLIGHT: usize = 256;
const GETS: u64 = 10_000;
/// It is 2.2, the same in every run. What is lost here no clock would show.
const MOST: f64 = 2.4;
