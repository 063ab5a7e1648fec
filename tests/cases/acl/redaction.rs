//! What getACL shows to whom.

use zk_client::ErrorCode;
use zk_test_kit::TestServer;

use super::{acl_of, code, create_with, entry, everybody, get_acl, known_as, knows};

zk_test_kit::cases![
    who_may_not_change_a_list_sees_no_hashes,
    who_may_neither_read_nor_change_sees_no_list,
];

async fn who_may_not_change_a_list_sees_no_hashes(server: &TestServer) {
    let path = server.path("/a");
    let list = vec![
        knows(31, "owner:secret"),
        knows(16, "admin:secret"),
        entry(0, "digest", ":hash"),
        entry(0, "digest", "user:hash:"),
        entry(31, "ip", "9.9.9.9/24"),
        everybody(1),
    ];
    known_as(server, &[]).await.succeed(&create_with(&path, list.clone())).await;
    for word in ["owner:secret", "admin:secret"] {
        let mut raw = known_as(server, &[word]).await;
        assert_eq!(acl_of(&mut raw, &path).await, list, "{word}");
    }
    let mut stranger = server.raw_session().await;
    let redacted = [
        entry(31, "digest", "owner:x"),
        entry(16, "digest", "admin:x"),
        entry(0, "digest", ":x"),
        entry(0, "digest", "user:x"),
        entry(31, "ip", "9.9.9.9/24"),
        everybody(1),
    ];
    assert_eq!(acl_of(&mut stranger, &path).await, redacted);
}

async fn who_may_neither_read_nor_change_sees_no_list(server: &TestServer) {
    let path = server.path("/a");
    let list = vec![everybody(2 | 4 | 8), knows(16, "admin:secret")];
    known_as(server, &[]).await.succeed(&create_with(&path, list.clone())).await;
    let mut stranger = server.raw_session().await;
    assert_eq!(code(&mut stranger, &get_acl(&path)).await, ErrorCode::NoAuth);
    let mut admin = known_as(server, &["admin:secret"]).await;
    assert_eq!(acl_of(&mut admin, &path).await, list);
}
