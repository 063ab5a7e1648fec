//! The calls beyond the everyday ones: what they send, below a chroot, and how they read replies.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use zk_client::{
    Acl, ByteString, Client, ClientInfo, CreateMode, Error, ErrorCode, EventType, Id,
    MultiReadOutcome, Permissions, Stat, Version, Violation,
};
use zk_proto::message::{
    Create2Response, CreateRequest, CreateTtlRequest, ErrorResponse, GetAclRequest, GetAclResponse,
    GetAllChildrenNumberRequest, GetAllChildrenNumberResponse, GetChildrenRequest,
    GetChildrenResponse, GetDataRequest, GetDataResponse, GetEphemeralsRequest,
    GetEphemeralsResponse, MultiOp, MultiReadOp, MultiReadRequest, MultiReadResponse,
    MultiReadResult, MultiRequest, MultiResponse, MultiResult, NoBody, ReconfigRequest,
    SetAclRequest, SetAclResponse, WhoAmIResponse,
};
use zk_proto::op::Request;
use zk_proto::{Encode, OpCode};

use crate::peer::{Peer, network};

/// A client below `/app`.
async fn chrooted() -> (Client, Peer) {
    let (connector, mut listener) = network(64 * 1024);
    let builder = Client::builder("zk1,zk2/app").connector(connector);
    let (client, peer) = tokio::join!(builder.connect(), listener.grant());
    (client.unwrap(), peer)
}

/// What a call comes to when the peer gets `expected` and answers with `reply`.
async fn answered<T>(
    peer: &mut Peer,
    call: impl Future<Output = Result<T, Error>>,
    expected: Request,
    reply: &impl Encode,
) -> Result<T, Error> {
    let served = async {
        let (xid, request) = peer.request().await;
        assert_eq!(request, expected);
        peer.reply(xid, reply).await;
    };
    tokio::join!(call, served).0
}

async fn refused<T: Debug>(
    peer: &mut Peer,
    call: impl Future<Output = Result<T, Error>>,
    code: ErrorCode,
) -> Error {
    let served = async {
        let (xid, _) = peer.request().await;
        peer.refuse(xid, code).await;
    };
    tokio::join!(call, served).0.unwrap_err()
}

fn stat() -> Stat {
    Stat { version: Version(4), aversion: Version(2), ..Stat::default() }
}

#[tokio::test(start_paused = true)]
async fn acls_are_read_and_set() {
    let (client, mut peer) = chrooted().await;
    let acl = vec![Acl::new(Permissions::READ, Id::digest("bob", "pw"))];
    let reply = GetAclResponse { acl: acl.clone(), stat: stat() };
    let asked = Request::GetAcl(GetAclRequest { path: "/app/a".into() });
    let read = answered(&mut peer, client.get_acl("/a").into_future(), asked, &reply).await;
    assert_eq!(read.unwrap(), (acl.clone(), stat()));

    let request = |version| {
        let acl = Some(acl.clone());
        Request::SetAcl(SetAclRequest { path: "/app/a".into(), acl, version })
    };
    let reply = SetAclResponse { stat: stat() };
    let any = client.set_acl("/a", acl.clone()).send();
    assert_eq!(answered(&mut peer, any, request(Version::ANY), &reply).await.unwrap(), stat());
    let second = client.set_acl("/a", acl.clone()).version(Version(2)).send();
    answered(&mut peer, second, request(Version(2)), &reply).await.unwrap();

    let error = refused(&mut peer, client.get_acl("/a").send(), ErrorCode::NoAuth).await;
    let code = ErrorCode::NoAuth;
    assert_eq!(error, Error::Server { op: OpCode::GetAcl, path: "/a".into(), code });
}

#[tokio::test(start_paused = true)]
async fn a_node_with_a_time_to_live_is_created_by_its_own_operation() {
    let (client, mut peer) = chrooted().await;
    let reply = Create2Response { path: "/app/t0000000001".into(), stat: stat() };
    let minute = Duration::from_secs(60);
    for (mode, flags) in [
        (CreateMode::Persistent, 5),
        (CreateMode::PersistentWithTtl, 5),
        (CreateMode::PersistentSequential, 6),
        (CreateMode::PersistentSequentialWithTtl, 6),
    ] {
        let expected = Request::CreateTtl(CreateTtlRequest {
            path: "/app/t".into(),
            data: Some("x".into()),
            acl: Some(Acl::open()),
            flags,
            ttl: 60_000,
        });
        let call = client.create("/t", "x").mode(mode).ttl(minute).send();
        let created = answered(&mut peer, call, expected, &reply).await.unwrap();
        assert_eq!((&*created.path, created.stat), ("/t0000000001", stat()));
    }
    let error =
        refused(&mut peer, client.create("/t", "").ttl(minute).send(), ErrorCode::Unimplemented)
            .await;
    let code = ErrorCode::Unimplemented;
    assert_eq!(error, Error::Server { op: OpCode::CreateTtl, path: "/t".into(), code });
}

