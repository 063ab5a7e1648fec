//! Four letter words: questions that are asked instead of opening a session.
//!
//! They have no length before them, and are recognised only as the first bytes of a connection.

use super::hub::Hub;

/// What a connection begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// Four bytes are needed to tell.
    TooShort,
    /// A question.
    Word(&'static str),
    /// The length of a frame, or nonsense.
    Frame,
}

pub(super) fn opening(bytes: &[u8]) -> Opening {
    let Some(first) = bytes.first_chunk::<4>() else {
        return Opening::TooShort;
    };
    WORDS
        .iter()
        .find(|word| word.as_bytes() == first)
        .map_or(Opening::Frame, |word| Opening::Word(word))
}

impl Hub {
    /// The answer to a four letter word.
    pub(super) fn answer(&self, word: &str) -> String {
        match word {
            "ruok" => "imok".to_owned(),
            "srvr" => self.srvr(),
            _ => format!("{word} is not executed because it is not in the whitelist.\n"),
        }
    }

    fn srvr(&self) -> String {
        self.with_engine(|engine, _| {
            let packets = engine.packets();
            // Requests are answered in the batch they arrive in, so no latency reaches a
            // millisecond, and nothing is outstanding when this is asked. ZooKeeper counts the
            // root twice.
            format!(
                "Zookeeper version: {VERSION}, built on unknown\n\
                 Latency min/avg/max: 0/0.0/0\n\
                 Received: {}\n\
                 Sent: {}\n\
                 Connections: {}\n\
                 Outstanding: 0\n\
                 Zxid: {}\n\
                 Mode: standalone\n\
                 Node count: {}\n",
                packets.received,
                packets.sent,
                engine.connection_count(),
                engine.replica().last_zxid(),
                engine.replica().tree().node_count().saturating_add(1),
            )
        })
    }
}

/// The version of ZooKeeper whose behaviour is offered, then our own.
const VERSION: &str = concat!("3.9.3-zk-server-lite-", env!("CARGO_PKG_VERSION"));

/// All that ZooKeeper knows; only `ruok` and `srvr` are switched on.
const WORDS: [&str; 18] = [
    "conf", "cons", "crst", "dirs", "dump", "envi", "gtmk", "hash", "isro", "mntr", "ruok", "srst",
    "srvr", "stat", "stmk", "wchc", "wchp", "wchs",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_told_from_the_length_of_a_frame() {
        for (bytes, expected) in [
            (&b"ruo"[..], Opening::TooShort),
            (b"ruok", Opening::Word("ruok")),
            (b"srvr\n", Opening::Word("srvr")),
            (b"mntr", Opening::Word("mntr")),
            (b"nope", Opening::Frame),
            (&[0, 0, 0, 45], Opening::Frame),
        ] {
            assert_eq!(opening(bytes), expected);
        }
    }
}
