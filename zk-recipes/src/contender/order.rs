//! Who is first: a decision about a list of names, made without IO.
//!
//! The layout is Curator's (`LockInternals`, `StandardLockInternalsDriver`): a contender of a lock
//! is `_c_<uuid>-lock-<sequence>`, and the lowest sequence number holds. Children with other
//! names are none of ours and are passed over.

use zk_client::path::parse_sequence;

/// Where one contender stands among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// Before all others.
    First,
    /// Right behind this one.
    Behind(&'a str),
    /// Not in the list.
    Gone,
    /// The numbers do not tell who came first.
    Undecidable,
}

/// Finds the place of `own` among `children`.
///
/// The server's counter is 32 bits wide and sticks, or runs over, at its end: then numbers repeat
/// or turn negative, and only the transaction ids of the nodes could tell their order. Rather
/// than guess, such lists are [`Place::Undecidable`].
pub(crate) fn place<'a>(
    children: impl IntoIterator<Item = &'a str>,
    own: &str,
    kind: &str,
) -> Place<'a> {
    let Some(own_sequence) = sequence(own, kind) else {
        return Place::Gone;
    };
    let mut seen = false;
    let mut before: Option<(i32, &str)> = None;
    for name in children {
        let Some(sequence) = sequence(name, kind) else {
            continue;
        };
        if name == own {
            seen = true;
            continue;
        }
        if sequence == own_sequence || !ORDERED.contains(&sequence) {
            return Place::Undecidable;
        }
        if sequence < own_sequence && before.is_none_or(|(nearest, _)| nearest < sequence) {
            before = Some((sequence, name));
        }
    }
    match before {
        _ if !seen => Place::Gone,
        _ if !ORDERED.contains(&own_sequence) => Place::Undecidable,
        Some((_, name)) => Place::Behind(name),
        None => Place::First,
    }
}

/// The contenders among `children`, the first one first.
pub(crate) fn in_order<'a>(
    children: impl IntoIterator<Item = &'a str>,
    kind: &str,
) -> Vec<&'a str> {
    let numbered = children.into_iter().filter_map(|name| Some((sequence(name, kind)?, name)));
    let mut contenders: Vec<_> = numbered.collect();
    contenders.sort_unstable();
    contenders.into_iter().map(|(_, name)| name).collect()
}

/// The number of a contender: what follows the last `kind` in its name.
fn sequence(name: &str, kind: &str) -> Option<i32> {
    name.rsplit_once(kind).and_then(|(_, sequence)| parse_sequence(sequence))
}

/// The last stretch before the counter's end is not used: it leaves time to notice.
const ORDERED: std::ops::Range<i32> = 0..0x7fff_0000;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(children: &[&str], own: &str, expected: Place<'_>) {
        let mut children = children.to_vec();
        assert_eq!(place(children.iter().copied(), own, "lock-"), expected);
        children.reverse();
        assert_eq!(place(children.iter().copied(), own, "lock-"), expected);
    }

    const A: &str = "_c_ffffffff-0000-4000-8000-000000000000-lock-0000000001";
    const B: &str = "_c_00000000-0000-4000-8000-000000000000-lock-0000000002";
    const C: &str = "_c_88888888-0000-4000-8000-000000000000-lock-0000000010";

    #[test]
    fn the_lowest_number_is_first_whatever_the_names_begin_with() {
        check(&[A, B, C], A, Place::First);
        check(&[A], A, Place::First);
    }

    #[test]
    fn every_other_one_is_behind_the_one_just_before_it() {
        check(&[A, B, C], B, Place::Behind(A));
        check(&[A, B, C], C, Place::Behind(B));
        check(&[A, C], C, Place::Behind(A));
    }

    #[test]
    fn who_is_not_listed_is_gone() {
        check(&[A, B], C, Place::Gone);
        check(&[], A, Place::Gone);
        check(&[A], "not-a-contender", Place::Gone);
    }

    #[test]
    fn foreign_children_are_passed_over() {
        let others = ["config", "lock-", "lock-12", "x__lock__0000000000", "read-0000000000"];
        let mut children = others.to_vec();
        children.push(B);
        check(&children, B, Place::First);
    }

    #[test]
    fn names_of_other_clients_with_the_same_layout_count() {
        check(
            &["_c_00112233445566778899aabbccddeeff-lock-0000000000", A],
            A,
            Place::Behind("_c_00112233445566778899aabbccddeeff-lock-0000000000"),
        );
        check(&["lock-0000000000", A], A, Place::Behind("lock-0000000000"));
    }

    #[test]
    fn numbers_that_do_not_tell_the_order_are_not_guessed_at() {
        check(&[A, "_c_x-lock-0000000001"], A, Place::Undecidable);
        check(&[A, "_c_x-lock--2147483648"], A, Place::Undecidable);
        check(&[A, "_c_x-lock-2147483647"], A, Place::Undecidable);
        check(&["_c_x-lock-2147483647"], "_c_x-lock-2147483647", Place::Undecidable);
    }

    #[test]
    fn contenders_are_listed_in_their_order() {
        assert_eq!(in_order([C, "config", A, B], "lock-"), [A, B, C]);
    }
}