#[tokio::test(start_paused = true)]
async fn a_time_to_live_that_does_not_fit_is_refused_before_anything_is_sent() {
    let (client, mut peer) = chrooted().await;
    let reason = "only a persistent node can have a time to live";
    for mode in [CreateMode::Ephemeral, CreateMode::EphemeralSequential, CreateMode::Container] {
        let call = client.create("/t", "").mode(mode).ttl(Duration::from_secs(1));
        assert_eq!(call.await.unwrap_err(), Error::BadArguments { reason });
    }
    let call = client.create("/t", "").mode(CreateMode::PersistentWithTtl);
    let reason = "the mode needs a time to live";
    assert_eq!(call.await.unwrap_err(), Error::BadArguments { reason });
    let longest = Duration::from_millis(0xff_ffff_ffff);
    for ttl in [Duration::ZERO, Duration::from_nanos(999_999), longest + Duration::from_millis(1)] {
        let error = client.create("/t", "").ttl(ttl).await.unwrap_err();
        assert!(matches!(error, Error::BadArguments { .. }), "{ttl:?}: {error}");
    }
    let refused = client.multi().create_node(client.create("/t", "").ttl(Duration::ZERO));
    assert!(matches!(refused.commit().await, Err(Error::BadArguments { .. })));

    let _longest = client.create("/t", "").ttl(longest).send();
    let (_, request) = peer.request().await;
    assert!(matches!(request, Request::CreateTtl(create) if create.ttl == 0xff_ffff_ffff));
}

