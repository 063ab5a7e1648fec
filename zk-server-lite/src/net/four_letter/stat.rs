//! `srvr`, `stat` and `cons`: how the server and its connections are (`ServerStats`,
//! `ServerCnxn.dumpConnectionInfo`).

use std::fmt::{self, Display, Write};

use zk_proto::{OpCode, Zxid};

use crate::engine::{ConnectionStatus, Engine, LastOp, ServerStats};

use super::full_version;

/// What `srvr` tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Server {
    pub(super) stats: ServerStats,
    pub(super) connections: usize,
    pub(super) zxid: Zxid,
    pub(super) nodes: usize,
    pub(super) read_only: bool,
}

/// What `cons` tells of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client {
    pub(super) status: ConnectionStatus,
    /// Whether it is read from.
    pub(super) reads: bool,
    /// Whether something waits to be written to it.
    pub(super) writes: bool,
}

impl Server {
    pub(super) fn of(engine: &Engine) -> Self {
        Self {
            stats: *engine.stats(),
            connections: engine.connection_count(),
            zxid: engine.replica().last_zxid(),
            // ZooKeeper counts the root twice: as `/` and as the empty path.
            nodes: engine.replica().tree().node_count().saturating_add(1),
            read_only: engine.is_read_only(),
        }
    }
}

pub(super) fn srvr(server: &Server) -> String {
    format!("{}{server}", head(server))
}

fn head(server: &Server) -> String {
    let warning = if server.read_only { READ_ONLY } else { "" };
    format!("Zookeeper version: {}\n{warning}", full_version())
}

pub(super) fn stat(server: &Server, clients: &[Client]) -> String {
    let mut answer = format!("{}Clients:\n", head(server));
    for client in clients {
        let _ = writeln!(answer, "{})", Brief(client));
    }
    let _ = write!(answer, "\n{server}");
    answer
}

pub(super) fn cons(clients: &[Client]) -> String {
    let mut answer = String::new();
    for client in clients {
        let _ = writeln!(answer, "{}{})", Brief(client), Session(client));
    }
    answer.push('\n');
    answer
}

impl Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stats, connections, zxid, nodes, read_only } = self;
        let latency = stats.latency;
        let (min, average, max) = (latency.min(), latency.average(), latency.max());
        writeln!(f, "Latency min/avg/max: {min}/{average:?}/{max}")?;
        writeln!(f, "Received: {}", stats.received)?;
        writeln!(f, "Sent: {}", stats.sent)?;
        writeln!(f, "Connections: {connections}")?;
        // Requests are answered in the batch they arrive in: nothing waits when this is asked.
        writeln!(f, "Outstanding: 0")?;
        writeln!(f, "Zxid: {zxid}")?;
        writeln!(f, "Mode: {}", if *read_only { "read-only" } else { "standalone" })?;
        writeln!(f, "Node count: {nodes}")
    }
}

/// The line of a connection, up to what a session adds.
struct Brief<'a>(&'a Client);

impl Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Client { status, reads, writes } = self.0;
        // The interest set of a Java selection key: 1 to read, 4 to write.
        let interest = u8::from(*reads) | (u8::from(*writes) << 2);
        let (peer, received, sent) = (status.peer, status.stats.received, status.stats.sent);
        write!(f, " /{peer}[{interest}](queued=0,recved={received},sent={sent}")
    }
}

/// What a session adds to the line of a connection.
struct Session<'a>(&'a Client);

impl Display for Session<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((session, timeout_ms)) = self.0.status.session else {
            return Ok(());
        };
        let stats = &self.0.status.stats;
        let (last_op, established) = (last_op(stats.last_op), stats.established_ms);
        write!(f, ",sid={session},lop={last_op},est={established},to={timeout_ms}")?;
        if stats.last_cxid >= 0 {
            write!(f, ",lcxid={:#x}", stats.last_cxid)?;
        }
        write!(f, ",lzxid={}", stats.last_zxid)?;
        write!(f, ",lresp={},llat={}", stats.last_response_ms, stats.last_latency_ms)?;
        let latency = stats.latency;
        let (min, average, max) = (latency.min(), latency.whole_average(), latency.max());
        write!(f, ",minlat={min},avglat={average},maxlat={max}")
    }
}

