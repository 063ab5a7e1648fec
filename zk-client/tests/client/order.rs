//! Order of calls is order on the wire.

use zk_client::Version;
use zk_proto::OpCode;
use zk_proto::message::{ExistsResponse, GetDataResponse, NoBody};

use crate::peer::connected;

#[tokio::test(start_paused = true)]
async fn requests_are_sent_in_the_order_of_their_calls() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let clone = client.clone();
    let create = client.create("/a", "").send();
    let sync = clone.sync("/a").send();
    let children = client.children("/a").send();
    let multi = clone.multi().check("/a", Version::ANY).commit();
    let delete = client.delete("/a").send();
    let expected =
        [OpCode::Create2, OpCode::Sync, OpCode::GetChildren, OpCode::Multi, OpCode::Delete];
    assert_eq!(peer.ops().await, expected);
    drop((create, sync, children, multi, delete));
}

#[tokio::test(start_paused = true)]
async fn a_builder_sends_when_it_becomes_a_future() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let built = client.delete("/a");
    let later = client.exists("/b").into_future();
    let built = built.into_future();
    assert_eq!(peer.ops().await, [OpCode::Exists, OpCode::Delete]);
    drop((later, built));
}

#[tokio::test(start_paused = true)]
async fn joined_requests_are_sent_in_the_order_they_are_written_in() {
    let (client, mut peer, _listener) = connected(|builder| builder).await;
    let joined = async { tokio::join!(client.delete("/1"), client.exists("/2"), client.get("/3")) };
    let served = async {
        let (xid, request) = peer.request().await;
        assert_eq!(request.op_code(), OpCode::Delete);
        peer.reply(xid, &NoBody {}).await;
        let (xid, request) = peer.request().await;
        assert_eq!(request.op_code(), OpCode::Exists);
        peer.reply(xid, &ExistsResponse::default()).await;
        let (xid, request) = peer.request().await;
        assert_eq!(request.op_code(), OpCode::GetData);
        peer.reply(xid, &GetDataResponse::default()).await;
    };
    let ((delete, exists, get), ()) = tokio::join!(joined, served);
    assert!(delete.is_ok() && exists.is_ok() && get.is_ok());
}
