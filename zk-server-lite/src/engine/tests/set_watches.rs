//! Watches that are set again.

use zk_proto::message::{SetWatches, SetWatches2};

use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};

use super::*;

/// `/old` of zxid 2, `/new` of zxid 3 with a child of zxid 4.
fn planted() -> (Bench, ConnId) {
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    for path in ["/old", "/new", "/new/child"] {
        bench.create(conn, path, 0);
    }
    (bench, conn)
}

#[test]
fn what_was_missed_is_told_and_the_rest_is_watched() {
    let lists = |data: &str, exist: &str, child: &str| {
        let list = |path: &str| match path {
            "" => Vec::new(),
            path => vec![path.into()],
        };
        SetWatches {
            relative_zxid: Zxid(2),
            data_watches: list(data),
            exist_watches: list(exist),
            child_watches: list(child),
        }
    };
    for (request, told) in [
        (lists("/gone", "", ""), Some((NodeDeleted, "/gone"))),
        (lists("/new", "", ""), Some((NodeDataChanged, "/new"))),
        (lists("/old", "", ""), None),
        (lists("", "/gone", ""), None),
        (lists("", "/old", ""), Some((NodeCreated, "/old"))),
        (lists("", "", "/gone"), Some((NodeDeleted, "/gone"))),
        (lists("", "", "/new"), Some((NodeChildrenChanged, "/new"))),
        (lists("", "", "/old"), None),
    ] {
        let (mut bench, conn) = planted();
        bench.send(conn, -8, OpCode::SetWatches, &request);
        let seen = bench.seen(conn);
        let events: Vec<_> = seen[..seen.len() - 1].iter().map(event).collect();
        let expected: Vec<_> =
            told.iter().map(|(event, path)| (Zxid(-1), *event, (*path).to_owned())).collect();
        assert_eq!(events, expected, "{request:?}");
        let reply = header(&seen[seen.len() - 1]);
        assert_eq!((reply.xid, reply.zxid, reply.err), (Xid(-8), Zxid(4), ErrorCode::Ok));
        assert_eq!(bench.engine.watch_count(), usize::from(told.is_none()), "{request:?}");
    }
}

#[test]
fn the_second_form_does_the_same_with_its_first_three_lists() {
    let (mut bench, conn) = planted();
    let request = SetWatches2 {
        relative_zxid: Zxid(4),
        data_watches: vec!["/new".into(), "/gone".into()],
        ..SetWatches2::default()
    };
    bench.send(conn, 9, OpCode::SetWatches2, &request);
    let seen = bench.seen(conn);
    assert_eq!(event(&seen[0]), (Zxid(-1), NodeDeleted, "/gone".to_owned()));
    assert_eq!((seen.len(), bench.engine.watch_count()), (2, 1));
}

#[test]
fn a_watch_that_was_set_again_fires() {
    let (mut bench, conn) = planted();
    let request = SetWatches {
        relative_zxid: Zxid(4),
        exist_watches: vec!["/later".into()],
        ..SetWatches::default()
    };
    let _ = bench.call(conn, OpCode::SetWatches, &request);
    bench.send(conn, 2, OpCode::Create, &create("/later", 0));
    assert_eq!(event(&bench.seen(conn)[0]), (Zxid(5), NodeCreated, "/later".to_owned()));
}

#[test]
fn a_null_path_is_refused_before_anything_is_done() {
    let (mut bench, conn) = planted();
    let mut lists = BytesMut::new();
    Zxid(2).encode(&mut lists);
    // The first would be told of at once, the second be watched.
    3_i32.encode(&mut lists);
    for path in ["/gone", "/old"] {
        zk_proto::ByteString::from(path).encode(&mut lists);
    }
    (-1_i32).encode(&mut lists);
    (0..4).for_each(|_| 0_i32.encode(&mut lists));
    let mut one = BytesMut::new();
    (-1_i32).encode(&mut one);
    3_i32.encode(&mut one);
    for (op, body) in [
        (OpCode::SetWatches, &lists),
        (OpCode::SetWatches2, &lists),
        (OpCode::AddWatch, &one),
        (OpCode::CheckWatches, &one),
        (OpCode::RemoveWatches, &one),
    ] {
        let code = bench.code(conn, op, &Verbatim(body.clone().freeze()));
        assert_eq!(code, ErrorCode::MarshallingError, "{op:?}");
        assert_eq!(bench.engine.watch_count(), 0, "{op:?}");
    }
}
