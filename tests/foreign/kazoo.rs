//! What kazoo, the client of Python, sees. Its scripts are in `kazoo/`.

use zk_client::SessionId;

use crate::stage::{Stage, cases};

cases! {
    any: [
        kazoo_creates_nodes_of_every_mode_it_knows,
        kazoo_reads_writes_and_deletes_and_is_told_what_is_wrong,
        kazoo_reads_every_field_of_a_stat,
        kazoo_is_told_of_each_change_it_watches_for,
        kazoo_commits_a_transaction_whole_or_not_at_all,
        kazoo_proves_itself_by_digest_and_is_refused_without,
        kazoo_asks_every_four_letter_word,
    ],
    embedded: [kazoo_keeps_its_session_on_a_new_connection_and_learns_when_it_expired],
}

async fn kazoo_creates_nodes_of_every_mode_it_knows(stage: Stage) {
    let lines = [
        "/kazoo-modes",
        "/kazoo-modes/s-0000000000",
        "/kazoo-modes/e",
        "/kazoo-modes/es-0000000002",
        "/kazoo-modes/with-stat 0 4 True",
        "/kazoo-modes/deep/er/node",
        "again: NodeExistsError",
        "no parent: NoNodeError",
        "below an ephemeral: NoChildrenForEphemeralsError",
        "owners: True True False",
        "before: deep e es-0000000002 s-0000000000 with-stat",
        "after: deep s-0000000000 with-stat",
    ];
    stage.kazoo("modes.py").expect_rest(&lines).await;
}

async fn kazoo_reads_writes_and_deletes_and_is_told_what_is_wrong(stage: Stage) {
    let lines = [
        "b'first' 0",
        "1",
        "2",
        "stale set: BadVersionError",
        "absent set: NoNodeError",
        "absent get: NoNodeError",
        "absent exists: None",
        "b'third'",
        "b''",
        "True",
        "not empty: NotEmptyError",
        "stale delete: BadVersionError",
        "True",
        "None None",
        "absent delete: NoNodeError",
        "sync: /kazoo-data",
        "pipelined: True",
        "True",
        "unicode: True",
        "above U+FFFF: BadArgumentsError",
    ];
    stage.kazoo("data.py").expect_rest(&lines).await;
}

async fn kazoo_reads_every_field_of_a_stat(stage: Stage) {
    let lines = [
        "a c",
        "mzxid 1",
        "pzxid 5",
        "version 1 cversion 4 aversion 0",
        "ephemeralOwner 0",
        "dataLength 7 numChildren 2",
        "ctime True mtime True",
        "same by get: True",
        "same by exists: True",
        "owner: True",
    ];
    stage.kazoo("stat.py").expect_rest(&lines).await;
}

async fn kazoo_is_told_of_each_change_it_watches_for(stage: Stage) {
    let lines = [
        "data: CHANGED CONNECTED /kazoo-watches",
        "children: CHILD CONNECTED /kazoo-watches",
        "exists: CREATED CONNECTED /kazoo-watches/later",
        "exists: CHANGED CONNECTED /kazoo-watches/later",
        "data: DELETED CONNECTED /kazoo-watches/later",
        "DataWatch: (b'2', 2)",
        "DataWatch: (b'3', 3)",
        "ChildrenWatch: []",
        "ChildrenWatch: ['a']",
        "ChildrenWatch: ['a', 'b']",
        "left: [] [] []",
    ];
    stage.kazoo("watches.py").expect_rest(&lines).await;
}

async fn kazoo_commits_a_transaction_whole_or_not_at_all(stage: Stage) {
    let lines = [
        "True /kazoo-multi/a /kazoo-multi/s-0000000001 1 True",
        "s-0000000001",
        "RolledBackError BadVersionError RuntimeInconsistency",
        "None b'1'",
        "NoNodeError RuntimeInconsistency",
        "True",
    ];
    stage.kazoo("transaction.py").expect_rest(&lines).await;
}

async fn kazoo_proves_itself_by_digest_and_is_refused_without(stage: Stage) {
    let lines = [
        "/kazoo-acl",
        "[(31, 'digest', 'bob:fyVmFCwVbTJYrznoSu1koqYEYF0=')] 0",
        "own digest: True",
        "guest get: NoAuthError",
        "guest set: NoAuthError",
        "guest create: NoAuthError",
        "guest children: NoAuthError",
        "guest acls: NoAuthError",
        "creator without auth: InvalidACLError",
        "empty acl: InvalidACLError",
        "wrong password: NoAuthError",
        "right password: b'private'",
        "from the start: b'private'",
        "1",
        "stale acl: NoAuthError",
        "guest get: b'private'",
        "owner set: NoAuthError",
        "owner acl: NoAuthError",
        "RolledBackError NoAuthError",
    ];
    stage.kazoo("acl.py").expect_rest(&lines).await;
}

async fn kazoo_asks_every_four_letter_word(stage: Stage) {
    let lines = [
        "imok",
        "Mode: standalone",
        "rw",
        "version True 3",
        "mntr standalone True True True",
        "conf 200 400 4000",
        "envi Environment: True",
        "cons True",
        "dump True True",
        "stat True True",
        "wchs True",
        "wchc True True",
        "wchp True",
        "srst Server stats reset.",
        "crst Connection stats reset.",
    ];
    stage.kazoo("words.py").expect_rest(&lines).await;
}

async fn kazoo_keeps_its_session_on_a_new_connection_and_learns_when_it_expired(stage: Stage) {
    let mut script = stage.kazoo("session.py");
    let session = script.expect("session ").await;
    let session = session.trim_start_matches("session ").parse().unwrap();
    script.expect_line("timeout 4000").await;

    stage.server().drop_connections();
    script.say("dropped").await;
    for line in [
        "SUSPENDED",
        "CONNECTED",
        "same session: True",
        "still there: b'mine'",
        "watch: NONE CONNECTING None",
    ] {
        script.expect_line(line).await;
    }

    assert!(stage.server().expire_session(SessionId(session)), "no session {session:#x}");
    script.say("expired").await;
    script.expect_line("expired").await;
    let lines = ["lost among: True", "another session: True", "gone: None"];
    script.expect_rest(&lines).await;
}
