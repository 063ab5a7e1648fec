//! Sequence numbers.

use zk_proto::ByteString;

use super::super::txn::CreateTxn;
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

#[test]
fn the_counter_sticks_at_its_end() {
    let mut bench = Bench::default();
    bench.plant(&["/q"]);
    let last = CreateTxn {
        path: ByteString::from_static("/q/child"),
        data: None,
        acl: Acl::open(),
        ephemeral: false,
        parent_cversion: i32::MAX,
    };
    let header = TxnHeader { session: ALICE, zxid: Zxid(2), time: 0 };
    let _ = bench.replica.apply(&Txn { header, body: TxnBody::Create(last) });
    let before = bench.stat("/q").pzxid;

    assert_eq!(created(&mut bench, "/q/a-").unwrap(), "/q/a-2147483647");
    assert_eq!(created(&mut bench, "/q/a-"), Err(ErrorCode::NodeExists));
    assert_eq!(created(&mut bench, "/q/b-").unwrap(), "/q/b-2147483647");
    assert_eq!(bench.stat("/q").pzxid, before);
}
