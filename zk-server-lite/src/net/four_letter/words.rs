//! Which questions there are, and which of them are answered.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A question (`FourLetterCommands`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Conf,
    Cons,
    Crst,
    Dirs,
    Dump,
    Envi,
    Gtmk,
    Hash,
    Isro,
    Mntr,
    Ruok,
    Srst,
    Srvr,
    Stat,
    Stmk,
    /// What a telnet client sends to hang up: it is known as a word, but nothing answers to it.
    TelnetClose,
    Wchc,
    Wchp,
    Wchs,
}

/// Which four letter words are answered (`4lw.commands.whitelist`).
///
/// The default is ZooKeeper's: `srvr` alone. `srvr` is always among them, because ZooKeeper's own
/// scripts ask it.
///
/// ```
/// use zk_server_lite::FourLetterWords;
///
/// let words: FourLetterWords = "ruok, stat".parse()?;
/// assert_eq!(words.to_string(), "ruok,srvr,stat");
/// assert_eq!("*".parse(), Ok(FourLetterWords::ALL));
/// # Ok::<(), zk_server_lite::UnknownWord>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FourLetterWords(u32);

/// A word that is not a four letter word of ZooKeeper's.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("unknown four letter word {0:?}")]
pub struct UnknownWord(String);

impl Word {
    /// The question that a connection begins with.
    pub(super) fn from_bytes(bytes: [u8; 4]) -> Option<Self> {
        WORDS.iter().find(|(_, start, _)| *start == bytes).map(|(word, _, _)| *word)
    }

    pub(super) fn name(self) -> &'static str {
        WORDS.iter().find(|(word, _, _)| *word == self).map_or("", |(_, _, name)| name)
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl FourLetterWords {
    /// All that ZooKeeper knows (`*`).
    pub const ALL: Self = Self(u32::MAX);

    pub(super) const fn contains(self, word: Word) -> bool {
        self.0 & word.bit() != 0
    }
}

impl Default for FourLetterWords {
    fn default() -> Self {
        Self(Word::Srvr.bit())
    }
}

/// Reads a list, separated by commas, or `*`; blanks and empty parts are passed over.
impl FromStr for FourLetterWords {
    type Err = UnknownWord;

    fn from_str(list: &str) -> Result<Self, UnknownWord> {
        let mut words = Self::default();
        for part in list.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let bits = match part {
                "*" => Self::ALL.0,
                name => WORDS
                    .iter()
                    .find(|(_, _, known)| *known == name)
                    .map(|(word, _, _)| word.bit())
                    .ok_or_else(|| UnknownWord(name.to_owned()))?,
            };
            words.0 |= bits;
        }
        Ok(words)
    }
}

/// Prints the list, as `4lw.commands.whitelist` has it.
impl fmt::Display for FourLetterWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return f.write_str("*");
        }
        let names = WORDS.iter().filter(|(word, _, _)| self.contains(*word));
        for (index, (_, _, name)) in names.enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{name}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for FourLetterWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FourLetterWords({self})")
    }
}

/// Each word, the bytes it is recognised by, and its name.
const WORDS: [(Word, [u8; 4], &str); 19] = [
    (Word::Conf, *b"conf", "conf"),
    (Word::Cons, *b"cons", "cons"),
    (Word::Crst, *b"crst", "crst"),
    (Word::Dirs, *b"dirs", "dirs"),
    (Word::Dump, *b"dump", "dump"),
    (Word::Envi, *b"envi", "envi"),
    (Word::Gtmk, *b"gtmk", "gtmk"),
    (Word::Hash, *b"hash", "hash"),
    (Word::Isro, *b"isro", "isro"),
    (Word::Mntr, *b"mntr", "mntr"),
    (Word::Ruok, *b"ruok", "ruok"),
    (Word::Srst, *b"srst", "srst"),
    (Word::Srvr, *b"srvr", "srvr"),
    (Word::Stat, *b"stat", "stat"),
    (Word::Stmk, *b"stmk", "stmk"),
    (Word::TelnetClose, [0xff, 0xf4, 0xff, 0xfd], "telnet close"),
    (Word::Wchc, *b"wchc", "wchc"),
    (Word::Wchp, *b"wchp", "wchp"),
    (Word::Wchs, *b"wchs", "wchs"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_what_is_answered_besides_srvr() {
        for (list, printed) in [
            ("", "srvr"),
            ("srvr", "srvr"),
            (" ruok ,, stat,", "ruok,srvr,stat"),
            ("*", "*"),
            ("ruok,*", "*"),
            ("telnet close", "srvr,telnet close"),
        ] {
            let words: FourLetterWords = list.parse().unwrap();
            assert_eq!(words.to_string(), printed, "{list:?}");
        }
        assert_eq!(FourLetterWords::default().to_string(), "srvr");
    }

    #[test]
    fn a_word_that_nobody_knows_is_named() {
        let error = "ruok,reqs".parse::<FourLetterWords>().unwrap_err();
        assert_eq!(error.to_string(), "unknown four letter word \"reqs\"");
        assert!("RUOK".parse::<FourLetterWords>().is_err());
    }

    #[test]
    fn each_word_has_a_bit_of_its_own() {
        let mut seen = 0;
        for (word, bytes, name) in WORDS {
            assert_eq!(seen & word.bit(), 0, "{name}");
            seen |= word.bit();
            assert_eq!((Word::from_bytes(bytes), word.name()), (Some(word), name));
        }
    }
}
