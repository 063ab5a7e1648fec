//! The text in the nodes of a quota (`StatsTrack`).

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;

/// Numbers by name, as a limits or a stats node holds them:
/// `count=3,bytes=20=;byteHardLimit=20;countHardLimit=3`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StatsTrack(BTreeMap<String, i64>);

/// A name that ZooKeeper gives a meaning to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Key {
    /// How many nodes there are, or should be at the most.
    Count,
    /// How many bytes of data there are, or should be at the most.
    Bytes,
    /// How many nodes there may be.
    CountHardLimit,
    /// How many bytes of data there may be.
    ByteHardLimit,
}

impl Key {
    const fn name(self) -> &'static str {
        match self {
            Self::Count => COUNT,
            Self::Bytes => BYTES,
            Self::CountHardLimit => "countHardLimit",
            Self::ByteHardLimit => "byteHardLimit",
        }
    }
}

impl StatsTrack {
    /// Reads a node's data. Pairs are parted by commas or semicolons. What is no pair or no number
    /// is passed over; the original ends when it comes across that in a node that it has to count
    /// in.
    pub(super) fn parse(data: Option<&Bytes>) -> Self {
        let text = String::from_utf8_lossy(data.map_or(&[][..], |data| data));
        Self(text.split([',', ';']).filter_map(pair).collect())
    }

    /// The number; −1 without one.
    pub(super) fn get(&self, key: Key) -> i64 {
        self.0.get(key.name()).copied().unwrap_or(-1)
    }

    /// The limit, if there is one.
    pub(super) fn limit(&self, key: Key) -> Option<i64> {
        Some(self.get(key)).filter(|limit| *limit > -1)
    }

    pub(super) fn set(&mut self, key: Key, number: i64) {
        self.0.insert(key.name().to_owned(), number);
    }

    pub(super) fn to_bytes(&self) -> Bytes {
        self.to_string().into()
    }
}

/// Count and bytes come first, and a lone `=` is between them and all others: so that ZooKeeper
/// before 3.7 reads what it knows and no more.
impl fmt::Display for StatsTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{COUNT}={},{BYTES}={}", self.get(Key::Count), self.get(Key::Bytes))?;
        let others = self.0.iter().filter(|(name, _)| *name != COUNT && *name != BYTES);
        for (at, (name, number)) in others.enumerate() {
            let mark = if at == 0 { "=" } else { "" };
            write!(f, "{mark};{name}={number}")?;
        }
        Ok(())
    }
}

fn pair(text: &str) -> Option<(String, i64)> {
    let mut parts = text.split('=');
    let (name, number) = (parts.next()?, parts.next()?);
    let number = if number.is_empty() { -1 } else { number.parse().ok()? };
    Some((name.to_owned(), number))
}

const COUNT: &str = "count";
const BYTES: &str = "bytes";

#[cfg(test)]
mod tests {
    use super::*;

    fn again(text: &str) -> String {
        StatsTrack::parse(Some(&Bytes::copy_from_slice(text.as_bytes()))).to_string()
    }

    #[test]
    fn a_text_is_written_as_zookeeper_writes_it() {
        for (text, written) in [
            ("", "count=-1,bytes=-1"),
            ("count=4,bytes=5", "count=4,bytes=5"),
            ("bytes=5;count=4", "count=4,bytes=5"),
            (
                "count=4,bytes=5=;countHardLimit=10;byteHardLimit=20",
                "count=4,bytes=5=;byteHardLimit=20;countHardLimit=10",
            ),
            ("countHardLimit=1", "count=-1,bytes=-1=;countHardLimit=1"),
            ("count=,bytes=-7", "count=-1,bytes=-7"),
            ("count=1,,;;bytes=2", "count=1,bytes=2"),
            ("b=2;a=1", "count=-1,bytes=-1=;a=1;b=2"),
            ("count=1,count=2", "count=2,bytes=-1"),
            ("count=+3,bytes=-0", "count=3,bytes=0"),
        ] {
            assert_eq!(again(text), written, "{text:?}");
            assert_eq!(again(written), written);
        }
    }

    #[test]
    fn what_is_no_number_is_passed_over() {
        for text in ["count", "count=x", "=", "count=1 ", "count=9223372036854775808", "\u{0}"] {
            assert!(again(text).starts_with("count=-1,bytes=-1"), "{text:?}");
        }
        assert_eq!(StatsTrack::parse(None), StatsTrack::default());
        let odd = Bytes::from_static(&[0xff, b',', b'c', b'o', b'u', b'n', b't', b'=', b'1']);
        assert_eq!(StatsTrack::parse(Some(&odd)).get(Key::Count), 1);
    }
}
