//! What `cli_mt`, the shell of the C client, prints.

use zk_client::{Acl, Id, Permissions, SessionId};

use crate::program::Program;
use crate::stage::{Stage, cases};

cases! {
    any: [
        cli_mt_creates_nodes_of_every_mode,
        cli_mt_reads_writes_and_deletes_and_is_told_what_is_wrong,
        cli_mt_prints_a_stat_and_children,
        cli_mt_is_told_of_a_node_that_appears,
        cli_mt_proves_itself_by_digest,
        cli_mt_asks_in_a_row_without_waiting,
    ],
    embedded: [
        cli_mt_keeps_its_session_on_a_new_connection,
        cli_mt_learns_that_its_session_expired,
    ],
}

async fn quit(mut shell: Program) {
    shell.ask("quit", &["Quitting..."]).await;
    shell.expect_end().await;
}

async fn create(shell: &mut Program, line: &str, name: &str) {
    shell.ask(&format!("create {line}"), &["rc = 0", &format!("name = {name}")]).await;
}

/// The shell says nothing about a node that is there; the reply to the next request follows.
async fn watch_existing(shell: &mut Program, path: &str) {
    shell.say(&format!("wexists {path}")).await;
    shell.ask("get /none", &["/none: rc = -101"]).await;
}

async fn cli_mt_creates_nodes_of_every_mode(stage: Stage) {
    let mut shell = stage.cli_mt().await;
    create(&mut shell, "/cli-modes", "/cli-modes").await;
    create(&mut shell, "+s /cli-modes/s-", "/cli-modes/s-0000000000").await;
    create(&mut shell, "+e /cli-modes/e", "/cli-modes/e").await;
    create(&mut shell, "+es /cli-modes/es-", "/cli-modes/es-0000000002").await;
    create(&mut shell, "+c /cli-modes/c", "/cli-modes/c").await;
    create(&mut shell, "+t=60000 /cli-modes/t", "/cli-modes/t").await;
    shell.ask("create /cli-modes", &["[/cli-modes]: rc = -110"]).await;
    shell.ask("create /absent/x", &["[/absent/x]: rc = -101"]).await;
    shell.ask("create /cli-modes/e/x", &["[/cli-modes/e/x]: rc = -108"]).await;
    quit(shell).await;
    let client = stage.ours().await;
    let mut left = client.children("/cli-modes").await.unwrap();
    left.sort_unstable();
    assert_eq!(left, ["c", "s-0000000000", "t"]);
    client.close().await.unwrap();
}

async fn cli_mt_reads_writes_and_deletes_and_is_told_what_is_wrong(stage: Stage) {
    let mut shell = stage.cli_mt().await;
    create(&mut shell, "/cli-data", "/cli-data").await;
    shell.ask("set /cli-data hello", &["/cli-data: rc = 0", "version=1"]).await;
    shell.ask("get /cli-data", &["rc = 0", "value_len = 5", "hello", "version=1"]).await;
    shell.ask("set /absent x", &["/absent: rc = -101"]).await;
    shell.ask("get /absent", &["/absent: rc = -101"]).await;
    shell.ask("ls /absent", &["/absent: rc = -101"]).await;
    shell.ask("exists /absent", &["Error -101 for /absent"]).await;
    create(&mut shell, "/cli-data/a", "/cli-data/a").await;
    shell.ask("delete /cli-data", &["/cli-data: rc = -111"]).await;
    shell.ask("delete /cli-data/a", &["/cli-data/a: rc = 0"]).await;
    shell.ask("delete /cli-data", &["/cli-data: rc = 0"]).await;
    shell.ask("delete /cli-data", &["/cli-data: rc = -101"]).await;
    shell.ask("sync /cli-data", &["[/cli-data]: rc = 0"]).await;
    shell.ask("config", &["/zookeeper/config: rc = 0", "value_len = 0"]).await;
    quit(shell).await;
}

