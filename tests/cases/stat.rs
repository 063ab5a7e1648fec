//! What a node's `Stat` says after each change.

use std::time::Duration;

use tokio::time::sleep;
use zk_client::{CreateMode, ErrorCode, SessionId, Stat, Version, Zxid};
use zk_proto::message::{
    Create2Response, CreateRequest, ExistsResponse, GetAclResponse, GetDataResponse,
    SetAclResponse, SetDataResponse,
};
use zk_proto::op::Request;
use zk_proto::{Acl, message::GetAclRequest};
use zk_test_kit::request::{create, create_ephemeral, delete, exists, get, node, set, set_acl};
use zk_test_kit::{RawConnection, TestServer};

zk_test_kit::cases![
    a_new_node_has_the_zxid_of_its_create_and_all_versions_at_zero,
    setting_data_changes_version_mzxid_mtime_and_length_only,
    setting_the_acl_changes_the_aversion_only,
    creating_and_deleting_a_child_changes_cversion_pzxid_and_the_number_of_children_only,
    cversion_counts_creates_and_deletes_of_children,
    a_node_does_not_change_with_its_childrens_data_nor_with_its_grandchildren,
    an_ephemeral_node_names_its_session_whoever_changes_it,
    null_data_has_no_length,
    a_node_created_anew_has_forgotten_everything,
    times_move_forward_with_the_changes,
    the_reserved_nodes_are_there_and_were_never_written,
    the_reserved_nodes_cannot_be_deleted,
];

async fn a_new_node_has_the_zxid_of_its_create_and_all_versions_at_zero(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    let request =
        CreateRequest { data: Some("four".into()), ..node(&path, CreateMode::Persistent) };
    let reply = raw.ask(1, &Request::Create2(request)).await;
    let created = reply.decode::<Create2Response>();
    assert_eq!(created.path, path);
    let zxid = reply.header.zxid;
    assert!(zxid > Zxid::ZERO);
    assert!(created.stat.ctime > A_WHILE_AGO_MS, "{}", created.stat.ctime);
    let expected = Stat {
        czxid: zxid,
        mzxid: zxid,
        pzxid: zxid,
        ctime: created.stat.ctime,
        mtime: created.stat.ctime,
        data_length: 4,
        ..Stat::default()
    };
    assert_eq!(created.stat, expected);
    assert_eq!(stat(&mut raw, &path).await, expected);
    assert_eq!(raw.ask(2, &get(&path)).await.decode::<GetDataResponse>().stat, expected);
}

async fn setting_data_changes_version_mzxid_mtime_and_length_only(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.ask(1, &create(&path)).await;
    let mut before = stat(&mut raw, &path).await;
    // The same data once more is a change, too.
    for (data, length) in [("three", 5), ("three", 5), ("", 0)] {
        let reply = raw.ask(2, &set(&path, data)).await;
        let after = reply.decode::<SetDataResponse>().stat;
        assert!(after.mtime >= before.mtime);
        let expected = Stat {
            version: Version(before.version.0 + 1),
            mzxid: reply.header.zxid,
            mtime: after.mtime,
            data_length: length,
            ..before
        };
        assert_eq!(after, expected);
        assert_eq!(stat(&mut raw, &path).await, expected);
        before = after;
    }
    assert_eq!(before.version, Version(3));
}

async fn setting_the_acl_changes_the_aversion_only(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.ask(1, &create(&path)).await;
    let before = stat(&mut raw, &path).await;
    for aversion in [Version(1), Version(2)] {
        let reply = raw.ask(2, &set_acl(&path)).await;
        let expected = Stat { aversion, ..before };
        assert_eq!(reply.decode::<SetAclResponse>().stat, expected);
        assert_eq!(stat(&mut raw, &path).await, expected);
        assert!(reply.header.zxid > before.mzxid);
    }
}

async fn creating_and_deleting_a_child_changes_cversion_pzxid_and_the_number_of_children_only(
    server: &TestServer,
) {
    let mut raw = server.raw_session().await;
    let (parent, child) = (server.path("/a"), server.path("/a/b"));
    raw.ask(1, &create(&parent)).await;
    let before = stat(&mut raw, &parent).await;

    let created = raw.ask(2, &create(&child)).await.header.zxid;
    let with_child = stat(&mut raw, &parent).await;
    let expected = Stat { cversion: Version(1), pzxid: created, num_children: 1, ..before };
    assert_eq!(with_child, expected);

    let deleted = raw.ask(3, &delete(&child)).await.header.zxid;
    assert!(deleted > created);
    let expected = Stat { cversion: Version(2), pzxid: deleted, num_children: 0, ..before };
    assert_eq!(stat(&mut raw, &parent).await, expected);
}

async fn cversion_counts_creates_and_deletes_of_children(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    let mut changes = 0;
    for round in 0..3 {
        for name in ["x", "y"] {
            client.create(&format!("/a/{name}{round}"), "").await.unwrap();
            changes += 1;
        }
        client.delete(&format!("/a/x{round}")).await.unwrap();
        changes += 1;
        // What is refused changes nothing.
        client.create(&format!("/a/y{round}"), "").await.unwrap_err();
        client.delete(&format!("/a/x{round}")).await.unwrap_err();
        let stat = client.exists("/a").await.unwrap().unwrap();
        assert_eq!((stat.cversion, stat.num_children), (Version(changes), round + 1));
    }
}