/// How ZooKeeper calls what a client did last (`FinalRequestProcessor`); an operation that has no
/// name there is `NA`.
fn last_op(op: LastOp) -> &'static str {
    let op = match op {
        LastOp::Never => return "null",
        LastOp::NotAvailable => return "NA",
        LastOp::Done(op) => op,
    };
    match op {
        OpCode::Ping => "PING",
        OpCode::CreateSession => "SESS",
        OpCode::Multi => "MULT",
        OpCode::MultiRead => "MLTR",
        OpCode::Create | OpCode::Create2 | OpCode::CreateTtl | OpCode::CreateContainer => "CREA",
        OpCode::Delete | OpCode::DeleteContainer => "DELE",
        OpCode::SetData => "SETD",
        OpCode::Reconfig => "RECO",
        OpCode::SetAcl => "SETA",
        OpCode::CloseSession => "CLOS",
        OpCode::Sync => "SYNC",
        OpCode::Check => "CHEC",
        OpCode::Exists => "EXIS",
        OpCode::GetData => "GETD",
        OpCode::SetWatches => "SETW",
        OpCode::SetWatches2 => "STW2",
        OpCode::AddWatch => "ADDW",
        OpCode::GetAcl => "GETA",
        OpCode::GetChildren | OpCode::GetChildren2 => "GETC",
        OpCode::GetAllChildrenNumber => "GETACN",
        OpCode::CheckWatches => "CHKW",
        OpCode::RemoveWatches => "REMW",
        OpCode::WhoAmI => "HOMI",
        OpCode::GetEphemerals => "GETE",
        _ => "NA",
    }
}

/// What `stat` and `srvr` begin with on a server without a quorum (`StatCommand`).
const READ_ONLY: &str = "READ-ONLY mode; serving only read-only clients\n";

#[cfg(test)]
mod tests {
    use zk_proto::SessionId;

    use super::*;
    use crate::engine::{ConnId, ConnectionStats};

    fn client(session: Option<(SessionId, i32)>) -> Client {
        let mut stats = ConnectionStats::new(1_795_354_980_174);
        (stats.received, stats.sent) = (5, 4);
        let status = ConnectionStatus {
            conn: ConnId(1),
            peer: ([127, 0, 0, 1], 43890).into(),
            session,
            expires_ms: 0,
            stats,
        };
        Client { status, reads: true, writes: false }
    }

    #[test]
    fn srvr_is_a_line_for_each_value() {
        let mut stats = ServerStats::default();
        (stats.received, stats.sent) = (522, 573);
        let server =
            Server { stats, connections: 2, zxid: Zxid(0x14e), nodes: 62, read_only: false };
        let answer = srvr(&server);
        let (version, rest) = answer.split_once('\n').unwrap();
        assert!(version.starts_with("Zookeeper version: 3.9.3-"), "{version}");
        assert_eq!(
            rest,
            "Latency min/avg/max: 0/0.0/0\nReceived: 522\nSent: 573\nConnections: 2\n\
             Outstanding: 0\nZxid: 0x14e\nMode: standalone\nNode count: 62\n"
        );
        let answer = stat(&server, &[client(None)]);
        assert!(answer.contains(
            "\nClients:\n /127.0.0.1:43890[1](queued=0,recved=5,sent=4)\n\nLatency min/avg/max: "
        ));
    }

    #[test]
    fn cons_tells_more_of_a_connection_with_a_session() {
        let mut with = client(Some((SessionId(0x1000_013b), 10_000)));
        with.status.stats.last_op = LastOp::Done(OpCode::GetChildren2);
        with.status.stats.last_cxid = 4;
        with.status.stats.last_zxid = Zxid(0x14e);
        assert_eq!(
            cons(&[with]),
            " /127.0.0.1:43890[1](queued=0,recved=5,sent=4,sid=0x1000013b,lop=GETC,\
             est=1795354980174,to=10000,lcxid=0x4,lzxid=0x14e,lresp=0,llat=0,minlat=0,avglat=0,\
             maxlat=0)\n\n"
        );
        assert_eq!(cons(&[client(None)]), " /127.0.0.1:43890[1](queued=0,recved=5,sent=4)\n\n");
        assert_eq!(cons(&[]), "\n");
    }

    #[test]
    fn a_connection_whose_counters_were_reset_has_no_xid() {
        let mut reset = client(Some((SessionId(1), 4000)));
        reset.status.stats.last_op = LastOp::NotAvailable;
        reset.status.stats.last_cxid = -1;
        reset.status.stats.last_zxid = Zxid(-1);
        assert!(
            cons(&[reset]).contains(",lop=NA,est=1795354980174,to=4000,lzxid=0xffffffffffffffff,")
        );
    }

    #[test]
    fn the_interest_says_what_is_waited_for() {
        for (reads, writes, interest) in
            [(true, false, "[1]"), (false, false, "[0]"), (true, true, "[5]"), (false, true, "[4]")]
        {
            let line = cons(&[Client { reads, writes, ..client(None) }]);
            assert!(line.contains(interest), "{line}");
        }
    }
}
