//! `envi`: where the server runs (`Environment.list`).
//!
//! ZooKeeper asks its Java machine. There is none here, so the keys that are about it have the
//! value that Java gives what it does not know.

use std::env;
use std::fmt::Write;
use std::fs;

use super::full_version;

/// What there is to tell, in ZooKeeper's order.
pub(super) fn environment() -> Vec<(&'static str, String)> {
    let unknown = || UNKNOWN.to_owned();
    let variable = |name| env::var(name).unwrap_or_else(|_| unknown());
    let dir = |path: std::io::Result<std::path::PathBuf>| {
        path.map_or_else(|_| unknown(), |path| path.display().to_string())
    };
    let [free, total] = memory().map(|kib| kib.map_or_else(unknown, megabytes));
    vec![
        ("zookeeper.version", full_version()),
        ("host.name", proc("sys/kernel/hostname").unwrap_or_else(unknown)),
        ("java.version", unknown()),
        ("java.vendor", unknown()),
        ("java.home", unknown()),
        ("java.class.path", unknown()),
        ("java.library.path", unknown()),
        ("java.io.tmpdir", env::temp_dir().display().to_string()),
        ("java.compiler", unknown()),
        ("os.name", name(env::consts::OS).to_owned()),
        ("os.arch", name(env::consts::ARCH).to_owned()),
        ("os.version", proc("sys/kernel/osrelease").unwrap_or_else(unknown)),
        ("user.name", variable("USER")),
        ("user.home", variable("HOME")),
        ("user.dir", dir(env::current_dir())),
        ("os.memory.free", free),
        ("os.memory.max", total.clone()),
        ("os.memory.total", total),
    ]
}

pub(super) fn envi(environment: &[(&str, String)]) -> String {
    let mut answer = "Environment:\n".to_owned();
    for (key, value) in environment {
        let _ = writeln!(answer, "{key}={value}");
    }
    answer
}

/// How Java calls a system or a processor.
const fn name(rust: &'static str) -> &'static str {
    match rust.as_bytes() {
        b"linux" => "Linux",
        b"macos" => "Mac OS X",
        b"x86_64" => "amd64",
        _ => rust,
    }
}

/// What the kernel says in a file under `/proc`; nothing where there is none.
fn proc(file: &str) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{file}")).ok()?.trim().to_owned())
}

/// The memory of the machine, free and in all, in KiB: there is no heap of a set size to tell of.
fn memory() -> [Option<u64>; 2] {
    let text = proc("meminfo").unwrap_or_default();
    ["MemFree:", "MemTotal:"].map(|label| meminfo(&text, label))
}

fn meminfo(text: &str, label: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(label))?;
    rest.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn megabytes(kib: u64) -> String {
    format!("{}MB", kib / 1024)
}

/// What Java prints for a property that is not set.
const UNKNOWN: &str = "<NA>";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_a_line_and_none_is_without_a_value() {
        let environment = environment();
        for (key, value) in &environment {
            assert!(!value.contains('\n'), "{key}={value}");
        }
        let answer = envi(&environment);
        assert!(answer.starts_with("Environment:\nzookeeper.version=3.9.3-"), "{answer}");
        assert_eq!(answer.lines().count(), 19);
        assert!(answer.contains("\njava.version=<NA>\n"), "{answer}");
    }

    #[test]
    fn memory_is_told_in_megabytes() {
        let text = "MemTotal:        8153092 kB\nMemFree:          216064 kB\n";
        assert_eq!(meminfo(text, "MemFree:").map(megabytes), Some("211MB".to_owned()));
        assert_eq!(meminfo(text, "SwapFree:"), None);
    }
}
