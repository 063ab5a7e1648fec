//! What `zkCli.sh`, the shell of the Java client, prints.

use zk_client::SessionId;

use crate::program::Program;
use crate::stage::{Stage, cases};

cases! {
    any: [
        zk_cli_creates_nodes_of_every_mode,
        zk_cli_sets_and_deletes_by_version_and_is_told_what_is_wrong,
        zk_cli_prints_the_stat_of_a_node,
        zk_cli_watches_data_children_and_existence,
        zk_cli_adds_and_removes_persistent_and_recursive_watches,
        zk_cli_proves_itself_by_digest_and_is_refused_without,
        zk_cli_sets_lists_and_deletes_quotas,
        zk_cli_deletes_a_tree_and_lists_one,
        zk_cli_counts_children_and_lists_ephemerals,
        zk_cli_asks_for_identity_version_and_configuration,
        zk_cli_closes_its_session_and_opens_another,
    ],
    embedded: [
        zk_cli_keeps_its_session_on_a_new_connection,
        zk_cli_learns_that_its_session_expired,
    ],
}

async fn quit(mut shell: Program) {
    // It ends with the status of the last command.
    shell.ask("version", &["ZooKeeper CLI version: "]).await;
    shell.say("quit").await;
    shell.expect_end().await;
}

async fn zk_cli_creates_nodes_of_every_mode(stage: Stage) {
    let mut shell = stage.zk_cli().await;
    shell.ask("create /zkcli-modes hi", &["Created /zkcli-modes"]).await;
    shell.ask("create -s /zkcli-modes/s- a", &["Created /zkcli-modes/s-0000000000"]).await;
    shell.ask("create -e /zkcli-modes/e b", &["Created /zkcli-modes/e"]).await;
    shell.ask("create -s -e /zkcli-modes/es- c", &["Created /zkcli-modes/es-0000000002"]).await;
    shell.ask("create -c /zkcli-modes/c d", &["Created /zkcli-modes/c"]).await;
    shell.ask("create -t 60000 /zkcli-modes/t e", &["Created /zkcli-modes/t"]).await;
    shell.ask("create -s -t 60000 /zkcli-modes/ts- f", &["/zkcli-modes/ts-0000000005"]).await;
    shell.ask("create /zkcli-modes/none", &["Created /zkcli-modes/none"]).await;
    shell.ask("create /zkcli-modes hi", &["Node already exists: /zkcli-modes"]).await;
    shell.ask("create /absent/x", &["Node does not exist: /absent/x"]).await;
    let below = "Ephemerals cannot have children: /zkcli-modes/e/x";
    shell.ask("create /zkcli-modes/e/x", &[below]).await;
    // What marks containers and times to live inside of the server is not shown.
    shell.ask("stat /zkcli-modes/c", &["ephemeralOwner = 0x0"]).await;
    shell.ask("stat /zkcli-modes/t", &["ephemeralOwner = 0x0"]).await;
    let all = "[c, e, es-0000000002, none, s-0000000000, t, ts-0000000005]";
    shell.ask("ls /zkcli-modes", &[all]).await;
    quit(shell).await;

    let mut other = stage.zk_cli().await;
    other.ask("ls /zkcli-modes", &["[c, none, s-0000000000, t, ts-0000000005]"]).await;
    quit(other).await;
}

async fn zk_cli_sets_and_deletes_by_version_and_is_told_what_is_wrong(stage: Stage) {
    let mut shell = stage.zk_cli().await;
    shell.ask("create /zkcli-data first", &["Created"]).await;
    shell.ask("get /zkcli-data", &["first"]).await;
    shell.ask("set -s -v 0 /zkcli-data second", &["dataVersion = 1", "dataLength = 6"]).await;
    shell.ask("set -v 0 /zkcli-data lost", &["version No is not valid : /zkcli-data"]).await;
    shell.ask("get /zkcli-data", &["second"]).await;
    shell.ask("set /absent x", &["Node does not exist: /absent"]).await;
    shell.ask("get /absent", &["Node does not exist: /absent"]).await;
    shell.ask("ls /absent", &["Node does not exist: /absent"]).await;
    shell.ask("stat /absent", &["Node does not exist: /absent"]).await;
    shell.ask("create /zkcli-data/a", &["Created"]).await;
    shell.ask("delete /zkcli-data", &["Node not empty: /zkcli-data"]).await;
    shell.ask("delete -v 9 /zkcli-data/a", &["version No is not valid : /zkcli-data/a"]).await;
    shell.say("delete -v 0 /zkcli-data/a").await;
    shell.ask("ls /zkcli-data", &["[]"]).await;
    shell.say("delete /zkcli-data").await;
    shell.ask("get /zkcli-data", &["Node does not exist: /zkcli-data"]).await;
    shell.ask("sync /", &["Sync is OK"]).await;
    quit(shell).await;
}

