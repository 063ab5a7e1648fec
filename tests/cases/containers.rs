//! Nodes that the server removes by itself: containers, and nodes with a time to live.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use zk_client::{ErrorCode, EventType, SessionId, Version, Zxid};
use zk_proto::message::{Create2Response, ExistsResponse};
use zk_test_kit::request::{
    children, create, create_container, create_ephemeral, create_ttl, delete, exists, set, set_acl,
    watch_children, watch_data,
};
use zk_test_kit::server::CONTAINER_CHECK_INTERVAL;
use zk_test_kit::{RawConnection, TestServer};

zk_test_kit::cases![
    a_container_goes_when_its_last_child_has_gone,
    a_container_that_never_had_a_child_stays,
    a_time_to_live_ends_and_takes_the_node_along,
    writing_data_makes_a_time_to_live_start_anew_and_nothing_else_does,
    a_time_to_live_does_not_end_while_there_are_children,
    a_removal_by_the_server_has_a_zxid_and_events_like_any_other,
    clients_do_not_see_that_a_node_is_no_ordinary_one,
    children_of_any_kind_may_be_below_them,
];

async fn a_container_goes_when_its_last_child_has_gone(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (path, child) = (server.path("/c"), server.path("/c/child"));
    raw.succeed(&create_container(&path)).await;
    raw.succeed(&create(&child)).await;
    sleep(3 * CONTAINER_CHECK_INTERVAL).await;
    raw.succeed(&exists(&path)).await;
    raw.succeed(&delete(&child)).await;
    until_gone(&mut raw, &path).await;
}

async fn a_container_that_never_had_a_child_stays(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/c");
    raw.succeed(&create_container(&path)).await;
    sleep(3 * CONTAINER_CHECK_INTERVAL).await;
    raw.succeed(&exists(&path)).await;
}

async fn a_time_to_live_ends_and_takes_the_node_along(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let [short, long, parent] = ["/t", "/long", "/"].map(|path| server.path(path));
    raw.succeed(&create_ttl(&short, 1)).await;
    raw.succeed(&create_ttl(&long, 3_600_000)).await;
    until_gone(&mut raw, &short).await;
    raw.succeed(&exists(&long)).await;
    let stat = stat(&mut raw, &parent).await;
    assert_eq!((stat.num_children, stat.cversion), (1, Version(3)));
}

/// Whatever the machine is busy with, a second and a half without a write ends it.
const TTL: i64 = 1500;

async fn writing_data_makes_a_time_to_live_start_anew_and_nothing_else_does(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let [written, touched, child] = ["/w", "/t", "/t/c"].map(|path| server.path(path));
    raw.succeed(&create_ttl(&written, TTL)).await;
    raw.succeed(&create_ttl(&touched, TTL)).await;
    let start = Instant::now();
    let mut writes = 0;
    while raw.ask(1, &exists(&touched)).await.header.err == ErrorCode::Ok {
        assert!(start.elapsed() < PATIENCE, "the node is still there");
        raw.succeed(&set(&written, "data")).await;
        writes += 1;
        // It may go in between.
        for request in [set_acl(&touched), create(&child), delete(&child)] {
            raw.ask(1, &request).await;
        }
        sleep(Duration::from_millis(50)).await;
    }
    assert!(start.elapsed() >= Duration::from_millis(TTL.unsigned_abs()));
    assert_eq!(stat(&mut raw, &written).await.version, Version(writes));
    until_gone(&mut raw, &written).await;
}

async fn a_time_to_live_does_not_end_while_there_are_children(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (path, child) = (server.path("/t"), server.path("/t/child"));
    raw.succeed(&create_ttl(&path, 400)).await;
    raw.succeed(&create_ephemeral(&child)).await;
    sleep(Duration::from_millis(400) + 3 * CONTAINER_CHECK_INTERVAL).await;
    raw.succeed(&exists(&path)).await;
    raw.succeed(&delete(&child)).await;
    until_gone(&mut raw, &path).await;
}

async fn a_removal_by_the_server_has_a_zxid_and_events_like_any_other(server: &TestServer) {
    let tells_zxid = server.has_change_of(&[(3, 9, 0)]).await;
    let mut raw = server.raw_session().await;
    let [parent, ttl, container] = ["/", "/t", "/c"].map(|path| server.path(path));
    let child = server.path("/c/child");
    raw.succeed(&create_container(&container)).await;
    raw.succeed(&create(&child)).await;
    raw.succeed(&create_ttl(&ttl, 1)).await;
    let mut seen = Vec::new();
    let mut zxids = Vec::new();
    for (path, cause) in [(&ttl, None), (&container, Some(delete(&child)))] {
        raw.ask(1, &watch_data(path)).await;
        raw.succeed(&watch_children(&parent)).await;
        if let Some(cause) = cause {
            raw.succeed(&cause).await;
        }
        for _ in 0..2 {
            let (event, zxid) = raw.reply().await.unwrap().event().unwrap();
            seen.push((event.event_type, event.path.to_string()));
            zxids.push(zxid);
        }
    }
    assert_eq!(
        seen,
        [
            (EventType::NodeDeleted, ttl),
            (EventType::NodeChildrenChanged, parent.clone()),
            (EventType::NodeDeleted, container),
            (EventType::NodeChildrenChanged, parent.clone()),
        ]
    );
    assert_eq!((zxids[0], zxids[2]), (zxids[1], zxids[3]));
    if tells_zxid {
        assert!(zxids[0] < zxids[2]);
        assert_eq!(stat(&mut raw, &parent).await.pzxid, zxids[2]);
    } else {
        assert_eq!(zxids[0], Zxid(-1));
    }
}

async fn clients_do_not_see_that_a_node_is_no_ordinary_one(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (ttl, container) = (server.path("/t"), server.path("/c"));
    for (path, request) in
        [(&ttl, create_ttl(&ttl, 3_600_000)), (&container, create_container(&container))]
    {
        let created = raw.succeed(&request).await;
        let Create2Response { path: told, stat: new } = created.decode();
        assert_eq!(told, *path);
        assert_eq!((new.czxid, new.ephemeral_owner), (created.header.zxid, SessionId::NONE));
        assert_eq!(stat(&mut raw, path).await, new);
    }
}

async fn children_of_any_kind_may_be_below_them(server: &TestServer) {
    let mut raw = server.raw_session().await;
    for (path, request) in [
        (server.path("/t"), create_ttl(&server.path("/t"), 3_600_000)),
        (server.path("/c"), create_container(&server.path("/c"))),
    ] {
        raw.succeed(&request).await;
        for child in [
            create(&format!("{path}/plain")),
            create_ephemeral(&format!("{path}/ephemeral")),
            create_container(&format!("{path}/container")),
            create_ttl(&format!("{path}/ttl"), 3_600_000),
        ] {
            raw.succeed(&child).await;
        }
        assert_eq!(stat(&mut raw, &path).await.num_children, 4);
        raw.succeed(&children(&path)).await;
    }
}

async fn until_gone(raw: &mut RawConnection, path: &str) {
    let start = Instant::now();
    while raw.ask(1, &exists(path)).await.header.err == ErrorCode::Ok {
        assert!(start.elapsed() < PATIENCE, "{path} is still there");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn stat(raw: &mut RawConnection, path: &str) -> zk_client::Stat {
    raw.succeed(&exists(path)).await.decode::<ExistsResponse>().stat
}

const PATIENCE: Duration = Duration::from_secs(20);