#[tokio::test(start_paused = true)]
async fn a_multi_creates_containers_and_nodes_with_a_time_to_live() {
    let (client, mut peer) = chrooted().await;
    let (acl, data) = (Some(Acl::open()), Some(Bytes::new()));
    let ttl = CreateTtlRequest {
        path: "/app/t".into(),
        data: data.clone(),
        acl: acl.clone(),
        flags: 5,
        ttl: 1000,
    };
    let container = CreateRequest { path: "/app/c".into(), data, acl, flags: 4 };
    let expected = Request::Multi(MultiRequest {
        ops: vec![MultiOp::CreateContainer(container), MultiOp::CreateTtl(ttl)],
    });
    let results = ["/app/c", "/app/t"]
        .map(|path| MultiResult::Create2(Create2Response { path: path.into(), stat: stat() }));
    let call = client
        .multi()
        .create_with("/c", "", CreateMode::Container, Acl::open())
        .create_node(client.create("/t", "").ttl(Duration::from_secs(1)))
        .commit();
    let reply = MultiResponse { results: results.to_vec() };
    let outcomes = answered(&mut peer, call, expected, &reply).await.unwrap();
    assert_eq!(outcomes.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn each_read_of_a_multi_read_has_a_result_of_its_own() {
    let (client, mut peer) = chrooted().await;
    let expected = Request::MultiRead(MultiReadRequest {
        ops: vec![
            MultiReadOp::GetData(GetDataRequest { path: "/app".into(), watch: false }),
            MultiReadOp::GetData(GetDataRequest { path: "/app/none".into(), watch: false }),
            MultiReadOp::GetChildren(GetChildrenRequest { path: "/app/a".into(), watch: false }),
        ],
    });
    let reply = MultiReadResponse {
        results: vec![
            MultiReadResult::GetData(GetDataResponse { data: None, stat: stat() }),
            MultiReadResult::Error(ErrorResponse { err: ErrorCode::NoNode }),
            MultiReadResult::GetChildren(GetChildrenResponse { children: vec!["x".into()] }),
        ],
    };
    let call = || client.multi_read().get("/").get("/none").children("/a").send();
    let results = answered(&mut peer, call(), expected.clone(), &reply).await.unwrap();
    let (op, code) = (OpCode::GetData, ErrorCode::NoNode);
    let none = Error::Server { op, path: "/none".into(), code };
    let data = MultiReadOutcome::Data(Bytes::new(), stat());
    let children = MultiReadOutcome::Children(vec!["x".into()]);
    assert_eq!(results, [Ok(data), Err(none), Ok(children)]);

    let mismatch = Error::Protocol(Violation::MultiMismatch);
    let mut short = reply.clone();
    short.results.pop();
    assert_eq!(answered(&mut peer, call(), expected.clone(), &short).await.unwrap_err(), mismatch);
    let mut swapped = reply.clone();
    swapped.results.swap(0, 2);
    assert_eq!(answered(&mut peer, call(), expected, &swapped).await.unwrap_err(), mismatch);
    let bad = client.multi_read().get("/a").children("b").send().await.unwrap_err();
    assert!(matches!(bad, Error::BadPath { path, .. } if path == "b"));
}

#[tokio::test(start_paused = true)]
async fn ephemerals_are_those_below_the_chroot() {
    let (client, mut peer) = chrooted().await;
    let expected = |prefix: &'static str| {
        let prefix_path = Some(ByteString::from_static(prefix));
        Request::GetEphemerals(GetEphemeralsRequest { prefix_path })
    };
    let ephemerals = ["/app/a", "/apple", "/app"].map(ByteString::from_static).to_vec();
    let reply = GetEphemeralsResponse { ephemerals };
    let all = answered(&mut peer, client.get_ephemerals().send(), expected("/app"), &reply).await;
    assert_eq!(all.unwrap(), ["/a", "/"]);
    let call = client.get_ephemerals().prefix("/a/b-").send();
    let reply = GetEphemeralsResponse::default();
    let none = answered(&mut peer, call, expected("/app/a/b-"), &reply).await.unwrap();
    assert!(none.is_empty());
}

#[tokio::test(start_paused = true)]
async fn descendants_are_counted_and_identities_told() {
    let (client, mut peer) = chrooted().await;
    let asked = GetAllChildrenNumberRequest { path: "/app/a".into() };
    let reply = GetAllChildrenNumberResponse { total_number: 12 };
    let call = client.all_children_number("/a").send();
    let number = answered(&mut peer, call, Request::GetAllChildrenNumber(asked), &reply).await;
    assert_eq!(number.unwrap(), 12);

    let bob = ClientInfo { auth_scheme: "digest".into(), user: "bob".into() };
    let reply = WhoAmIResponse { client_info: vec![bob.clone()] };
    let call = client.who_am_i().send();
    let known = answered(&mut peer, call, Request::WhoAmI(NoBody {}), &reply).await.unwrap();
    assert_eq!(known, [bob]);
    let error = refused(&mut peer, client.who_am_i().send(), ErrorCode::Unimplemented).await;
    assert_eq!(error.to_string(), "WhoAmI /: operation not implemented or switched off (-6)");
}

#[tokio::test(start_paused = true)]
async fn the_configuration_is_outside_the_chroot() {
    let (client, mut peer) = chrooted().await;
    let path = ByteString::from_static("/zookeeper/config");
    let asked = Request::GetData(GetDataRequest { path: path.clone(), watch: false });
    let reply = GetDataResponse { data: Some("version=0".into()), stat: stat() };
    let config = answered(&mut peer, client.get_config().send(), asked, &reply).await.unwrap();
    assert_eq!(config, (Bytes::from("version=0"), stat()));

    let asked = Request::GetData(GetDataRequest { path, watch: true });
    let call = client.get_config().watch().into_future();
    let (_, watch) = answered(&mut peer, call, asked, &reply).await.unwrap();
    peer.event(EventType::NodeDataChanged, "/zookeeper/config").await;
    assert_eq!(watch.await.unwrap().path, "/zookeeper/config");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_members_says_who_joins_and_who_leaves() {
    let (client, mut peer) = chrooted().await;
    let reply = GetDataResponse { data: Some("version=200".into()), stat: stat() };
    let expected = Request::Reconfig(ReconfigRequest {
        joining_servers: Some("server.4=d:1:2;3,server.5=e:1:2;3".into()),
        leaving_servers: Some("1,2".into()),
        new_members: None,
        cur_config_id: 0x100,
    });
    let call = client
        .reconfig()
        .joining("server.4=d:1:2;3")
        .joining("server.5=e:1:2;3")
        .leaving(1)
        .leaving(2)
        .version(0x100)
        .send();
    let changed = answered(&mut peer, call, expected, &reply).await.unwrap();
    assert_eq!(changed, (Bytes::from("version=200"), stat()));
    let expected = Request::Reconfig(ReconfigRequest {
        joining_servers: None,
        leaving_servers: None,
        new_members: Some("server.1=a:1:2;3".into()),
        cur_config_id: -1,
    });
    let call = client.reconfig().new_members("server.1=a:1:2;3").send();
    answered(&mut peer, call, expected, &reply).await.unwrap();
}
