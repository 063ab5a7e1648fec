//! Replays the inputs of the fuzzer without one.

use std::fs;
use std::path::{Path, PathBuf};

/// Set to write the seeds of the corpus instead of comparing them.
const WRITE: &str = "ZK_FUZZ_WRITE_CORPUS";

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_input_of_the_corpus_holds() {
    let files = files(&corpus("engine"));
    assert!(files.len() >= 8, "{} inputs", files.len());
    for file in files {
        // Shown when it panics.
        eprintln!("{}", file.display());
        super::engine(&fs::read(file).unwrap());
    }
}

/// What clients have really said, each request in a session of its own and all in one.
#[test]
fn the_corpus_holds_the_captured_requests() {
    let mut all = vec![0, OPEN_AND_CONNECT, 100];
    for file in files(&corpus("request")) {
        let frame = fs::read(&file).unwrap();
        let Ok(length) = u8::try_from(frame.len()) else {
            continue;
        };
        let name = file.file_name().unwrap().to_str().unwrap();
        if !name.starts_with("hand-") {
            if name.contains("then-close") {
                all.extend([OPEN_AND_CONNECT, 100]);
            }
            all.extend([FRAME, length]);
            all.extend(&frame);
        }
    }
    let seeds = [("captured".to_owned(), all)].into_iter().chain(by_hand());
    for (name, input) in seeds {
        let file = corpus("engine").join(name);
        if std::env::var_os(WRITE).is_some() {
            fs::create_dir_all(corpus("engine")).unwrap();
            fs::write(&file, &input).unwrap();
        }
        let stored = fs::read(&file).unwrap_or_default();
        assert_eq!(stored, input, "{}: set {WRITE} to write it", file.display());
    }
}

/// A session, and one request of each kind about each path.
fn by_hand() -> impl Iterator<Item = (String, Vec<u8>)> {
    (0..16_u8).map(|path| {
        let mut input = vec![path, OPEN_AND_CONNECT, 100, OPEN_AND_CONNECT + 1, 40];
        for kind in 0..31 {
            input.extend([REQUEST, kind, path, kind.wrapping_mul(37)]);
            input.extend([REQUEST + 1, kind.wrapping_add(path), path / 2, path.wrapping_mul(29)]);
            if kind % 8 == 0 {
                input.extend([PASS, kind * 4, OPEN_AND_RENEW + 2, 0]);
            }
        }
        (format!("hand-path-{path:02}"), input)
    })
}

const FRAME: u8 = 3 * super::SLOTS_U8;
const OPEN_AND_CONNECT: u8 = 4 * super::SLOTS_U8;
const OPEN_AND_RENEW: u8 = 5 * super::SLOTS_U8;
const PASS: u8 = 6 * super::SLOTS_U8;
const REQUEST: u8 = 9 * super::SLOTS_U8;
