//! Behaviours of the recipes that they are to show on every server, each written once.
//!
//! `ZK_TEST_SERVER` names the server; see the crate `zk_test_kit`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test may panic, and its name says what it is"
)]

mod barrier;
mod contend;
mod double_barrier;
mod election;
mod gather_queue;
mod lock;
mod mix;
mod multi_lock;
mod queue;
mod reentrant_lock;
mod rw_lock;
mod semaphore;
mod simple_lock;
mod simple_queue;

use std::process::ExitCode;

fn main() -> ExitCode {
    let cases = [
        barrier::cases(),
        double_barrier::cases(),
        election::cases(),
        gather_queue::cases(),
        lock::cases(),
        multi_lock::cases(),
        queue::cases(),
        reentrant_lock::cases(),
        rw_lock::cases(),
        semaphore::cases(),
        simple_lock::cases(),
        simple_queue::cases(),
    ];
    zk_test_kit::main(cases.concat())
}
