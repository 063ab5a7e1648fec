//! A program of somebody else at work: lines in, lines out.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

/// A program that runs, and all that it has printed. Dropped, it is killed with its children.
pub(crate) struct Program {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<Receiver>>,
    transcript: Vec<String>,
    /// How much of the transcript has been asked for.
    read: usize,
}

impl Program {
    pub(crate) fn start(name: String, mut command: Command) -> Self {
        // One pipe for both streams, so that their lines stay in order.
        let (reader, writer) = std::io::pipe().unwrap();
        command
            .stdin(Stdio::piped())
            .stdout(writer.try_clone().unwrap())
            .stderr(writer)
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        // The command keeps the pipe's other end open until it is dropped.
        drop(command);
        let input = child.stdin.take();
        let output = Receiver::from_owned_fd(reader.into()).unwrap();
        let output = BufReader::new(output).lines();
        Self { name, child, input, output, transcript: Vec::new(), read: 0 }
    }

    /// Types a line.
    pub(crate) async fn say(&mut self, line: &str) {
        self.transcript.push(format!("> {line}"));
        self.read = self.transcript.len();
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Waits for a line that contains this, and passes over those before.
    pub(crate) async fn expect(&mut self, fragment: &str) -> String {
        self.expect_that(fragment, |line| line.contains(fragment)).await
    }

    /// Waits for the very line.
    pub(crate) async fn expect_line(&mut self, wanted: &str) {
        self.expect_that(wanted, |line| line == wanted).await;
    }

    async fn expect_that(&mut self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        loop {
            while let Some(line) = self.transcript.get(self.read) {
                self.read += 1;
                if is_it(line) {
                    return line.clone();
                }
            }
            self.next_line(what).await;
        }
    }

    /// Types a line, and waits for lines that contain these, in this order.
    pub(crate) async fn ask(&mut self, line: &str, answers: &[&str]) {
        self.say(line).await;
        for answer in answers {
            self.expect(answer).await;
        }
    }

    /// Types a line, and waits for lines that contain these, in any order: an event and a reply
    /// are often printed by two threads.
    pub(crate) async fn ask_all(&mut self, line: &str, answers: &[&str]) {
        self.say(line).await;
        let from = self.read;
        let mut last = from;
        for answer in answers {
            self.read = from;
            self.expect(answer).await;
            last = last.max(self.read);
        }
        self.read = last;
    }

    /// Waits for the end. The lines since the last one that was waited for must be these.
    pub(crate) async fn expect_rest(&mut self, lines: &[&str]) {
        drop(self.input.take());
        while self.line("the end").await {}
        assert!(self.transcript[self.read..] == *lines, "other lines than {lines:#?}\n{self}");
        let status = timeout(PATIENCE, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("no end\n{self}")).unwrap();
        assert!(status.success(), "{status}\n{self}");
    }

    /// Waits for the end, whatever is printed until then.
    pub(crate) async fn expect_end(&mut self) {
        drop(self.input.take());
        while self.line("the end").await {}
        let status = timeout(PATIENCE, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("no end\n{self}")).unwrap();
        assert!(status.success(), "{status}\n{self}");
    }

    /// All that was printed and typed.
    pub(crate) fn transcript(&self) -> &[String] {
        &self.transcript
    }

    async fn next_line(&mut self, wanted: &str) {
        assert!(self.line(wanted).await, "over without: {wanted}\n{self}");
    }

    /// Reads one more line; false at the end.
    async fn line(&mut self, wanted: &str) -> bool {
        match timeout(PATIENCE, self.output.next_line()).await {
            Ok(line) => {
                let line = line.unwrap();
                let more = line.is_some();
                self.transcript.extend(line);
                more
            }
            Err(_) => panic!("stuck before: {wanted}\n{self}"),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // A script has children that its own end would not end. An id is given once its status
        // was taken: then there is nobody left to kill.
        if let Some(id) = self.child.id() {
            let group = Pid::from_raw(id.try_into().unwrap());
            let _gone = killpg(group, Signal::SIGKILL);
        }
    }
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "--- {}", self.name)?;
        for line in &self.transcript {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "---")
    }
}

/// How long a program may take for a line.
const PATIENCE: Duration = Duration::from_secs(30);
