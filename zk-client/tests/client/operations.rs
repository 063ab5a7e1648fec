//! What goes out and what comes in, by operation.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use zk_client::{
    Client, CreateMode, Error, ErrorCode, EventType, MultiOutcome, Stat, Version, Violation,
};
use zk_proto::message::{
    Create2Response, CreateResponse, ErrorResponse, GetChildren2Response, GetChildrenResponse,
    GetDataResponse, MultiOp, MultiResponse, MultiResult, NoBody, SetDataResponse, SyncResponse,
};
use zk_proto::op::Request;
use zk_proto::{Encode, OpCode};

use crate::peer::{Peer, connected, network};

/// A client below `/app`.
async fn chrooted() -> (Client, Peer) {
    let (connector, mut listener) = network(64 * 1024);
    let builder = Client::builder("zk1,zk2/app").connector(connector);
    let (client, peer) = tokio::join!(builder.connect(), listener.grant());
    (client.unwrap(), peer)
}

#[tokio::test(start_paused = true)]
async fn paths_go_out_below_the_chroot_and_come_back_without_it() {
    let (client, mut peer) = chrooted().await;
    let created = client.create("/job-", "x").mode(CreateMode::EphemeralSequential).send();
    let (xid, request) = peer.request().await;
    let Request::Create2(create) = request else { panic!("{request:?}") };
    assert_eq!(create.path, "/app/job-");
    let path = "/app/job-0000000007".into();
    peer.reply(xid, &Create2Response { path, ..Default::default() }).await;
    assert_eq!(created.await.unwrap().path, "/job-0000000007");

    let watched = client.get("/").watch().send();
    let (xid, request) = peer.request().await;
    let Request::GetData(get) = request else { panic!("{request:?}") };
    assert_eq!(get.path, "/app");
    peer.reply(xid, &GetDataResponse::default()).await;
    let (_, watch) = watched.await.unwrap();
    peer.event(EventType::NodeDataChanged, "/app").await;
    assert_eq!(watch.await.unwrap().path, "/");
}

