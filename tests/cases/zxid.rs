//! How zxids count the writes of all clients, and what the replies tell of it.

use zk_client::{ErrorCode, Version, Zxid};
use zk_proto::message::ExistsResponse;
use zk_test_kit::TestServer;
use zk_test_kit::request::{children, create, delete, exists, get, ping, set, set_acl, sync};

zk_test_kit::cases![
    zxids_put_the_writes_of_all_clients_in_order,
    a_refused_write_takes_a_zxid,
    a_read_tells_the_last_zxid_also_when_it_fails,
];

async fn zxids_put_the_writes_of_all_clients_in_order(server: &TestServer) {
    let clients = [server.client().await, server.client().await, server.client().await];
    let mut last = Zxid::ZERO;
    for round in 0..10 {
        for (number, client) in clients.iter().enumerate() {
            let path = format!("/n-{round}-{number}");
            let stat = client.create(&path, "").await.unwrap().stat;
            assert!(stat.czxid > last, "{} after {last}", stat.czxid);
            last = stat.czxid;
        }
    }
}

async fn a_refused_write_takes_a_zxid(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (path, missing) = (server.path("/a"), server.path("/missing"));
    let mut last = raw.ask(1, &create(&path)).await.header.zxid;
    for (request, code) in [
        (create(&path), ErrorCode::NodeExists),
        (delete(&missing), ErrorCode::NoNode),
        (set(&missing, ""), ErrorCode::NoNode),
        (set_acl(&missing), ErrorCode::NoNode),
        (set(&path, ""), ErrorCode::Ok),
    ] {
        let header = raw.ask(2, &request).await.header;
        assert_eq!(header.err, code);
        assert!(header.zxid > last, "{} after {last}", header.zxid);
        if !server.is_real() {
            assert_eq!(header.zxid.0, last.0 + 1);
        }
        last = header.zxid;
    }
    let stat = raw.ask(3, &exists(&path)).await.decode::<ExistsResponse>().stat;
    assert_eq!((stat.mzxid, stat.version), (last, Version(1)));
}

async fn a_read_tells_the_last_zxid_also_when_it_fails(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (path, missing) = (server.path("/a"), server.path("/missing"));
    let mut last = raw.ask(1, &create(&path)).await.header.zxid;
    for read in [
        get(&path),
        get(&missing),
        exists(&missing),
        children(&path),
        children(&missing),
        sync(&path),
        ping(),
    ] {
        // Other cases write to a shared server at the same time.
        let at_read = raw.ask(2, &read).await.header.zxid;
        assert!(at_read >= last, "{read:?}");
        assert!(server.is_real() || at_read == last, "{read:?}");
        last = raw.ask(3, &delete(&missing)).await.header.zxid;
        assert!(last > at_read);
    }
}
