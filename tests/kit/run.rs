//! Runs cases.

use std::env;
use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::server::{Backend, Release, TestServer, has_change};

/// A behaviour that every server is to show.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// `module::function`.
    pub name: &'static str,
    /// Does it, and panics if the behaviour is not shown.
    pub run: fn(Arc<TestServer>) -> Running,
    /// Where it can be done.
    pub needs: Needs,
}

/// Which servers can do a case; on all others it is listed as ignored.
#[derive(Clone, Copy, Debug)]
pub enum Needs {
    /// All of them.
    AnyServer,
    /// One that no other case uses, and that has the switches of ours.
    Embedded,
    /// One whose clock jumps when nothing is left to do.
    VirtualTime,
    /// One with a change that came with these releases, the first of each line that has it.
    Since(&'static [Release]),
    /// One without it.
    Before(&'static [Release]),
}

impl Needs {
    fn are_met(self, backend: &Backend, version: Release) -> bool {
        match self {
            Self::AnyServer => true,
            Self::Embedded => matches!(backend, Backend::Memory | Backend::Tcp),
            Self::VirtualTime => *backend == Backend::Memory,
            Self::Since(releases) => has_change(version, releases),
            Self::Before(releases) => !has_change(version, releases),
        }
    }
}

/// A case in progress.
pub type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Lists the functions of a module as cases: first those for every server, then, each behind a
/// semicolon, those that not every server can do, which are listed as ignored elsewhere:
///
/// ```text
/// cases![
///     a, b;
///     on embedded: [c];
///     in virtual time: [d];
///     since [(3, 8, 4), (3, 9, 2)]: [e];
///     before [(3, 9, 0)]: [f];
/// ];
/// ```
#[macro_export]
macro_rules! cases {
    (
        $($name:ident),* $(,)?
        $(; on embedded: [$($embedded:ident),* $(,)?])?
        $(; in virtual time: [$($in_virtual:ident),* $(,)?])?
        $(; since [$($with:expr),*]: [$($since:ident),* $(,)?])*
        $(; before [$($without:expr),*]: [$($before:ident),* $(,)?])*
        $(;)?
    ) => {
        pub(crate) fn cases() -> Vec<$crate::Case> {
            use $crate::run::Needs;
            let groups = vec![
                $crate::cases!(@group Needs::AnyServer, $($name),*),
                $( $crate::cases!(@group Needs::Embedded, $($embedded),*), )?
                $( $crate::cases!(@group Needs::VirtualTime, $($in_virtual),*), )?
                $( $crate::cases!(@group Needs::Since(&[$($with),*]), $($since),*), )*
                $( $crate::cases!(@group Needs::Before(&[$($without),*]), $($before),*), )*
            ];
            groups.concat()
        }
    };
    (@group $needs:expr, $($name:ident),*) => {
        vec![$( $crate::Case {
            name: concat!(module_path!(), "::", stringify!($name)),
            run: |server| Box::pin(async move { $name(&server).await }),
            needs: $needs,
        } ),*]
    };
}

/// Runs cases against the server that `ZK_TEST_SERVER` names, with the arguments of `cargo test`.
pub fn main(cases: Vec<Case>) -> ExitCode {
    let arguments = Arguments::from_args();
    let wanted = env::var("ZK_TEST_SERVER").unwrap_or_default();
    if arguments.list {
        let all = trials(cases, None).into_iter().map(|trial| trial.with_ignored_flag(false));
        return libtest_mimic::run(&arguments, all.collect()).exit_code();
    }
    let (backend, keeper) = find(&wanted, &[]);
    if backend.is_none() && required() {
        return ExitCode::FAILURE;
    }
    match &backend {
        Some(backend) => eprintln!("cases run against {backend:?}"),
        None => eprintln!("no server answers: no case is run"),
    }
    let server = backend.map(|backend| {
        let version = keeper.runtime.block_on(version_of(backend.clone()));
        (backend, version)
    });
    let conclusion = libtest_mimic::run(&arguments, trials(cases, server));
    keeper.stop();
    conclusion.exit_code()
}

async fn version_of(backend: Backend) -> Release {
    let server = TestServer::start(backend).await;
    let version = server.version().await;
    server.stop().await;
    version
}

/// What cannot be done is listed as ignored, without a server everything is: it has not passed.
fn trials(cases: Vec<Case>, server: Option<(Backend, Release)>) -> Vec<Trial> {
    let trial = |case: Case| {
        let possible =
            server.as_ref().is_some_and(|(backend, version)| case.needs.are_met(backend, *version));
        let backend = server.as_ref().map(|(backend, _)| backend.clone());
        let name = case.name.split_once("::").map_or(case.name, |(_, name)| name);
        Trial::test(name, move || {
            run(case, backend.unwrap());
            Ok(())
        })
        .with_ignored_flag(!possible)
    };
    cases.into_iter().map(trial).collect()
}

fn run(case: Case, backend: Backend) {
    let memory = backend == Backend::Memory;
    let runtime = if memory {
        // Virtual time: the clock jumps when nothing is left to do.
        Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
    } else {
        Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    };
    runtime.block_on(async {
        let limit = if memory { LIMIT_VIRTUAL } else { LIMIT_REAL };
        let server = Arc::new(TestServer::start(backend).await);
        // A task of its own, so that large futures and panics are its own too.
        let case = tokio::spawn((case.run)(Arc::clone(&server)));
        match timeout(limit, case).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            Err(_) => panic!("not over after {limit:?}"),
        }
        if let Ok(server) = Arc::try_unwrap(server) {
            server.stop().await;
        }
    });
}

/// Variables of the image of real ZooKeeper, for tests that want it otherwise than the cases.
pub type Settings = &'static [(&'static str, &'static str)];

/// What must live as long as the server is used.
#[derive(Debug)]
pub struct Keeper {
    runtime: Runtime,
    #[cfg(feature = "container")]
    container: Option<crate::container::Running>,
}

impl Keeper {
    /// Removes the container, if there is one.
    pub fn stop(self) {
        #[cfg(feature = "container")]
        if let Some(container) = self.container {
            self.runtime.block_on(container.stop());
        }
        drop(self.runtime);
    }
}

/// The server that a value of `ZK_TEST_SERVER` names, if it answers; one in a container is started
/// with these settings.
#[cfg(feature = "container")]
#[must_use]
pub fn find(wanted: &str, settings: Settings) -> (Option<Backend>, Keeper) {
    let runtime = keeper_runtime();
    if wanted != "container" {
        let backend = runtime.block_on(Backend::parse(wanted));
        return (backend, Keeper { runtime, container: None });
    }
    match runtime.block_on(crate::container::Running::start(settings)) {
        Ok((address, container)) => {
            let keeper = Keeper { runtime, container: Some(container) };
            (Some(Backend::Address(address)), keeper)
        }
        Err(error) => {
            eprintln!("no container of real ZooKeeper: {error}");
            (None, Keeper { runtime, container: None })
        }
    }
}

/// The server that a value of `ZK_TEST_SERVER` names, if it answers; none in a container.
#[cfg(not(feature = "container"))]
#[must_use]
pub fn find(wanted: &str, _settings: Settings) -> (Option<Backend>, Keeper) {
    let runtime = keeper_runtime();
    if wanted == "container" {
        eprintln!("no container of real ZooKeeper: built without the feature `container`");
        return (None, Keeper { runtime });
    }
    (runtime.block_on(Backend::parse(wanted)), Keeper { runtime })
}

fn keeper_runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Whether the absence of the server is a failure: a server that was asked for by address always
/// is, one in a container when `ZK_TEST_REQUIRE=container` says so.
#[must_use]
pub fn required() -> bool {
    let wanted = env::var("ZK_TEST_SERVER").unwrap_or_default();
    wanted != "container" || is_required("container")
}

/// Whether `ZK_TEST_REQUIRE`, a list with commas, names it: then its absence is a failure.
#[must_use]
pub fn is_required(what: &str) -> bool {
    env::var("ZK_TEST_REQUIRE")
        .is_ok_and(|required| required.split(',').any(|name| name.trim() == what))
}

const LIMIT_VIRTUAL: Duration = Duration::from_secs(3600);
const LIMIT_REAL: Duration = Duration::from_secs(60);
