//! Four letter words: questions that are asked instead of opening a session.
//!
//! They have no length before them, and are recognised only as the first bytes of a connection;
//! whatever follows is not looked at. [`FourLetterWords`] says which are answered. What an answer
//! says is taken from the engine under its lock; how it looks is for pure functions, one file for
//! each kind of answer.

mod conf;
mod dump;
mod envi;
mod mntr;
mod stat;
mod watches;
mod words;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::engine::ConnId;

use super::hub::Hub;
pub(super) use words::Word;
pub use words::{FourLetterWords, UnknownWord};

/// What a connection begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// Four bytes are needed to tell.
    TooShort,
    /// A question.
    Word(Word),
    /// The length of a frame, or nonsense.
    Frame,
}

pub(super) fn opening(bytes: &[u8]) -> Opening {
    match bytes.first_chunk() {
        None => Opening::TooShort,
        Some(first) => Word::from_bytes(*first).map_or(Opening::Frame, Opening::Word),
    }
}

/// What answers need to know besides the engine's state.
#[derive(Clone, Debug)]
pub(crate) struct FourLetterOptions {
    pub(crate) words: FourLetterWords,
    /// Where it listens, if it does.
    pub(crate) local_addr: Option<SocketAddr>,
    /// Connections that one address may have open; 0 for any number.
    pub(crate) max_client_cnxns: u32,
}

/// What `stmk` sets and `gtmk` gets: kept, without an effect.
#[derive(Debug)]
pub(super) struct TraceMask(AtomicI64);

impl Default for TraceMask {
    /// ZooKeeper's default (`ZooTrace`): warnings, requests and events of sessions, and more.
    fn default() -> Self {
        Self(AtomicI64::new(0o462))
    }
}

impl Hub {
    /// The answer to a four letter word on a connection, which has said `rest` behind it. `None` is
    /// to hang up without a word.
    pub(super) fn answer(&self, conn: ConnId, word: Word, rest: &[u8]) -> Option<String> {
        self.with_engine(|engine, _| engine.handle_word(conn));
        if !self.four_letter().words.contains(word) {
            let name = word.name();
            return Some(format!("{name} is not executed because it is not in the whitelist.\n"));
        }
        match word {
            Word::Ruok => Some("imok".to_owned()),
            Word::Isro => {
                let read_only = self.with_engine(|engine, _| engine.is_read_only());
                Some(if read_only { "ro" } else { "rw" }.to_owned())
            }
            Word::Gtmk => Some(self.trace_mask().0.load(Ordering::Relaxed).to_string()),
            Word::Stmk => {
                // As in ZooKeeper, the mask has to come with the word.
                let mask = i64::from_be_bytes(*rest.first_chunk()?);
                self.trace_mask().0.store(mask, Ordering::Relaxed);
                Some(mask.to_string())
            }
            Word::TelnetClose => None,
            Word::Crst => {
                self.with_engine(|engine, _| engine.reset_connection_stats());
                Some("Connection stats reset.\n".to_owned())
            }
            Word::Srst => {
                self.with_engine(|engine, _| engine.reset_stats());
                Some("Server stats reset.\n".to_owned())
            }
            Word::Srvr => Some(stat::srvr(&self.with_engine(|engine, _| stat::Server::of(engine)))),
            Word::Stat => {
                let server = self.with_engine(|engine, _| stat::Server::of(engine));
                Some(stat::stat(&server, &self.clients(conn)))
            }
            Word::Cons => Some(stat::cons(&self.clients(conn))),
            Word::Dump => {
                let start_ms = self.clock().start_wall_ms();
                Some(self.with_engine(|engine, _| dump::Dump::of(engine)).print(start_ms))
            }
            Word::Conf => Some(conf::conf(&self.conf())),
            Word::Dirs => Some(conf::dirs()),
            Word::Envi => Some(envi::envi(&envi::environment())),
            Word::Mntr => Some(mntr::mntr(&self.with_engine(mntr::keys))),
            // ZooKeeper notes a digest every 128 transactions to compare what it replays from its
            // log with. Nothing is replayed here, and so nothing noted.
            Word::Hash => Some(String::new()),
            Word::Wchs => {
                Some(self.with_engine(|engine, _| watches::wchs(engine.watches_summary())))
            }
            Word::Wchc => {
                Some(self.with_engine(|engine, _| watches::by_first(engine.watches_by_session())))
            }
            Word::Wchp => {
                Some(self.with_engine(|engine, _| watches::by_first(engine.watches_by_path())))
            }
        }
    }

    fn conf(&self) -> conf::Conf {
        let four_letter = self.four_letter();
        self.with_engine(|engine, _| conf::Conf {
            client_port: four_letter.local_addr.map(|address| address.port()),
            max_client_cnxns: four_letter.max_client_cnxns,
            tick_ms: engine.options().tick_ms,
            min_session_timeout_ms: engine.options().min_session_timeout_ms,
            max_session_timeout_ms: engine.options().max_session_timeout_ms,
        })
    }

    /// All clients, as seen by one of them.
    fn clients(&self, asking: ConnId) -> Vec<stat::Client> {
        let mut clients: Vec<_> = self.with_engine(|engine, _| {
            let client = |status: crate::engine::ConnectionStatus| {
                // Of the one that asks nothing more is read.
                stat::Client { reads: status.conn != asking, writes: false, status }
            };
            engine.connections().map(client).collect()
        });
        for client in &mut clients {
            let unsent = self.unsent(client.status.conn);
            client.writes = unsent > 0;
            client.reads &= unsent < super::hub::OUTBOX_PAUSE;
        }
        clients
    }
}

/// The version of ZooKeeper whose behaviour is offered, then our own.
const VERSION: &str = concat!("3.9.3-zk-server-lite-", env!("CARGO_PKG_VERSION"));

/// The version, and when it was built: builds do not look at the clock.
fn full_version() -> String {
    format!("{VERSION}, built on unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_told_from_the_length_of_a_frame() {
        for (bytes, expected) in [
            (&b"ruo"[..], Opening::TooShort),
            (b"ruok", Opening::Word(Word::Ruok)),
            (b"srvr\n", Opening::Word(Word::Srvr)),
            (b"mntr", Opening::Word(Word::Mntr)),
            (b"nope", Opening::Frame),
            (&[0xff, 0xf4, 0xff, 0xfd], Opening::Word(Word::TelnetClose)),
            (&[0, 0, 0, 45], Opening::Frame),
        ] {
            assert_eq!(opening(bytes), expected);
        }
    }
}
