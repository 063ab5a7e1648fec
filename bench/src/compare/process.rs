//! The other end of a process with one client, and what the kernel counts about it.

use std::env;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::order::{Cost, Order};
use super::worker::Who;
use crate::Failure;
use crate::child::Child;

/// This program in a process of its own, as one client. Ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(program: &Path, who: Who) -> Result<Self, Failure> {
        let mut command = Command::new(program);
        command.arg("compared").args([name(who.client)?, name(who.runtime)?]);
        let mut child = Child::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let process = child.process();
        let orders = process.stdin.take().ok_or("the process has no input")?;
        let answers = process.stdout.take().ok_or("the process has no output")?;
        Ok(Self { child, orders, answers: BufReader::new(answers) })
    }

    /// Has it done, and waits for it; the process itself gives up if it takes too long.
    pub(crate) fn ask(&mut self, order: &Order) -> Result<Cost, Failure> {
        writeln!(self.orders, "{order}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        if line.is_empty() {
            return Err(format!("nobody answers: {order}").into());
        }
        line.trim().parse()
    }

    /// How many system calls it makes for it, as `perf` counts them.
    pub(crate) fn system_calls(&mut self, order: &Order) -> Result<u64, Failure> {
        let mut command = Command::new("perf");
        command.args(["stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p"]);
        command.arg(self.child.id().to_string()).stderr(Stdio::piped());
        let mut perf = Child::spawn(&mut command)?;
        // It does not tell when it has begun.
        #[expect(clippy::disallowed_methods, reason = "no runtime is here to be blocked")]
        thread::sleep(BEGINNING);
        self.ask(order)?;
        kill(Pid::from_raw(perf.id().try_into()?), Signal::SIGINT)?;
        let mut report = String::new();
        let output = perf.process().stderr.take().ok_or("perf has no output")?;
        BufReader::new(output).read_to_string(&mut report)?;
        let counted = report.lines().find(|line| line.contains("sys_enter"));
        let counted = counted.and_then(|line| line.split(',').next()).unwrap_or_default();
        counted.parse().map_err(|_| format!("perf counts nothing: {report}").into())
    }
}

fn name(value: impl ValueEnum) -> Result<String, Failure> {
    Ok(value.to_possible_value().ok_or("a value without a name")?.get_name().to_owned())
}

/// This program.
pub(crate) fn plain() -> Result<PathBuf, Failure> {
    Ok(env::current_exe()?)
}

/// The one that counts allocations, made anew; cargo puts it next to this one.
pub(crate) fn counted() -> Result<PathBuf, Failure> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let made = Command::new(cargo)
        .args(["build", "--release", "-p", "zk-bench", "--features", "peers", "--bin", COUNTED])
        .status()?;
    if !made.success() {
        return Err("the program that counts cannot be built".into());
    }
    Ok(env::current_exe()?.with_file_name(COUNTED))
}

const COUNTED: &str = "zk-bench-counted";
/// Within this time `perf` looks on.
const BEGINNING: Duration = Duration::from_millis(300);