async fn zk_cli_prints_the_stat_of_a_node(stage: Stage) {
    let mut shell = stage.zk_cli().await;
    shell.ask("create /zkcli-stat four", &["Created"]).await;
    shell.say("set /zkcli-stat seven-7").await;
    shell.ask("create -e /zkcli-stat/a", &["Created"]).await;
    let client = stage.ours().await;
    let stat = client.exists("/zkcli-stat").await.unwrap().unwrap();
    let owner = client.exists("/zkcli-stat/a").await.unwrap().unwrap().ephemeral_owner;
    client.close().await.unwrap();

    let zxid = |zxid: zk_client::Zxid| format!("{:#x}", zxid.0);
    let lines = [
        "seven-7".to_owned(),
        format!("cZxid = {}", zxid(stat.czxid)),
        "ctime = ".to_owned(),
        format!("mZxid = {}", zxid(stat.mzxid)),
        "mtime = ".to_owned(),
        format!("pZxid = {}", zxid(stat.pzxid)),
        "cversion = 1".to_owned(),
        "dataVersion = 1".to_owned(),
        "aclVersion = 0".to_owned(),
        "ephemeralOwner = 0x0".to_owned(),
        "dataLength = 7".to_owned(),
        "numChildren = 1".to_owned(),
    ];
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    shell.ask("get -s /zkcli-stat", &lines).await;
    shell.ask("stat /zkcli-stat", &lines[1..]).await;
    shell.say("ls -s /zkcli-stat").await;
    shell.expect_line("[a]").await;
    let owner = format!("ephemeralOwner = {:#x}", owner.0);
    shell.ask("stat /zkcli-stat/a", &[&owner]).await;
    quit(shell).await;
}

fn event(kind: &str, path: &str) -> String {
    format!("WatchedEvent state:SyncConnected type:{kind} path:{path}")
}

async fn zk_cli_watches_data_children_and_existence(stage: Stage) {
    let mut shell = stage.zk_cli().await;
    shell.ask("create /zkcli-watch 0", &["Created"]).await;
    shell.ask("get -w /zkcli-watch", &["0"]).await;
    shell.ask("set /zkcli-watch 1", &[&event("NodeDataChanged", "/zkcli-watch")]).await;
    shell.ask("ls -w /zkcli-watch", &["[]"]).await;
    let children = event("NodeChildrenChanged", "/zkcli-watch");
    shell.ask_all("create /zkcli-watch/a", &["Created", &children]).await;
    shell.ask("stat -w /zkcli-watch/a", &["numChildren = 0"]).await;
    shell.ask("delete /zkcli-watch/a", &[&event("NodeDeleted", "/zkcli-watch/a")]).await;
    shell.ask("stat -w /zkcli-watch/a", &["Node does not exist"]).await;
    let created = event("NodeCreated", "/zkcli-watch/a");
    shell.ask_all("create /zkcli-watch/a", &["Created", &created]).await;
    // Each was told of once.
    shell.say("set /zkcli-watch 2").await;
    shell.ask("get /zkcli-watch", &["2"]).await;
    let events = shell.transcript().iter().filter(|line| line.contains("type:Node"));
    assert_eq!(events.count(), 4, "{shell}");
    quit(shell).await;
}

async fn zk_cli_adds_and_removes_persistent_and_recursive_watches(stage: Stage) {
    let mut shell = stage.zk_cli().await;
    let (node, child) = ("/zkcli-add", "/zkcli-add/a");
    shell.ask("create /zkcli-add 0", &["Created"]).await;
    shell.say("addWatch /zkcli-add").await;
    let created = event("NodeCreated", child);
    shell.ask_all("create /zkcli-add/a 1", &["Created", &created]).await;
    shell.ask("set /zkcli-add/a 2", &[&event("NodeDataChanged", child)]).await;
    shell.ask("set /zkcli-add/a 3", &[&event("NodeDataChanged", child)]).await;
    shell.ask("delete /zkcli-add/a", &[&event("NodeDeleted", child)]).await;
    let removed = event("PersistentWatchRemoved", node);
    shell.ask("removewatches /zkcli-add -a", &[&removed]).await;
    let none = "KeeperErrorCode = No such watcher for /zkcli-add";
    shell.ask("removewatches /zkcli-add -a", &[none]).await;

    shell.say("addWatch -m PERSISTENT /zkcli-add").await;
    let children = event("NodeChildrenChanged", node);
    shell.ask_all("create /zkcli-add/a 1", &["Created", &children]).await;
    shell.say("set /zkcli-add/a 2").await;
    shell.ask("set /zkcli-add 2", &[&event("NodeDataChanged", node)]).await;
    shell.ask("set /zkcli-add 3", &[&event("NodeDataChanged", node)]).await;
    let of_the_child = event("NodeDataChanged", child);
    let told = shell.transcript().iter().filter(|line| **line == of_the_child).count();
    assert_eq!(told, 2, "only while the watch was recursive\n{shell}");

    shell.ask("get -w /zkcli-add/a", &["2"]).await;
    let none = "KeeperErrorCode = No such watcher for /zkcli-add/a";
    shell.ask("removewatches /zkcli-add/a -c", &[none]).await;
    shell.ask("removewatches /zkcli-add/a -d", &[&event("DataWatchRemoved", child)]).await;
    shell.say("set /zkcli-add/a 3").await;
    shell.ask("get /zkcli-add/a", &["3"]).await;
    assert!(!shell.transcript().contains(&event("NodeDataChanged", child)) || told == 2);
    quit(shell).await;
}

