//! Which foreign clients there are on this machine.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// A client that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// Python.
    Kazoo,
    /// The shell of the Java client.
    ZkCli,
    /// The shell of the C client.
    CliMt,
    /// A program of ours over the C library.
    C,
    /// A program of ours over the recipes of Java.
    Curator,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kazoo => "kazoo",
            Self::ZkCli => "zkCli.sh",
            Self::CliMt => "cli_mt",
            Self::C => "libzookeeper-mt",
            Self::Curator => "curator",
        })
    }
}

/// Where each one is, or why it is not there.
#[derive(Clone, Debug)]
pub(crate) struct Installed {
    python: Result<PathBuf, String>,
    zk_cli: Result<PathBuf, String>,
    cli_mt: Result<PathBuf, String>,
    c_library: Result<(), String>,
    curator: Result<PathBuf, String>,
}

impl Installed {
    pub(crate) fn look() -> Self {
        Self {
            python: python(),
            zk_cli: file(&ZK_CLI).and_then(|path| runs(&path, "java", &["-version"])),
            cli_mt: file(&CLI_MT),
            c_library: file(&[C_HEADER]).and_then(|_| runs(&(), "cc", &["--version"])),
            curator: java_program(),
        }
    }

    /// Why it cannot be run, if so.
    pub(crate) fn missing(&self, client: Foreign) -> Option<&str> {
        let reason = match client {
            Foreign::Kazoo => self.python.as_ref().err(),
            Foreign::ZkCli => self.zk_cli.as_ref().err(),
            Foreign::CliMt => self.cli_mt.as_ref().err(),
            Foreign::C => self.c_library.as_ref().err(),
            Foreign::Curator => self.curator.as_ref().err(),
        };
        reason.map(String::as_str)
    }

    /// What starts it; a script or a theme, and where to connect to, are to follow.
    pub(crate) fn command(&self, client: Foreign) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(match client {
            Foreign::Kazoo => self.python.clone().unwrap(),
            Foreign::ZkCli => self.zk_cli.clone().unwrap(),
            Foreign::CliMt => self.cli_mt.clone().unwrap(),
            Foreign::C => compiled().to_owned(),
            Foreign::Curator => PathBuf::from("java"),
        });
        if client == Foreign::Curator {
            let arguments = self.curator.as_ref().unwrap();
            command.args(JVM_FLAGS.split(' ')).arg(format!("@{}", arguments.display())).arg("Main");
        }
        command
    }
}

/// A Python that knows kazoo and its SASL: the one of `install.sh`, or the system's.
fn python() -> Result<PathBuf, String> {
    let ours = Path::new(FOLDER).join("bin/python");
    let candidates = [ours, PathBuf::from("python3")];
    let knows_kazoo =
        |python: &PathBuf| runs(&(), python, &["-c", "import kazoo, puresasl"]).is_ok();
    let found = candidates.into_iter().find(knows_kazoo);
    found.ok_or_else(|| "no python3 that can import kazoo and puresasl".to_owned())
}

/// The file of arguments with which java finds the program of `java/`, if `install.sh` has compiled it as it
/// is now.
fn java_program() -> Result<PathBuf, String> {
    let arguments = Path::new(FOLDER).join("java/arguments");
    let modified = |path: &Path| path.metadata().and_then(|metadata| metadata.modified());
    let made = modified(&arguments).map_err(|_| "no target/foreign/java".to_owned())?;
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("foreign/java");
    for source in sources.read_dir().unwrap() {
        let source = source.unwrap().path();
        if modified(&source).unwrap() > made {
            return Err(format!("{} is newer than what is compiled", source.display()));
        }
    }
    runs(&arguments, "java", &["-version"])
}

fn file(candidates: &[&str]) -> Result<PathBuf, String> {
    let found = candidates.iter().map(PathBuf::from).find(|path| path.exists());
    found.ok_or_else(|| format!("no {}", candidates.join(", no ")))
}

/// The value, if the program can be run and says yes.
fn runs<T: Clone>(
    value: &T,
    program: impl AsRef<std::ffi::OsStr>,
    arguments: &[&str],
) -> Result<T, String> {
    let mut command = Command::new(program.as_ref());
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(value.clone()),
        Ok(status) => Err(format!("{}: {status}", program.as_ref().display())),
        Err(error) => Err(format!("{}: {error}", program.as_ref().display())),
    }
}

/// The C program, compiled once in a run.
fn compiled() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let fresh = folder.join(format!("foreign-c-{}", std::process::id()));
        let program = folder.join("foreign-c");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("foreign/c/client.c");
        let output = Command::new("cc")
            .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-DTHREADED", "-D_GNU_SOURCE", "-o"])
            .args([&fresh, &source])
            .arg("-lzookeeper_mt")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // Another run may be using the last one.
        std::fs::rename(&fresh, &program).unwrap();
        program
    })
}

/// What `install.sh` makes.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/foreign");
/// A program of a few seconds needs no optimizing compiler and no parallel collector.
pub(crate) const JVM_FLAGS: &str = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx128m";
/// Debian's, and where an unpacked release may have been put.
const ZK_CLI: [&str; 2] = ["/usr/share/zookeeper/bin/zkCli.sh", "/opt/zookeeper/bin/zkCli.sh"];
const CLI_MT: [&str; 1] = ["/usr/lib/zookeeper/bin/cli_mt"];
const C_HEADER: &str = "/usr/include/zookeeper/zookeeper.h";
