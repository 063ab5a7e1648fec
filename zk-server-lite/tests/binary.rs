//! The program as it is started from a shell.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

fn start(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_zk-server-lite"))
        .args(arguments)
        .env_remove("RUST_LOG")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn it_says_where_it_listens_answers_and_ends_cleanly_when_told_to() {
    for signal in ["-TERM", "-INT"] {
        let mut server = start(&["--listen", "127.0.0.1:0", "--tick-time", "500"]);
        let mut log = BufReader::new(server.stderr.take().unwrap());
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        let address = line.split('"').nth(1).unwrap();

        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"ruok").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "imok");

        Command::new("kill").args([signal, &server.id().to_string()]).status().unwrap();
        assert!(server.wait().unwrap().success(), "{signal}");
    }
}

#[test]
fn an_address_that_cannot_be_had_is_named_and_ends_it_with_a_failure() {
    // 192.0.2.0/24 is set aside for documentation; no machine has it.
    let output = start(&["--listen", "192.0.2.1:2181"]).wait_with_output().unwrap();
    assert!(!output.status.success());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("192.0.2.1:2181"), "{errors}");
}
