//! What a create makes: the operation and its flags decide it together.

use zk_proto::message::{CreateTtlRequest, MultiOp};

use super::super::ephemeral_type::{self, EphemeralType};
use super::*;

/// What was made, told by the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    Plain,
    Ephemeral,
    Container,
    Ttl(i64),
}

use Made::*;

fn bench(extended_types: bool) -> Bench {
    Bench { features: Features { extended_types, ..Features::default() }, ..Bench::default() }
}

fn ttl_request(flags: i32, ttl: i64) -> CreateTtlRequest {
    let CreateRequest { path, data, acl, .. } = create_request("/n", flags);
    CreateTtlRequest { path, data, acl, flags, ttl }
}

/// Does it, and looks at what there is then.
fn made(mut bench: Bench, request: WriteRequest) -> Result<Made, ErrorCode> {
    let failed = |result: &TxnResult| match result {
        TxnResult::Error(code) => Some(*code),
        _ => None,
    };
    match bench.write(request) {
        TxnResult::Error(code) => return Err(code),
        TxnResult::Multi(results) => {
            if let Some(code) = results.iter().find_map(failed) {
                return Err(code);
            }
        }
        _ => {}
    }
    let tree = bench.replica.tree();
    let node = tree.node("/n").or_else(|| tree.node("/n0000000000")).unwrap();
    let expiring = tree.expiring().count();
    Ok(match node.owner() {
        EphemeralType::Void => Plain,
        EphemeralType::Normal(session) => {
            assert_eq!(session, ALICE);
            Ephemeral
        }
        EphemeralType::Container => {
            assert_eq!((expiring, node.stat().ephemeral_owner), (1, SessionId::NONE));
            Container
        }
        EphemeralType::Ttl(ttl) => {
            assert_eq!((expiring, node.stat().ephemeral_owner), (1, SessionId::NONE));
            Ttl(ttl.ms() as i64)
        }
    })
}

#[test]
fn create_and_create2_make_a_plain_node_with_the_flags_of_a_container() {
    use ErrorCode::{BadArguments, Unimplemented};
    for (flags, extended, expected) in [
        (0, false, Ok(Plain)),
        (1, false, Ok(Ephemeral)),
        (2, false, Ok(Plain)),
        (3, false, Ok(Ephemeral)),
        (4, false, Ok(Plain)),
        (5, true, Err(BadArguments)),
        (6, true, Err(BadArguments)),
        (5, false, Err(Unimplemented)),
        (6, false, Err(Unimplemented)),
        (7, true, Err(BadArguments)),
        (-1, true, Err(BadArguments)),
    ] {
        for request in [WriteRequest::Create, WriteRequest::Create2] {
            let outcome = made(bench(extended), request(create_request("/n", flags)));
            assert_eq!(outcome, expected, "{flags}");
        }
    }
}

#[test]
fn create_container_makes_a_container_whatever_the_flags_are() {
    for (flags, expected) in [
        (0, Ok(Container)),
        (1, Ok(Container)),
        (2, Ok(Container)),
        (3, Ok(Container)),
        (4, Ok(Container)),
        (5, Err(ErrorCode::BadArguments)),
        (7, Err(ErrorCode::BadArguments)),
    ] {
        let request = WriteRequest::CreateContainer(create_request("/n", flags));
        assert_eq!(made(bench(true), request), expected, "{flags}");
    }
}

#[test]
fn create_ttl_wants_a_mode_with_a_time_and_a_time_that_fits() {
    use ErrorCode::{BadArguments, Unimplemented};
    const LONGEST: i64 = 0xff_ffff_ffff;
    for (flags, ttl, extended, expected) in [
        (5, 1, true, Ok(Ttl(1))),
        (6, 7, true, Ok(Ttl(7))),
        (5, LONGEST, true, Ok(Ttl(LONGEST))),
        (5, LONGEST + 1, true, Err(BadArguments)),
        (5, 0, true, Err(BadArguments)),
        (6, -1, true, Err(BadArguments)),
        (5, 1, false, Err(Unimplemented)),
        (6, -1, false, Err(Unimplemented)),
        (0, 1, true, Err(BadArguments)),
        (4, 0, false, Err(BadArguments)),
        (0, -1, true, Err(BadArguments)),
        (3, i64::MIN, false, Err(BadArguments)),
        (7, 1, false, Err(BadArguments)),
    ] {
        let request = WriteRequest::CreateTtl(ttl_request(flags, ttl));
        assert_eq!(made(bench(extended), request), expected, "{flags} {ttl} {extended}");
    }
}