async fn zk_cli_proves_itself_by_digest_and_is_refused_without(stage: Stage) {
    let mut owner = stage.zk_cli().await;
    let mut guest = stage.zk_cli().await;
    owner.say("addauth digest bob:secret").await;
    owner.ask("create /zkcli-acl data auth:x:x:cdrwa", &["Created /zkcli-acl"]).await;
    let digest = "'digest,'bob:fyVmFCwVbTJYrznoSu1koqYEYF0=";
    owner.ask("getAcl -s /zkcli-acl", &[digest, ": cdrwa", "aclVersion = 0"]).await;
    owner.ask("get /zkcli-acl", &["data"]).await;
    let refused = "Insufficient permission : /zkcli-acl";
    guest.ask("get /zkcli-acl", &[refused]).await;
    guest.ask("ls /zkcli-acl", &[refused]).await;
    guest.ask("set /zkcli-acl x", &[refused]).await;
    guest.ask("create /zkcli-acl/x", &["Insufficient permission : /zkcli-acl/x"]).await;
    guest.ask("setAcl /zkcli-acl world:anyone:r", &[refused]).await;
    let invalid = "Acl is not valid : /zkcli-guest";
    guest.ask("create /zkcli-guest data auth:x:x:cdrwa", &[invalid]).await;
    guest.say("addauth digest bob:secret").await;
    guest.ask("get /zkcli-acl", &["data"]).await;

    owner.ask("setAcl -s /zkcli-acl world:anyone:r", &["aclVersion = 1"]).await;
    owner.ask("getAcl /zkcli-acl", &["'world,'anyone", ": r"]).await;
    owner.ask("set /zkcli-acl x", &[refused]).await;
    owner.ask("create /zkcli-ip data ip:10.1.2.3:rw", &["Created /zkcli-ip"]).await;
    owner.ask("get /zkcli-ip", &["Insufficient permission : /zkcli-ip"]).await;
    quit(owner).await;
    quit(guest).await;
}

async fn zk_cli_sets_lists_and_deletes_quotas(stage: Stage) {
    let mut shell = stage.zk_cli().await;
    let quota = |limits: &str| format!("Output quota for /zkcli-quota {limits}");
    let usage = |usage: &str| format!("Output stat for /zkcli-quota {usage}");
    shell.ask("create /zkcli-quota 12345", &["Created"]).await;
    shell.ask("listquota /zkcli-quota", &["quota for /zkcli-quota does not exist."]).await;
    shell.say("setquota -n 3 /zkcli-quota").await;
    shell.say("setquota -b 100 /zkcli-quota").await;
    let limits = quota("count=3,bytes=100=;byteHardLimit=-1;countHardLimit=-1");
    shell.ask("listquota /zkcli-quota", &[&limits, &usage("count=1,bytes=5")]).await;
    shell.ask("create /zkcli-quota/a xx", &["Created"]).await;
    shell.ask("listquota /zkcli-quota", &[&limits, &usage("count=2,bytes=7")]).await;
    shell.say("setquota -N 5 /zkcli-quota").await;
    let limits = quota("count=3,bytes=100=;byteHardLimit=-1;countHardLimit=5");
    shell.ask("listquota /zkcli-quota", &[&limits]).await;
    shell.ask("ls /zookeeper/quota/zkcli-quota", &["[zookeeper_limits, zookeeper_stats]"]).await;
    let nested = "/zkcli-quota/a has a parent /zkcli-quota which has a quota";
    shell.ask("setquota -n 5 /zkcli-quota/a", &[nested]).await;
    shell.say("delete /zkcli-quota/a").await;
    shell.say("set /zkcli-quota 123").await;
    shell.ask("listquota /zkcli-quota", &[&usage("count=1,bytes=3")]).await;
    shell.say("delquota /zkcli-quota").await;
    shell.ask("listquota /zkcli-quota", &["quota for /zkcli-quota does not exist."]).await;
    quit(shell).await;
}

