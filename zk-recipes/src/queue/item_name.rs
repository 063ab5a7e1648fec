//! The names of items, which say all that a queue knows of them: the data is the codec's.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;
use zk_client::path::{parse_sequence, sequence_suffix};

use super::clock::Millis;

/// Which item of a queue. It stays the same while the item is in the queue, however often it is
/// delivered, and no other item ever has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(Uuid);

/// A text that is no [`ItemId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of an item")]
pub struct NotAnItemId;

/// The name of an item: `_c_<uuid>-queue-<marks><sequence>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ItemName {
    pub(super) id: ItemId,
    pub(super) marks: Marks,
    pub(super) sequence: i32,
}

/// What is to be known of an item before it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// Its place in a bounded queue: `#<number>#`.
    pub(super) slot: Option<u32>,
    /// Not before this time: `|<milliseconds in hexadecimal>|`, as Curator's `DistributedDelayQueue`.
    pub(super) due: Option<Millis>,
    /// Lower first: `1` or, when negative, `0`, and eight hexadecimal digits, as Curator's
    /// `DistributedPriorityQueue`.
    pub(super) priority: Option<i32>,
}

impl ItemId {
    pub(super) fn new() -> Self {
        Self(Uuid::new_v4())
    }

    /// Chance that comes with the id.
    pub(super) fn chance(self, below: u32) -> u32 {
        let (high, _) = self.0.as_u64_pair();
        u32::try_from(high % u64::from(below.max(1))).unwrap_or_default()
    }

    /// What the name of its node begins with, and no other.
    pub(super) fn prefix(self) -> String {
        format!("_c_{self}{KIND}")
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.hyphenated())
    }
}

impl FromStr for ItemId {
    type Err = NotAnItemId;

    fn from_str(text: &str) -> Result<Self, NotAnItemId> {
        Uuid::parse_str(text).map(Self).map_err(|_| NotAnItemId)
    }
}

impl ItemName {
    /// `None` for what is no item of ours. What is written otherwise than we write it is none, or
    /// its path would not be found again.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (id, rest) = name.strip_prefix("_c_")?.split_at_checked(UUID_LENGTH)?;
        let id = id.parse().ok()?;
        let rest = rest.strip_prefix(KIND)?;
        let (slot, rest) = between(rest, '#');
        let (due, rest) = between(rest, '|');
        let (priority, sequence) = match rest.split_at_checked(PRIORITY_LENGTH) {
            // A sequence number alone is shorter.
            Some((priority, sequence)) if sequence.len() >= SEQUENCE_LENGTH => {
                (Some(parse_priority(priority)?), sequence)
            }
            _ => (None, rest),
        };
        let slot = slot.map(str::parse).transpose().ok()?;
        let due = due.map(|due| u64::from_str_radix(due, 16).map(Millis)).transpose().ok()?;
        let sequence = parse_sequence(sequence)?;
        let parsed = Self { id, marks: Marks { slot, due, priority }, sequence };
        (parsed.to_string() == name).then_some(parsed)
    }

    /// The name without its number, which the server is to give.
    pub(super) fn to_be_numbered(id: ItemId, marks: Marks) -> String {
        format!("{}{marks}", id.prefix())
    }
}

impl fmt::Display for ItemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.id.prefix(), self.marks, sequence_suffix(self.sequence))
    }
}

impl fmt::Display for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(slot) = self.slot {
            write!(f, "#{slot}#")?;
        }
        if let Some(Millis(due)) = self.due {
            write!(f, "|{due:08X}|")?;
        }
        if let Some(priority) = self.priority {
            write!(f, "{}{priority:08X}", u8::from(priority >= 0))?;
        }
        Ok(())
    }
}

/// What stands between two of these at the beginning, and what comes behind them.
fn between(text: &str, mark: char) -> (Option<&str>, &str) {
    match text.strip_prefix(mark).and_then(|text| text.split_once(mark)) {
        Some((inner, rest)) => (Some(inner), rest),
        None => (None, text),
    }
}

fn parse_priority(text: &str) -> Option<i32> {
    let (_sign, digits) = text.split_at_checked(1)?;
    u32::from_str_radix(digits, 16).ok().map(u32::cast_signed)
}

const KIND: &str = "-queue-";
const UUID_LENGTH: usize = 36;
/// A sign and eight digits.
const PRIORITY_LENGTH: usize = 9;
const SEQUENCE_LENGTH: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00112233-4455-4677-8899-aabbccddeeff";

    fn marks(slot: Option<u32>, due: Option<u64>, priority: Option<i32>) -> Marks {
        Marks { slot, due: due.map(Millis), priority }
    }

    fn check(rest: &str, expected: Option<(Marks, i32)>) {
        let name = format!("_c_{ID}-queue-{rest}");
        let parsed = ItemName::parse(&name);
        assert_eq!(parsed.as_ref().map(|name| (name.marks, name.sequence)), expected, "{name}");
        if let Some(parsed) = parsed {
            assert_eq!((parsed.to_string(), parsed.id.to_string()), (name, ID.to_owned()));
        }
    }

    #[test]
    fn names_say_what_they_were_made_of() {
        check("0000000007", Some((Marks::default(), 7)));
        check("-000000007", Some((Marks::default(), -7)));
        check("-2147483648", Some((Marks::default(), i32::MIN)));
        check("1000000030000000007", Some((marks(None, None, Some(3)), 7)));
        check("0FFFFFFFD-2147483648", Some((marks(None, None, Some(-3)), i32::MIN)));
        check("|0000018C|0000000001", Some((marks(None, Some(0x18c), None), 1)));
        check("|18C0123456789|0000000001", Some((marks(None, Some(0x1_8c01_2345_6789), None), 1)));
        check("#12#0000000001", Some((marks(Some(12), None, None), 1)));
        check(
            "#0#|000000FF|07FFFFFFF0000000001".replace("07FFF", "17FFF").as_str(),
            Some((marks(Some(0), Some(255), Some(i32::MAX)), 1)),
        );
    }

    #[test]
    fn other_names_are_no_items() {
        for rest in [
            "",
            "7",
            "000000007",
            "00000000007",
            "#1#",
            "#01#0000000001",
            "#x#0000000001",
            "|18C|0000000001",
            "|0000018c|0000000001",
            "|0000018C0000000001",
            "2000000030000000007",
            "0000000030000000007",
            "10000000g0000000007",
        ] {
            check(rest, None);
        }
        for name in ["", "_c_", "queue-0000000001", "qn-0000000001", "_c_ä-queue-0000000001"] {
            assert_eq!(ItemName::parse(name), None);
        }
        let upper = format!("_c_{}-queue-0000000001", ID.to_uppercase());
        assert_eq!(ItemName::parse(&upper), None);
    }

    #[test]
    fn an_id_can_be_written_down_and_read_back() {
        let id = ItemId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("7".parse::<ItemId>(), Err(NotAnItemId));
        assert!(id.chance(3) < 3);
        assert_eq!(id.chance(0), 0);
    }
}
