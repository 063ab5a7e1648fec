//! Fuzz targets for the wire protocol, the server and the client.
//!
//! What is checked of the protocol stands in [`targets`], which knows no fuzzer: `zk-proto/tests/fuzz_corpus.rs`
//! takes the same file and replays `corpus/` with it, on a stable compiler. `README.md` says how
//! to fuzz.
#![forbid(unsafe_code)]

pub mod targets;
