//! Peers that do not read, and clients that do not stop.

use bytes::Bytes;
use tokio::time::{Duration, Instant};
use zk_client::{Delivery, Error};
use zk_proto::message::{NoBody, SetDataResponse};
use zk_proto::op::Request;

use crate::peer::{connected, connected_over};

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_read_ends_in_refusals_and_then_in_another_server() {
    let settings = |builder: zk_client::ClientBuilder| builder.max_pending(50);
    let (client, peer, mut listener) = connected_over(1024, settings).await;
    let start = Instant::now();
    let data = Bytes::from(vec![7; 900]);
    let mut writes = Vec::new();
    let mut refused = 0;
    for _ in 0..200 {
        writes.push(client.set("/a", data.clone()).send());
        tokio::task::yield_now().await;
    }
    let mut outcomes = Vec::new();
    // The pipe holds one of them; silence ends the connection, and the next server takes the rest.
    let serve = async {
        let mut next = listener.grant().await;
        assert_eq!(start.elapsed().as_secs(), 20);
        let mut served = 0;
        while let Some((xid, request)) = next.next().await {
            match request {
                Request::SetData(_) => served += 1,
                Request::Ping(_) => {}
                request => panic!("{request:?}"),
            }
            match request {
                Request::Ping(_) => next.reply(xid, &NoBody {}).await,
                _ => next.reply(xid, &SetDataResponse::default()).await,
            }
            if served == 48 {
                break;
            }
        }
        next
    };
    let collect = async {
        for write in writes {
            outcomes.push(write.await);
        }
    };
    let (_next, ()) = tokio::join!(serve, collect);
    let mut unknown = 0;
    let mut done = 0;
    for outcome in outcomes {
        match outcome {
            Ok(_) => done += 1,
            Err(Error::TooManyRequests) => refused += 1,
            Err(Error::ConnectionLoss { delivery: Delivery::Unknown }) => unknown += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(refused, 150, "bounded by what may be pending");
    assert_eq!(unknown + done, 50);
    assert!(unknown >= 1 && done >= 40, "{unknown} unknown, {done} done");
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn a_pipe_of_one_byte_is_slow_and_nothing_else() {
    let (client, mut peer, _listener) = connected_over(1, |builder| builder).await;
    let writes: Vec<_> = (0..20).map(|_| client.set("/a", "12345").send()).collect();
    for _ in 0..20 {
        let (xid, _) = peer.request().await;
        peer.reply(xid, &SetDataResponse::default()).await;
    }
    for write in writes {
        write.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_request_and_a_large_reply_pass() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let data = Bytes::from(vec![1; 1_000_000]);
    let write = client.set("/a", data.clone()).send();
    let (xid, request) = peer.request().await;
    let Request::SetData(set) = request else { panic!("{request:?}") };
    assert_eq!(set.data, Some(data.clone()));
    peer.reply(xid, &SetDataResponse::default()).await;
    write.await.unwrap();
    let read = client.get("/a").send();
    let (xid, _) = peer.request().await;
    let data = Bytes::from(vec![2; 4_000_000]);
    let body =
        zk_proto::message::GetDataResponse { data: Some(data.clone()), ..Default::default() };
    let (got, ()) = tokio::join!(read, peer.reply(xid, &body));
    assert_eq!(got.unwrap().0, data);
}

#[tokio::test(start_paused = true)]
async fn a_request_over_the_limit_is_refused_at_once() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let error = client.set("/a", vec![0; 2_000_000]).await.unwrap_err();
    let Error::RequestTooLarge { length, limit: 1_048_575 } = error else { panic!("{error:?}") };
    assert!(length > 2_000_000);
    // Nothing of it is on the wire.
    let next = client.get("/a").send();
    let (_, request) = peer.request().await;
    assert!(matches!(request, Request::GetData(_)));
    drop(next);
    let idle = tokio::time::timeout(Duration::from_secs(1), peer.next()).await;
    assert!(idle.is_err(), "{idle:?}");
}
