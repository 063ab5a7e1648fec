//! The default connector, once, against a listener of the machine's own.

use tokio::net::TcpListener;
use zk_client::{Client, Error};
use zk_proto::message::GetDataResponse;

use crate::peer::{Peer, SESSION};

#[tokio::test]
async fn a_client_reaches_a_server_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut peer = Peer::new(stream);
        peer.handshake().await;
        peer.grant().await;
        let (xid, _) = peer.request().await;
        peer.reply(xid, &GetDataResponse::default()).await;
        peer.close().await;
    };
    let used = async {
        // The first host refuses: nobody listens there.
        let client = Client::connect(format!("127.0.0.1:1,localhost:{port}")).await.unwrap();
        assert_eq!(client.session_id(), SESSION);
        client.get("/").await.unwrap();
        client.close().await.unwrap();
    };
    tokio::join!(serve, used);
}

#[tokio::test]
async fn a_refused_connection_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let builder = Client::builder(format!("127.0.0.1:{port}"));
    let limit = std::time::Duration::from_millis(300);
    let error = builder.connect_timeout(limit).connect().await.unwrap_err();
    let Error::Connect { reason } = error else { panic!("{error:?}") };
    assert!(reason.contains("refused"), "{reason}");
}
