//! What is left of a client, or of a call, that goes away: nothing.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc;
use tokio::time::{Duration, sleep, timeout};
use zk_client::{
    Client, ConfigPort, Connect, Connecting, Endpoint, Error, ErrorCode, HostPort, Janitor,
    SessionState, Stream, connect_with, resolve_with,
};
use zk_proto::message::{ConnectResponse, GetDataResponse, MultiResponse, MultiResult, NoBody};
use zk_proto::op::Request;
use zk_proto::{Encode, Password, SessionId};

use crate::peer::{Peer, connected, framed};

/// Polls once, whoever would be woken.
async fn poll_once<F: Future>(future: &mut Pin<Box<F>>) -> Option<F::Output> {
    poll_fn(|cx| {
        Poll::Ready(match future.as_mut().poll(cx) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

/// Lets all other tasks run as far as they get.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

async fn ends_at(tasks: usize) {
    let ended = async {
        while Handle::current().metrics().num_alive_tasks() > tasks {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let left = || Handle::current().metrics().num_alive_tasks();
    assert!(timeout(Duration::from_secs(1), ended).await.is_ok(), "{} are left", left());
}

#[tokio::test(start_paused = true)]
async fn a_proof_whose_future_is_dropped_counts_all_the_same() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let before = client.lease();
    sleep(Duration::from_secs(1)).await;
    let read = client.get("/a").send();
    let (xid, _) = peer.request().await;
    peer.reply(xid, &GetDataResponse::default()).await;
    read.await.unwrap();
    // As long as a server may take to pass on that it has heard of us.
    sleep(Duration::from_millis(10_001)).await;
    let mut proving = Box::pin(client.prove_session());
    assert!(poll_once(&mut proving).await.is_none());
    drop(proving);
    loop {
        let (xid, request) = peer.request().await;
        if let Request::Multi(_) = request {
            let results = vec![MultiResult::Check(NoBody {})];
            peer.reply(xid, &MultiResponse { results }).await;
            break;
        }
    }
    settle().await;
    assert!(client.lease().proven_at() > before.proven_at());
    drop(client);
    peer.close().await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_end_of_a_lease_and_goes_leaves_nothing() {
    let before = Handle::current().metrics().num_alive_tasks();
    let (client, peer, _listener) = connected(|builder| builder).await;
    let with_client = Handle::current().metrics().num_alive_tasks();
    for _ in 0..3 {
        let mut waiting = Box::pin(client.lease_lost());
        assert!(poll_once(&mut waiting).await.is_none());
        drop(waiting);
    }
    assert_eq!(Handle::current().metrics().num_alive_tasks(), with_client);
    let until = client.lease().safe_until().unwrap();
    let ((), ()) = tokio::join!(client.lease_lost(), async {
        let mut peer = peer;
        let _ = timeout(Duration::from_secs(60), peer.ignore()).await;
    });
    assert!(tokio::time::Instant::now() >= until);
    drop(client);
    ends_at(before + 1).await;
}

/// At whatever point it is dropped: either somebody has the session, or it is closed.
#[tokio::test(start_paused = true)]
async fn a_session_is_never_left_to_nobody() {
    let mut ready = 0;
    for polls in 0..6 {
        let (client, mut peer, _listener) = connected(|builder| builder).await;
        let read = client.get("/a").send();
        let (xid, _) = peer.request().await;
        let mut detaching = Box::pin(client.detach());
        let mut saved = None;
        for poll in 0..polls {
            saved = poll_once(&mut detaching).await;
            if saved.is_some() {
                break;
            }
            if poll == 1 {
                peer.reply(xid, &GetDataResponse::default()).await;
            }
            settle().await;
        }
        drop(detaching);
        if polls < 2 {
            peer.reply(xid, &GetDataResponse::default()).await;
        }
        read.await.unwrap();
        let next = peer.next().await;
        if let Some(saved) = saved {
            assert_eq!(saved.unwrap().session_id(), crate::peer::SESSION);
            assert!(next.is_none(), "{next:?}");
            ready += 1;
        } else {
            assert!(matches!(next, Some((_, Request::CloseSession(_)))), "{polls}: {next:?}");
        }
    }
    assert!((1..5).contains(&ready), "{ready}");
}

#[tokio::test(start_paused = true)]
async fn a_bounded_close_whose_future_is_dropped_keeps_its_limit() {
    let before = Handle::current().metrics().num_alive_tasks();
    let (client, _peer, _listener) = connected(|builder| builder).await;
    let mut closing = Box::pin(client.close_within(Duration::from_millis(500)));
    assert!(poll_once(&mut closing).await.is_none());
    drop(closing);
    ends_at(before).await;
    assert_eq!(*client.state().borrow(), SessionState::Closed);
}

#[tokio::test(start_paused = true)]
async fn all_tasks_end_with_their_client() {
    let before = Handle::current().metrics().num_alive_tasks();
    for way in ["drop", "close", "detach"] {
        let (client, mut peer, _listener) =
            connected(|builder| builder.follow_config(ConfigPort::Client)).await;
        // Without a configuration to follow, it is asked for again after a while.
        let (xid, request) = peer.request().await;
        assert!(matches!(request, Request::GetData(_)), "{request:?}");
        peer.refuse(xid, ErrorCode::NoNode).await;
        let _ = Janitor::of(&client);
        settle().await;
        assert!(Handle::current().metrics().num_alive_tasks() > before);
        match way {
            "drop" => {
                drop(client);
                peer.close().await;
            }
            "close" => {
                let (closed, ()) = tokio::join!(client.close(), peer.close());
                closed.unwrap();
            }
            _ => drop(client.detach().await.unwrap()),
        }
        ends_at(before).await;
    }
}

/// Tells of each stream that is opened.
fn pipes() -> (impl Connect, mpsc::Receiver<DuplexStream>) {
    let (opened, streams) = mpsc::channel(16);
    let connector = connect_with(move |_: HostPort| {
        let (ours, theirs) = duplex(4096);
        let sent = opened.try_send(theirs).map_err(io::Error::other);
        async move { sent.map(|()| ours) }
    });
    (connector, streams)
}

#[tokio::test(start_paused = true)]
async fn the_connection_of_a_question_ends_with_the_client() {
    let before = Handle::current().metrics().num_alive_tasks();
    let (connector, mut streams) = pipes();
    let builder = Client::builder("zk1,zk2").connector(connector).allow_read_only_server(true);
    let granted = async {
        let mut peer = Peer::new(streams.recv().await.unwrap());
        peer.handshake().await;
        let response = ConnectResponse {
            protocol_version: 0,
            timeout: 30_000,
            session_id: SessionId(5),
            passwd: Password::new([1; 16]),
            read_only: Some(true),
        };
        peer.write(&framed(|out| response.encode(out))).await;
        peer
    };
    let (client, peer) = tokio::join!(builder.connect(), granted);
    let client = client.unwrap();
    let mut asked = streams.recv().await.unwrap();
    let mut word = [0; 4];
    asked.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"isro");
    let (closed, ()) = tokio::join!(client.close(), peer.close());
    closed.unwrap();
    assert_eq!(asked.read(&mut word).await.unwrap(), 0, "it hangs up");
    ends_at(before).await;
}

/// Wants addresses, which never come.
struct WantsAddresses;

impl Connect for WantsAddresses {
    fn connect(&self, _: &Endpoint) -> Connecting {
        Box::pin(async { Err::<Box<dyn Stream>, _>(io::ErrorKind::Unsupported.into()) })
    }

    fn wants_addresses(&self) -> bool {
        true
    }
}

#[test]
fn a_runtime_that_shuts_down_takes_look_ups_along() {
    for threads in [1, 2] {
        let runtime =
            Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap();
        let (begun, mut begins) = mpsc::channel(16);
        let kept = Arc::new(());
        let held = Arc::clone(&kept);
        let resolver = resolve_with(move |_: HostPort| {
            let (held, begun) = (Arc::clone(&held), begun.clone());
            async move {
                begun.try_send(()).map_err(io::Error::other)?;
                let _held = held;
                std::future::pending().await
            }
        });
        let builder = Client::builder("zk").connector(WantsAddresses).resolver(resolver);
        let connecting = runtime.spawn(builder.connect());
        runtime.block_on(begins.recv()).unwrap();
        drop(runtime);
        assert_eq!(Arc::strong_count(&kept), 1);
        assert!(connecting.is_finished());
    }
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_panics_ends_its_client_and_nothing_else() {
    let before = Handle::current().metrics().num_alive_tasks();
    let connector = connect_with(|_: HostPort| async {
        if Handle::current().metrics().num_alive_tasks() > 0 {
            panic!("the connector of a user");
        }
        Ok(duplex(1).0)
    });
    let failed = Client::builder("zk").connector(connector).connect().await;
    assert!(matches!(failed, Err(Error::Connect { .. })), "{failed:?}");
    ends_at(before).await;
}

#[tokio::test(start_paused = true)]
async fn a_resolver_that_panics_ends_its_client_and_nothing_else() {
    let before = Handle::current().metrics().num_alive_tasks();
    let resolver = resolve_with(|host: HostPort| async move {
        assert!(host.port == 1, "the resolver of a user");
        Ok(Vec::new())
    });
    let builder = Client::builder("zk").connector(WantsAddresses).resolver(resolver);
    let failed = builder.connect().await;
    assert!(matches!(failed, Err(Error::Connect { .. })), "{failed:?}");
    ends_at(before).await;
}

#[tokio::test(start_paused = true)]
async fn times_without_end_are_no_fault() {
    let ever = Duration::MAX;
    let (client, mut peer, _listener) = connected(|builder| {
        let builder = builder.session_timeout(ever).operation_timeout(ever).connect_timeout(ever);
        builder.server_tick(ever).keep_lease(ever)
    })
    .await;
    let read = client.get("/a").send();
    let (xid, _) = peer.request().await;
    peer.reply(xid, &GetDataResponse::default()).await;
    read.await.unwrap();
    let mut waiting = Box::pin(client.wait_until_exists("/b").timeout(ever).into_future());
    assert!(poll_once(&mut waiting).await.is_none());
    let (xid, request) = peer.request().await;
    assert!(matches!(request, Request::Exists(_)), "{request:?}");
    peer.refuse(xid, ErrorCode::NoNode).await;
    settle().await;
    drop(waiting);
    drop(client);
    loop {
        let (xid, request) = peer.request().await;
        peer.reply(xid, &NoBody {}).await;
        if let Request::CloseSession(_) = request {
            return;
        }
    }
}
