//! The program as it is started from a shell.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

fn start(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_zk-server-lite"))
        .args(arguments)
        .env_remove("RUST_LOG")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A server that runs until it is dropped.
struct Running {
    child: Child,
    log: BufReader<ChildStderr>,
    /// What it said before it listened.
    before: String,
    address: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = start(arguments);
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut server = Self { child, log, before: String::new(), address: String::new() };
        while server.address.is_empty() {
            let mut line = String::new();
            assert!(server.log.read_line(&mut line).unwrap() > 0, "it ended: {}", server.before);
            match line.split_once("listening address=") {
                Some((_, address)) => server.address = address.trim().replace('"', ""),
                None => server.before.push_str(&line),
            }
        }
        server
    }

    fn ask(&self, word: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(word.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file of settings that is gone when it is dropped.
struct ConfigFile(PathBuf);

impl ConfigFile {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("{}-{name}.cfg", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for ConfigFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What it says when it does not start.
fn fail(arguments: &[&str]) -> String {
    let Output { status, stderr, .. } = start(arguments).wait_with_output().unwrap();
    let errors = String::from_utf8(stderr).unwrap();
    assert!(!status.success(), "{errors}");
    errors
}

#[test]
fn it_says_where_it_listens_answers_and_ends_cleanly_when_told_to() {
    for signal in ["-TERM", "-INT"] {
        let mut server = Running::start(&["--listen", "127.0.0.1:0", "--tick-time", "500"]);
        assert!(server.ask("srvr").contains("Mode: standalone"));
        assert!(server.ask("ruok").contains("not in the whitelist"));
        Command::new("kill").args([signal, &server.child.id().to_string()]).status().unwrap();
        assert!(server.child.wait().unwrap().success(), "{signal}");
        let mut rest = String::new();
        server.log.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("shutting down"), "{rest}");
    }
}

#[test]
fn an_address_that_cannot_be_had_is_named_and_ends_it_with_a_failure() {
    // 192.0.2.0/24 is set aside for documentation; no machine has it.
    let errors = fail(&["--listen", "192.0.2.1:2181"]);
    assert!(errors.contains("192.0.2.1:2181"), "{errors}");
}

#[test]
fn a_usual_zoo_cfg_is_taken_and_what_has_no_effect_is_warned_of() {
    let file = ConfigFile::new(
        "usual",
        "# The number of milliseconds of each tick\ntickTime=2000\ninitLimit=10\nsyncLimit=5\n\
         dataDir=/var/lib/zookeeper\nclientPort=0\nmaxClientCnxns=7\n\
         4lw.commands.whitelist=conf, mntr\nautopurge.purgeInterval=1\n",
    );
    let server = Running::start(&["--config", file.path()]);
    let conf = server.ask("conf");
    for line in ["tickTime=2000", "maxClientCnxns=7", "minSessionTimeout=4000"] {
        assert!(conf.lines().any(|found| found == line), "{line} in {conf}");
    }
    assert!(server.ask("ruok").contains("not in the whitelist"));
    for key in ["initLimit", "syncLimit", "dataDir", "autopurge.purgeInterval"] {
        assert!(server.before.contains(key), "{key} in {}", server.before);
    }
    assert!(!server.before.contains("tickTime"), "{}", server.before);
}

#[test]
fn a_flag_wins_over_the_file_in_either_spelling() {
    let file = ConfigFile::new("flags", "clientPort=1\ntickTime=2000\nmaxSessionTimeout=50000\n");
    let arguments = ["--config", file.path(), "--clientPort=0", "--tick-time", "300"];
    let words = ["--4lw-commands-whitelist", "*"];
    let server = Running::start(&[&arguments[..], &words].concat());
    let conf = server.ask("conf");
    for line in ["tickTime=300", "maxSessionTimeout=50000", "maxClientCnxns=60"] {
        assert!(conf.lines().any(|found| found == line), "{line} in {conf}");
    }
    assert!(!conf.contains("clientPort=1\n"), "{conf}");
}

#[test]
fn a_file_that_is_wrong_is_named_with_line_and_key_and_ends_it_with_a_failure() {
    // With TLS built in, this line is a good one.
    let without_tls = ("tls", "\nsecureClientPort=2182\n", "line 2: secureClientPort asks for TLS");
    let wrong = [
        ("unknown", "tickTime=2000\ntickTme=2000\n", "line 2: unknown key \"tickTme\""),
        ("bad", "tickTime=fast\n", "line 1: tickTime=\"fast\": expected milliseconds"),
        ("ensemble", "server.1=a:2888:3888\n", "line 1: server.1 asks for an ensemble"),
    ];
    let without_tls = [without_tls].into_iter().filter(|_| cfg!(not(feature = "tls")));
    for (name, text, named) in wrong.into_iter().chain(without_tls) {
        let file = ConfigFile::new(name, text);
        let errors = fail(&["--config", file.path()]);
        assert!(errors.contains(named), "{named} in {errors}");
        assert!(errors.contains(file.path()), "{errors}");
    }
}

#[test]
fn a_flag_that_is_wrong_is_named_and_ends_it_with_a_failure() {
    for (arguments, named) in [
        (&["--tick-time", "0"][..], "--tick-time: tickTime=\"0\": expected milliseconds, 1"),
        (&["--jute.maxbuffer", "much"], "--jute-maxbuffer: jute.maxbuffer=\"much\""),
        (&["--4lw-commands-whitelist", "help"], "expected four letter words"),
        (&["--min-session-timeout", "9", "--max-session-timeout", "8"], "above the longest"),
        (&["--config", "/no/such/file"], "/no/such/file"),
        (&["--no-such-flag"], "--no-such-flag"),
        (&["--listen", "127.0.0.1:0", "--client-port", "0"], "cannot be used with"),
    ] {
        let errors = fail(arguments);
        assert!(errors.contains(named), "{named} in {errors}");
    }
}

#[test]
fn the_help_tells_of_every_key() {
    let output = start(&["--help"]).wait_with_output().unwrap();
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for key in [
        "clientPort",
        "clientPortAddress",
        "tickTime",
        "minSessionTimeout",
        "maxSessionTimeout",
        "maxClientCnxns",
        "4lw.commands.whitelist",
        "jute.maxbuffer",
        "extendedTypesEnabled",
        "znode.container.checkIntervalMs",
        "--config",
        "--listen",
    ] {
        assert!(help.contains(key), "{key} in {help}");
    }
}
