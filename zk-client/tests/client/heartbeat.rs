//! Sessions that are idle, and servers that are.

use tokio::time::{Duration, Instant, sleep};
use zk_client::SessionState;
use zk_proto::message::NoBody;
use zk_proto::op::Request;

use crate::peer::connected;

#[tokio::test(start_paused = true)]
async fn an_idle_session_is_kept_alive_by_a_ping_each_third_of_its_timeout() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    for _ in 0..20 {
        let idle = Instant::now();
        let (xid, request) = peer.next().await.unwrap();
        assert!(matches!(request, Request::Ping(_)));
        assert_eq!(idle.elapsed().as_secs(), 10);
        peer.reply(xid, &NoBody {}).await;
    }
    assert!(client.state().borrow().is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_busy_session_sends_no_pings() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    for _ in 0..20 {
        sleep(Duration::from_secs(9)).await;
        let read = client.sync("/").send();
        let (xid, request) = peer.next().await.unwrap();
        assert!(matches!(request, Request::Sync(_)), "{request:?}");
        peer.reply(xid, &zk_proto::message::SyncResponse::default()).await;
        read.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_mute_server_is_left_after_two_thirds_of_the_timeout() {
    let (client, mut peer, mut listener) = connected(|builder| builder).await;
    let heard = Instant::now();
    let mut state = client.state();
    let lost = |state: &SessionState| matches!(state, SessionState::Disconnected { .. });
    state.wait_for(lost).await.unwrap();
    assert_eq!(heard.elapsed().as_secs(), 20);
    assert!(matches!(peer.next().await, Some((_, Request::Ping(_)))));
    assert!(peer.next().await.is_none());
    let next = listener.grant().await;
    assert_ne!(next.host, peer.host);
    state.wait_for(SessionState::is_connected).await.unwrap();
    assert_eq!(heard.elapsed().as_secs(), 20, "a third is left, and hardly used");
}