async fn zk_cli_deletes_a_tree_and_lists_one(stage: Stage) {
    let mut shell = stage.zk_cli().await;
    for path in ["", "/a", "/a/b", "/a/b/c", "/d"] {
        let path = format!("/zkcli-tree{path}");
        shell.ask(&format!("create {path}"), &[&format!("Created {path}")]).await;
    }
    shell.say("ls -R /zkcli-tree").await;
    for path in ["", "/a", "/d", "/a/b", "/a/b/c"] {
        shell.expect_line(&format!("/zkcli-tree{path}")).await;
    }
    shell.say("deleteall /zkcli-tree -b 2").await;
    shell.ask("stat /zkcli-tree", &["Node does not exist: /zkcli-tree"]).await;
    quit(shell).await;
}

async fn zk_cli_counts_children_and_lists_ephemerals(stage: Stage) {
    let mut shell = stage.zk_cli().await;
    shell.ask("create /zkcli-count", &["Created"]).await;
    shell.ask("create /zkcli-count/a", &["Created"]).await;
    shell.ask("create -e /zkcli-count/a/e", &["Created"]).await;
    shell.ask("create -e /zkcli-mine", &["Created"]).await;
    shell.say("getAllChildrenNumber /zkcli-count").await;
    shell.expect_line("2").await;
    shell.say("getEphemerals /zkcli-count").await;
    shell.expect_line("[/zkcli-count/a/e]").await;
    shell.say("getEphemerals").await;
    let all = shell.expect("[/").await;
    assert!(
        ["[/zkcli-count/a/e, /zkcli-mine]", "[/zkcli-mine, /zkcli-count/a/e]"].contains(&&*all)
    );
    shell.say("getEphemerals /absent").await;
    shell.expect_line("[]").await;
    let absent = "Node does not exist: /absent";
    shell.ask("getAllChildrenNumber /absent", &[absent]).await;

    let mut other = stage.zk_cli().await;
    other.say("getEphemerals").await;
    other.expect_line("[]").await;
    quit(other).await;
    quit(shell).await;
}

async fn zk_cli_asks_for_identity_version_and_configuration(stage: Stage) {
    let mut shell = stage.zk_cli().await;
    shell.ask("whoami", &["Auth scheme: User", "ip: "]).await;
    shell.say("addauth digest bob:secret").await;
    shell.ask("whoami", &["ip: ", "digest: bob"]).await;
    shell.ask("version", &["ZooKeeper CLI version: "]).await;
    // A standalone server has no configuration to show.
    shell.say("config").await;
    shell.expect_line("").await;
    let disabled = "KeeperErrorCode = Reconfig is disabled";
    shell.ask("reconfig -add 2=localhost:1:2;3", &[disabled]).await;
    shell.ask("ls /zookeeper", &["[config, quota]"]).await;
    quit(shell).await;
}

async fn zk_cli_closes_its_session_and_opens_another(stage: Stage) {
    let mut shell = stage.zk_cli().await;
    shell.ask("create -e /zkcli-close", &["Created"]).await;
    shell.ask("close", &["WatchedEvent state:Closed type:None path:null"]).await;
    shell.ask("connect", &["WatchedEvent state:SyncConnected type:None path:null"]).await;
    shell.ask("stat /zkcli-close", &["Node does not exist: /zkcli-close"]).await;
    quit(shell).await;
}

async fn zk_cli_keeps_its_session_on_a_new_connection(stage: Stage) {
    let mut shell = stage.zk_cli().await;
    shell.ask("create -e /zkcli-session mine", &["Created"]).await;
    shell.ask("get -w /zkcli-session", &["mine"]).await;
    stage.server().drop_connections();
    let disconnected = "WatchedEvent state:Disconnected type:None path:null";
    shell.expect(disconnected).await;
    shell.expect("WatchedEvent state:SyncConnected type:None path:null").await;
    shell.ask("set /zkcli-session on", &[&event("NodeDataChanged", "/zkcli-session")]).await;
    shell.ask("get /zkcli-session", &["on"]).await;
    quit(shell).await;
}

async fn zk_cli_learns_that_its_session_expired(stage: Stage) {
    let mut shell = stage.zk_cli().await;
    shell.ask("create -e /zkcli-expired", &["Created"]).await;
    let client = stage.ours().await;
    let SessionId(owner) = client.exists("/zkcli-expired").await.unwrap().unwrap().ephemeral_owner;
    assert!(stage.server().expire_session(SessionId(owner)));
    shell.expect("WatchedEvent state:Expired type:None path:null").await;
    assert_eq!(client.exists("/zkcli-expired").await.unwrap(), None);
    client.close().await.unwrap();
    shell.say("ls /").await;
    shell.expect("Not connected").await;
}