async fn a_node_does_not_change_with_its_childrens_data_nor_with_its_grandchildren(
    server: &TestServer,
) {
    let mut raw = server.raw_session().await;
    let (parent, child) = (server.path("/a"), server.path("/a/b"));
    let grandchild = server.path("/a/b/c");
    raw.ask(1, &create(&parent)).await;
    raw.ask(2, &create(&child)).await;
    let before = stat(&mut raw, &parent).await;
    for change in [
        set(&child, "data"),
        set_acl(&child),
        create(&grandchild),
        set(&grandchild, "data"),
        delete(&grandchild),
    ] {
        assert_eq!(raw.ask(3, &change).await.header.err, ErrorCode::Ok);
        assert_eq!(stat(&mut raw, &parent).await, before, "{change:?}");
    }
}

async fn an_ephemeral_node_names_its_session_whoever_changes_it(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let owner = client.session_id();
    assert!(owner != SessionId::NONE && owner != other.session_id());
    let created = client.create("/mine", "").mode(CreateMode::Ephemeral).await.unwrap();
    assert_eq!(created.stat.ephemeral_owner, owner);
    assert_eq!(other.set("/mine", "theirs").await.unwrap().ephemeral_owner, owner);
    client.create("/ours", "").await.unwrap();
    assert_eq!(other.exists("/ours").await.unwrap().unwrap().ephemeral_owner, SessionId::NONE);
}

async fn null_data_has_no_length(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    let request = CreateRequest { data: None, ..node(&path, CreateMode::Persistent) };
    let created = raw.ask(1, &Request::Create2(request)).await.decode::<Create2Response>();
    assert_eq!(created.stat.data_length, 0);
    raw.ask(2, &set(&path, "äö")).await;
    assert_eq!(stat(&mut raw, &path).await.data_length, 4);
}

async fn a_node_created_anew_has_forgotten_everything(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    client.create("/a/b", "").await.unwrap();
    client.delete("/a/b").await.unwrap();
    let old = client.set("/a", "data").await.unwrap();
    client.delete("/a").await.unwrap();
    let new = client.create("/a", "").mode(CreateMode::Ephemeral).await.unwrap().stat;
    assert!(new.czxid > old.mzxid);
    assert_eq!((new.mzxid, new.pzxid), (new.czxid, new.czxid));
    assert_eq!((new.version, new.cversion), (Version(0), Version(0)));
}

async fn times_move_forward_with_the_changes(server: &TestServer) {
    let client = server.client().await;
    let pause = Duration::from_millis(30);
    let created = client.create("/a", "").await.unwrap().stat;
    sleep(pause).await;
    let set = client.set("/a", "").await.unwrap();
    sleep(pause).await;
    let later = client.create("/b", "").await.unwrap().stat;
    assert_eq!(set.ctime, created.ctime);
    // Whole milliseconds: two of them may be almost one nearer than what they stand for.
    assert!(set.mtime - set.ctime >= 29, "{set:?}");
    assert!(later.ctime - set.mtime >= 29, "{set:?}, {later:?}");
    assert!(later.ctime - created.ctime < 30_000, "{created:?}, {later:?}");
}

async fn the_reserved_nodes_are_there_and_were_never_written(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let untouched = Stat::default();
    for (path, expected) in [
        ("/zookeeper", Stat { cversion: Version(-2), num_children: 2, ..untouched }),
        ("/zookeeper/quota", untouched),
        ("/zookeeper/config", Stat { aversion: Version(-1), ..untouched }),
    ] {
        let mut read = raw.ask(1, &get(path)).await.decode::<GetDataResponse>();
        if server.is_real() && path == "/zookeeper/quota" {
            // Other cases set quotas there.
            let Stat { cversion, num_children, pzxid, .. } = expected;
            read.stat = Stat { cversion, num_children, pzxid, ..read.stat };
        }
        assert_eq!((read.data.as_deref(), read.stat), (Some(&b""[..]), expected), "{path}");
    }
    assert_eq!(acl(&mut raw, "/zookeeper/config").await, Acl::read_only());
    assert_eq!(acl(&mut raw, "/zookeeper").await, Acl::open());

    // The root had −1 and one child before anybody made nodes in it.
    let root = stat(&mut raw, "/").await;
    assert_eq!((root.czxid, root.ctime), (Zxid::ZERO, 0));
    assert_eq!((root.cversion.0 + root.num_children) % 2, 0);
    if !server.is_real() {
        assert_eq!((root.cversion, root.num_children), (Version(0), 2));
    }
}

async fn the_reserved_nodes_cannot_be_deleted(server: &TestServer) {
    let mut raw = server.raw_session().await;
    for path in ["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"] {
        let header = raw.ask(1, &delete(path)).await.header;
        assert_eq!(header.err, ErrorCode::BadArguments, "{path}");
        assert_eq!(raw.ask(2, &exists(path)).await.header.err, ErrorCode::Ok, "{path}");
        // An ephemeral node in their place is no way around it.
        let header = raw.ask(3, &create_ephemeral(path)).await.header;
        assert_eq!(header.err, ErrorCode::NodeExists, "{path}");
    }
}

async fn stat(raw: &mut RawConnection, path: &str) -> Stat {
    raw.ask(9, &exists(path)).await.decode::<ExistsResponse>().stat
}

async fn acl(raw: &mut RawConnection, path: &str) -> Vec<Acl> {
    let request = Request::GetAcl(GetAclRequest { path: path.into() });
    raw.ask(9, &request).await.decode::<GetAclResponse>().acl
}

/// 2020: a clock that runs from the server's start, or in seconds, is behind it.
const A_WHILE_AGO_MS: i64 = 1_577_836_800_000;
