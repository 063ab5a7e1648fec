//! What is told of sessions, connections and watches.

use zk_proto::SessionId;
use zk_proto::message::NoBody;
use zk_proto::op::Request;
use zk_test_kit::TestServer;
use zk_test_kit::request::{
    children, create, create_ephemeral, exists, watch_children, watch_exists,
};
use zk_test_kit::server::SESSION_TIMEOUT;

use super::shape::{assert_shape, has_shape};
use super::{SRVR, ask_with, value_of};

zk_test_kit::cases![
    stat_lists_the_clients_and_then_tells_what_srvr_does,
    cons_tells_what_each_client_did_last,
    cons_calls_a_failed_write_not_available,
    dump_lists_sessions_by_their_end_and_ephemeral_nodes_by_their_session,
    watches_are_told_by_session_and_by_path_but_not_those_of_children;
    on embedded: [crst_lets_the_connections_begin_anew];
];

async fn stat_lists_the_clients_and_then_tells_what_srvr_does(server: &TestServer) {
    let _raw = server.raw_session().await;
    let stat = server.four_letter_word("stat").await;
    let (head, tail) = stat.split_once("\n\n").unwrap();
    let mut head = head.lines();
    assert!(head.next().unwrap().starts_with("Zookeeper version: "), "{stat}");
    assert_eq!(head.next(), Some("Clients:"));
    let mut clients = 0;
    for line in head {
        assert!(has_shape(line, " /*:#[#](queued=#,recved=#,sent=#)"), "{line}");
        clients += 1;
    }
    assert!(clients >= 2, "{stat}");
    assert_shape(tail, &SRVR[1..]);
}