#[test]
fn in_a_multi_the_flags_of_a_container_make_one_and_a_time_without_use_is_dropped() {
    use ErrorCode::{BadArguments, MarshallingError, Unimplemented};
    let create = |flags| MultiOp::Create(create_request("/n", flags));
    let create2 = |flags| MultiOp::Create2(create_request("/n", flags));
    let container = |flags| MultiOp::CreateContainer(create_request("/n", flags));
    let ttl = |flags, ttl| MultiOp::CreateTtl(ttl_request(flags, ttl));
    for (op, extended, expected) in [
        (create(4), false, Ok(Container)),
        (create2(4), false, Ok(Container)),
        (container(0), false, Ok(Container)),
        (container(1), false, Ok(Container)),
        (container(2), false, Ok(Container)),
        (create2(1), false, Ok(Ephemeral)),
        (create(5), true, Err(MarshallingError)),
        (container(6), false, Err(MarshallingError)),
        (ttl(5, 9), true, Ok(Ttl(9))),
        (ttl(5, 9), false, Err(Unimplemented)),
        (ttl(6, 0), true, Err(BadArguments)),
        (ttl(0, 9), true, Ok(Plain)),
        (ttl(1, -9), true, Ok(Ephemeral)),
        (ttl(4, 9), false, Ok(Container)),
        (ttl(7, 9), true, Err(BadArguments)),
    ] {
        let outcome = made(bench(extended), WriteRequest::Multi(vec![op.clone()]));
        assert_eq!(outcome, expected, "{op:?}");
    }
}

#[test]
fn only_nodes_that_are_neither_ephemeral_nor_parents_are_removed_by_the_server() {
    use ErrorCode::*;
    let mut bench = bench(true);
    bench.plant(&["/p", "/p/child", "/plain"]);
    let _ = bench.write(create("/e", 1));
    let _ = bench.write(WriteRequest::CreateContainer(create_request("/c", 4)));
    for (path, expected) in [
        ("/c", Ok),
        ("/c", NoNode),
        ("/plain", Ok),
        ("/p", NotEmpty),
        ("/e", BadVersion),
        ("/zookeeper", BadArguments),
        ("no-slash", NoNode),
        ("/nope/x", NoNode),
    ] {
        let request = WriteRequest::DeleteContainer { path: path.into() };
        assert_eq!(bench.code(request), expected, "{path}");
    }
    assert!(!bench.replica.tree().has_expiring());
}

#[test]
fn the_time_to_live_is_part_of_the_digest() {
    let digest = |ttl| {
        let mut replica = Replica::default();
        let TxnBody::CreateTtl(txn, _) = replica
            .prepare(
                &caller(ALICE),
                WriteRequest::CreateTtl(ttl_request(5, 1)),
                Features { extended_types: true, ..Features::default() },
            )
            .unwrap()
        else {
            panic!("no such transaction");
        };
        let body = match ttl {
            Some(ms) => TxnBody::CreateTtl(txn, ephemeral_type::Ttl::from_ms(ms).unwrap()),
            None => TxnBody::Create2(txn),
        };
        let header = TxnHeader { session: ALICE, zxid: Zxid(1), time: 0 };
        let _ = replica.apply(&Txn { header, body });
        replica.digest()
    };
    assert_ne!(digest(Some(1)), digest(Some(2)));
    assert_ne!(digest(Some(1)), digest(None));
}
