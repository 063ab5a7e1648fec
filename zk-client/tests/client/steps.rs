//! Calls of several steps, and a server that is old, busy, or says nothing any more.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;
use zk_client::{Client, CreateMode, Delivery, Error, ErrorCode, Janitor, Steps};
use zk_proto::message::{Create2Response, NoBody};
use zk_proto::op::Request;

use crate::peer::{Listener, Peer, connected};

/// A client whose calls end after five seconds, long before it misses the server.
async fn impatient() -> (Client, Peer, Listener) {
    connected(|builder| builder.operation_timeout(LIMIT)).await
}

/// What is to be created, as `(path, mode)`.
fn creation(request: &Request) -> (&str, CreateMode) {
    match request {
        Request::Create2(create) | Request::CreateContainer(create) => {
            (&create.path, CreateMode::from_flags(create.flags).unwrap())
        }
        request => panic!("{request:?}"),
    }
}

async fn expect_creation(peer: &mut Peer, path: &str, mode: CreateMode) -> zk_proto::Xid {
    let (xid, request) = peer.request().await;
    assert_eq!(creation(&request), (path, mode));
    xid
}

/// What a call comes to, and the peer that serves it: neither waits for the other for ever.
async fn served_in_time<A, B>(
    call: impl Future<Output = A>,
    served: impl Future<Output = B>,
) -> (A, B) {
    let both = async { tokio::join!(call, served) };
    tokio::time::timeout(Duration::from_secs(60), both).await.expect("not over after a minute")
}

/// Refuses the create of `/a/b/c`, and says of the nodes above it that they are missing.
async fn tell_that_parents_are_missing(peer: &mut Peer) {
    let xid = expect_creation(peer, "/a/b/c", CreateMode::Persistent).await;
    peer.refuse(xid, ErrorCode::NoNode).await;
    for _ in ["/a/b", "/a"] {
        let (xid, request) = peer.request().await;
        assert!(matches!(request, Request::Exists(_)), "{request:?}");
        peer.refuse(xid, ErrorCode::NoNode).await;
    }
}

#[tokio::test(start_paused = true)]
async fn parents_are_plain_nodes_where_the_server_knows_no_containers() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let served = async {
        tell_that_parents_are_missing(&mut peer).await;
        let xid = expect_creation(&mut peer, "/a", CreateMode::Container).await;
        peer.refuse(xid, ErrorCode::Unimplemented).await;
        // It is not asked for containers again.
        for path in ["/a", "/a/b", "/a/b/c"] {
            let xid = expect_creation(&mut peer, path, CreateMode::Persistent).await;
            peer.reply(xid, &Create2Response::default()).await;
        }
    };
    let call = client.create("/a/b/c", "").with_container_parents().send();
    let (created, ()) = served_in_time(call, served).await;
    created.unwrap();
}

#[tokio::test(start_paused = true)]
async fn parents_are_plain_nodes_where_the_server_also_hangs_up() {
    let (client, mut peer, mut listener) = connected(|builder| builder).await;
    let served = async {
        tell_that_parents_are_missing(&mut peer).await;
        let xid = expect_creation(&mut peer, "/a", CreateMode::Container).await;
        peer.refuse(xid, ErrorCode::Unimplemented).await;
        // The next request is on its way already when the connection ends.
        expect_creation(&mut peer, "/a", CreateMode::Persistent).await;
        drop(peer);
        let mut peer = listener.grant().await;
        for path in ["/a", "/a/b", "/a/b/c"] {
            let xid = expect_creation(&mut peer, path, CreateMode::Persistent).await;
            peer.reply(xid, &Create2Response::default()).await;
        }
        peer
    };
    let call = client.create("/a/b/c", "").with_container_parents().send();
    let (created, _peer) = served_in_time(call, served).await;
    created.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_node_that_cannot_be_a_container_is_not_made_another() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let served = async {
        let xid = expect_creation(&mut peer, "/a", CreateMode::Container).await;
        peer.refuse(xid, ErrorCode::Unimplemented).await;
    };
    let call = client.create("/a", "").mode(CreateMode::Container).with_container_parents();
    let (created, ()) = served_in_time(call.send(), served).await;
    assert_eq!(created.unwrap_err().code(), Some(ErrorCode::Unimplemented));
}

