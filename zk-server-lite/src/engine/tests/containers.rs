//! Containers and nodes with a time to live: when the server removes them.

use zk_proto::message::CreateTtlRequest;

use super::*;

/// The default interval between two looks.
const CHECK: u64 = 60_000;

fn ttl(path: &str, ttl: i64) -> CreateTtlRequest {
    let CreateRequest { path, data, acl, .. } = create(path, 0);
    CreateTtlRequest { path, data, acl, flags: 5, ttl }
}

/// A server with sessions that outlast the test, and one of them.
fn bench(options: ContainerOptions) -> (Bench, ConnId) {
    let mut bench = Bench::with(|engine| {
        engine.containers = options;
        engine.max_session_timeout_ms = i32::MAX;
    });
    let conn = bench.open();
    bench.connect(conn, &ConnectRequest { timeout: i32::MAX, ..new_session() }).unwrap();
    // The deadline of the handshake stays until it has come.
    bench.pass(CHECK);
    (bench, conn)
}

const DEFAULT: ContainerOptions =
    ContainerOptions { check_interval_ms: CHECK, max_per_minute: 10_000, max_never_used_ms: 0 };

impl Bench {
    /// Does what must not be refused.
    fn done(&mut self, conn: ConnId, op: OpCode, body: &impl Encode) {
        assert_eq!(self.code(conn, op, body), ErrorCode::Ok);
    }

    fn has(&self, path: &str) -> bool {
        self.engine.replica().tree().node(path).is_some()
    }

    /// The milliseconds to the next deadline but that of the session.
    fn wait(&self) -> Option<u64> {
        let deadline = self.engine.next_deadline().filter(|deadline| *deadline < 1 << 30);
        deadline.map(|deadline| deadline - self.now.elapsed_ms)
    }
}

#[test]
fn an_idle_server_without_such_nodes_has_no_deadline() {
    let (mut bench, conn) = bench(DEFAULT);
    assert_eq!(bench.wait(), None);
    bench.create(conn, "/plain", 0);
    assert_eq!(bench.wait(), None);
    bench.done(conn, OpCode::CreateContainer, &create("/c", 4));
    assert_eq!(bench.wait(), Some(CHECK));
    bench.done(conn, OpCode::Delete, &delete("/c"));
    assert_eq!(bench.wait(), None);
}

#[test]
fn it_looks_at_whole_multiples_of_the_interval_since_its_start() {
    let (mut bench, conn) = bench(DEFAULT);
    bench.pass(CHECK + 1);
    bench.done(conn, OpCode::CreateContainer, &create("/c", 0));
    assert_eq!(bench.wait(), Some(CHECK - 1));
    bench.pass(CHECK - 1);
    assert_eq!(bench.wait(), Some(CHECK));
}

#[test]
fn a_container_goes_when_its_last_child_has_gone_and_not_before_it_had_one() {
    let (mut bench, conn) = bench(DEFAULT);
    bench.done(conn, OpCode::CreateContainer, &create("/c", 4));
    bench.done(conn, OpCode::CreateContainer, &create("/never", 4));
    bench.pass(100 * CHECK);
    assert!(bench.has("/c"));
    bench.create(conn, "/c/child", 0);
    bench.pass(100 * CHECK);
    assert!(bench.has("/c"));
    bench.done(conn, OpCode::Delete, &delete("/c/child"));
    bench.pass(CHECK - 1);
    assert!(bench.has("/c"));
    bench.pass(1);
    assert_eq!((bench.has("/c"), bench.has("/never")), (false, true));
}

#[test]
fn a_container_that_never_had_a_child_goes_if_that_was_asked_for() {
    let (mut bench, conn) = bench(ContainerOptions { max_never_used_ms: CHECK, ..DEFAULT });
    bench.pass(1);
    bench.done(conn, OpCode::CreateContainer, &create("/c", 4));
    for ms in [CHECK - 1, CHECK - 1] {
        bench.pass(ms);
        assert!(bench.has("/c"));
    }
    bench.pass(1);
    assert!(!bench.has("/c"));
}