async fn cons_tells_what_each_client_did_last(server: &TestServer) {
    let mut raw = server.raw().await;
    let id = raw.open_session(SESSION_TIMEOUT).await.session_id;
    for line in server.four_letter_word("cons").await.lines().filter(|line| !line.is_empty()) {
        assert!(
            has_shape(line, SESSION) || has_shape(line, BRIEF) || line.contains(",lop="),
            "{line}"
        );
    }
    assert!(has_shape(&line_of(server, id).await, SESSION));
    for (request, name) in [
        (exists(&server.path("/")), "EXIS"),
        (children(&server.path("/")), "GETC"),
        (create(&server.path("/a")), "CREA"),
        (Request::Ping(NoBody {}), "PING"),
    ] {
        raw.succeed(&request).await;
        let line = line_of(server, id).await;
        assert!(line.contains(&format!(",lop={name},")), "{line}");
    }
    let line = line_of(server, id).await;
    // The xid of the create: a ping has none of its own. A handshake and four requests.
    for part in ["recved=5,sent=5,", ",to=4000,", ",lcxid=0x1,"] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

async fn cons_calls_a_failed_write_not_available(server: &TestServer) {
    let mut raw = server.raw().await;
    let id = raw.open_session(SESSION_TIMEOUT).await.session_id;
    raw.ask(7, &create("/")).await;
    let line = line_of(server, id).await;
    assert!(line.contains(",lop=NA,") && line.contains(",lcxid=0x7,"), "{line}");
}

/// It would take other cases on a shared server by surprise.
async fn crst_lets_the_connections_begin_anew(server: &TestServer) {
    let mut raw = server.raw().await;
    let id = raw.open_session(SESSION_TIMEOUT).await.session_id;
    assert_eq!(server.four_letter_word("crst").await, "Connection stats reset.\n");
    let line = line_of(server, id).await;
    assert!(line.contains("(queued=0,recved=0,sent=0,"), "{line}");
    assert!(line.contains(",lop=NA,") && line.contains(",lzxid=0xffffffffffffffff,"), "{line}");
    assert!(!line.contains("lcxid"), "{line}");
    assert_eq!(server.four_letter_word("srst").await, "Server stats reset.\n");
    let srvr = server.four_letter_word("srvr").await;
    assert_eq!((value_of(&srvr, "Received"), value_of(&srvr, "Sent")), ("1", "0"));
}

async fn dump_lists_sessions_by_their_end_and_ephemeral_nodes_by_their_session(
    server: &TestServer,
) {
    let mut raw = server.raw().await;
    let id = raw.open_session(SESSION_TIMEOUT).await.session_id;
    let path = server.path("/e");
    raw.succeed(&create_ephemeral(&path)).await;
    let dump = server.four_letter_word("dump").await;
    let (sessions, rest) = dump.split_once("ephemeral nodes dump:\n").unwrap();
    let (ephemerals, connections) = rest.split_once("Connections dump:\n").unwrap();

    let mut lines = sessions.lines();
    assert_eq!(lines.next(), Some("SessionTracker dump:"));
    assert!(has_shape(lines.next().unwrap(), "Session Sets (#)/(#):"), "{dump}");
    for line in lines {
        assert!(has_shape(line, BUCKET) || has_shape(line, "\t0x@"), "{line}");
    }
    assert!(sessions.contains(&format!("\t{id}\n")), "{dump}");

    assert!(has_shape(ephemerals.lines().next().unwrap(), "Sessions with Ephemerals (#):"));
    assert!(ephemerals.contains(&format!("{id}:\n\t{path}\n")), "{dump}");

    let mut lines = connections.lines();
    assert!(has_shape(lines.next().unwrap(), "Connections Sets (#)/(#):"), "{dump}");
    for line in lines {
        assert!(has_shape(line, BUCKET) || has_shape(line, "\tip: /*:# sessionId: 0x@"), "{line}");
    }
    assert!(connections.contains(&format!(" sessionId: {id}\n")), "{dump}");
}

async fn watches_are_told_by_session_and_by_path_but_not_those_of_children(server: &TestServer) {
    let mut raw = server.raw().await;
    let id = raw.open_session(SESSION_TIMEOUT).await.session_id;
    let (data, child) = (server.path("/data"), server.path("/child"));
    raw.succeed(&create(&data)).await;
    raw.succeed(&create(&child)).await;
    raw.succeed(&watch_exists(&data)).await;
    raw.succeed(&watch_children(&child)).await;

    let wchs = server.four_letter_word("wchs").await;
    assert_shape(&wchs, &["# connections watching # paths", "Total watches:#"]);
    let wchc = server.four_letter_word("wchc").await;
    assert!(wchc.contains(&format!("{id}\n\t{data}\n")) && !wchc.contains(&child), "{wchc}");
    let wchp = server.four_letter_word("wchp").await;
    assert!(wchp.contains(&format!("{data}\n\t{id}\n")) && !wchp.contains(&child), "{wchp}");
    for answer in [wchc, wchp] {
        assert!(answer.ends_with("\n\n"), "{answer}");
    }
    if !server.is_real() {
        assert_eq!(wchs, "1 connections watching 1 paths\nTotal watches:1\n");
        // The only place where the watch of the children counts.
        assert!(server.four_letter_word("mntr").await.contains("\nzk_watch_count\t2\n"));
    }
    assert_eq!(ask_with(server, &[b"wchs and more"]).await.lines().count(), 2);
}

/// The line of cons for a session.
async fn line_of(server: &TestServer, id: SessionId) -> String {
    let cons = server.four_letter_word("cons").await;
    assert!(cons.ends_with("\n\n"), "{cons}");
    let line = cons.lines().find(|line| line.contains(&format!(",sid={id},")));
    line.unwrap_or_else(|| panic!("no {id} in {cons}")).to_owned()
}

const BRIEF: &str = " /*:#[#](queued=#,recved=#,sent=#)";
const SESSION: &str = " /*:#[#](queued=#,recved=#,sent=#,sid=0x@,lop=*,est=#,to=#,lcxid=0x@,lzxid=0x@,\
                       lresp=#,llat=#,minlat=#,avglat=#,maxlat=#)";
const BUCKET: &str = "# expire at * #:#:# UTC #:";
