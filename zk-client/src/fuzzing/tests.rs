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
    let files = files(&corpus("session"));
    assert!(files.len() >= 8, "{} inputs", files.len());
    for file in files {
        // Shown when it panics.
        eprintln!("{}", file.display());
        super::session(&fs::read(file).unwrap());
    }
}

#[test]
fn the_corpus_holds_its_seeds() {
    let moving = ("hand-moving".to_owned(), moving());
    for (name, input) in [("captured".to_owned(), captured()), moving].into_iter().chain(by_hand())
    {
        let file = corpus("session").join(name);
        if std::env::var_os(WRITE).is_some() {
            fs::create_dir_all(corpus("session")).unwrap();
            fs::write(&file, &input).unwrap();
        }
        let stored = fs::read(&file).unwrap_or_default();
        assert_eq!(stored, input, "{}: set {WRITE} to write it", file.display());
    }
}

/// What servers have really said, on connections one after the other.
fn captured() -> Vec<u8> {
    let mut all = vec![0];
    for file in files(&corpus("response")) {
        let frame = fs::read(&file).unwrap();
        // The first byte is the opcode of the request.
        if let Some((_, frame)) = frame.split_first()
            && let Ok(length) = u8::try_from(frame.len())
        {
            all.extend([DISCONNECT, PASS, 200, CONNECT, GRANT, 0, SUBMIT, 0, 1, TAKE]);
            all.extend([FRAME, length]);
            all.extend(frame);
        }
    }
    all
}

/// A session with a bit of everything, answered with each kind of outcome.
fn by_hand() -> impl Iterator<Item = (String, Vec<u8>)> {
    (0..10_u8).map(|kind| {
        let mut input = vec![kind, PASS, 0, CONNECT, GRANT, 0];
        for outcome in [0, 130, 170, 200, 255] {
            input.extend([SUBMIT, kind + 60, 1, SUBMIT, kind, 2, SUBSCRIBE, kind, AUTH, kind]);
            input.extend([TAKE, ANSWER, outcome, 0, EVENT, kind, 1, ANSWER, outcome, 0]);
            input.extend([TAKE, PASS, 90, ANSWER, 0, 0, ANSWER, 0, 0, UNSUBSCRIBE, kind]);
            input.extend([DISCONNECT, SUBMIT, kind, 3, PASS, 100, CONNECT, GRANT, 0, TAKE]);
        }
        input.extend([CLOSE, 0, TAKE, ANSWER, 0, 0]);
        (format!("hand-kind-{kind}"), input)
    })
}

/// Names that are resolved and not, other lists, and sessions that take the place of expired ones.
fn moving() -> Vec<u8> {
    let mut input = vec![32 + 64, PASS, 0];
    for way in [64, 65, 66, 68] {
        for choice in [160, 161, 162, 165] {
            input.extend([RARELY, way, RARELY, way, RARELY, 66, PASS, 3, PASS, 200, CONNECT]);
            input.extend([GRANT, 0, SUBMIT, 0, 1, SUBSCRIBE, way, TAKE, ANSWER, 0, 0]);
            input.extend([RARELY, choice, SUBMIT, 3, 2, PASS, 40, ANSWER, 0, 0, PASS, 1]);
            input.extend([RARELY, 66, RARELY, 66, PASS, 3, CONNECT, GRANT, 4, RARELY, 16]);
            // The timeout of this answer says that the session is over.
            input.extend([DISCONNECT, PASS, 200, RARELY, 65, PASS, 3, CONNECT, TAKE, FRAME, 37]);
            input.extend([0; 37]);
        }
    }
    input.extend([RARELY, 8]);
    input
}

const CONNECT: u8 = 0;
const GRANT: u8 = 1;
const FRAME: u8 = 3;
const SUBMIT: u8 = 4;
const TAKE: u8 = 6;
const ANSWER: u8 = 7;
const EVENT: u8 = 8;
const PASS: u8 = 9;
const DISCONNECT: u8 = 10;
const SUBSCRIBE: u8 = 11;
const UNSUBSCRIBE: u8 = 12;
const AUTH: u8 = 13;
const CLOSE: u8 = 15;
const RARELY: u8 = CLOSE;
