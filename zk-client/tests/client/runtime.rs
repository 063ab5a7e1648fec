//! Runtimes that go away under a live handle.

use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::time::Duration;
use zk_client::{AddWatchMode, Delivery, Error, Janitor, SessionState};
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

/// Whatever waits on another runtime must not wait for one that has gone.
#[test]
fn everything_that_waits_ends_with_the_runtime_of_the_client() {
    for threads in [None, Some(2)] {
        let first = match threads {
            None => runtime(),
            Some(threads) => {
                Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap()
            }
        };
        let (client, peer, listener) = first.block_on(connected(|builder| builder));
        let (started, waiting) = std::sync::mpsc::channel();
        let waiter = thread::spawn(move || {
            let janitor = Janitor::of(&client);
            runtime().block_on(async move {
                let read = client.get("/a").send();
                let steps = client.create("/a", "").protected().send();
                let stream = client.watch("/a", AddWatchMode::Persistent).send();
                let waited = client.wait_until_exists("/b").send();
                let closing = client.close_within(Duration::from_secs(3600));
                let all = async { tokio::join!(read, steps, stream, waited, closing) };
                let mut all = std::pin::pin!(all);
                // All of it is under way, the close behind all else, before the runtime goes.
                let first = std::future::poll_fn(|cx| {
                    std::task::Poll::Ready(all.as_mut().poll(cx).is_pending())
                });
                assert!(first.await);
                started.send(()).unwrap();
                let (read, steps, stream, waited, closed) = all.await;
                assert_eq!(read.unwrap_err(), Error::Closed);
                let steps = steps.unwrap_err();
                assert!(steps.is_session_over() || steps.outcome_unknown(), "{steps:?}");
                assert_eq!(stream.unwrap_err(), Error::Closed);
                assert_eq!(waited.unwrap_err(), Error::Closed);
                assert_eq!(closed, Err(Error::Closed), "nobody has confirmed it");
                assert_eq!(client.close().await, Ok(()), "there is nothing left to close");
                assert_eq!(client.connected().await, Err(Error::Closed));
                janitor.delete("/unwanted").unwrap();
                Janitor::of(&client).drain().await;
                assert_eq!(client.clone().detach().await.unwrap_err(), Error::Closed);
            });
        });
        waiting.recv().unwrap();
        drop(first);
        waiter.join().unwrap();
        drop((peer, listener));
    }
}

/// Its task is never polled.
#[test]
fn a_janitor_that_is_first_wanted_when_the_runtime_has_gone_has_nothing_to_do() {
    let first = runtime();
    let (client, peer, listener) = first.block_on(connected(|builder| builder));
    drop(first);
    let janitor = Janitor::of(&client);
    janitor.delete("/a").unwrap();
    runtime().block_on(janitor.drain());
    assert_eq!(janitor.pending(), 0);
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
