//! Many requests under way at once: done and answered in the order they were sent.

use bytes::BytesMut;
use zk_client::{CreateMode, Created, ErrorCode, Reply, Stat, Version, Zxid};
use zk_proto::frame::put_frame;
use zk_proto::message::{ConnectRequest, ConnectResponse, GetDataResponse, RequestHeader};
use zk_proto::op::Request;
use zk_proto::{Decode, Encode, SessionId, Xid, jute::Reader};
use zk_test_kit::TestServer;
use zk_test_kit::request::{
    children, close_session, create, delete, exists, get, multi, multi_set, ping, set, sync,
};

zk_test_kit::cases![
    a_thousand_mixed_requests_are_done_in_the_order_of_their_calls,
    replies_of_every_kind_come_in_the_order_of_the_requests,
    two_clients_in_between_each_other_see_one_history,
    a_close_behind_requests_lets_them_be_answered_first,
    a_close_is_answered_and_then_the_connection_ends,
    what_is_sent_behind_a_close_is_not_done,
    a_ping_is_answered_in_its_place_and_with_its_own_number,
    any_number_comes_back_with_its_reply,
    requests_may_follow_the_handshake_unasked,
    bytes_may_arrive_one_by_one,
];

async fn a_thousand_mixed_requests_are_done_in_the_order_of_their_calls(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    let paths: Vec<_> = (0..250).map(|round| format!("/a/n{round}")).collect();
    let mut under_way = Vec::new();
    for (round, path) in paths.iter().enumerate() {
        under_way.push((
            client.set("/a", round.to_string()).send(),
            client.create(path, path.clone()).send(),
            client.get("/a").send(),
            client.exists(path).send(),
        ));
    }
    let mut last = Zxid::ZERO;
    for (round, (set, created, get, found)) in under_way.into_iter().enumerate() {
        let set = set.await.unwrap();
        let created = created.await.unwrap().stat;
        let (data, stat) = get.await.unwrap();
        assert_eq!(set.version, Version(i32::try_from(round + 1).unwrap()));
        assert!(last < set.mzxid && set.mzxid < created.czxid);
        // What was sent before is seen, and nothing that was sent later.
        assert_eq!((data, stat.version), (round.to_string().into(), set.version));
        assert_eq!(usize::try_from(stat.num_children).unwrap(), round + 1);
        assert_eq!(found.await.unwrap(), Some(created));
        last = created.czxid;
    }
}

async fn replies_of_every_kind_come_in_the_order_of_the_requests(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let (path, missing) = (server.path("/a"), server.path("/missing"));
    let kinds = [
        (create(&path), ErrorCode::Ok),
        (get(&path), ErrorCode::Ok),
        (delete(&missing), ErrorCode::NoNode),
        (sync(&path), ErrorCode::Ok),
        (multi(vec![multi_set(&path, "x")]), ErrorCode::Ok),
        (children(&missing), ErrorCode::NoNode),
        (set(&path, "y"), ErrorCode::Ok),
        (create(&path), ErrorCode::NodeExists),
        (exists(&path), ErrorCode::Ok),
        (delete(&path), ErrorCode::Ok),
    ];
    let requests: Vec<_> = (1..).zip((0..20).flat_map(|_| kinds.clone())).collect();
    let frames: Vec<_> =
        requests.iter().map(|(xid, (request, _))| (*xid, request.clone())).collect();
    raw.send_all(&frames).await;
    let mut last = Zxid::ZERO;
    for (xid, (request, code)) in requests {
        let header = raw.reply().await.unwrap().header;
        assert_eq!((header.xid, header.err), (Xid(xid), code), "{request:?}");
        assert!(header.zxid >= last);
        last = header.zxid;
    }
}

async fn two_clients_in_between_each_other_see_one_history(server: &TestServer) {
    let clients = [server.client().await, server.client().await];
    clients[0].create("/a", "").await.unwrap();
    let mut under_way = [Vec::new(), Vec::new()];
    for _ in 0..100 {
        for (client, under_way) in clients.iter().zip(&mut under_way) {
            under_way.push((client.set("/a", "").send(), client.get("/a").send()));
        }
        // So that frames of both are on their way together.
        tokio::task::yield_now().await;
    }
    let mut versions = Vec::new();
    for under_way in under_way {
        let mut last = (Version(0), Zxid::ZERO);
        for (set, get) in under_way {
            let set: Stat = set.await.unwrap();
            let (_, read) = get.await.unwrap();
            assert!(last < (set.version, set.mzxid) && set.version <= read.version);
            versions.push(set.version.0);
            last = (read.version, read.mzxid);
        }
    }
    versions.sort_unstable();
    assert!(versions.into_iter().eq(1..=200));
}

