use proptest::prelude::*;

use super::*;

fn mutex() -> Rule {
    Rule::new("lock-", &["lock-"])
}

fn check(children: &[&str], own: &str, expected: Place<'_>) {
    check_by(&mutex(), children, own, expected);
}

fn check_by(rule: &Rule, children: &[&str], own: &str, expected: Place<'_>) {
    let mut children = children.to_vec();
    assert_eq!(place(children.iter().copied(), own, rule), expected);
    children.reverse();
    assert_eq!(place(children.iter().copied(), own, rule), expected);
}

const fn behind(ahead: &str) -> Place<'_> {
    Place::Behind { ahead, alone: false }
}

const fn next_to(ahead: &str) -> Place<'_> {
    Place::Behind { ahead, alone: true }
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
    check(&[A, B, C], B, next_to(A));
    check(&[A, B, C], C, behind(B));
    check(&[A, C], C, next_to(A));
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
    let go = "_c_00112233445566778899aabbccddeeff-lock-0000000000";
    check(&[go, A], A, next_to(go));
    check(&["lock-0000000000", A], A, next_to("lock-0000000000"));
}

#[test]
fn numbers_that_do_not_tell_the_order_are_not_guessed_at() {
    check(&[A, "_c_x-lock-0000000001"], A, Place::Undecidable);
    check(&[A, "_c_x-lock--2147483648"], A, Place::Undecidable);
    check(&[A, "_c_x-lock-2147483647"], A, Place::Undecidable);
    check(&["_c_x-lock-2147483647"], "_c_x-lock-2147483647", Place::Undecidable);
}

#[test]
fn a_reader_is_behind_the_last_writer_before_it_and_a_writer_behind_anybody() {
    let reads = Rule::new("__READ__", &["__WRIT__"]);
    let writes = Rule::new("__WRIT__", &["__WRIT__", "__READ__"]);
    let [r1, w2, w3, r4, r5, w6] = [
        "a-__READ__0000000001",
        "a-__WRIT__0000000002",
        "a-__WRIT__0000000003",
        "a-__READ__0000000004",
        "a-__READ__0000000005",
        "a-__WRIT__0000000006",
    ];
    let all = [r1, w2, w3, r4, r5, w6];
    check_by(&reads, &all, r1, Place::First);
    check_by(&reads, &all, r5, behind(w3));
    check_by(&reads, &[w3, r4, r5, w6], r5, next_to(w3));
    check_by(&reads, &[r4, r5, w6], r5, Place::First);
    check_by(&writes, &all, w6, behind(r5));
    check_by(&writes, &all, w2, next_to(r1));
}

#[test]
fn a_writer_that_may_become_a_reader_is_not_all_there_is_to_wait_for() {
    let writes = Rule::new("__WRIT__", &["__WRIT__", "__READ__"]).replaceable("__WRIT__");
    let (read, write) = ("a-__READ__0000000001", "a-__WRIT__0000000002");
    let own = "a-__WRIT__0000000003";
    check_by(&writes, &[write, own], own, behind(write));
    check_by(&writes, &[read, own], own, next_to(read));
    let nodes = [(write, Zxid(2)), ("b-__WRIT__2147483647", Zxid(3))];
    assert_eq!(place_by_czxid(nodes, nodes[1], &writes), behind(write));
}

#[test]
fn a_reader_with_the_number_of_a_writer_is_that_writers_own() {
    let reads = Rule::new("__READ__", &["__WRIT__"]);
    let (write, read) = ("a-__WRIT__0000000002", "b-__READ__0000000002");
    check_by(&reads, &[write, read], read, Place::First);
}

#[test]
fn a_kind_that_is_to_be_respected_stands_in_the_way() {
    let kazoo = Rule::new("__lock__", &["__lock__"]);
    let (go, own) = ("_c_x-lock-0000000004", "x__lock__0000000005");
    check_by(&kazoo, &[go, own], own, Place::First);
    check_by(&kazoo.respecting("-lock-"), &[go, own], own, next_to(go));
}

