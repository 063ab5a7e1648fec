//! Sequence numbers.

use zk_proto::message::MultiOp;

use super::*;

fn created(bench: &mut Bench, path: &str) -> Result<String, ErrorCode> {
    match bench.write(create(path, 2)) {
        TxnResult::Created(path) => Ok(path.to_string()),
        TxnResult::Error(code) => Err(code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_number_counts_all_creates_under_the_parent_and_no_deletes() {
    let mut bench = Bench::default();
    bench.plant(&["/q", "/q/plain"]);
    assert_eq!(created(&mut bench, "/q/a-").unwrap(), "/q/a-0000000001");
    assert_eq!(created(&mut bench, "/q/b-").unwrap(), "/q/b-0000000002");
    let _ = bench.write(delete("/q/b-0000000002", -1));
    assert_eq!(created(&mut bench, "/q/a-").unwrap(), "/q/a-0000000003");
}

#[test]
fn a_refused_create_takes_no_number() {
    let mut bench = Bench::default();
    bench.plant(&["/q"]);
    assert_eq!(bench.code(create("/q/", 0)), ErrorCode::BadArguments);
    assert_eq!(created(&mut bench, "/q/a-").unwrap(), "/q/a-0000000000");
}

#[test]
fn a_path_that_ends_in_a_slash_becomes_a_bare_number() {
    let mut bench = Bench::default();
    bench.plant(&["/q"]);
    assert_eq!(created(&mut bench, "/q/").unwrap(), "/q/0000000000");
}

/// `DataTree.createNode` takes a parent's new cversion only if it is above the present one.
#[test]
fn the_counter_sticks_at_its_end() {
    let mut bench = near_the_end(i32::MAX - 2);
    for expected in ["2147483645", "2147483646", "2147483647"] {
        assert_eq!(created(&mut bench, "/q/a-").unwrap(), format!("/q/a-{expected}"));
    }
    let at_the_end = bench.stat("/q");
    assert_eq!(at_the_end.pzxid, Zxid(4));
    assert_eq!(created(&mut bench, "/q/a-"), Err(ErrorCode::NodeExists));
    assert_eq!(created(&mut bench, "/q/a-"), Err(ErrorCode::NodeExists));
    for prefix in ["b-", "c-"] {
        let path = format!("/q/{prefix}2147483647");
        assert_eq!(created(&mut bench, &format!("/q/{prefix}")).unwrap(), path);
    }
    // What clients see of it goes down with each child, and a create does not show in pzxid.
    let beyond = bench.stat("/q");
    assert_eq!(beyond.pzxid, at_the_end.pzxid);
    assert_eq!((at_the_end.cversion, beyond.cversion), (Version(-5), Version(-7)));
    // A delete does.
    let _ = bench.write(delete("/q/b-2147483647", -1));
    assert_eq!(bench.stat("/q").pzxid, bench.replica.last_zxid());
    assert_eq!(created(&mut bench, "/q/b-").unwrap(), "/q/b-2147483647");
}

/// `PrepRequestProcessor.pRequest2TxnCreate` numbers by the parent's outstanding `ChangeRecord`,
/// whose counter wraps, and formats with `%010d`.
#[test]
fn within_a_multi_the_counter_runs_over_its_end_and_then_it_is_back_there() {
    let mut bench = near_the_end(i32::MAX - 1);
    let names = ["a-2147483646", "b-2147483647", "c--2147483648", "d--2147483647"];
    assert_eq!(created_at_once(&mut bench, &["a-", "b-", "c-", "d-"]).unwrap(), names);
    let pzxid = bench.stat("/q").pzxid;
    let names = ["e-2147483647", "f--2147483648", "g--2147483647", "h--2147483646"];
    assert_eq!(created_at_once(&mut bench, &["e-", "f-", "g-", "h-"]).unwrap(), names);
    assert_eq!(created(&mut bench, "/q/i-").unwrap(), "/q/i-2147483647");
    assert_eq!(bench.stat("/q").pzxid, pzxid);
    assert!(bench.stat("/q/i-2147483647").czxid > bench.stat("/q/h--2147483646").czxid);
}

/// The same prefix is refused from the first number that repeats on; the multi with it.
#[test]
fn a_multi_of_names_that_are_taken_by_then_is_refused() {
    let mut bench = near_the_end(i32::MAX);
    let names = ["a-2147483647", "a--2147483648", "a--2147483647"];
    assert_eq!(created_at_once(&mut bench, &["a-", "a-", "a-"]).unwrap(), names);
    let taken = Err(ErrorCode::NodeExists);
    assert_eq!(created_at_once(&mut bench, &["a-", "a-", "a-"]), taken);
    assert_eq!(created_at_once(&mut bench, &["b-", "a-"]), taken);
    let names = ["b-2147483647", "c--2147483648"];
    assert_eq!(created_at_once(&mut bench, &["b-", "c-"]).unwrap(), names);
}

/// `PrepRequestProcessor.rollbackPendingChanges`.
#[test]
fn a_multi_that_fails_leaves_the_counter_where_it_was() {
    let mut bench = near_the_end(i32::MAX - 1);
    let mut ops: Vec<_> = ["a-", "b-", "c-"].map(numbered).into();
    ops.push(MultiOp::Create(create_request("/none/d-", 2)));
    assert_eq!(at_once(&mut bench, ops), Err(ErrorCode::NoNode));
    assert_eq!(created(&mut bench, "/q/a-").unwrap(), "/q/a-2147483646");
}

/// `String.format("%010d", ..)` counts the sign among the ten places.
#[test]
fn a_counter_that_has_become_negative_goes_on_from_there_up_to_zero() {
    for (counter, suffix) in [
        (i32::MIN, "-2147483648"),
        (i32::MIN + 1, "-2147483647"),
        (-1_000_000_000, "-1000000000"),
        (-999_999_999, "-999999999"),
        (-5, "-000000005"),
        (-1, "-000000001"),
        (0, "0000000000"),
    ] {
        let mut bench = near_the_end(counter);
        assert_eq!(created(&mut bench, "/q/a-").unwrap(), format!("/q/a-{suffix}"));
        let next = zk_proto::path::sequence_suffix(counter + 1);
        assert_eq!(created(&mut bench, "/q/a-").unwrap(), format!("/q/a-{next}"));
    }
}

#[test]
fn a_preset_counter_goes_down_too_and_nothing_else_changes() {
    let mut bench = near_the_end(i32::MAX);
    assert_eq!(created(&mut bench, "/q/a-").unwrap(), "/q/a-2147483647");
    let before = bench.stat("/q");
    preset(&mut bench, i32::MIN);
    assert_eq!(created(&mut bench, "/q/b-").unwrap(), "/q/b--2147483648");
    preset(&mut bench, i32::MAX);
    assert_eq!(created(&mut bench, "/q/c-").unwrap(), "/q/c-2147483647");
    preset(&mut bench, 1);
    let _ = bench.write(delete("/q/b--2147483648", -1));
    let _ = bench.write(delete("/q/c-2147483647", -1));
    let after = bench.stat("/q");
    assert_eq!(after, Stat { cversion: Version(1), pzxid: after.pzxid, ..before });
    let none = WriteRequest::SetCversion { path: "/none".into(), cversion: 7 };
    assert_eq!(bench.code(none), ErrorCode::NoNode);
    assert_eq!(bench.replica.broken_invariant(), None);
}

/// A bench with `/q`, whose next child gets that number.
fn near_the_end(counter: i32) -> Bench {
    let mut bench = Bench::default();
    bench.plant(&["/q"]);
    preset(&mut bench, counter);
    bench
}

fn preset(bench: &mut Bench, cversion: i32) {
    let request = WriteRequest::SetCversion { path: "/q".into(), cversion };
    assert_eq!(bench.write(request), TxnResult::Done);
}

fn numbered(prefix: &str) -> MultiOp {
    MultiOp::Create(create_request(&format!("/q/{prefix}"), 2))
}

/// The names of children that one multi creates.
fn created_at_once(bench: &mut Bench, prefixes: &[&str]) -> Result<Vec<String>, ErrorCode> {
    at_once(bench, prefixes.iter().copied().map(numbered).collect())
}

fn at_once(bench: &mut Bench, ops: Vec<MultiOp>) -> Result<Vec<String>, ErrorCode> {
    let TxnResult::Multi(results) = bench.write(WriteRequest::Multi(ops)) else {
        panic!("a multi is answered by its operations")
    };
    let name = |result| match result {
        TxnResult::Created(path) => Ok(path.strip_prefix("/q/").unwrap().to_owned()),
        TxnResult::Error(code) => Err(code),
        other => panic!("{other:?}"),
    };
    // In a multi that fails, those before the one that did are said to be well.
    let failed = results.iter().find_map(|result| match result {
        TxnResult::Error(code) if *code != ErrorCode::Ok => Some(*code),
        _ => None,
    });
    failed.map_or_else(|| results.into_iter().map(name).collect(), Err)
}
