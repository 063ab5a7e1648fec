//! The pages that say which test shows what name tests that are there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod page;
mod sources;

use page::Row;
use zk_proto::OpCode;

#[test]
fn every_rule_names_a_test_and_every_test_is_there() {
    let page = page::read("docs/compatibility.md");
    let rows = page::rows(&page);
    assert!(rows.len() > 100, "only {} rules were found", rows.len());
    let wrong: Vec<_> = rows.iter().flat_map(faults).chain(strays(&page)).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_promise_names_a_test_and_every_test_is_there() {
    let page = page::read("docs/guarantees.md");
    let rows = page::rows(&page);
    assert!(rows.len() > 30, "only {} promises were found", rows.len());
    let wrong: Vec<_> = rows.iter().flat_map(faults).chain(strays(&page)).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_line_of_the_readme_beside_other_clients_is_shown_by_tests_that_are_there() {
    let page = page::read("README.md");
    let section = page::section(&page, "Beside other clients");
    let (compared, shown) = (page::rows_under(section, "kazoo"), page::rows(section));
    assert!(compared.len() > 20, "only {} lines were found", compared.len());
    let names = |rows: &[Row]| rows.iter().map(|row| row.rule.clone()).collect::<Vec<_>>();
    assert_eq!(names(&compared), names(&shown), "the two tables have not the same lines");
    let wrong: Vec<_> = shown.iter().flat_map(faults).chain(strays(section)).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_operation_of_the_protocol_has_a_rule() {
    let page = page::read("docs/compatibility.md");
    let rows = page::rows(page::section(&page, "Operations"));
    for op in (-20..200).filter_map(OpCode::from_code) {
        let is_request = !matches!(op, OpCode::Error | OpCode::Notification);
        let name = format!("{op:?}").to_lowercase();
        let named = rows.iter().any(|row| {
            let words = row.rule.split(|c: char| !c.is_alphanumeric());
            words.map(str::to_lowercase).any(|word| word == name)
        });
        assert!(named || !is_request, "{op:?} has no rule");
    }
}

#[test]
fn what_a_page_gets_wrong_is_found() {
    let row = |shown_by: &str| {
        let page = format!(
            "| rule | ours | shown by |\n|---|---|---|\n| a `word` | as `Real::it` | {shown_by} |\n"
        );
        page::rows(&page).iter().flat_map(faults).collect::<Vec<_>>()
    };
    for right in [
        "`cases::watches::a_watch_fires_once`",
        "`faults::ensemble::no_acknowledged_write_is_lost_when_the_leader_is_killed`",
        "`cases::acl::order::the_first_check_that_fails_decides`, and by others",
        "`zk-server-lite/src/core/tests/stat::a_fresh_tree_looks_like_zookeepers`",
        "`zk-server-lite/src/engine/expiry::a_session_that_is_touched_ends_later`",
        "`zk-client/tests/client/watches::a_watch_ends_with_its_session`",
    ] {
        assert_eq!(row(right), Vec::<String>::new(), "{right}");
    }
    for wrong in [
        // Nothing, or no test.
        "",
        "many tests",
        "`watches`",
        "`a_watch_fires_once`",
        // One letter, in the function, the module and the folder.
        "`cases::watches::a_watch_fires_one`",
        "`cases::watches::watch_fires_once`",
        "`cases::watch::a_watch_fires_once`",
        "`case::watches::a_watch_fires_once`",
        "`zk-server/src/core/tests/stat::a_fresh_tree_looks_like_zookeepers`",
        // A function that is no test, in either kind of file.
        "`cases::handshake::session`",
        "`zk-server-lite/src/core/tests/writes::planted`",
        // One that is right does not make up for it.
        "`cases::watches::a_watch_fires_once`, `cases::watches::a_watch_fires_twice`",
    ] {
        assert_eq!(row(wrong).len(), 1, "{wrong}: {:?}", row(wrong));
    }
    // Names of tests outside of such tables count, too.
    assert_eq!(strays("See `cases::watches::a_watch_fires_once`.").len(), 0);
    assert_eq!(strays("See `cases::watches::a_watch_fires_on`.").len(), 1);
}

/// What is wrong with the last cell of a row.
fn faults(row: &Row) -> Vec<String> {
    let names = page::quoted(&row.shown_by);
    if names.is_empty() {
        return vec![format!("no test is named for: {}", row.rule)];
    }
    missing(&names)
}

/// Names of tests anywhere on a page that are those of none.
fn strays(page: &str) -> Vec<String> {
    let names = page::quoted(page);
    missing(&names.into_iter().filter(|name| name.contains("::")).collect::<Vec<_>>())
}

fn missing(names: &[&str]) -> Vec<String> {
    let wrong = names.iter().filter(|name| !sources::has_test(name));
    wrong.map(|name| format!("there is no test {name}")).collect()
}
