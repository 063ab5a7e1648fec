//! Tests, by the names that pages give them.

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Whether there is a test of that name: `cases::module::function` for a case, `faults::` likewise,
/// which has to be on the list of its module, and `path/of/file::function` for any other, by an
/// attribute or on the list of its file.
pub(crate) fn has_test(name: &str) -> bool {
    let Some((module, function)) = name.rsplit_once("::") else {
        return false;
    };
    match module.split_once("::") {
        Some((suite, module)) => source(&format!("tests/{suite}/{}", module.replace("::", "/")))
            .is_some_and(|text| is_case(&text, function)),
        None => {
            let shows = |text: String| is_test(&text, function) || is_case(&text, function);
            module.contains('/') && source(module).is_some_and(shows)
        }
    }
}

/// A module's file, by its path without `.rs`.
fn source(module: &str) -> Option<String> {
    let file = |path: String| -> PathBuf { root().join(path) };
    fs::read_to_string(file(format!("{module}.rs")))
        .or_else(|_| fs::read_to_string(file(format!("{module}/mod.rs"))))
        .ok()
}

fn is_case(text: &str, function: &str) -> bool {
    let lists = ["cases![", "cases! {"];
    let Some((_, list)) = lists.iter().find_map(|list| text.split_once(list)) else {
        return false;
    };
    // Names may stand in groups, with what each group needs in front of it.
    let (list, rest) = list.split_at(list_length(list));
    let mut words = list.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.any(|listed| listed == function) && rest.contains(&format!("async fn {function}("))
}

/// How much of the text is before the bracket that closes one in front of it.
fn list_length(text: &str) -> usize {
    let mut open = 1;
    let end = text.find(|c: char| {
        open += match c {
            '[' | '{' => 1,
            ']' | '}' => -1,
            _ => 0,
        };
        open == 0
    });
    end.unwrap_or(text.len())
}

/// A function with an attribute that makes it a test.
fn is_test(text: &str, function: &str) -> bool {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let declared = format!("fn {function}(");
    lines.iter().enumerate().any(|(number, line)| {
        let is_it = line.strip_prefix("async ").unwrap_or(line).starts_with(&declared);
        let above = lines.get(..number).unwrap_or_default().iter().rev();
        let mut attributes = above.take_while(|line| line.starts_with("#["));
        is_it && attributes.any(|line| line.starts_with("#[test]") || line.contains("::test"))
    })
}
