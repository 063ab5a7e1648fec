//! Random programs are done by real ZooKeeper and by zk-server-lite, and all that they answer is
//! compared.
//!
//! `ZK_TEST_SERVER` names the real server (`container` or `host:port`). Without one nothing is
//! compared, and only the check itself is checked: the same server twice must agree, and a faulty
//! one must be found out.
//!
//! | variable | what it does |
//! |---|---|
//! | `ZK_TEST_SEED` | begins with the program of this seed |
//! | `ZK_TEST_OPS` | how many operations, default 10,000 for each of two seeds |
//! | `ZK_TEST_DIFFERENCES` | how many differences are shown at the most, default 5 |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test may panic"
)]

mod compare;
mod coverage;
mod faulty;
mod generate;
mod known;
mod observe;
mod pair;
mod program;
mod setup;
mod shrink;
mod side;
mod trials;

use std::process::ExitCode;

fn main() -> ExitCode {
    trials::main()
}
