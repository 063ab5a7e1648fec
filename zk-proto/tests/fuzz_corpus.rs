//! Replays the inputs of the fuzzer without one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test may panic"
)]

mod seeds;
#[path = "../../fuzz/src/targets.rs"]
#[expect(unreachable_pub, reason = "the file is part of another crate too")]
mod targets;
mod wire_vectors;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 3] =
    [("frame", targets::frame), ("request", targets::request), ("response", targets::response)];

/// Set to write the corpus instead of comparing it.
const WRITE: &str = "ZK_PROTO_WRITE_CORPUS";

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target)
}

#[test]
fn every_input_of_the_corpus_holds() {
    for (name, target) in TARGETS {
        let files: BTreeSet<_> =
            fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() >= 8, "{name} has {} inputs", files.len());
        for file in files {
            // Shown when the target panics.
            eprintln!("{}", file.display());
            target(&fs::read(file).unwrap());
        }
    }
}

#[test]
fn the_corpus_holds_every_seed() {
    let seeds = seeds::seeds();
    let mut names = BTreeSet::new();
    for seed in &seeds {
        let file = folder(seed.target).join(&seed.name);
        assert!(names.insert(file.clone()), "two seeds at {}", file.display());
        if std::env::var_os(WRITE).is_some() {
            fs::create_dir_all(folder(seed.target)).unwrap();
            fs::write(&file, &seed.input).unwrap();
        }
        let stored = fs::read(&file).unwrap_or_default();
        assert_eq!(stored, seed.input, "{}: set {WRITE} to write it", file.display());
    }
    assert_eq!(seeds.len(), 134);
}
