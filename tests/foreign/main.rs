//! Clients of other languages against zk-server-lite: what they print is compared.
//!
//! | module | what lives there |
//! |---|---|
//! | [`installed`] | which clients there are on this machine, and why not |
//! | [`program`] | one of them at work: lines in, lines out, a deadline for each |
//! | [`stage`] | the server, and the programs of one case |
//! | the others | the cases of one client each |
//!
//! `install.sh` installs the clients on Debian. The server is the embedded one, over TCP; with
//! `ZK_TEST_SERVER=host:port` it is whatever listens there, and the cases that only the embedded
//! one can do are ignored. That server should be fresh, with a `tickTime` of 200,
//! `extendedTypesEnabled` and all four letter words.
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
mod installed;
mod kazoo;
mod kazoo_recipes;
mod kazoo_secure;
mod program;
mod stage;
mod zk_cli;

use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Builder;
use tokio::time::timeout;
use zk_test_kit::run::is_required;

use crate::installed::{Foreign, Installed};
use crate::stage::{Case, Servers, Stage};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let installed = Installed::look();
    let mut trials = Vec::new();
    let mut absent = false;
    for (client, cases) in suites() {
        let missing = installed.missing(client);
        if let Some(reason) = missing
            && !arguments.list
        {
            eprintln!("skipped: {client} is not installed ({reason})");
            absent = true;
        }
        let trial = |case| trial(client, case, &installed, missing.is_some());
        trials.extend(cases.into_iter().map(trial));
    }
    if absent && is_required("foreign") {
        eprintln!("ZK_TEST_REQUIRE wants every foreign client: see tests/foreign/install.sh");
        return ExitCode::FAILURE;
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn suites() -> [(Foreign, Vec<Case>); 4] {
    [
        (Foreign::Kazoo, [kazoo::cases(), kazoo_recipes::cases(), kazoo_secure::cases()].concat()),
        (Foreign::ZkCli, zk_cli::cases()),
        (Foreign::CliMt, cli_mt::cases()),
        (Foreign::C, c_client::cases()),
    ]
}

/// What cannot be run is listed as ignored: it has not passed.
fn trial(client: Foreign, case: Case, installed: &Installed, missing: bool) -> Trial {
    let servers = Servers::wanted();
    let ignored = missing || !case.runs_on(&servers);
    let installed = installed.clone();
    let run = move || {
        // In real time: another process waits for nobody's clock but its own.
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(async {
            let stage = Stage::set(&servers, client, installed).await;
            let case = tokio::spawn((case.run)(stage));
            match timeout(LIMIT, case).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => std::panic::resume_unwind(error.into_panic()),
                Err(_) => Err(format!("not over after {LIMIT:?}").into()),
            }
        })
    };
    Trial::test(case.name, run).with_ignored_flag(ignored)
}

/// For a whole case; each line that is waited for has a deadline of its own.
const LIMIT: Duration = Duration::from_secs(120);
