//! Futures and handles that are dropped.

use tokio::time::Duration;
use zk_client::ErrorCode;
use zk_proto::message::{GetDataResponse, NoBody};
use zk_proto::op::Request;

use crate::peer::connected;

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_dropped_in_flight_leaves_the_others_alone() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    drop(client.get("/dropped").send());
    let kept = client.get("/kept").send();
    drop(client.get("/dropped").send());
    for _ in 0..3 {
        let (xid, request) = peer.request().await;
        let Request::GetData(get) = request else { panic!("{request:?}") };
        match &*get.path {
            "/kept" => peer.reply(xid, &GetDataResponse::default()).await,
            _ => peer.refuse(xid, ErrorCode::NoNode).await,
        }
    }
    kept.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_dropped_while_it_waits_is_not_sent() {
    let (client, peer, mut listener) = connected(|builder| builder).await;
    drop(peer);
    client.state().wait_for(|state| !state.is_connected()).await.unwrap();
    drop(client.create("/dropped", "").send());
    let kept = client.create("/kept", "").send();
    let mut peer = listener.grant().await;
    let (_, request) = peer.request().await;
    let Request::Create2(create) = request else { panic!("{request:?}") };
    assert_eq!(create.path, "/kept");
    drop(kept);
}

#[tokio::test(start_paused = true)]
async fn a_future_that_is_dropped_at_any_of_its_polls_leaves_the_session_whole() {
    for patience in 0..30 {
        let (client, mut peer, _listener) = connected(|builder| builder).await;
        let asked = tokio::spawn({
            let client = client.clone();
            async move {
                let limit = Duration::from_millis(patience);
                tokio::time::timeout(limit, async {
                    let (_, watch) = client.get("/a").watch().await?;
                    client.create("/b", "").await?;
                    watch.await
                })
                .await
            }
        });
        let served = async {
            loop {
                tokio::time::sleep(Duration::from_millis(7)).await;
                let (xid, request) = peer.request().await;
                match request {
                    Request::CloseSession(_) => return peer.reply(xid, &NoBody {}).await,
                    Request::GetData(_) => peer.reply(xid, &GetDataResponse::default()).await,
                    _ => peer.refuse(xid, ErrorCode::NoAuth).await,
                }
            }
        };
        let used = async {
            let _ = asked.await.unwrap();
            assert!(client.get("/c").await.is_ok(), "patience {patience}");
            client.close().await
        };
        let (closed, ()) = tokio::join!(used, served);
        assert_eq!(closed, Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_closes_the_session() {
    let (client, mut peer, mut listener) = connected(|builder| builder).await;
    let clone = client.clone();
    let weak = client.downgrade();
    drop(client);
    let idle = tokio::time::timeout(Duration::from_secs(1), peer.next()).await;
    assert!(idle.is_err(), "{idle:?}");
    drop(weak.upgrade().unwrap());
    let last_words = clone.set("/a", "x").send();
    drop(clone);
    assert!(weak.upgrade().is_none());
    let (xid, request) = peer.request().await;
    assert!(matches!(request, Request::SetData(_)));
    peer.reply(xid, &zk_proto::message::SetDataResponse::default()).await;
    last_words.await.unwrap();
    peer.close().await;
    assert!(listener.is_deserted().await);
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_closes_the_session_however_much_is_pending() {
    let (client, mut peer, _listener) = connected(|builder| builder.max_pending(1)).await;
    let read = client.get("/a").send();
    drop(client);
    let (xid, _) = peer.request().await;
    peer.reply(xid, &GetDataResponse::default()).await;
    peer.close().await;
    read.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_last_handle_has_gone_gives_up_in_time() {
    let (client, peer, mut listener) =
        connected(|builder| builder.operation_timeout(Duration::from_secs(5))).await;
    drop(client);
    drop(peer);
    // Nobody answers: the connections are dropped unread until the deadline of the close.
    let start = tokio::time::Instant::now();
    while !listener.is_deserted().await {}
    assert!(start.elapsed() <= Duration::from_secs(5));
}