async fn a_close_behind_requests_lets_them_be_answered_first(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let paths: Vec<_> = (0..100).map(|number| format!("/n{number}")).collect();
    let create = |(number, path): (usize, &String)| -> Reply<Created> {
        let mode = if number % 2 == 0 { CreateMode::Persistent } else { CreateMode::Ephemeral };
        client.create(path, "").mode(mode).send()
    };
    let replies: Vec<_> = paths.iter().enumerate().map(create).collect();
    client.close().await.unwrap();
    for (reply, path) in replies.into_iter().zip(&paths) {
        assert_eq!(reply.await.unwrap().path, path.as_str());
    }
    assert_eq!(other.children("/").await.unwrap().len(), 50);
}

async fn a_close_is_answered_and_then_the_connection_ends(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.send_all(&[(1, create(&path)), (2, get(&path)), (3, close_session())]).await;
    for xid in 1..=3 {
        let reply = raw.reply().await.unwrap();
        assert_eq!((reply.header.xid, reply.header.err), (Xid(xid), ErrorCode::Ok));
        assert!(xid < 3 || reply.body.is_empty());
    }
    assert!(raw.is_hung_up_on().await);
}

async fn what_is_sent_behind_a_close_is_not_done(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/late");
    raw.send_all(&[(1, close_session()), (2, create(&path)), (3, get(&path))]).await;
    let reply = raw.reply().await.unwrap();
    assert_eq!((reply.header.xid, reply.header.err), (Xid(1), ErrorCode::Ok));
    // Real servers may still say that the session is over, or nothing.
    while let Some(reply) = raw.reply().await {
        assert!(server.is_real(), "{reply:?}");
        assert_eq!(reply.header.err, ErrorCode::SessionExpired);
    }
    let mut other = server.raw_session().await;
    assert_eq!(other.ask(1, &exists(&path)).await.header.err, ErrorCode::NoNode);
}

async fn a_ping_is_answered_in_its_place_and_with_its_own_number(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.send_all(&[(1, create(&path)), (77, ping()), (-2, ping()), (2, set(&path, ""))]).await;
    let mut headers = Vec::new();
    for _ in 0..4 {
        let reply = raw.reply().await.unwrap();
        headers.push((reply.header.xid, reply.header.err));
    }
    let expected = [Xid(1), Xid::PING, Xid::PING, Xid(2)].map(|xid| (xid, ErrorCode::Ok));
    assert_eq!(headers, expected);
}

async fn any_number_comes_back_with_its_reply(server: &TestServer) {
    let mut raw = server.raw_session().await;
    for xid in [0, 5, 5, 4, -3, -9, i32::MAX, i32::MIN] {
        for request in [exists("/"), create("/")] {
            assert_eq!(raw.ask(xid, &request).await.header.xid, Xid(xid));
        }
    }
}

async fn requests_may_follow_the_handshake_unasked(server: &TestServer) {
    let mut raw = server.raw().await;
    let path = server.path("/a");
    let mut out = BytesMut::new();
    let connect = ConnectRequest { timeout: 4000, ..ConnectRequest::default() };
    put_frame(&mut out, |out| connect.encode(out));
    for (xid, request) in [(1, create(&path)), (2, set(&path, "data")), (3, get(&path))] {
        put_request(&mut out, xid, &request);
    }
    raw.send_bytes(&out).await;
    let response = raw.frame().await.unwrap();
    let response = ConnectResponse::decode(&mut Reader::new(response)).unwrap();
    assert_ne!(response.session_id, SessionId::NONE);
    assert_eq!(raw.reply().await.unwrap().header.xid, Xid(1));
    assert_eq!(raw.reply().await.unwrap().header.xid, Xid(2));
    let read = raw.reply().await.unwrap().decode::<GetDataResponse>();
    assert_eq!(read.data.as_deref(), Some(&b"data"[..]));
}

async fn bytes_may_arrive_one_by_one(server: &TestServer) {
    let mut raw = server.raw().await;
    let path = server.path("/a");
    let mut out = BytesMut::new();
    let connect = ConnectRequest { timeout: 4000, ..ConnectRequest::default() };
    put_frame(&mut out, |out| connect.encode(out));
    put_request(&mut out, 1, &create(&path));
    put_request(&mut out, 2, &get(&path));
    for byte in out {
        raw.send_bytes(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert!(raw.frame().await.is_some());
    for xid in 1..=2 {
        let header = raw.reply().await.unwrap().header;
        assert_eq!((header.xid, header.err), (Xid(xid), ErrorCode::Ok));
    }
}

fn put_request(out: &mut BytesMut, xid: i32, request: &Request) {
    put_frame(out, |out| {
        RequestHeader { xid: Xid(xid), op: request.op_code().code() }.encode(out);
        request.encode(out);
    });
}
