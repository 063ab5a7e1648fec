//! The floors of the architecture: what a folder must not know.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

/// A pure folder takes time, chance and bytes as arguments.
const PURE: [&str; 4] = [
    "zk-proto/src",
    "zk-client/src/session",
    "zk-server-lite/src/core",
    "zk-server-lite/src/engine",
];

const FORBIDDEN: [&str; 7] = [
    "tokio::",
    "std::net",
    "std::fs",
    "std::thread",
    "Instant::now",
    "SystemTime",
    "fastrand::u", // a generator with a seed is fine, the global one is not
];

#[test]
fn pure_folders_know_no_clock_no_socket_no_runtime_and_no_chance() {
    for folder in PURE {
        let sources = sources(folder);
        assert!(!sources.is_empty(), "{folder} holds no source");
        for source in sources {
            for (number, line) in code(&source).enumerate() {
                for word in FORBIDDEN {
                    let allowed = is_allowed(&source, word);
                    assert!(
                        allowed || !line.contains(word),
                        "{}:{}: {word} in a pure folder: {line}",
                        source.display(),
                        number + 1
                    );
                }
            }
        }
    }
}

#[test]
fn client_and_server_do_not_know_each_other() {
    for (one, other) in [("zk-client", "zk_server"), ("zk-server-lite", "zk_client")] {
        for source in sources(&format!("{one}/src")) {
            let known = code(&source).any(|line| line.contains(other));
            assert!(!known, "{} knows {other}", source.display());
        }
    }
}

#[test]
fn recipes_know_the_client_only() {
    for source in sources("zk-recipes/src") {
        let known =
            code(&source).any(|line| line.contains("zk_proto") || line.contains("zk_server"));
        assert!(!known, "{} knows more than zk-client", source.display());
    }
}

/// The compiler refuses it where a crate takes the lints of the workspace.
#[test]
fn no_crate_may_have_unsafe_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let manifest = |folder: &str| fs::read_to_string(root.join(folder).join("Cargo.toml")).unwrap();
    let workspace = manifest(".");
    assert!(workspace.contains("[workspace.lints.rust]\nunsafe_code = \"forbid\"\n"));
    for folder in ["zk-proto", "zk-client", "zk-recipes", "zk-server-lite"] {
        let taken = manifest(folder).contains("[lints]\nworkspace = true\n");
        assert!(taken, "{folder} has lints of its own");
    }
}

/// The frame codec is tokio-util's trait, which has no runtime in it.
fn is_allowed(source: &Path, word: &str) -> bool {
    word == "tokio::" && source.ends_with("zk-proto/src/frame.rs")
}

/// The lines of a file up to its tests, comments blanked.
fn code(source: &Path) -> impl Iterator<Item = String> + use<> {
    let text = fs::read_to_string(source).unwrap();
    let lines: Vec<_> = text
        .lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .map(|line| line.split("//").next().unwrap().to_owned())
        .collect();
    lines.into_iter()
}

fn sources(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders = vec![root.join(folder)];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("tests") {
                // Tests in a folder of their own may take an instant from a clock.
            } else if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(path);
            }
        }
    }
    sources.sort();
    sources
}
