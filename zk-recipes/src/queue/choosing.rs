//! Which item is next: a decision about two lists of names, made without IO.

use std::collections::BTreeSet;

use zk_client::Zxid;

use super::clock::Millis;
use super::item_name::{ItemId, ItemName};
use crate::contender::order::{is_ordered, key};

/// In which order items are taken, among those whose time has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    #[default]
    Fifo,
    /// The lowest number first, then as `Fifo`.
    Priority,
    /// The earliest time first, then as `Fifo`.
    Due,
}

/// What is there to be taken.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Survey {
    /// Those that nobody has and whose time has come.
    pub(super) ready: Vec<Candidate>,
    /// When the time of the next one comes that nobody has.
    pub(super) next_due: Option<Millis>,
}

/// An item that can be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) name: ItemName,
    /// Somebody has had it before.
    pub(super) is_tried: bool,
    /// Only asked for when the number does not tell its place.
    pub(super) czxid: Option<Zxid>,
}

/// Looks through the children of `items` and of `claims`.
pub(super) fn survey<'a>(
    items: impl IntoIterator<Item = &'a str>,
    claims: impl IntoIterator<Item = &'a str>,
    now: Millis,
) -> Survey {
    let claims: BTreeSet<&str> = claims.into_iter().collect();
    let mut survey = Survey::default();
    for item in items {
        let Some(name) = ItemName::parse(item) else { continue };
        if claims.contains(item) {
            continue;
        }
        match name.marks.due {
            Some(due) if due > now => {
                let sooner = survey.next_due.is_none_or(|next| due < next);
                survey.next_due = if sooner { Some(due) } else { survey.next_due };
            }
            _ => {
                let is_tried = claims.contains(tries(name.id).as_str());
                survey.ready.push(Candidate { name, is_tried, czxid: None });
            }
        }
    }
    survey
}

/// The node whose version counts how often an item was delivered.
pub(super) fn tries(id: ItemId) -> String {
    format!("_t_{id}")
}

impl Candidate {
    /// Whether the transaction that made it has to be known: its number is from the end of the
    /// counter.
    pub(super) const fn needs_czxid(&self) -> bool {
        !is_ordered(self.name.sequence) && self.czxid.is_none()
    }
}

/// The next one first.
pub(super) fn put_in_order(candidates: &mut [Candidate], order: Order) {
    candidates.sort_by_cached_key(|candidate| {
        let ItemName { marks, sequence, .. } = &candidate.name;
        let priority = match order {
            Order::Priority => marks.priority.unwrap_or_default(),
            Order::Fifo | Order::Due => 0,
        };
        let due = match order {
            Order::Due => marks.due,
            Order::Fifo | Order::Priority => None,
        };
        (priority, due, key(*sequence, candidate.czxid.unwrap_or(Zxid(0))))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "_c_ffffffff-0000-4000-8000-000000000000-queue-";
    const B: &str = "_c_00000000-0000-4000-8000-000000000000-queue-";
    const C: &str = "_c_88888888-0000-4000-8000-000000000000-queue-";

    fn check(order: Order, items: &[&str], claims: &[&str], expected: &[&str], due: Option<u64>) {
        for items in [items.to_vec(), items.iter().rev().copied().collect()] {
            let Survey { mut ready, next_due } =
                survey(items, claims.iter().copied(), Millis(0x100));
            put_in_order(&mut ready, order);
            let names: Vec<_> = ready.iter().map(|ready| ready.name.to_string()).collect();
            assert_eq!(names, expected);
            assert_eq!(next_due, due.map(Millis));
        }
    }

    #[test]
    fn the_lowest_number_is_next_whatever_the_names_begin_with() {
        let [a, b, c] =
            [format!("{A}0000000001"), format!("{B}0000000002"), format!("{C}0000000010")];
        check(Order::Fifo, &[&a, &b, &c, "notes", "queue-0000000000"], &[], &[&a, &b, &c], None);
        check(Order::Fifo, &[&a, &b, &c], &[&a, "_w_x"], &[&b, &c], None);
        check(Order::Fifo, &[], &[&a], &[], None);
    }

    #[test]
    fn a_lower_priority_number_is_next_and_none_is_zero() {
        let low = format!("{A}1000000050000000001");
        let none = format!("{B}0000000002");
        let urgent = format!("{C}0FFFFFFFF0000000003");
        let all = [low.as_str(), &none, &urgent];
        check(Order::Priority, &all, &[], &[&urgent, &none, &low], None);
        check(Order::Fifo, &all, &[], &[&low, &none, &urgent], None);
    }

    #[test]
    fn what_is_not_due_is_left_and_the_earliest_time_is_known() {
        let late = format!("{A}|00000300|0000000001");
        let later = format!("{B}|00000400|0000000000");
        let due = format!("{C}|00000100|0000000002");
        check(Order::Due, &[&late, &due, &later], &[], &[&due], Some(0x300));
        check(Order::Due, &[&late, &due, &later], &[&late], &[&due], Some(0x400));
        check(Order::Fifo, &[&late, &due], &[&due], &[], Some(0x300));
    }

    #[test]
    fn due_items_are_taken_by_their_times_and_put_off_ones_keep_their_place() {
        let first = format!("{A}|000000F0|0000000002");
        let second = format!("{B}|00000100|0000000001");
        let now = format!("{C}0000000003");
        check(Order::Due, &[&first, &second, &now], &[], &[&now, &first, &second], None);
        check(Order::Fifo, &[&first, &second, &now], &[], &[&second, &first, &now], None);
    }

    #[test]
    fn those_who_were_tried_are_known() {
        let a = format!("{A}0000000001");
        let tried = "_t_ffffffff-0000-4000-8000-000000000000";
        let found = survey([a.as_str()], [tried], Millis(0));
        assert!(found.ready.iter().all(|candidate| candidate.is_tried));
        let found = survey([a.as_str()], [], Millis(0));
        assert!(!found.ready.iter().any(|candidate| candidate.is_tried));
    }

    #[test]
    fn transactions_tell_the_order_where_numbers_do_not() {
        let names = ["0000000001", "2147483647", "-2147483648", "2147483646"];
        let czxids = [None, Some(9), Some(8), Some(8)];
        let mut candidates: Vec<_> = names
            .iter()
            .zip(czxids)
            .map(|(sequence, czxid)| Candidate {
                name: ItemName::parse(&format!("{A}{sequence}")).unwrap(),
                is_tried: false,
                czxid: czxid.map(Zxid),
            })
            .collect();
        assert!(!candidates.iter().any(Candidate::needs_czxid));
        put_in_order(&mut candidates, Order::Fifo);
        let order: Vec<_> = candidates.iter().map(|candidate| candidate.name.sequence).collect();
        assert_eq!(order, [1, i32::MAX - 1, i32::MIN, i32::MAX]);
        candidates[1].czxid = None;
        assert!(candidates[1].needs_czxid());
    }
}
