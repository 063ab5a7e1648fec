//! When an event comes: before whatever lets its cause be known otherwise.

use zk_client::{ErrorCode, EventType, Zxid};
use zk_proto::Xid;
use zk_proto::message::ReplyHeader;
use zk_test_kit::TestServer;
use zk_test_kit::request::{
    create, delete, exists, get, set, watch_children, watch_data, watch_exists,
};

zk_test_kit::cases![
    a_change_is_told_of_the_node_before_its_parent,
    an_event_comes_before_the_reply_of_the_write_that_caused_it,
    an_event_stands_between_the_reads_that_show_the_old_state_and_the_new,
    an_event_carries_the_zxid_of_its_transaction,
];

async fn a_change_is_told_of_the_node_before_its_parent(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (parent, child) = (server.path("/a"), server.path("/a/b"));
    raw.succeed(&create(&parent)).await;
    raw.succeed(&watch_children(&parent)).await;
    raw.ask(2, &watch_exists(&child)).await;
    let both = |event| [(event, child.clone()), (EventType::NodeChildrenChanged, parent.clone())];
    assert_eq!(raw.caused_by(&create(&child)).await, both(EventType::NodeCreated));

    raw.succeed(&watch_children(&parent)).await;
    raw.succeed(&watch_data(&child)).await;
    assert_eq!(raw.caused_by(&delete(&child)).await, both(EventType::NodeDeleted));
}

async fn an_event_comes_before_the_reply_of_the_write_that_caused_it(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&create(&path)).await;
    raw.send_all(&[(2, watch_data(&path)), (3, set(&path, "new")), (4, get(&path))]).await;
    let mut xids = Vec::new();
    for _ in 0..4 {
        xids.push(raw.reply().await.unwrap().header.xid);
    }
    assert_eq!(xids, [Xid(2), Xid::NOTIFICATION, Xid(3), Xid(4)]);
}

async fn an_event_stands_between_the_reads_that_show_the_old_state_and_the_new(
    server: &TestServer,
) {
    let mut writer = server.raw_session().await;
    let mut watcher = server.raw_session().await;
    let path = server.path("/a");
    for _ in 0..20 {
        watcher.ask(1, &watch_exists(&path)).await;
        // Many reads, so that the write falls among them wherever it does.
        let reads: Vec<_> = (2..100).map(|xid| (xid, exists(&path))).collect();
        let write = create(&path);
        tokio::join!(watcher.send_all(&reads), writer.send(1, &write));
        assert_eq!(writer.reply().await.unwrap().header.err, ErrorCode::Ok);
        watcher.send(100, &exists(&path)).await;

        let mut event_seen = false;
        loop {
            let reply = watcher.reply().await.unwrap();
            match reply.event() {
                Some(_) => event_seen = true,
                None => assert_eq!(reply.header.err == ErrorCode::Ok, event_seen),
            }
            if reply.header.xid == Xid(100) {
                break;
            }
        }
        writer.succeed(&delete(&path)).await;
    }
}

async fn an_event_carries_the_zxid_of_its_transaction(server: &TestServer) {
    let told_since_3_9 = server.has_change_of(&[(3, 9, 0)]).await;
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&create(&path)).await;
    raw.succeed(&watch_data(&path)).await;
    raw.send(3, &set(&path, "new")).await;
    let event = raw.reply().await.unwrap();
    let txn = raw.reply().await.unwrap().header.zxid;
    let zxid = if told_since_3_9 { txn } else { Zxid(-1) };
    assert_eq!(event.header, ReplyHeader { xid: Xid::NOTIFICATION, zxid, err: ErrorCode::Ok });
}