#[tokio::test(start_paused = true)]
async fn a_sequence_of_children_of_the_chroot_stays_below_it() {
    let (client, mut peer) = chrooted().await;
    let _created = client.create("/", "").mode(CreateMode::PersistentSequential).send();
    let (_, request) = peer.request().await;
    let Request::Create2(create) = request else { panic!("{request:?}") };
    assert_eq!(create.path, "/app/");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_the_operation_and_the_node_as_the_caller_did() {
    let (client, mut peer) = chrooted().await;
    let reply = client.set("/a", "x").version(Version(3)).send();
    let (xid, _) = peer.request().await;
    peer.refuse(xid, ErrorCode::BadVersion).await;
    let error = reply.await.unwrap_err();
    let code = ErrorCode::BadVersion;
    assert_eq!(error, Error::Server { op: OpCode::SetData, path: "/a".into(), code });
    assert_eq!(error.code(), Some(code));
    assert!(!error.outcome_unknown() && !error.is_retriable() && !error.is_session_over());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_while_a_server_answers_is_over() {
    let (client, mut peer) = chrooted().await;
    let reply = client.set("/a", "x").send();
    let (xid, _) = peer.request().await;
    peer.refuse(xid, ErrorCode::SessionExpired).await;
    assert!(reply.await.unwrap_err().is_session_over());
}

#[tokio::test(start_paused = true)]
async fn each_operation_reads_its_reply() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let stat = Stat { version: Version(4), ..Default::default() };
    let calls = async {
        let get = client.get("/a").await.unwrap();
        let set = client.set("/a", "x").await.unwrap();
        let names = client.children("/a").await.unwrap();
        let both = client.children("/a").with_stat().await.unwrap();
        client.sync("/a").await.unwrap();
        client.delete("/a").version(Version(4)).await.unwrap();
        let container = client.create("/c", "").mode(CreateMode::Container).await.unwrap();
        (get, set, names, both, container)
    };
    let served = async {
        let (xid, _) = peer.request().await;
        let data = Some(Bytes::from_static(b"data"));
        peer.reply(xid, &GetDataResponse { data, stat }).await;
        let (xid, _) = peer.request().await;
        peer.reply(xid, &SetDataResponse { stat }).await;
        let children = vec!["x".into(), "y".into()];
        let (xid, _) = peer.request().await;
        peer.reply(xid, &GetChildrenResponse { children: children.clone() }).await;
        let (xid, _) = peer.request().await;
        peer.reply(xid, &GetChildren2Response { children, stat }).await;
        let (xid, _) = peer.request().await;
        peer.reply(xid, &SyncResponse { path: "/a".into() }).await;
        let (xid, request) = peer.request().await;
        let Request::Delete(delete) = request else { panic!("{request:?}") };
        assert_eq!(delete.version, Version(4));
        peer.reply(xid, &NoBody {}).await;
        let (xid, request) = peer.request().await;
        assert_eq!(request.op_code(), OpCode::CreateContainer);
        peer.reply(xid, &Create2Response { path: "/c".into(), stat }).await;
    };
    let ((get, set, names, both, container), ()) = tokio::join!(calls, served);
    assert_eq!(get, (Bytes::from_static(b"data"), stat));
    assert_eq!(set, stat);
    assert_eq!(names, ["x", "y"]);
    assert_eq!(both, (names, stat));
    assert_eq!(container.stat, stat);
}

#[tokio::test(start_paused = true)]
async fn bytes_behind_a_reply_are_ignored() {
    /// A body, and what a later release may put behind it.
    struct Longer<T>(T);

    impl<T: Encode> Encode for Longer<T> {
        fn encode(&self, out: &mut BytesMut) {
            self.0.encode(out);
            out.extend_from_slice(b"more");
        }
    }

    let (client, mut peer) = chrooted().await;
    let stat = Stat { version: Version(4), ..Default::default() };
    let created = client.create("/a", "").send();
    let (xid, _) = peer.request().await;
    peer.reply(xid, &Longer(Create2Response { path: "/app/a".into(), stat })).await;
    assert_eq!(created.await.unwrap().path, "/a");
    let found = client.exists("/a").send();
    let (xid, _) = peer.request().await;
    peer.reply(xid, &Longer(SetDataResponse { stat })).await;
    assert_eq!(found.await.unwrap(), Some(stat));
    let deleted = client.delete("/a").send();
    let (xid, _) = peer.request().await;
    peer.reply(xid, &Longer(NoBody {})).await;
    deleted.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn to_delete_the_root_is_to_delete_the_chroot() {
    let (client, mut peer) = chrooted().await;
    let _deleted = client.delete("/").send();
    let (_, request) = peer.request().await;
    let Request::Delete(delete) = request else { panic!("{request:?}") };
    assert_eq!(delete.path, "/app");
}

async fn multi(results: Vec<MultiResult>) -> Result<Vec<MultiOutcome>, Error> {
    let (client, mut peer) = chrooted().await;
    let multi = client
        .multi()
        .check("/a", Version(1))
        .create("/b", "x")
        .set("/c", "y", Version::ANY)
        .delete("/d", Version(2))
        .commit();
    let (xid, request) = peer.request().await;
    let Request::Multi(asked) = request else { panic!("{request:?}") };
    assert!(matches!(&asked.ops[..], [
        MultiOp::Check(check),
        MultiOp::Create2(create),
        MultiOp::SetData(set),
        MultiOp::Delete(delete)
    ] if check.path == "/app/a" && create.path == "/app/b" && set.path == "/app/c"
        && delete.path == "/app/d"));
    peer.reply(xid, &MultiResponse { results }).await;
    multi.await
}

fn failed(err: ErrorCode) -> MultiResult {
    MultiResult::Error(ErrorResponse { err })
}

#[tokio::test(start_paused = true)]
async fn a_multi_has_an_outcome_for_each_operation() {
    let stat = Stat::default();
    let outcomes = multi(vec![
        MultiResult::Check(NoBody {}),
        MultiResult::Create2(Create2Response { path: "/app/b".into(), stat }),
        MultiResult::SetData(SetDataResponse { stat }),
        MultiResult::Delete(NoBody {}),
    ])
    .await
    .unwrap();
    let created = |stat| MultiOutcome::Created { path: "/b".into(), stat };
    let (set, deleted) = (MultiOutcome::Set(stat), MultiOutcome::Deleted);
    assert_eq!(outcomes, [MultiOutcome::Checked, created(Some(stat)), set, deleted]);
    // Servers before 3.8.2 answer a create2 as a create.
    let outcomes = multi(vec![
        MultiResult::Check(NoBody {}),
        MultiResult::Create(CreateResponse { path: "/app/b".into() }),
        MultiResult::SetData(SetDataResponse { stat }),
        MultiResult::Delete(NoBody {}),
    ])
    .await
    .unwrap();
    assert_eq!(outcomes[1], created(None));
}

#[tokio::test(start_paused = true)]
async fn a_failed_multi_names_the_operation_that_failed() {
    let not_tried = ErrorCode::RuntimeInconsistency;
    let results = [ErrorCode::Ok, ErrorCode::Ok, ErrorCode::NoNode, not_tried];
    let error = multi(results.map(failed).to_vec()).await.unwrap_err();
    let (op, path, code) = (OpCode::SetData, "/c".into(), ErrorCode::NoNode);
    assert_eq!(error, Error::Multi { index: 2, op, path, code });
    assert_eq!(error.code(), Some(ErrorCode::NoNode));
    assert!(!error.outcome_unknown());
}

#[tokio::test(start_paused = true)]
async fn results_that_are_not_those_of_the_operations_are_a_violation() {
    let mismatch = Err(Error::Protocol(Violation::MultiMismatch));
    assert_eq!(multi(vec![]).await, mismatch);
    assert_eq!(multi([ErrorCode::Ok; 4].map(failed).to_vec()).await, mismatch);
}

#[tokio::test(start_paused = true)]
async fn a_bad_path_is_refused_before_anything_is_sent() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    for error in [
        client.get("a").await.unwrap_err(),
        client.create("/a/", "").await.unwrap_err(),
        client.exists("/a//b").watch().await.unwrap_err(),
        client.multi().delete("/ok", Version::ANY).create("", "").await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::BadPath { .. }), "{error:?}");
    }
    let idle = tokio::time::timeout(std::time::Duration::from_secs(1), peer.next()).await;
    assert!(idle.is_err(), "{idle:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_polled_after_its_end_says_closed() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let mut refused = pin!(client.get("bad").send());
    assert!(matches!(refused.as_mut().await, Err(Error::BadPath { .. })));
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(refused.as_mut().poll(&mut cx), Poll::Ready(Err(Error::Closed)));
    let mut reply = pin!(client.get("/a").watch().send());
    let (xid, _) = peer.request().await;
    peer.reply(xid, &GetDataResponse::default()).await;
    assert!(reply.as_mut().await.is_ok());
    assert!(matches!(reply.as_mut().poll(&mut cx), Poll::Ready(Err(Error::Closed))));
}
