//! What a program over the C library sees. It is `c/client.c`.

use zk_client::SessionId;

use crate::stage::{Stage, cases};

cases! {
    any: [
        c_creates_nodes_of_every_mode,
        c_reads_writes_and_deletes_and_is_told_what_is_wrong,
        c_is_told_of_each_change_it_watches_for_and_removes_a_watch,
        c_commits_a_multi_whole_or_not_at_all,
        c_proves_itself_by_digest_and_is_refused_without,
        c_asks_for_the_configuration_and_may_not_change_it,
    ],
    embedded: [c_keeps_its_session_on_a_new_connection_and_learns_when_it_expired],
}

async fn c_creates_nodes_of_every_mode(stage: Stage) {
    let lines = [
        "/c-modes ok /c-modes v0 2 0",
        "/c-modes/s- ok /c-modes/s-0000000000 v0 2 0",
        "/c-modes/e ok /c-modes/e v0 2 1",
        "/c-modes/es- ok /c-modes/es-0000000002 v0 2 1",
        "/c-modes/c ok /c-modes/c v0 2 0",
        "/c-modes/t ok /c-modes/t v0 2 0",
        "/c-modes/ts- ok /c-modes/ts-0000000005 v0 2 0",
        "/c-modes node exists",
        "/c-absent/x no node",
        "/c-modes/e/x no children for ephemerals",
        "/c-modes/t0 bad arguments",
        "close: ok",
    ];
    stage.c("modes").expect_rest(&lines).await;
}

async fn c_reads_writes_and_deletes_and_is_told_what_is_wrong(stage: Stage) {
    let lines = [
        "create: ok",
        "get: ok",
        "null data: -1",
        "set: ok",
        "stale set: bad version",
        "get: ok",
        "second v1 a0 c0 length 6",
        "set returned it: 1",
        "create: ok",
        "create: ok",
        "children: ok",
        "a b c2 2 p+4",
        "exists: ok",
        "mine: 1",
        "not empty: not empty",
        "stale delete: bad version",
        "delete: ok",
        "absent delete: no node",
        "absent get: no node",
        "absent exists: no node",
        "close: ok",
    ];
    stage.c("data").expect_rest(&lines).await;
}

async fn c_is_told_of_each_change_it_watches_for_and_removes_a_watch(stage: Stage) {
    let lines = [
        "get: ok",
        "children: ok",
        "exists: no node",
        "changed connected /c-watch",
        "child connected /c-watch",
        "created connected /c-watch/later",
        "get: ok",
        "deleted connected /c-watch/later",
        "get: ok",
        "remove: ok",
        "again: the watcher couldn't be found",
        "left: 0",
        "close: ok",
    ];
    stage.c("watches").expect_rest(&lines).await;
}

async fn c_commits_a_multi_whole_or_not_at_all(stage: Stage) {
    let lines = [
        "multi: ok, 0, 0, 0, 0, 0",
        "/c-multi /c-multi/s-0000000000 v1",
        "multi: bad version, 0, -103, -2",
        "rolled back: no node",
        "multi: ok, 0",
        "close: ok",
    ];
    stage.c("multi").expect_rest(&lines).await;
}

async fn c_proves_itself_by_digest_and_is_refused_without(stage: Stage) {
    let lines = [
        "creator without auth: invalid acl",
        "auth: ok",
        "create: ok",
        "acl: ok",
        "31 digest bob:fyVmFCwVbTJYrznoSu1koqYEYF0=",
        "guest get: not authenticated",
        "guest set: not authenticated",
        "guest create: not authenticated",
        "guest set acl: not authenticated",
        "stale acl: bad version",
        "set acl: ok",
        "guest get: ok",
        "private a1",
        "owner set: not authenticated",
        "close: ok",
        "close: ok",
    ];
    stage.c("acl").expect_rest(&lines).await;
}

async fn c_asks_for_the_configuration_and_may_not_change_it(stage: Stage) {
    let mut program = stage.c("ensemble");
    program.expect_line("config: ok").await;
    program.expect_line("length 0 version 0 aversion -1").await;
    program.expect("reconfig: attempts to perform a reconfiguration operation when").await;
    program.expect_rest(&["close: ok"]).await;
}

async fn c_keeps_its_session_on_a_new_connection_and_learns_when_it_expired(stage: Stage) {
    let mut program = stage.c("session");
    let line = program.expect("session ").await;
    let (session, timeout) = line.trim_start_matches("session ").split_once(" timeout ").unwrap();
    let session = SessionId(session.parse().unwrap());
    assert_eq!(timeout, "4000");

    stage.server().drop_connections();
    program.say("dropped").await;
    for line in [
        "dropped",
        "session connecting ",
        "session connected ",
        "same session: 1",
        "still there: ok",
        "changed connected /c-session",
    ] {
        program.expect_line(line).await;
    }

    assert!(stage.server().expire_session(session));
    program.say("expired").await;
    let lines =
        ["expired", "session expired ", "request: invalid zhandle state", "unrecoverable: 1"];
    for line in lines {
        program.expect_line(line).await;
    }
}
