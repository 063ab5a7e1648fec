//! `dump`: which sessions and connections will end when, and who has which ephemeral nodes.

use std::fmt::{Display, Write};

use zk_proto::{ByteString, SessionId};

use crate::engine::{ConnectionStatus, Engine};

use super::super::java_date::JavaDate;

/// What `dump` tells. Times are milliseconds of the engine's clock.
#[derive(Debug)]
pub(super) struct Dump {
    sessions: Vec<(u64, Vec<SessionId>)>,
    ephemerals: Vec<(SessionId, Vec<ByteString>)>,
    connections: Vec<ConnectionStatus>,
}

impl Dump {
    pub(super) fn of(engine: &Engine) -> Self {
        let sessions: Vec<_> = engine.session_expiry().collect();
        let tree = engine.replica().tree();
        let ephemerals = sessions.iter().flat_map(|(_, ids)| ids).filter_map(|id| {
            let paths: Vec<_> = tree.ephemerals(*id).cloned().collect();
            (!paths.is_empty()).then_some((*id, paths))
        });
        let ephemerals = ephemerals.collect();
        Self { sessions, ephemerals, connections: engine.connections().collect() }
    }

    /// `start_ms` is when the engine's clock was 0, in milliseconds since the epoch.
    pub(super) fn print(mut self, start_ms: i64) -> String {
        let mut out = "SessionTracker dump:\nSession ".to_owned();
        print_sets(&mut out, start_ms, &self.sessions);
        let count = self.ephemerals.len();
        let _ = write!(out, "ephemeral nodes dump:\nSessions with Ephemerals ({count}):\n");
        for (session, paths) in &self.ephemerals {
            let _ = writeln!(out, "{session}:");
            for path in paths {
                let _ = writeln!(out, "\t{path}");
            }
        }
        out.push_str("Connections dump:\nConnections ");
        self.connections.sort_by_key(|connection| connection.expires_ms);
        let sets: Vec<_> = self
            .connections
            .chunk_by(|a, b| a.expires_ms == b.expires_ms)
            .map(|set| {
                let expires_ms = set.first().map_or(0, |connection| connection.expires_ms);
                (expires_ms, set.iter().map(Line).collect())
            })
            .collect();
        print_sets(&mut out, start_ms, &sets);
        out
    }
}

/// A bucket for each time at which something ends (`ExpiryQueue.dump`).
fn print_sets(out: &mut String, start_ms: i64, sets: &[(u64, Vec<impl Display>)]) {
    let all: usize = sets.iter().map(|(_, set)| set.len()).sum();
    let _ = writeln!(out, "Sets ({})/({all}):", sets.len());
    for (expires_ms, set) in sets {
        let expires_ms = i64::try_from(*expires_ms).unwrap_or(i64::MAX);
        let at = JavaDate(start_ms.saturating_add(expires_ms));
        let _ = writeln!(out, "{} expire at {at}:", set.len());
        for element in set {
            let _ = writeln!(out, "\t{element}");
        }
    }
}

struct Line<'a>(&'a ConnectionStatus);

impl Display for Line<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let session = self.0.session.map_or(SessionId::NONE, |(session, _)| session);
        write!(f, "ip: /{} sessionId: {session}", self.0.peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{ConnId, ConnectionStats};

    fn connection(port: u16, session: Option<i64>, expires_ms: u64) -> ConnectionStatus {
        ConnectionStatus {
            conn: ConnId(port.into()),
            peer: ([127, 0, 0, 1], port).into(),
            session: session.map(|id| (SessionId(id), 4000)),
            expires_ms,
            stats: ConnectionStats::new(0),
        }
    }

    #[test]
    fn what_ends_is_listed_by_the_time_it_ends_at() {
        let dump = Dump {
            sessions: vec![
                (2000, vec![SessionId(0xa), SessionId(0xb)]),
                (4000, vec![SessionId(12)]),
            ],
            ephemerals: vec![(SessionId(0xa), vec!["/e".into(), "/f".into()])],
            connections: vec![
                connection(2, Some(0xa), 2000),
                connection(3, None, 10_000),
                connection(1, Some(0xb), 2000),
            ],
        };
        assert_eq!(
            dump.print(1_795_375_101_000),
            "SessionTracker dump:\n\
             Session Sets (2)/(3):\n\
             2 expire at Sun Nov 22 19:18:23 UTC 2026:\n\
             \t0xa\n\
             \t0xb\n\
             1 expire at Sun Nov 22 19:18:25 UTC 2026:\n\
             \t0xc\n\
             ephemeral nodes dump:\n\
             Sessions with Ephemerals (1):\n\
             0xa:\n\
             \t/e\n\
             \t/f\n\
             Connections dump:\n\
             Connections Sets (2)/(3):\n\
             2 expire at Sun Nov 22 19:18:23 UTC 2026:\n\
             \tip: /127.0.0.1:2 sessionId: 0xa\n\
             \tip: /127.0.0.1:1 sessionId: 0xb\n\
             1 expire at Sun Nov 22 19:18:31 UTC 2026:\n\
             \tip: /127.0.0.1:3 sessionId: 0x0\n"
        );
    }

    #[test]
    fn nothing_is_dumped_of_nothing() {
        let dump = Dump { sessions: vec![], ephemerals: vec![], connections: vec![] };
        assert_eq!(
            dump.print(0),
            "SessionTracker dump:\nSession Sets (0)/(0):\nephemeral nodes dump:\n\
             Sessions with Ephemerals (0):\nConnections dump:\nConnections Sets (0)/(0):\n"
        );
    }
}
