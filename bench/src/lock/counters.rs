//! What a server has counted.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::{Failure, cpu};

/// So far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    /// Requests that came in, pings among them.
    pub(super) received: u64,
    /// Replies and events that went out.
    pub(super) sent: u64,
    /// Nought where its process is not known.
    pub(super) cpu: Duration,
}

impl Counters {
    /// As the server tells by the four letter word `srvr`.
    pub(super) fn now(address: &str, process: Option<u32>) -> Result<Self, Failure> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"srvr")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        // The server may have hung up first.
        let _ = stream.shutdown(Shutdown::Both);
        let cpu = process.map_or(Ok(Duration::ZERO), cpu::of)?;
        Self::read(&answer, cpu).ok_or_else(|| format!("srvr tells nothing: {answer}").into())
    }

    fn read(answer: &str, cpu: Duration) -> Option<Self> {
        let number = |name: &str| {
            let line = answer.lines().find_map(|line| line.strip_prefix(name));
            line?.trim().parse().ok()
        };
        Some(Self { received: number("Received:")?, sent: number("Sent:")?, cpu })
    }

    pub(super) const fn since(self, before: Self) -> Self {
        Self {
            received: self.received.saturating_sub(before.received),
            sent: self.sent.saturating_sub(before.sent),
            cpu: self.cpu.saturating_sub(before.cpu),
        }
    }

    /// Whatever was sent without being asked for.
    pub(super) const fn events(self) -> u64 {
        self.sent.saturating_sub(self.received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counters_are_read_from_what_a_server_tells() {
        let answer = "Zookeeper version: 3.9.3\nLatency min/avg/max: 0/0.0/0\nReceived: 12\n\
                      Sent: 15\nConnections: 1\n";
        let read = Counters::read(answer, Duration::ZERO).unwrap();
        assert_eq!((read.received, read.sent, read.events()), (12, 15, 3));
        assert_eq!(Counters::read("not serving requests", Duration::ZERO), None);
    }
}
