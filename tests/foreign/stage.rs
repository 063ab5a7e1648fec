//! The server of a case, and the programs that it runs.

use std::env;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use zk_client::Client;
use zk_server_lite::{FourLetterWords, Server};
use zk_test_kit::run::{Keeper, Settings, find};
use zk_test_kit::server::Backend;

use crate::installed::{Foreign, Installed, JVM_FLAGS};
use crate::program::Program;

/// What one foreign client shows.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: fn(Stage) -> Running,
    needs: Needs,
}

pub(crate) type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Which server can do it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    AnyServer,
    /// Only ours has switches for faults.
    Embedded,
}

/// Lists functions as cases: the first list for any server, the second for the embedded one.
macro_rules! cases {
    (any: [$($any:ident),* $(,)?], embedded: [$($embedded:ident),* $(,)?] $(,)?) => {
        pub(crate) fn cases() -> Vec<$crate::stage::Case> {
            use $crate::stage::{Case, Needs};
            vec![
                $( Case::new(stringify!($any), Needs::AnyServer, |stage| Box::pin($any(stage))), )*
                $( Case::new(stringify!($embedded), Needs::Embedded, |stage| {
                    Box::pin($embedded(stage))
                }), )*
            ]
        }
    };
}
pub(crate) use cases;

impl Case {
    pub(crate) fn new(name: &'static str, needs: Needs, run: fn(Stage) -> Running) -> Self {
        Self { name, run, needs }
    }

    pub(crate) fn runs_on(&self, servers: &Servers) -> bool {
        self.needs == Needs::AnyServer || *servers == Servers::Embedded
    }
}

/// Where the servers of the cases come from.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Servers {
    /// Each case starts its own.
    Embedded,
    /// All use the one that listens there.
    Address(String),
}

impl Servers {
    /// What `ZK_TEST_SERVER` names, or nothing if that does not answer; and what has to be kept as
    /// long as it is used.
    pub(crate) fn wanted() -> (Option<Self>, Option<Keeper>) {
        let wanted = env::var("ZK_TEST_SERVER").unwrap_or_default();
        if wanted != "container" && !wanted.contains(':') {
            return (Some(Self::Embedded), None);
        }
        let (backend, keeper) = find(&wanted, SETTINGS);
        let servers = backend.map(|backend| match backend {
            Backend::Address(address) => Self::Address(address.to_string()),
            Backend::Memory | Backend::Tcp => Self::Embedded,
        });
        (servers, Some(keeper))
    }
}

/// A server, and where the clients of the case are.
pub(crate) struct Stage {
    server: Option<Server>,
    address: String,
    installed: Installed,
}

impl Stage {
    pub(crate) async fn set(servers: &Servers, installed: Installed) -> Self {
        let (server, address) = match servers {
            Servers::Embedded => {
                let builder = Server::builder().tick_time(TICK).extended_types(true);
                let words = FourLetterWords::ALL;
                let server = builder.four_letter_words(words).start().await.unwrap();
                let address = server.connect_string();
                (Some(server), address)
            }
            Servers::Address(address) => (None, address.clone()),
        };
        Self { server, address, installed }
    }

    /// The embedded server.
    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// A client of ours.
    pub(crate) async fn ours(&self) -> Client {
        Client::connect(&*self.address).await.unwrap()
    }

    /// Starts a script of `kazoo/`.
    pub(crate) fn kazoo(&self, script: &str) -> Program {
        self.kazoo_on(script, "")
    }

    /// Starts a script of `kazoo/` that is told which node to work on.
    pub(crate) fn kazoo_on(&self, script: &str, path: &str) -> Program {
        self.kazoo_with(script, &[&self.address, path])
    }

    /// Starts a script of `kazoo/` with these arguments, the first of which is the server.
    pub(crate) fn kazoo_with(&self, script: &str, arguments: &[&str]) -> Program {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("foreign/kazoo");
        let mut command = self.installed.command(Foreign::Kazoo);
        command.args(["-B", "-u"]).arg(folder.join(script)).args(arguments);
        Program::start(script.to_owned(), command)
    }

    /// Starts the shell of the Java client, and waits until it is connected.
    pub(crate) async fn zk_cli(&self) -> Program {
        let mut command = self.installed.command(Foreign::ZkCli);
        command.env("JVMFLAGS", JVM_FLAGS).args(["-server", &self.address]);
        let mut shell = Program::start("zkCli.sh".to_owned(), command);
        shell.expect("WatchedEvent state:SyncConnected type:None path:null").await;
        shell
    }

    /// Starts the shell of the C client, and waits until it is connected.
    pub(crate) async fn cli_mt(&self) -> Program {
        let mut command = self.installed.command(Foreign::CliMt);
        command.arg(&self.address);
        let mut shell = Program::start("cli_mt".to_owned(), command);
        shell.expect("Got a new session id").await;
        shell
    }

    /// Starts a theme of `c/client.c`.
    pub(crate) fn c(&self, theme: &str) -> Program {
        let mut command = self.installed.command(Foreign::C);
        command.args([&self.address, theme]);
        Program::start(format!("client.c {theme}"), command)
    }

    /// Starts a part of the program in `java/` with these arguments behind the server.
    pub(crate) fn curator(&self, part: &str, arguments: &[&str]) -> Program {
        let mut command = self.installed.command(Foreign::Curator);
        command.args([part, &self.address]).args(arguments);
        Program::start(format!("java {part}"), command)
    }

    /// Where the server listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

pub(crate) const TICK: Duration = Duration::from_millis(200);
/// Thousands of turns at a lock need no disk that keeps up.
const SETTINGS: Settings = &[("JVMFLAGS", "-Dzookeeper.forceSync=no")];