async fn cli_mt_prints_a_stat_and_children(stage: Stage) {
    let mut shell = stage.cli_mt().await;
    create(&mut shell, "/cli-stat", "/cli-stat").await;
    create(&mut shell, "+e /cli-stat/a", "/cli-stat/a").await;
    shell.ask("set /cli-stat x", &["rc = 0"]).await;
    let client = stage.ours().await;
    let stat = client.exists("/cli-stat").await.unwrap().unwrap();
    let child = client.exists("/cli-stat/a").await.unwrap().unwrap();
    client.close().await.unwrap();
    let czxid = format!("czxid={:x}", stat.czxid.0);
    let mzxid = format!("mzxid={:x}", stat.mzxid.0);
    let lines = ["x", "ctime = ", &czxid, "mtime=", &mzxid, "version=1", "ephemeralOwner = 0"];
    shell.ask("get /cli-stat", &lines).await;
    shell.ask("ls /cli-stat", &["/cli-stat: rc = 0", "\ta"]).await;
    shell.ask("ls2 /cli-stat", &["/cli-stat: rc = 0", "\ta", &czxid, &mzxid]).await;
    let owner = format!("ephemeralOwner = {:x}", child.ephemeral_owner.0);
    shell.ask("get /cli-stat/a", &[&owner]).await;
    let session = format!("session Id = {:x}", child.ephemeral_owner.0);
    // It is printed when the shell ends.
    shell.say("myid").await;
    shell.ask("quit", &[&session]).await;
    shell.expect_end().await;
}

async fn cli_mt_is_told_of_a_node_that_appears(stage: Stage) {
    let mut shell = stage.cli_mt().await;
    shell.ask("wexists /cli-later", &["Error -101 for /cli-later"]).await;
    let client = stage.ours().await;
    client.create("/cli-later", "").await.unwrap();
    shell.expect("CREATED_EVENT state = CONNECTED_STATE for path /cli-later").await;
    watch_existing(&mut shell, "/cli-later").await;
    client.set("/cli-later", "x").await.unwrap();
    shell.expect("CHANGED_EVENT state = CONNECTED_STATE for path /cli-later").await;
    watch_existing(&mut shell, "/cli-later").await;
    client.delete("/cli-later").await.unwrap();
    shell.expect("DELETED_EVENT state = CONNECTED_STATE for path /cli-later").await;
    client.close().await.unwrap();
    quit(shell).await;
}

async fn cli_mt_proves_itself_by_digest(stage: Stage) {
    let client = stage.ours().await;
    let id = Id { scheme: Some("digest".into()), id: Some(BOB.into()) };
    let acl = Acl { perms: Permissions::ALL, id };
    client.create("/cli-acl", "private").acl(vec![acl]).await.unwrap();
    client.close().await.unwrap();
    let mut shell = stage.cli_mt().await;
    shell.ask("get /cli-acl", &["/cli-acl: rc = -102"]).await;
    shell.say("addauth digest bob:secret").await;
    shell.ask("get /cli-acl", &["/cli-acl: rc = 0", "private"]).await;
    quit(shell).await;
}

async fn cli_mt_asks_in_a_row_without_waiting(stage: Stage) {
    let mut shell = stage.cli_mt().await;
    for at in 0..50 {
        shell.say(&format!("create /cli-row-{at}")).await;
    }
    shell.ask("ls /absent", &["/absent: rc = -101"]).await;
    let made = shell.transcript().iter().filter(|line| line.contains("name = /cli-row-"));
    assert_eq!(made.count(), 50, "{shell}");
    quit(shell).await;
}

async fn cli_mt_keeps_its_session_on_a_new_connection(stage: Stage) {
    let mut shell = stage.cli_mt().await;
    create(&mut shell, "+e /cli-session", "/cli-session").await;
    watch_existing(&mut shell, "/cli-session").await;
    stage.server().drop_connections();
    shell.expect("SESSION_EVENT state = CONNECTING_STATE").await;
    shell.expect("SESSION_EVENT state = CONNECTED_STATE").await;
    let changed = "CHANGED_EVENT state = CONNECTED_STATE for path /cli-session";
    shell.ask_all("set /cli-session x", &["/cli-session: rc = 0", changed]).await;
    quit(shell).await;
}

async fn cli_mt_learns_that_its_session_expired(stage: Stage) {
    let mut shell = stage.cli_mt().await;
    create(&mut shell, "+e /cli-expired", "/cli-expired").await;
    let client = stage.ours().await;
    let SessionId(owner) = client.exists("/cli-expired").await.unwrap().unwrap().ephemeral_owner;
    assert!(stage.server().expire_session(SessionId(owner)));
    shell.expect("SESSION_EVENT state = EXPIRED_SESSION_STATE").await;
    assert_eq!(client.exists("/cli-expired").await.unwrap(), None);
    client.close().await.unwrap();
}

/// What becomes of `bob:secret`.
const BOB: &str = "bob:fyVmFCwVbTJYrznoSu1koqYEYF0=";
