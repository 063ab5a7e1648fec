//! `wchs`, `wchc` and `wchp`: who watches what (`WatchManager.dumpWatches`).
//!
//! They tell of watches of data and existence; those of lists of children are left out, as
//! ZooKeeper leaves them out.

use std::fmt::{Display, Write};

use crate::core::WatchesSummary;

/// The watches in numbers.
pub(super) fn wchs(summary: WatchesSummary) -> String {
    let WatchesSummary { connections, paths, total } = summary;
    format!("{connections} connections watching {paths} paths\nTotal watches:{total}\n")
}

/// A line for each watcher with its paths behind it, or for each path with its watchers.
pub(super) fn by_first<A: Display, B: Display>(
    groups: impl Iterator<Item = (A, impl Iterator<Item = B>)>,
) -> String {
    let mut answer = String::new();
    for (first, others) in groups {
        let _ = writeln!(answer, "{first}");
        for other in others {
            let _ = writeln!(answer, "\t{other}");
        }
    }
    answer.push('\n');
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wchs_is_two_lines() {
        assert_eq!(
            wchs(WatchesSummary { connections: 1, paths: 2, total: 3 }),
            "1 connections watching 2 paths\nTotal watches:3\n"
        );
    }

    #[test]
    fn a_group_is_a_line_and_one_with_a_tab_for_each_of_its_own_and_an_empty_line_ends_all() {
        let groups = vec![("0x1", vec!["/a", "/b"]), ("0x2", vec!["/a"])];
        let groups = groups.into_iter().map(|(first, others)| (first, others.into_iter()));
        assert_eq!(by_first(groups), "0x1\n\t/a\n\t/b\n0x2\n\t/a\n\n");
        assert_eq!(by_first(std::iter::empty::<(u8, std::iter::Empty<u8>)>()), "\n");
    }
}
