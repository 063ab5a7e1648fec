//! What a client makes of real ZooKeeper being killed, paused, started again and torn apart.
//!
//! Only with `ZK_TEST_SERVER=container` and the feature `container`. One case at a time: a fault is
//! to be the case's own. Cases with an ensemble share one, and leave it whole.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test may panic, and its name says what it is"
)]

mod ensemble;
mod locks;
mod read_only;
mod single;

use std::env;
use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use zk_test_kit::ensemble::{Ensemble, engine_answers};
use zk_test_kit::run::required;

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let wanted = env::var("ZK_TEST_SERVER").is_ok_and(|server| server == "container");
    if !wanted && !arguments.list {
        eprintln!("no faults without ZK_TEST_SERVER=container: no case is run");
    }
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let runtime = Arc::new(runtime);
    let answers = wanted && runtime.block_on(engine_answers());
    if wanted && !answers && !arguments.list {
        eprintln!("no container engine answers: no case is run");
        if required() {
            return ExitCode::FAILURE;
        }
    }
    let shared = Arc::new(Mutex::new(None));
    let alone = [("single", single::CASES), ("read_only", read_only::CASES)];
    let alone = alone.iter().flat_map(|(module, cases)| {
        cases.iter().map(move |(name, case)| (format!("{module}::{name}"), case))
    });
    let alone = alone.map(|(name, case)| {
        let runtime = Arc::clone(&runtime);
        Trial::test(name, move || {
            run(&runtime, case());
            Ok(())
        })
    });
    let together = [("ensemble", ensemble::CASES), ("locks", locks::CASES)];
    let together = together.iter().flat_map(|(module, cases)| {
        cases.iter().map(move |(name, case)| (format!("{module}::{name}"), case))
    });
    let together = together.map(|(name, case)| {
        let (runtime, shared) = (Arc::clone(&runtime), Arc::clone(&shared));
        Trial::test(name, move || {
            let ensemble = whole_ensemble(&runtime, &shared);
            run(&runtime, case(ensemble));
            Ok(())
        })
    });
    let trials = alone.chain(together).map(|trial| trial.with_ignored_flag(!answers)).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(ensemble) =
        shared.lock().unwrap_or_else(PoisonError::into_inner).take().and_then(Arc::into_inner)
    {
        runtime.block_on(ensemble.stop());
    }
    conclusion.exit_code()
}

/// The ensemble that all cases share, as it was before the first one.
fn whole_ensemble(runtime: &Runtime, shared: &Mutex<Option<Arc<Ensemble>>>) -> Arc<Ensemble> {
    // One that could not be healed fails each case by itself.
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let ensemble = shared.get_or_insert_with(|| Arc::new(runtime.block_on(Ensemble::start())));
    runtime.block_on(ensemble.heal());
    runtime.block_on(ensemble.until_quorum(ensemble.servers().len()));
    Arc::clone(ensemble)
}

fn run(runtime: &Runtime, case: Running) {
    // A task of its own, so that panics are its own too.
    let mut case = runtime.spawn(case);
    match runtime.block_on(async { timeout(LIMIT, &mut case).await }) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => std::panic::resume_unwind(error.into_panic()),
        Err(_) => {
            case.abort();
            let _ = runtime.block_on(case);
            panic!("not over after {LIMIT:?}")
        }
    }
}

/// Names cases, and boxes them.
macro_rules! fault_cases {
    ($($name:ident),* $(,)?) => {
        pub(crate) const CASES: &[(&str, fn() -> $crate::Running)] =
            &[$( (stringify!($name), || Box::pin($name())) ),*];
    };
    (with $kind:ty: $($name:ident),* $(,)?) => {
        pub(crate) const CASES: &[(&str, fn($kind) -> $crate::Running)] =
            &[$( (stringify!($name), |with| Box::pin($name(with))) ),*];
    };
}
pub(crate) use fault_cases;

const LIMIT: Duration = Duration::from_secs(60);
