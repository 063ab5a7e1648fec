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
    rows_under(page, "shown by")
}

/// The rows of all tables whose last column has that title.
pub(crate) fn rows_under(page: &str, title: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut shows = false;
    for line in page.lines() {
        let Some(cells) = cells(line) else {
            shows = false;
            continue;
        };
        let last = cells.last().copied().unwrap_or_default();
        if last == title {
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

/// What stands below a title, up to the next one of its level.
pub(crate) fn section<'a>(page: &'a str, title: &str) -> &'a str {
    let (_, below) = page.split_once(&format!("\n## {title}\n")).expect("no such section");
    below.split_once("\n## ").map_or(below, |(section, _)| section)
}

fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}
