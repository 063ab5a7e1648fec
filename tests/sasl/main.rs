//! Clients that prove a password by SASL, on servers with users.
//!
//! `ZK_TEST_SERVER` names the servers: ours over pipes in virtual time (`memory`, the default) or
//! over TCP (`tcp`), or real ZooKeeper with a JAAS file (`container`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic, and its name says what it is"
)]

mod cases;
mod site;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use zk_test_kit::run::required;

use crate::cases::CASES;
use crate::site::{Site, Sites};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let sites = if arguments.list { None } else { runtime.block_on(Sites::find()) };
    if sites.is_none() && !arguments.list {
        eprintln!("no server with users of SASL: no case is run");
        if required() {
            return ExitCode::FAILURE;
        }
    }
    let missing = sites.is_none();
    let (runtime, sites) = (Arc::new(runtime), Arc::new(sites));
    let trials = CASES.iter().map(|case| {
        let (runtime, sites) = (Arc::clone(&runtime), Arc::clone(&sites));
        let run = move || {
            let sites = Option::as_ref(&sites).unwrap();
            if sites.have_virtual_time() {
                let paused = Builder::new_current_thread().enable_all().start_paused(true).build();
                run(&paused.unwrap(), sites, case);
            } else {
                run(&runtime, sites, case);
            }
            Ok(())
        };
        Trial::test(case.name, run).with_ignored_flag(missing)
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    if let Some(sites) = Arc::into_inner(sites).flatten() {
        runtime.block_on(sites.stop());
    }
    conclusion.exit_code()
}

fn run(runtime: &Runtime, sites: &Sites, case: &'static Case) {
    runtime.block_on(async {
        let site = sites.open(case.demand).await;
        // A task of its own, so that panics are its own too.
        match timeout(LIMIT, tokio::spawn((case.run)(site))).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            Err(_) => panic!("not over after {LIMIT:?}"),
        }
    });
}

/// A behaviour, and the server it is to be seen on.
struct Case {
    name: &'static str,
    demand: Demand,
    run: fn(Site) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// What a server wants of everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    /// Nothing.
    Nothing,
    /// Nothing, and it has no users either.
    NoUsers,
    /// SASL (`sessionRequireClientSASLAuth`).
    Sasl,
}

const LIMIT: Duration = Duration::from_secs(60);
