//! The server of a case, and the programs that it runs.

use std::env;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use tokio::process::Command;
use zk_client::Client;
use zk_server_lite::{FourLetterWords, Server};

use crate::installed::{Foreign, Installed};
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
    pub(crate) fn wanted() -> Self {
        match env::var("ZK_TEST_SERVER") {
            Ok(address) if address.contains(':') => Self::Address(address),
            _ => Self::Embedded,
        }
    }
}

/// A server, and where the client of the case is.
pub(crate) struct Stage {
    server: Option<Server>,
    address: String,
    client: Foreign,
    installed: Installed,
}

impl Stage {
    pub(crate) async fn set(servers: &Servers, client: Foreign, installed: Installed) -> Self {
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
        Self { server, address, client, installed }
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
        let mut command = self.command();
        command.args(["-B", "-u"]).arg(folder.join(script)).args(arguments);
        Program::start(script.to_owned(), command)
    }

    /// Starts the shell of the Java client, and waits until it is connected.
    pub(crate) async fn zk_cli(&self) -> Program {
        let mut command = self.command();
        command.env("JVMFLAGS", JVM_FLAGS).args(["-server", &self.address]);
        let mut shell = Program::start("zkCli.sh".to_owned(), command);
        shell.expect("WatchedEvent state:SyncConnected type:None path:null").await;
        shell
    }

    /// Starts the shell of the C client, and waits until it is connected.
    pub(crate) async fn cli_mt(&self) -> Program {
        let mut command = self.command();
        command.arg(&self.address);
        let mut shell = Program::start("cli_mt".to_owned(), command);
        shell.expect("Got a new session id").await;
        shell
    }

    /// Starts a theme of `c/client.c`.
    pub(crate) fn c(&self, theme: &str) -> Program {
        let mut command = self.command();
        command.args([&self.address, theme]);
        Program::start(format!("client.c {theme}"), command)
    }

    fn command(&self) -> Command {
        Command::new(self.installed.program(self.client))
    }
}

pub(crate) const TICK: Duration = Duration::from_millis(200);

/// A shell of a few seconds needs no optimizing compiler and no parallel collector.
const JVM_FLAGS: &str = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx128m";
