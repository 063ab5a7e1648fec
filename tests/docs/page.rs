//! Pages in Markdown: tables, and what stands between backticks.

use std::fs;

use crate::sources::root;

/// A line of a table whose last column says which tests show the rule in the first.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) rule: String,
    pub(crate) shown_by: String,
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The rows of all tables that end with the column `shown by`.
pub(crate) fn rows(page: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut shows = false;
    for line in page.lines() {
        let Some(cells) = cells(line) else {
            shows = false;
            continue;
        };
        let last = cells.last().copied().unwrap_or_default();
        if last == "shown by" {
            shows = true;
        } else if shows && !last.starts_with("---") {
            let rule = cells.first().copied().unwrap_or_default();
            rows.push(Row { rule: rule.to_owned(), shown_by: last.to_owned() });
        }
    }
    rows
}

/// What stands between backticks.
pub(crate) fn quoted(text: &str) -> Vec<&str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}
