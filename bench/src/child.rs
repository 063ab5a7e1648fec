//! A server in a process of its own, so that what it costs is not counted as the client's.

use std::env;
use std::io::{BufRead, BufReader, Read, stdin};
use std::process::{self, Command, Stdio};

use tokio::runtime::Runtime;
use zk_server_lite::Server;

use crate::Failure;

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

/// This program as a server, and the address it listens on.
pub(crate) fn server() -> Result<(Child, String), Failure> {
    let mut command = Command::new(env::current_exe()?);
    command.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = Child::spawn(&mut command)?;
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
    stdin().read_to_end(&mut Vec::new())?;
    runtime.block_on(server.shutdown());
    Ok(())
}