#[tokio::test(start_paused = true)]
async fn parents_that_are_deleted_meanwhile_are_created_again() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let served = async {
        tell_that_parents_are_missing(&mut peer).await;
        let xid = expect_creation(&mut peer, "/a", CreateMode::Persistent).await;
        peer.reply(xid, &Create2Response::default()).await;
        let xid = expect_creation(&mut peer, "/a/b", CreateMode::Persistent).await;
        peer.refuse(xid, ErrorCode::NoNode).await;
        tell_that_parents_are_missing(&mut peer).await;
        for path in ["/a", "/a/b", "/a/b/c"] {
            let xid = expect_creation(&mut peer, path, CreateMode::Persistent).await;
            peer.reply(xid, &Create2Response::default()).await;
        }
    };
    let call = client.create("/a/b/c", "").with_parents().send();
    let (created, ()) = served_in_time(call, served).await;
    created.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_given_time() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let begun = Instant::now();
    let served = async {
        for _ in 0..3 {
            let xid = expect_creation(&mut peer, "/a", CreateMode::Persistent).await;
            peer.refuse(xid, ErrorCode::ThrottledOp).await;
        }
        let xid = expect_creation(&mut peer, "/a", CreateMode::Persistent).await;
        peer.reply(xid, &Create2Response::default()).await;
    };
    let (created, ()) = served_in_time(client.create("/a", "").idempotent().send(), served).await;
    created.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(150), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_full_is_given_time() {
    let (client, mut peer, _listener) = connected(|builder| builder.max_pending(1)).await;
    let first = client.delete("/first").send();
    let idempotent = client.create("/a", "").idempotent().send();
    let served = async {
        let (xid, _) = peer.request().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        peer.reply(xid, &NoBody {}).await;
        let xid = expect_creation(&mut peer, "/a", CreateMode::Persistent).await;
        peer.reply(xid, &Create2Response::default()).await;
    };
    let (created, ()) = served_in_time(idempotent, served).await;
    first.await.unwrap();
    created.unwrap();
}

/// How long a call takes to end with what error, when the server answers what it is asked first
/// with a refusal after three seconds, and nothing else.
async fn with_one_answer<T: Send + 'static>(
    first: Option<ErrorCode>,
    call: impl FnOnce(&Client) -> Steps<T>,
) -> (Duration, Error) {
    let (client, mut peer, _listener) = impatient().await;
    let begun = Instant::now();
    let call = call(&client);
    let served = async {
        if let Some(code) = first {
            let (xid, _) = peer.request().await;
            tokio::time::sleep(Duration::from_secs(3)).await;
            peer.refuse(xid, code).await;
        }
        peer.ignore().await;
    };
    tokio::select! {
        outcome = call => (begun.elapsed(), outcome.err().unwrap()),
        () = served => panic!("the client has hung up"),
    }
}