#[test]
fn a_time_to_live_runs_from_the_last_write_of_data() {
    let (mut bench, conn) = bench(DEFAULT);
    bench.done(conn, OpCode::CreateTtl, &ttl("/t", 3 * CHECK as i64));
    bench.pass(2 * CHECK);
    bench.done(conn, OpCode::SetData, &set_data("/t"));
    // It is over when more than the time has passed, and not when all of it has.
    bench.pass(3 * CHECK);
    assert!(bench.has("/t"));
    bench.pass(CHECK);
    assert!(!bench.has("/t"));
}

#[test]
fn a_time_to_live_does_not_end_while_there_are_children() {
    let (mut bench, conn) = bench(DEFAULT);
    bench.done(conn, OpCode::CreateTtl, &ttl("/t", 1));
    bench.create(conn, "/t/e", 1);
    bench.pass(10 * CHECK);
    assert!(bench.has("/t"));
    bench.done(conn, OpCode::Delete, &delete("/t/e"));
    bench.pass(CHECK);
    assert!(!bench.has("/t"));
}

#[test]
fn a_removal_is_a_write_with_a_zxid_and_events_of_its_own() {
    let (mut bench, conn) = bench(DEFAULT);
    bench.done(conn, OpCode::CreateTtl, &ttl("/t1", 1));
    bench.done(conn, OpCode::CreateTtl, &ttl("/t2", 1));
    bench.done(conn, OpCode::Exists, &exists("/t1", true));
    bench.done(conn, OpCode::GetChildren, &get_children("/", true));
    let before = bench.engine.replica().last_zxid().0;
    bench.pass(CHECK);
    assert_eq!(
        bench.events(conn),
        [
            (Zxid(before + 1), EventType::NodeDeleted, "/t1".into()),
            (Zxid(before + 1), EventType::NodeChildrenChanged, "/".into()),
        ]
    );
    bench.pass(6);
    assert!(!bench.has("/t2"));
    assert_eq!(bench.engine.replica().last_zxid(), Zxid(before + 2));
}

#[test]
fn removals_are_spread_over_the_minute() {
    let (mut bench, conn) = bench(ContainerOptions { max_per_minute: 60, ..DEFAULT });
    for path in ["/a", "/b", "/c"] {
        bench.done(conn, OpCode::CreateTtl, &ttl(path, 1));
    }
    let mut left = Vec::new();
    bench.pass(CHECK);
    for _ in 0..4 {
        left.push(["/a", "/b", "/c"].map(|path| bench.has(path)));
        bench.pass(999);
        assert_eq!(left.last(), Some(&["/a", "/b", "/c"].map(|path| bench.has(path))));
        bench.pass(1);
    }
    let [t, f] = [true, false];
    assert_eq!(left, [[f, t, t], [f, f, t], [f, f, f], [f, f, f]]);
    assert_eq!(bench.wait(), None);
}

#[test]
fn a_node_that_got_a_child_while_it_waited_to_be_removed_stays() {
    let (mut bench, conn) = bench(ContainerOptions { max_per_minute: 60, ..DEFAULT });
    for path in ["/a", "/b"] {
        bench.done(conn, OpCode::CreateTtl, &ttl(path, 1));
    }
    bench.pass(CHECK);
    assert_eq!((bench.has("/a"), bench.has("/b")), (false, true));
    bench.create(conn, "/b/child", 0);
    let before = bench.engine.replica().last_zxid().0;
    bench.pass(1000);
    assert!(bench.has("/b"));
    // The attempt was refused, as a write of its own.
    assert_eq!(bench.engine.replica().last_zxid(), Zxid(before + 1));
    bench.done(conn, OpCode::Delete, &delete("/b/child"));
    bench.pass(CHECK);
    assert!(!bench.has("/b"));
}
