//! A server in a process of its own, so that what it costs is not counted as the client's.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{self, Command, Stdio};
use std::{env, thread};

use clap::ValueEnum;
use tokio::runtime::{Builder, Runtime};
use zk_server_lite::Server;

use crate::{Failure, canned};

/// A process that is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Child(process::Child);

impl Child {
    pub(crate) fn spawn(command: &mut Command) -> Result<Self, Failure> {
        Ok(Self(command.spawn()?))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) const fn process(&mut self) -> &mut process::Child {
        &mut self.0
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What this program can be in a process of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ServerKind {
    /// zk-server-lite
    #[default]
    Lite,
    /// A server with canned replies
    Canned,
}

/// This program as zk-server-lite, and the address it listens on.
pub(crate) fn server() -> Result<(Child, String), Failure> {
    spawn(Command::new(env::current_exe()?).arg("serve"))
}

/// This program as a server whose nodes all have `data` bytes, and the address it listens on.
pub(crate) fn canned(data: usize) -> Result<(Child, String), Failure> {
    spawn(Command::new(env::current_exe()?).args(["canned", "--data", &data.to_string()]))
}

fn spawn(command: &mut Command) -> Result<(Child, String), Failure> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = Child::spawn(command)?;
    let output = child.process().stdout.take().ok_or("the server has no output")?;
    let mut address = String::new();
    BufReader::new(output).read_line(&mut address)?;
    let address = address.trim().to_owned();
    if address.is_empty() {
        return Err("the server did not start".into());
    }
    Ok((child, address))
}

/// Is that server. Ends with its parent, however that ends: the pipe to its input breaks.
pub(crate) fn serve() -> Result<(), Failure> {
    // As the program `zk-server-lite` does.
    let runtime = Runtime::new()?;
    let server = runtime.block_on(Server::builder().start())?;
    println!("{}", server.connect_string());
    wait_for_end()?;
    runtime.block_on(server.shutdown());
    Ok(())
}

/// Is the server with canned replies. Ends when its input does.
pub(crate) fn serve_canned(address: SocketAddr, data: usize) -> Result<(), Failure> {
    thread::spawn(|| {
        // Whatever happened to the input: nobody is there any more.
        let _ = wait_for_end();
        process::exit(0);
    });
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(canned::listen(address, data))
}

fn wait_for_end() -> io::Result<u64> {
    io::copy(&mut io::stdin(), &mut io::sink())
}
