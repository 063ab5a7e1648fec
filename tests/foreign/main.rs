//! Clients of other languages against zk-server-lite: what they print is compared.
//!
//! | module | what lives there |
//! |---|---|
//! | [`installed`] | which clients there are on this machine, and why not |
//! | [`program`] | one of them at work: lines in, lines out, a deadline for each |
//! | [`stage`] | the server, and the programs of one case |
//! | [`interop`] | clients of several languages at one lock, and an observer |
//! | the others | the cases of one client each |
//!
//! `install.sh` installs the clients on Debian. The server is the embedded one, over TCP; with
//! `ZK_TEST_SERVER=host:port` it is whatever listens there, with `container` real ZooKeeper from an
//! image, and the cases that only the embedded one can do are ignored. That server should be fresh,
//! with a `tickTime` of 200, `extendedTypesEnabled` and all four letter words.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]
#![allow(clippy::cognitive_complexity, reason = "a case is a list of questions and answers")]

mod c_client;
mod cli_mt;
mod curator;
mod curator_and_kazoo;
mod curator_elections;
mod curator_recipes;
mod curator_with_ours;
mod installed;
mod interop;
mod kazoo;
mod kazoo_recipes;
mod kazoo_secure;
mod program;
mod stage;
mod zk_cli;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Builder;
use tokio::time::timeout;
use zk_test_kit::run::{is_required, required};

use crate::installed::{Foreign, Installed};
use crate::interop::contest::limit;
use crate::stage::{Case, Servers, Stage};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let installed = Installed::look();
    let absent = EVERY.into_iter().filter_map(|client| Some((client, installed.missing(client)?)));
    let absent: Vec<_> = absent.collect();
    if !arguments.list {
        for (client, reason) in &absent {
            eprintln!("skipped: {client} is not installed ({reason})");
        }
        if !absent.is_empty() && is_required("foreign") {
            eprintln!("ZK_TEST_REQUIRE wants every foreign client: see tests/foreign/install.sh");
            return ExitCode::FAILURE;
        }
    }
    let (servers, keeper) =
        if arguments.list { (Some(Servers::Embedded), None) } else { Servers::wanted() };
    if servers.is_none() && required() {
        return ExitCode::FAILURE;
    }
    let mut trials = Vec::new();
    for (clients, cases) in suites() {
        let missing = clients.iter().any(|client| installed.missing(*client).is_some());
        let possible = servers.clone().filter(|_| !missing);
        let trial = |case| trial(case, &installed, possible.clone());
        trials.extend(cases.into_iter().map(trial));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(keeper) = keeper {
        keeper.stop();
    }
    conclusion.exit_code()
}

/// Cases, and the clients that they need.
fn suites() -> Vec<(&'static [Foreign], Vec<Case>)> {
    vec![
        (
            &[Foreign::Kazoo],
            [kazoo::cases(), kazoo_recipes::cases(), kazoo_secure::cases()].concat(),
        ),
        (&[Foreign::ZkCli], zk_cli::cases()),
        (&[Foreign::CliMt], cli_mt::cases()),
        (&[Foreign::C], c_client::cases()),
        (
            &[Foreign::Curator],
            [
                curator::cases(),
                curator_recipes::cases(),
                curator_elections::cases(),
                curator_with_ours::cases(),
                interop::with_curator::cases(),
            ]
            .concat(),
        ),
        (&[Foreign::Kazoo], interop::with_kazoo::cases()),
        (
            &[Foreign::Curator, Foreign::Kazoo],
            [curator_and_kazoo::cases(), interop::with_both::cases()].concat(),
        ),
        (&[], interop::observer::cases()),
    ]
}

/// What cannot be run, because there is no server for it, is listed as ignored: it has not passed.
fn trial(case: Case, installed: &Installed, servers: Option<Servers>) -> Trial {
    let possible = servers.as_ref().is_some_and(|servers| case.runs_on(servers));
    let installed = installed.clone();
    let run = move || {
        // In real time: another process waits for nobody's clock but its own.
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(async {
            let stage = Stage::set(&servers.unwrap(), installed).await;
            let case = tokio::spawn((case.run)(stage));
            match timeout(limit(), case).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => std::panic::resume_unwind(error.into_panic()),
                Err(_) => Err(format!("not over after {:?}", limit()).into()),
            }
        })
    };
    Trial::test(case.name, run).with_ignored_flag(!possible)
}

const EVERY: [Foreign; 5] =
    [Foreign::Kazoo, Foreign::ZkCli, Foreign::CliMt, Foreign::C, Foreign::Curator];
