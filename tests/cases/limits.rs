//! What a client may ask: as much as a frame holds, and of paths that can be.

use zk_client::{Client, Error, PathError, Version};
use zk_proto::frame::DEFAULT_MAX_FRAME;
use zk_test_kit::TestServer;

zk_test_kit::cases![
    a_request_may_fill_a_frame_to_the_last_byte,
    a_request_over_the_limit_is_refused_before_it_is_sent,
    a_bad_path_is_refused_before_it_is_sent,
    a_reply_over_the_limit_fails_its_call_alone_and_costs_no_connection,
];

async fn a_request_may_fill_a_frame_to_the_last_byte(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "").await.unwrap();
    let data = vec![7_u8; room_for_data(&server.path("/a"))];
    client.set("/a", data.clone()).await.unwrap();
    // The reply is longer than any request may be.
    let (read, stat) = client.get("/a").await.unwrap();
    assert!(read == data, "other data came back");
    assert_eq!(usize::try_from(stat.data_length).unwrap(), data.len());
}

async fn a_request_over_the_limit_is_refused_before_it_is_sent(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    client.create("/a", "kept").await.unwrap();
    let sent = network.counts().requests;
    let one_too_long = vec![7_u8; room_for_data(&server.path("/a")) + 1];
    assert_eq!(
        client.set("/a", one_too_long).await,
        Err(Error::RequestTooLarge { length: DEFAULT_MAX_FRAME + 1, limit: DEFAULT_MAX_FRAME })
    );
    assert_eq!(network.counts().requests, sent);
    assert_eq!(client.get("/a").await.unwrap().0, "kept");
    assert_eq!(network.dialled().len(), 1);
}

async fn a_reply_over_the_limit_fails_its_call_alone_and_costs_no_connection(server: &TestServer) {
    server.client().await.create("/large", vec![7_u8; 100_000]).await.unwrap();
    let network = server.network();
    let client = server.builder(&network).max_reply(1000).connect().await.unwrap();
    let (before, large) = (client.exists("/").send(), client.get("/large").watch().send());
    let after = client.exists("/large").send();
    before.await.unwrap();
    let error = large.await.unwrap_err();
    assert!(matches!(error, Error::ReplyTooLarge { length: 100_000.., limit: 1000 }), "{error}");
    assert!(after.await.unwrap().is_some());
    client.set("/large", "small").await.unwrap();
    assert_eq!(client.get("/large").await.unwrap().0, "small");
    assert_eq!(network.dialled().len(), 1);
}

async fn a_bad_path_is_refused_before_it_is_sent(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    client.sync("/").await.unwrap();
    let sent = network.counts().requests;
    for (path, reason) in [
        ("", PathError::Empty),
        ("a", PathError::NotAbsolute),
        ("/a/", PathError::TrailingSlash),
        ("/a//b", PathError::EmptyName(3)),
        ("/a/./b", PathError::RelativeName(3)),
        ("/..", PathError::RelativeName(1)),
        ("/a\0", PathError::BadCharacter { character: '\0', offset: 2 }),
        ("/😀", PathError::BadCharacter { character: '😀', offset: 1 }),
    ] {
        let refused = Error::BadPath { path: path.to_owned(), reason };
        for error in refusals(&client, path).await {
            assert_eq!(error, refused);
        }
    }
    assert_eq!(network.counts().requests, sent);
}

/// What each operation says to a path that it does not like.
async fn refusals(client: &Client, path: &str) -> [Error; 8] {
    [
        client.create(path, "").await.unwrap_err(),
        client.delete(path).await.unwrap_err(),
        client.get(path).await.unwrap_err(),
        client.set(path, "").await.unwrap_err(),
        client.exists(path).await.unwrap_err(),
        client.children(path).await.unwrap_err(),
        client.sync(path).await.unwrap_err(),
        client.multi().create("/fine", "").check(path, Version::ANY).commit().await.unwrap_err(),
    ]
}

/// How many bytes of data a setData has room for: the rest is the header with xid and opcode,
/// two lengths, the path and a version.
fn room_for_data(path: &str) -> usize {
    DEFAULT_MAX_FRAME - (8 + 4 + path.len() + 4 + 4)
}
