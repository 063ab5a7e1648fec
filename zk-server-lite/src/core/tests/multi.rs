//! Several writes or none.

use zk_proto::message::{CheckVersionRequest, DeleteRequest, MultiOp, SetDataRequest};

use super::*;

fn op_create(path: &str, flags: i32) -> MultiOp {
    MultiOp::Create(create_request(path, flags))
}

fn op_create2(path: &str, flags: i32) -> MultiOp {
    MultiOp::Create2(create_request(path, flags))
}

fn op_delete(path: &str) -> MultiOp {
    MultiOp::Delete(DeleteRequest { path: path.into(), version: Version::ANY })
}

fn op_set(path: &str, version: i32) -> MultiOp {
    let version = Version(version);
    MultiOp::SetData(SetDataRequest { path: path.into(), data: None, version })
}

fn op_check(path: &str, version: i32) -> MultiOp {
    MultiOp::Check(CheckVersionRequest { path: path.into(), version: Version(version) })
}

fn multi(bench: &mut Bench, ops: Vec<MultiOp>) -> Vec<TxnResult> {
    match bench.write(WriteRequest::Multi(ops)) {
        TxnResult::Multi(results) => results,
        other => panic!("{other:?}"),
    }
}

fn errors(codes: &[ErrorCode]) -> Vec<TxnResult> {
    codes.iter().copied().map(TxnResult::Error).collect()
}

#[test]
fn each_operation_sees_what_the_ones_before_it_do() {
    let mut bench = Bench::default();
    let results = multi(
        &mut bench,
        vec![
            op_create("/a", 0),
            op_create("/a/b", 0),
            op_check("/a/b", 0),
            op_set("/a/b", 0),
            op_set("/a/b", 1),
            op_delete("/a/b"),
            op_delete("/a"),
            op_create2("/a", 0),
            op_create("/a/n-", 2),
            op_create("/a/n-", 2),
        ],
    );
    assert_eq!(results[0], TxnResult::Created("/a".into()));
    assert!(matches!(&results[4], TxnResult::DataSet(stat) if stat.version == Version(2)));
    assert!(matches!(&results[7], TxnResult::Created2(_, stat) if stat.czxid == Zxid(1)));
    assert_eq!(results[8], TxnResult::Created("/a/n-0000000000".into()));
    assert_eq!(results[9], TxnResult::Created("/a/n-0000000001".into()));
    assert_eq!(bench.replica.last_zxid(), Zxid(1));
}

#[test]
fn a_failed_multi_changes_nothing_and_takes_a_zxid() {
    use ErrorCode::{BadVersion, Ok, RuntimeInconsistency};
    let mut bench = Bench::default();
    bench.plant(&["/a"]);
    let before = bench.stat("/a");
    let results = multi(&mut bench, vec![op_set("/a", 0), op_check("/a", 0), op_create("/b", 0)]);
    assert_eq!(results, errors(&[Ok, BadVersion, RuntimeInconsistency]));
    assert_eq!((bench.stat("/a"), bench.replica.last_zxid()), (before, Zxid(2)));
    assert!(bench.replica.tree().node("/b").is_none());
}

#[test]
fn an_empty_multi_succeeds_and_takes_a_zxid() {
    let mut bench = Bench::default();
    assert_eq!(multi(&mut bench, Vec::new()), Vec::new());
    assert_eq!(bench.replica.last_zxid(), Zxid(1));
}

#[test]
fn flags_that_are_no_mode_make_the_whole_multi_unreadable() {
    // Nor can these records tell the time to live that the last two modes need.
    for flags in [7, -1, 5, 6] {
        let container = MultiOp::CreateContainer(create_request("/b", flags));
        for op in [op_create("/b", flags), op_create2("/b", flags), container] {
            let mut bench = Bench::default();
            let ops = vec![op_check("/nope", 0), op];
            assert_eq!(bench.code(WriteRequest::Multi(ops)), ErrorCode::MarshallingError);
        }
    }
}

#[test]
fn a_check_has_zookeepers_order_of_refusals() {
    use ErrorCode::*;
    let mut bench = Bench::default();
    bench.plant(&["/a"]);
    for (path, version, expected) in
        [("/a/", 0, BadArguments), ("/nope", 0, NoNode), ("/a", 1, BadVersion)]
    {
        assert_eq!(multi(&mut bench, vec![op_check(path, version)]), errors(&[expected]), "{path}");
    }
    assert_eq!(multi(&mut bench, vec![op_check("/a", -1)]), [TxnResult::Checked]);
}

#[test]
fn the_parent_of_a_deleted_child_may_be_deleted_in_the_same_multi() {
    let mut bench = Bench::default();
    bench.plant(&["/a", "/a/b"]);
    let results = multi(&mut bench, vec![op_delete("/a/b"), op_delete("/a")]);
    assert_eq!(results, [TxnResult::Deleted, TxnResult::Deleted]);
    assert!(bench.replica.tree().node("/a").is_none());
}

#[test]
fn a_null_id_in_an_acl_makes_the_whole_multi_unreadable() {
    let mut request = create_request("/b", 0);
    request.acl.as_mut().unwrap()[0].id.id = None;
    let ops = vec![op_create("/a", 0), MultiOp::Create(request)];
    let mut bench = Bench::default();
    assert_eq!(bench.code(WriteRequest::Multi(ops)), ErrorCode::MarshallingError);
    assert!(bench.replica.tree().node("/a").is_none());
}
