//! Size of the server's binary, and memory and threads of the idle server.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tokio::runtime::Builder;
use zk_client::Client;

use crate::child::Child;
use crate::{Failure, memory};

pub(crate) fn run(server: Option<PathBuf>) -> Result<(), Failure> {
    let server = server.map_or_else(build, Ok)?;
    println!("{}", server.display());
    println!("size            : {} KiB", kib(fs::metadata(&server)?.len()));
    match stripped(&server) {
        Ok(size) => println!("size, stripped  : {} KiB", kib(size)),
        Err(error) => println!("size, stripped  : unknown ({error})"),
    }
    let (child, address) = listen(&server)?;
    visit(&address)?;
    let idle = memory::of(child.id())?;
    println!("memory, idle    : {} KiB, {} of them its own", idle.resident, idle.anonymous);
    println!("threads         : {}", idle.threads);
    Ok(())
}

/// Makes the binary anew; cargo puts it next to this one.
fn build() -> Result<PathBuf, Failure> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built =
        Command::new(cargo).args(["build", "--release", "-p", "zk-server-lite"]).status()?;
    if !built.success() {
        return Err("the server cannot be built".into());
    }
    Ok(env::current_exe()?.with_file_name("zk-server-lite"))
}

/// The size without symbols.
fn stripped(server: &Path) -> Result<u64, Failure> {
    let target = env::temp_dir().join(format!("zk-server-lite-{}", std::process::id()));
    let status = Command::new("strip").arg("-o").arg(&target).arg(server).status()?;
    if !status.success() {
        return Err("strip failed".into());
    }
    let size = fs::metadata(&target)?.len();
    fs::remove_file(target)?;
    Ok(size)
}

/// Starts the server; its log tells where it listens.
fn listen(server: &Path) -> Result<(Child, String), Failure> {
    let mut command = Command::new(server);
    command.args(["--listen", "127.0.0.1:0"]).env("RUST_LOG", "info").stderr(Stdio::piped());
    let mut child = Child::spawn(&mut command)?;
    let log = child.process().stderr.take().ok_or("the server has no log")?;
    for line in BufReader::new(log).lines() {
        if let Some((_, port)) = line?.split_once("127.0.0.1:") {
            let port: String = port.chars().take_while(char::is_ascii_digit).collect();
            return Ok((child, format!("127.0.0.1:{port}")));
        }
    }
    Err("the server did not say where it listens".into())
}

/// One client comes and goes.
fn visit(address: &str) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::connect(address).await?;
        client.exists("/").await?;
        Ok(client.close().await?)
    })
}

const fn kib(bytes: u64) -> u64 {
    bytes.div_ceil(1024)
}
