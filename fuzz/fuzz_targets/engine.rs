#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| zk_server_lite::fuzzing::engine(input));
