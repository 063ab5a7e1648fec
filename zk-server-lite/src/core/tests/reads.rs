//! What can be asked.

use super::*;

fn planted() -> Bench {
    let mut bench = Bench::default();
    bench.plant(&["/a", "/a/b", "/a/b/c", "/ab"]);
    for path in ["/a/e1", "/ab/e2"] {
        let _ = bench.write(create(path, 1));
    }
    let _ = bench.write_as(BOB, create("/bobs", 1));
    bench
}

#[test]
fn reads_do_not_validate_paths_and_the_empty_one_is_the_root() {
    let bench = planted();
    let tree = bench.replica.tree();
    assert_eq!(tree.get_data(&caller(ALICE), "").unwrap().stat, bench.stat("/"));
    assert_eq!(
        tree.get_children(&caller(ALICE), "").unwrap(),
        tree.get_children(&caller(ALICE), "/").unwrap()
    );
    for path in ["x", "/a/", "//", "/nope", "/a/b/"] {
        assert_eq!(tree.get_data(&caller(ALICE), path), Err(ErrorCode::NoNode), "{path}");
        assert_eq!(tree.exists(&caller(ALICE), path), Err(ErrorCode::NoNode), "{path}");
    }
    assert_eq!(tree.exists(&caller(ALICE), "/a\0"), Err(ErrorCode::BadArguments));
    assert_eq!(tree.get_data(&caller(ALICE), "/a\0"), Err(ErrorCode::NoNode));
}

#[test]
fn children_are_names_and_not_paths() {
    let bench = planted();
    let tree = bench.replica.tree();
    assert_eq!(tree.get_children(&caller(ALICE), "/a").unwrap().children, ["b", "e1"]);
    let with_stat = tree.get_children2(&caller(ALICE), "/").unwrap();
    assert_eq!(with_stat.children, ["a", "ab", "bobs", "zookeeper"]);
    assert_eq!(with_stat.stat.num_children, 4);
}

#[test]
fn all_children_are_all_descendants() {
    let bench = planted();
    for (path, count) in [("/a", 3), ("/a/b", 1), ("/ab", 1), ("/a/b/c", 0), ("/", 10), ("", 10)] {
        let answer = bench.replica.tree().get_all_children_number(&caller(ALICE), path).unwrap();
        assert_eq!(answer.total_number, count, "{path}");
    }
    assert!(bench.replica.tree().get_all_children_number(&caller(ALICE), "/nope").is_err());
}

#[test]
fn ephemerals_are_found_by_the_letters_their_paths_begin_with() {
    let bench = planted();
    for (prefix, expected) in [
        (None, &["/a/e1", "/ab/e2"][..]),
        (Some(""), &["/a/e1", "/ab/e2"]),
        (Some(" "), &["/a/e1", "/ab/e2"]),
        (Some("/"), &["/a/e1", "/ab/e2"]),
        (Some("/a"), &["/a/e1", "/ab/e2"]),
        (Some("/ab"), &["/ab/e2"]),
        (Some("/bobs"), &[]),
    ] {
        let found = bench.replica.tree().get_ephemerals(&caller(ALICE), prefix);
        assert_eq!(found.ephemerals, expected, "{prefix:?}");
    }
}
