//! Who is first: a decision about a list of names, made without IO.
//!
//! A contender is a child whose name ends with one of the kinds of a [`Rule`] and a sequence number;
//! the lowest number is first. Children with other names are none of ours and are passed over
//! (CURATOR-43).
//!
//! The server's counter is 32 bits wide and sticks, or runs over, at its end: then numbers repeat or
//! turn negative, and only the transaction ids of the nodes tell their order.

use zk_client::Zxid;
use zk_client::path::parse_sequence;

use crate::dialect::{Kind, Rule};

/// Where one contender stands among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// Nobody who is ahead stands in its way.
    First,
    /// Behind others, of whom this one is the nearest.
    Behind {
        /// Its name.
        ahead: &'a str,
        /// Whether nobody else is ahead, and nobody can take this one's place. As nobody can come
        /// between, it is then our turn when this one has gone.
        alone: bool,
    },
    /// Not in the list.
    Gone,
    /// The numbers do not tell; see [`place_by_czxid`].
    Undecidable,
}

/// Finds the place of `own` among `children` by their sequence numbers.
pub(crate) fn place<'a>(
    children: impl IntoIterator<Item = &'a str>,
    own: &str,
    rule: &Rule,
) -> Place<'a> {
    let Some(own_sequence) = sequence_of(own, &rule.own) else {
        return Place::Gone;
    };
    let mut seen = false;
    let mut before = Before::default();
    for name in children {
        if name == own {
            seen = true;
            continue;
        }
        let Some((kind, sequence)) = parse(name, &rule.blocking) else {
            continue;
        };
        if !is_ordered(sequence) || (sequence == own_sequence && *kind == rule.own) {
            return Place::Undecidable;
        }
        // Another kind with the same number is the other half of a downgrade (CURATOR-621): its
        // owner is ours.
        if sequence < own_sequence {
            before.count(sequence, name);
        }
    }
    match seen {
        false => Place::Gone,
        true if !is_ordered(own_sequence) => Place::Undecidable,
        true => before.place(rule),
    }
}

/// Finds the place of `own` where numbers alone do not tell: those that do come first, as they were
/// given out before the others; the others stand in the order of the transactions that have created
/// the nodes, and those of one transaction in the order of their numbers.
///
/// So a node keeps its place whoever looks, by this or by [`place`].
pub(crate) fn place_by_czxid<'a>(
    contenders: impl IntoIterator<Item = (&'a str, Zxid)>,
    own: (&str, Zxid),
    rule: &Rule,
) -> Place<'a> {
    let Some(own_key) = sequence_of(own.0, &rule.own).map(|sequence| key(sequence, own.1)) else {
        return Place::Gone;
    };
    let mut seen = false;
    let mut before = Before::default();
    for (name, czxid) in contenders {
        if name == own.0 {
            seen = czxid == own.1;
            continue;
        }
        let Some((_, sequence)) = parse(name, &rule.blocking) else {
            continue;
        };
        let key = key(sequence, czxid);
        if key < own_key {
            before.count(key, name);
        }
    }
    if seen { before.place(rule) } else { Place::Gone }
}

pub(crate) type Key = (bool, i64, i32);

/// What contenders are compared by. The distance to the end of the counter is negative before it and
/// not behind it.
pub(crate) const fn key(sequence: i32, czxid: Zxid) -> Key {
    if is_ordered(sequence) {
        (false, 0, sequence)
    } else {
        (true, czxid.0, sequence.wrapping_sub(i32::MAX))
    }
}

/// Those who are ahead, and the nearest of them.
struct Before<'a, N> {
    count: usize,
    nearest: Option<(N, &'a str)>,
}

impl<N> Default for Before<'_, N> {
    fn default() -> Self {
        Self { count: 0, nearest: None }
    }
}

impl<'a, N: PartialOrd> Before<'a, N> {
    fn count(&mut self, number: N, name: &'a str) {
        self.count += 1;
        if self.nearest.as_ref().is_none_or(|(nearest, _)| *nearest < number) {
            self.nearest = Some((number, name));
        }
    }

    fn place(self, rule: &Rule) -> Place<'a> {
        let Some((_, ahead)) = self.nearest else { return Place::First };
        let replaceable =
            rule.replaceable.as_ref().is_some_and(|kind| sequence_of(ahead, kind).is_some());
        Place::Behind { ahead, alone: self.count == 1 && !replaceable }
    }
}

/// The contenders of these kinds among `children`, the first one first. Near the end of the counter
/// this is a guess.
pub(crate) fn in_order<'a>(
    children: impl IntoIterator<Item = &'a str>,
    kinds: &[Kind],
) -> Vec<&'a str> {
    let mut contenders: Vec<_> = children
        .into_iter()
        .filter_map(|name| parse(name, kinds).map(|(_, sequence)| (sequence, name)))
        .collect();
    contenders.sort_unstable();
    contenders.into_iter().map(|(_, name)| name).collect()
}

/// The kind of a contender, and its number.
pub(crate) fn parse<'k>(name: &str, kinds: &'k [Kind]) -> Option<(&'k Kind, i32)> {
    kinds.iter().find_map(|kind| sequence_of(name, kind).map(|sequence| (kind, sequence)))
}

/// The number of a contender: what follows the last `kind` in its name.
pub(crate) fn sequence_of(name: &str, kind: &str) -> Option<i32> {
    name.rsplit_once(kind).and_then(|(_, sequence)| parse_sequence(sequence))
}

/// Whether numbers as high as this one tell the order by themselves.
pub(crate) const fn is_ordered(sequence: i32) -> bool {
    0 <= sequence && sequence < NOT_TRUSTED
}

/// From here on, to the end of the counter, are too many creations that may be under way at once.
const NOT_TRUSTED: i32 = 0x7fff_0000;

#[cfg(test)]
mod tests;
