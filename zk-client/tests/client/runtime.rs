//! Runtimes that go away under a live handle.

use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::time::Duration;
use zk_client::{Delivery, Error, SessionState};
use zk_proto::message::{NoBody, SyncResponse};
use zk_proto::op::Request;

use crate::peer::connected;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_runtime_that_shuts_down_ends_what_is_pending() {
    let first = runtime();
    let (client, peer, listener) = first.block_on(connected(|builder| builder));
    let (read, write, watched) = first.block_on(async {
        let pending = (
            client.get("/a").send(),
            client.create("/a", "").send(),
            client.exists("/a").watch().send(),
        );
        tokio::task::yield_now().await;
        pending
    });
    let unsent = client.create("/b", "").send();
    drop(first);
    let second = runtime();
    second.block_on(async {
        assert_eq!(read.await.unwrap_err(), Error::Closed);
        let unknown = Error::ConnectionLoss { delivery: Delivery::Unknown };
        assert_eq!(write.await.unwrap_err(), unknown, "it may have been done");
        assert_eq!(watched.await.unwrap_err(), Error::Closed);
        assert_eq!(unsent.await.unwrap_err(), Error::Closed);
        assert_eq!(*client.state().borrow(), SessionState::Closed);
        assert_eq!(client.get("/a").await.unwrap_err(), Error::Closed);
        assert_eq!(client.close().await, Ok(()));
    });
    drop((peer, listener, client));
}

#[test]
fn futures_that_wait_in_another_runtime_are_woken_by_the_shutdown() {
    let first = runtime();
    let (client, peer, listener) = first.block_on(connected(|builder| builder));
    let mut state = client.state();
    let (started, waiting) = std::sync::mpsc::channel();
    let waiter = thread::spawn(move || {
        runtime().block_on(async move {
            let read = client.get("/a").send();
            started.send(()).unwrap();
            let outcome = read.await;
            (outcome, client.close().await)
        })
    });
    waiting.recv().unwrap();
    drop(first);
    let (outcome, closed) = waiter.join().unwrap();
    assert_eq!(outcome.unwrap_err(), Error::Closed);
    assert_eq!(closed, Ok(()));
    assert_eq!(*state.borrow_and_update(), SessionState::Closed);
    drop((peer, listener));
}

/// A driver that goes to sleep over a request would show as a reply that never comes.
#[test]
fn tasks_on_several_threads_all_get_their_replies() {
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let done = runtime.block_on(async {
        let (client, mut peer, _listener) = connected(|builder| builder).await;
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                let client = client.clone();
                tokio::spawn(async move {
                    let path = format!("/{task}");
                    for round in 0..300 {
                        // One at a time, or some at once: the driver is asleep, or busy.
                        let second = (round % 3 == 0).then(|| client.sync(&path).send());
                        client.sync(&path).await?;
                        if let Some(second) = second {
                            second.await?;
                        }
                    }
                    Ok::<_, Error>(())
                })
            })
            .collect();
        drop(client);
        let serve = tokio::spawn(async move {
            while let Some((xid, request)) = peer.next().await {
                match request {
                    Request::Sync(sync) => {
                        peer.reply(xid, &SyncResponse { path: sync.path }).await;
                    }
                    _ => peer.reply(xid, &NoBody {}).await,
                }
            }
        });
        let all = async {
            for task in tasks {
                task.await.unwrap().unwrap();
            }
            serve.await.unwrap();
        };
        tokio::time::timeout(Duration::from_secs(8), all).await
    });
    assert!(done.is_ok(), "a wake-up was lost");
}

#[test]
fn without_a_runtime_a_connect_fails() {
    let connecting = std::pin::pin!(zk_client::Client::connect("zk"));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = connecting.poll(&mut cx) else {
        panic!("it waits for what cannot come");
    };
    assert!(matches!(error, Error::Connect { .. }));
}