/// Beside the deadline of the call there is a timer that may be as much as a millisecond late.
fn assert_in_time((took, error): (Duration, Error), limit: Duration, delivery: Delivery) {
    assert_eq!(error, Error::Timeout { delivery });
    assert!(took >= limit && took <= limit + Duration::from_millis(2), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_does_not_hold_up_a_call() {
    let unknown = Delivery::Unknown;
    let create = |client: &Client| client.create("/a/b", "").with_parents().send();
    assert_in_time(with_one_answer(None, create).await, LIMIT, unknown);
    let protected = |client: &Client| client.create("/a", "").protected().send();
    assert_in_time(with_one_answer(None, protected).await, LIMIT, unknown);
    let idempotent = |client: &Client| client.create("/a", "").idempotent().send();
    assert_in_time(with_one_answer(None, idempotent).await, LIMIT, unknown);
    let set = |client: &Client| client.set("/a", "").idempotent().send();
    assert_in_time(with_one_answer(None, set).await, LIMIT, unknown);
    let set_or_create = |client: &Client| client.set_or_create("/a", "").send();
    assert_in_time(with_one_answer(None, set_or_create).await, LIMIT, unknown);
    let delete = |client: &Client| client.delete("/a").idempotent().send();
    assert_in_time(with_one_answer(None, delete).await, LIMIT, unknown);
    let guaranteed = |client: &Client| client.delete("/a").guaranteed().send();
    assert_in_time(with_one_answer(None, guaranteed).await, LIMIT, unknown);
    let tree = |client: &Client| client.delete_recursive("/a").send();
    assert_in_time(with_one_answer(None, tree).await, LIMIT, unknown);
    let listing = |client: &Client| client.children_with_data("/a").send();
    assert_in_time(with_one_answer(None, listing).await, LIMIT, unknown);
}

#[tokio::test(start_paused = true)]
async fn all_steps_together_take_no_longer_than_one_operation_may() {
    let unknown = Delivery::Unknown;
    let create = |client: &Client| client.create("/a/b", "").with_parents().send();
    assert_in_time(with_one_answer(Some(ErrorCode::NoNode), create).await, LIMIT, unknown);
    let idempotent = |client: &Client| client.create("/a", "").idempotent().send();
    assert_in_time(with_one_answer(Some(ErrorCode::NodeExists), idempotent).await, LIMIT, unknown);
    let set = |client: &Client| client.set("/a", "").idempotent().send();
    assert_in_time(with_one_answer(Some(ErrorCode::BadVersion), set).await, LIMIT, unknown);
    let set_or_create = |client: &Client| client.set_or_create("/a/b", "").with_parents().send();
    assert_in_time(with_one_answer(Some(ErrorCode::NoNode), set_or_create).await, LIMIT, unknown);
    let delete = |client: &Client| client.delete("/a").idempotent().send();
    assert_in_time(with_one_answer(Some(ErrorCode::ThrottledOp), delete).await, LIMIT, unknown);
}

#[tokio::test(start_paused = true)]
async fn a_wait_has_the_limit_it_was_given_whatever_the_server_says() {
    let limit = Duration::from_secs(12);
    let not_sent = Delivery::NotSent;
    let comes = |client: &Client| client.wait_until_exists("/a").timeout(limit).send();
    assert_in_time(with_one_answer(None, comes).await, limit, not_sent);
    assert_in_time(with_one_answer(Some(ErrorCode::NoNode), comes).await, limit, not_sent);
    let goes = |client: &Client| client.wait_until_absent("/a").timeout(limit).send();
    assert_in_time(with_one_answer(None, goes).await, limit, not_sent);
}

#[tokio::test(start_paused = true)]
async fn what_may_be_left_behind_is_looked_for_until_a_server_answers() {
    let (client, mut peer, _listener) = impatient().await;
    let call = client.create("/a", "").protected().send();
    let (xid, request) = peer.request().await;
    let (path, _) = creation(&request);
    let created = path.to_owned();
    assert!(ends_after(LIMIT, call).await.outcome_unknown());
    assert_eq!(Janitor::of(&client).pending(), 1);
    peer.reply(xid, &Create2Response::default()).await;
    let deleted = loop {
        let (xid, request) = peer.request().await;
        match request {
            Request::Sync(_) => peer.reply(xid, &zk_proto::message::SyncResponse::default()).await,
            Request::GetChildren(_) => {
                let children = vec![created.trim_start_matches('/').to_owned().into()];
                peer.reply(xid, &zk_proto::message::GetChildrenResponse { children }).await;
            }
            Request::Delete(delete) => {
                peer.reply(xid, &NoBody {}).await;
                break delete.path;
            }
            request => panic!("{request:?}"),
        }
    };
    assert_eq!(deleted, created);
    Janitor::of(&client).drain().await;
}

async fn ends_after<T: std::fmt::Debug>(
    limit: Duration,
    call: impl Future<Output = Result<T, Error>>,
) -> Error {
    let begun = Instant::now();
    let error = call.await.unwrap_err();
    assert!(begun.elapsed() >= limit);
    error
}

const LIMIT: Duration = Duration::from_secs(5);
