//! What is run, and against which servers.

use std::env;
use std::future::Future;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::{Builder, Runtime};
use zk_proto::message::ConnectRequest;
use zk_server_lite::Server;
use zk_test_kit::RawConnection;
use zk_test_kit::network::Dial;
use zk_test_kit::run::{self, Settings};
use zk_test_kit::server::{Backend, SUPER_DIGEST, dial_memory, dial_tcp};

use crate::faulty::{Fault, faulty, no_deletion, wrong_version};
use crate::known::Version;
use crate::pair::{Pair, Report};

pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = vec![
        Trial::test("a_server_does_not_differ_from_itself", same_server_twice),
        Trial::test("a_wrong_field_is_found_and_told_in_few_steps", || {
            check_fault(wrong_version, "stat.version=2", 6)
        }),
        Trial::test("a_missing_event_is_found_and_told_in_few_steps", || {
            check_fault(no_deletion, "type=NodeDeleted", 6)
        }),
    ];
    let wanted = env::var("ZK_TEST_SERVER").unwrap_or_default();
    let (real, keeper) = if arguments.list { (None, None) } else { find_real(&wanted) };
    if !arguments.list && real.is_none() {
        eprintln!("no real server to compare with: nothing is compared");
        if is_real(&wanted) && run::required() {
            return ExitCode::FAILURE;
        }
    }
    let trial = Trial::test("differs_in_nothing_from_real_zookeeper", move || {
        compare(real.expect("only run with a server"))
    });
    trials.push(trial.with_ignored_flag(!arguments.list && real.is_none()));
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(keeper) = keeper {
        keeper.stop();
    }
    conclusion.exit_code()
}

fn is_real(wanted: &str) -> bool {
    !matches!(wanted, "" | "memory" | "tcp")
}

fn find_real(wanted: &str) -> (Option<SocketAddr>, Option<run::Keeper>) {
    if !is_real(wanted) {
        return (None, None);
    }
    let (backend, keeper) = run::find(wanted, SETTINGS);
    let address = match backend {
        Some(Backend::Address(address)) => Some(address),
        _ => None,
    };
    (address, Some(keeper))
}

fn same_server_twice() -> Result<(), Failed> {
    block_on(async {
        let (a, b) = (embedded(MEMORY_SESSIONS).await, embedded(MEMORY_SESSIONS).await);
        let pair = Pair::new(dial_memory(&a), dial_memory(&b), STANDS_IN_FOR);
        let report = pair.compare(seed().unwrap_or(1), operations().unwrap_or(4000), 1).await;
        pass(&report)
    })
}

/// Whether a fault is found, and shrunk to so few operations; `told` is what only the server without
/// it says.
fn check_fault(fault: Fault, told: &str, operations: usize) -> Result<(), Failed> {
    block_on(async {
        let server = embedded(MEMORY_SESSIONS).await;
        let other = embedded(MEMORY_SESSIONS).await;
        let ours = faulty(&dial_memory(&other), fault);
        let pair = Pair::new(dial_memory(&server), ours, STANDS_IN_FOR);
        let report = pair.compare(1, 20_000, 1).await;
        let found = report.differences.first().ok_or("the fault was not found")?;
        let first = found.text.lines().find(|line| line.contains(">>>  real"));
        if !first.is_some_and(|line| line.contains(told)) {
            return Err(format!("found something else: {}", found.text).into());
        }
        if found.program.operations() > operations {
            return Err(format!("not shrunk enough: {}", found.text).into());
        }
        Ok(())
    })
}

fn compare(real: SocketAddr) -> Result<(), Failed> {
    block_on(async {
        let dial = dial_tcp(real);
        let sessions = session_timeouts(&dial).await;
        let ours = embedded(sessions).await;
        let pair = Pair::new(dial.clone(), dial_memory(&ours), version(&dial).await);
        let limit = operations().unwrap_or(10_000);
        let seeds = seed().map_or_else(|| vec![1, fastrand::u64(..)], |seed| vec![seed]);
        for seed in seeds {
            eprintln!("begins with ZK_TEST_SEED={seed}");
            pass(&pair.compare(seed, limit, differences()).await)?;
        }
        Ok(())
    })
}

/// Tells what was done; fails if anything differs.
fn pass(report: &Report) -> Result<(), Failed> {
    eprintln!("{} operations in {} programs", report.operations, report.programs);
    eprintln!("outcomes, as the real server has them:\n{}", report.coverage.report());
    eprintln!("known differences:\n{}", report.known.report());
    if report.differences.is_empty() {
        return Ok(());
    }
    let texts: Vec<_> = report.differences.iter().map(|found| found.text.as_str()).collect();
    Err(format!("{} differences\n\n{}", texts.len(), texts.join("\n\n")).into())
}

/// Set up as the container is.
async fn embedded((min, max): (Duration, Duration)) -> Server {
    Server::builder()
        .memory_only()
        .min_session_timeout(min)
        .max_session_timeout(max)
        .extended_types(true)
        .enforce_quota(true)
        .super_digest(SUPER_DIGEST)
        .container_check_interval(NEVER)
        .start()
        .await
        .unwrap()
}

/// What the shortest and the longest wish for a timeout are granted.
async fn session_timeouts(dial: &Dial) -> (Duration, Duration) {
    let mut granted = Vec::new();
    for timeout in [0, i32::MAX] {
        let mut raw = RawConnection::new(dial().await.unwrap());
        let response = raw.handshake(ConnectRequest { timeout, ..Default::default() }).await;
        granted.push(Duration::from_millis(response.unwrap().timeout.try_into().unwrap()));
        raw.send(1, &zk_test_kit::request::close_session()).await;
        let _ = raw.rest().await;
    }
    (granted[0], granted[1])
}

async fn version(dial: &Dial) -> Version {
    let mut raw = RawConnection::new(dial().await.unwrap());
    raw.send_bytes(b"srvr").await;
    let srvr = String::from_utf8(raw.rest().await.into()).unwrap();
    let version = srvr.strip_prefix("Zookeeper version: ").expect("no version");
    let mut numbers = version.split(['.', '-', ',']).map(|number| number.parse().unwrap());
    let mut next = || numbers.next().unwrap();
    (next(), next(), next())
}

/// Real time: the real server has no other.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime: Runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

fn seed() -> Option<u64> {
    number("ZK_TEST_SEED")
}

fn operations() -> Option<usize> {
    number("ZK_TEST_OPS")
}

fn differences() -> usize {
    number("ZK_TEST_DIFFERENCES").unwrap_or(5)
}

fn number<T: std::str::FromStr>(variable: &str) -> Option<T> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

/// Sessions that outlast a program, nothing that acts by itself, and no waiting for the disk.
const SETTINGS: Settings = &[
    ("ZOO_TICK_TIME", "3000"),
    ("ZOO_CFG_EXTRA", "extendedTypesEnabled=true"),
    (
        "JVMFLAGS",
        "-Dzookeeper.forceSync=no -Dzookeeper.enforceQuota=true \
         -Dznode.container.checkIntervalMs=86400000 \
         -Dzookeeper.DigestAuthenticationProvider.superDigest=super:xQJmxLMiHGwaqBvst5y6rkB6HQs=",
    ),
];

/// The interval of the container's cleaner.
const NEVER: Duration = Duration::from_secs(86_400);

/// As with a tick of 3 s.
const MEMORY_SESSIONS: (Duration, Duration) = (Duration::from_secs(6), Duration::from_secs(60));

/// What zk-server-lite is to be like.
const STANDS_IN_FOR: Version = (3, 9, 3);