#[test]
fn transactions_tell_the_order_where_numbers_do_not() {
    let check = |nodes: &[(&'static str, i64)], own: usize, expected| {
        let list = || nodes.iter().map(|(name, czxid)| (*name, Zxid(*czxid)));
        let own = list().nth(own).unwrap();
        assert_eq!(place_by_czxid(list(), own, &mutex()), expected);
        assert_eq!(place_by_czxid(list().rev(), own, &mutex()), expected);
    };
    let (last, stuck) = ("a-lock-2147483646", "b-lock-2147483647");
    let (again, over) = ("c-lock-2147483647", "d-lock--2147483648");
    let nodes = [(last, 7), (stuck, 8), (again, 10), (over, 9)];
    check(&nodes, 0, Place::First);
    check(&nodes, 1, next_to(last));
    check(&nodes, 2, behind(over));
    check(&nodes, 3, behind(stuck));
    check(&[(over, 8), (stuck, 8)], 0, next_to(stuck));
    check(&[(over, 8), (stuck, 8)], 1, Place::First);
}

#[test]
fn a_downgraded_reader_is_before_all_who_came_near_the_end() {
    let writes = Rule::new("__WRIT__", &["__WRIT__", "__READ__"]);
    let (read, write) = ("a-__READ__0000000100", "b-__WRIT__2147483640");
    let place = place_by_czxid([(read, Zxid(20)), (write, Zxid(10))], (write, Zxid(10)), &writes);
    assert_eq!(place, next_to(read));
}

#[test]
fn a_node_of_the_same_name_from_another_transaction_is_not_the_own_one() {
    let list = [("a-lock-2147483647", Zxid(9))];
    let own = ("a-lock-2147483647", Zxid(8));
    assert_eq!(place_by_czxid(list, own, &mutex()), Place::Gone);
}

#[test]
fn contenders_are_listed_in_their_order() {
    assert_eq!(in_order([C, "config", A, B], &mutex().blocking), [A, B, C]);
}

/// Contenders by kind and number, as one history of creations and deletions leaves them: numbers
/// and transactions grow together.
fn contenders() -> impl Strategy<Value = Vec<(String, Zxid)>> {
    let kinds = proptest::collection::vec((any::<bool>(), 1..4_i32), 1..12);
    (kinds, any::<u64>()).prop_map(|(kinds, seed)| {
        let mut next = 0;
        let mut nodes: Vec<_> = kinds
            .into_iter()
            .map(|(writes, step)| {
                next += step;
                let kind = if writes { "__WRIT__" } else { "__READ__" };
                (format!("_c_{seed:x}-{kind}{next:010}"), Zxid(1000 + i64::from(next)))
            })
            .collect();
        let middle = usize::try_from(seed % 12).unwrap_or_default() % nodes.len();
        nodes.rotate_left(middle);
        nodes
    })
}

proptest! {
    #[test]
    fn writers_are_alone_and_readers_are_with_readers(nodes in contenders()) {
        let reads = Rule::new("__READ__", &["__WRIT__"]);
        let writes = Rule::new("__WRIT__", &["__WRIT__", "__READ__"]);
        let names = || nodes.iter().map(|(name, _)| name.as_str());
        let first: Vec<_> = nodes
            .iter()
            .filter(|(name, czxid)| {
                let rule = if name.contains("READ") { &reads } else { &writes };
                let found = place(names(), name, rule);
                let list = nodes.iter().map(|(name, czxid)| (name.as_str(), *czxid));
                assert_eq!(place_by_czxid(list, (name, *czxid), rule), found);
                if let Place::Behind { ahead, .. } = found {
                    // Whoever is watched is before us, and somebody whom we wait for.
                    let ahead = nodes.iter().find(|node| node.0 == ahead).unwrap();
                    assert!(ahead.1 < *czxid);
                    assert!(ahead.0.contains("WRIT") || name.contains("WRIT"));
                }
                found == Place::First
            })
            .collect();
        let writers = first.iter().filter(|(name, _)| name.contains("WRIT")).count();
        prop_assert!(!first.is_empty(), "nobody gets in");
        prop_assert!(writers == 0 || first.len() == 1, "a writer is not alone");
    }

    #[test]
    fn whatever_the_numbers_are_one_is_first_and_all_stand_in_a_row(
        numbers in proptest::collection::vec(any::<i32>(), 1..10),
    ) {
        let names: Vec<_> = numbers
            .iter()
            .enumerate()
            .map(|(n, sequence)| (format!("{n}-lock-{sequence:010}"), Zxid(n as i64)))
            .collect();
        let list = || names.iter().map(|(name, czxid)| (name.as_str(), *czxid));
        let mut ahead: Vec<_> = list()
            .map(|own| match place_by_czxid(list(), own, &mutex()) {
                Place::First => "",
                Place::Behind { ahead, .. } => ahead,
                other => panic!("{other:?}"),
            })
            .collect();
        ahead.sort_unstable();
        ahead.dedup();
        // Each is watched by one at the most, and one watches nobody.
        prop_assert_eq!(ahead.len(), names.len());
        prop_assert_eq!(ahead[0], "");
    }
}
