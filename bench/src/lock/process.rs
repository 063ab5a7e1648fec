//! The other end of a process with contenders.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use super::counters::Counters;
use super::tables::Figures;
use super::work::Order;
use crate::Failure;
use crate::child::Child;

/// Whose lock it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Ours,
    /// `InterProcessMutex`
    Curator,
}

impl Subject {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "zk-recipes",
            Self::Curator => "Curator",
        }
    }
}

/// A process that contends when it is told. Ends when this is dropped.
#[derive(Debug)]
pub(super) struct Contenders {
    pub(super) subject: Subject,
    _child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Contenders {
    pub(super) fn start(subject: Subject, address: &str) -> Result<Self, Failure> {
        let mut command = match subject {
            Subject::Ours => {
                let mut command = Command::new(env::current_exe()?);
                command.args(["lock-work", address]);
                command
            }
            Subject::Curator => {
                if !Path::new(JAVA_ARGUMENTS).exists() {
                    return Err("Curator is not there: see tests/foreign/install.sh".into());
                }
                let mut command = Command::new("java");
                command.arg(format!("@{JAVA_ARGUMENTS}")).args(["Main", "measure", address]);
                command
            }
        };
        let mut child = Child::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let process = child.process();
        let orders = process.stdin.take().ok_or("the process has no input")?;
        let answers = process.stdout.take().ok_or("the process has no output")?;
        Ok(Self { subject, _child: child, orders, answers: BufReader::new(answers) })
    }

    /// Has it done, and reads the server's counters before and after.
    pub(super) fn measure(
        &mut self,
        order: &Order,
        counters: impl Fn() -> Result<Counters, Failure>,
    ) -> Result<Figures, Failure> {
        self.tell(&order.to_string())?;
        self.expect("standing")?;
        let before = counters()?;
        self.tell("go")?;
        let answer = self.answer()?;
        let server = counters()?.since(before);
        self.tell("on")?;
        self.expect("finished")?;

        let numbers = answer.split(' ').map(str::parse).collect::<Result<Vec<u64>, _>>();
        let numbers = numbers.map_err(|_| format!("{}: {answer}", self.subject.name()))?;
        let [cpu, took, median, slow] =
            <[u64; 4]>::try_from(numbers).map_err(|_| format!("not four numbers: {answer}"))?;
        let [cpu, took, median, slow] = [cpu, took, median, slow].map(Duration::from_nanos);
        Ok(Figures { turns: order.handovers, cpu, took, median, slow, server })
    }

    fn tell(&mut self, line: &str) -> Result<(), Failure> {
        Ok(writeln!(self.orders, "{line}")?)
    }

    fn expect(&mut self, wanted: &str) -> Result<(), Failure> {
        let line = self.answer()?;
        if line == wanted {
            return Ok(());
        }
        Err(format!("{} says {line:?}, not {wanted:?}", self.subject.name()).into())
    }

    fn answer(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

/// Where `tests/foreign/install.sh` says how Curator's program is started.
const JAVA_ARGUMENTS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../target/foreign/java/arguments");
