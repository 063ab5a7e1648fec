//! Watches as connections see them.

use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};

use super::*;

#[test]
fn an_event_comes_before_the_reply_of_the_write_that_caused_it_with_the_same_zxid() {
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    bench.create(conn, "/a", 0);
    let _ = bench.call(conn, OpCode::GetData, &get_data("/a", true));
    bench.send(conn, 5, OpCode::SetData, &set_data("/a"));
    let seen = bench.seen(conn);
    assert_eq!(event(&seen[0]), (Zxid(3), NodeDataChanged, "/a".to_owned()));
    let reply = header(&seen[1]);
    assert_eq!((reply.xid, reply.zxid), (Xid(5), Zxid(3)));
}

#[test]
fn a_node_that_is_not_there_can_be_watched_by_exists_and_nothing_else() {
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    let absent = ErrorCode::NoNode;
    assert_eq!(bench.code(conn, OpCode::GetData, &get_data("/a", true)), absent);
    assert_eq!(bench.code(conn, OpCode::GetChildren, &get_children("/a", true)), absent);
    assert_eq!(bench.engine.watch_count(), 0);
    assert_eq!(bench.code(conn, OpCode::Exists, &exists("/a", true)), absent);
    bench.send(conn, 1, OpCode::Create, &create("/a", 0));
    let seen = bench.seen(conn);
    assert_eq!(event(&seen[0]), (Zxid(2), NodeCreated, "/a".to_owned()));
}

#[test]
fn an_illegal_path_is_not_watched() {
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    let code = bench.code(conn, OpCode::Exists, &exists("/a\0", true));
    assert_eq!((code, bench.engine.watch_count()), (ErrorCode::BadArguments, 0));
}

#[test]
fn others_hear_of_a_write_once_for_each_watch() {
    let mut bench = Bench::new();
    let (writer, watcher) = (bench.session().conn, bench.session().conn);
    let _ = bench.call(watcher, OpCode::GetChildren2, &get_children("/", true));
    let _ = bench.call(watcher, OpCode::Exists, &exists("/a", true));
    bench.send(writer, 1, OpCode::Create, &create("/a", 0));
    let zxid = Zxid(3);
    let events = bench.events(watcher);
    let expected =
        [(zxid, NodeCreated, "/a".to_owned()), (zxid, NodeChildrenChanged, "/".to_owned())];
    assert_eq!(events, expected);
    bench.send(writer, 1, OpCode::Delete, &delete("/a"));
    assert_eq!(bench.events(watcher), []);
}

#[test]
fn a_refused_write_tells_nobody() {
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    bench.create(conn, "/a", 0);
    let _ = bench.call(conn, OpCode::GetData, &get_data("/a", true));
    assert_eq!(bench.code(conn, OpCode::Create, &create("/a", 0)), ErrorCode::NodeExists);
    assert_eq!(bench.engine.watch_count(), 1);
}

#[test]
fn a_deletion_takes_the_data_and_the_child_watch_of_a_connection_with_one_event() {
    let mut bench = Bench::new();
    let (writer, watcher) = (bench.session().conn, bench.session().conn);
    bench.create(writer, "/a", 0);
    let _ = bench.call(watcher, OpCode::GetData, &get_data("/a", true));
    let _ = bench.call(watcher, OpCode::GetChildren, &get_children("/a", true));
    assert_eq!(bench.engine.watch_count(), 2);
    bench.send(writer, 1, OpCode::Delete, &delete("/a"));
    assert_eq!(bench.events(watcher), [(Zxid(4), NodeDeleted, "/a".to_owned())]);
    assert_eq!(bench.engine.watch_count(), 0);
}

#[test]
fn watches_go_with_their_connection() {
    let mut bench = Bench::new();
    let conn = bench.session().conn;
    let _ = bench.call(conn, OpCode::GetChildren, &get_children("/", true));
    bench.engine.handle_closed(conn);
    assert_eq!(bench.engine.watch_count(), 0);
}

#[test]
fn data_watches_are_listed_by_session_and_by_path() {
    use zk_proto::AddWatchMode::PersistentRecursive;
    use zk_proto::message::AddWatchRequest;
    let mut bench = Bench::new();
    let (one, two) = (bench.session(), bench.session());
    let _ = bench.call(one.conn, OpCode::GetData, &get_data("/", true));
    let _ = bench.call(one.conn, OpCode::GetChildren, &get_children("/", true));
    for path in ["/", "/a"] {
        let request = AddWatchRequest { path: path.into(), mode: PersistentRecursive };
        let _ = bench.call(two.conn, OpCode::AddWatch, &request);
    }
    let by_session: Vec<(SessionId, Vec<String>)> = bench
        .engine
        .watches_by_session()
        .map(|(session, paths)| (session, paths.map(ToString::to_string).collect()))
        .collect();
    let expected =
        [(one.id, vec!["/".to_owned()]), (two.id, vec!["/".to_owned(), "/a".to_owned()])];
    assert_eq!(by_session, expected);
    let mut by_path: Vec<(String, Vec<SessionId>)> = bench
        .engine
        .watches_by_path()
        .map(|(path, sessions)| (path.to_string(), sessions.collect()))
        .collect();
    by_path.sort();
    assert_eq!(by_path, [("/".to_owned(), vec![one.id, two.id]), ("/a".to_owned(), vec![two.id])]);
    let summary = bench.engine.watches_summary();
    assert_eq!((summary.connections, summary.paths, summary.total), (2, 2, 3));
    assert_eq!(bench.engine.watch_count(), 4);
}

#[test]
fn a_watch_that_stays_goes_with_its_connection_and_can_be_set_on_the_next() {
    use zk_proto::AddWatchMode::PersistentRecursive;
    use zk_proto::message::AddWatchRequest;
    let mut bench = Bench::new();
    let (writer, watcher) = (bench.session().conn, bench.session());
    let request = AddWatchRequest { path: "/".into(), mode: PersistentRecursive };
    let _ = bench.call(watcher.conn, OpCode::AddWatch, &request);
    let moved = bench.open();
    bench.connect(moved, &renewal(&watcher)).unwrap();
    assert_eq!(bench.engine.watch_count(), 0);
    bench.create(writer, "/a", 0);
    let _ = bench.call(moved, OpCode::AddWatch, &request);
    bench.send(writer, 1, OpCode::Create, &create("/b", 0));
    assert_eq!(bench.events(moved), [(Zxid(4), NodeCreated, "/b".to_owned())]);
    bench.engine.handle_closed(moved);
    assert_eq!(bench.engine.watch_count(), 0);
}
