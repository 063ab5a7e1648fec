//! Which access lists a server takes, and what it makes of them.

use zk_client::ErrorCode;
use zk_proto::message::MultiResponse;
use zk_proto::message::{MultiOp, MultiResult};
use zk_proto::op::Request;
use zk_proto::{Acl, OpCode};
use zk_test_kit::TestServer;
use zk_test_kit::request::{create, multi};

use super::{acl_of, code, create_with, entry, everybody, known_as, knows, set_acl_to};

zk_test_kit::cases![
    each_scheme_says_which_ids_it_knows,
    who_has_shown_nothing_cannot_be_named_by_auth,
    auth_stands_for_every_identity_that_was_shown,
    duplicates_go_before_auth_is_replaced_and_not_after,
    permissions_are_kept_as_they_were_sent,
    a_null_scheme_is_invalid_and_a_null_id_unreadable,
    a_null_that_has_to_be_compared_with_an_entry_before_it_is_unreadable,
    a_new_list_changes_its_own_version_only,
];

async fn each_scheme_says_which_ids_it_knows(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let node = server.path("/a");
    raw.succeed(&create(&node)).await;
    for (number, (scheme, id, valid)) in [
        ("world", "anyone", true),
        ("world", "anybody", false),
        ("world", "", false),
        ("digest", "user:hash", true),
        ("digest", ":hash", true),
        ("digest", "user:hash::", true),
        ("digest", "user", false),
        ("digest", "user:", false),
        ("digest", "a:b:c", false),
        ("digest", "a::c", false),
        ("digest", "", false),
        ("ip", "1.2.3.4", true),
        ("ip", "001.2.3.4", true),
        ("ip", "1.2.3.4/0", true),
        ("ip", "1.2.3.4/32", true),
        ("ip", "1.2.3.4/+8", true),
        ("ip", "1.2.3.4/33", false),
        ("ip", "1.2.3.4/-1", false),
        ("ip", "1.2.3.4/x", false),
        ("ip", "1.2.3.4/", false),
        ("ip", "1.2.3", false),
        ("ip", "1.2.3.256", false),
        ("ip", "localhost", false),
        ("super", "", false),
        ("sasl", "bob", false),
        ("x509", "CN=bob", false),
        ("nobody", "x", false),
        ("World", "anyone", false),
    ]
    .into_iter()
    .enumerate()
    {
        let expected = if valid { ErrorCode::Ok } else { ErrorCode::InvalidAcl };
        // One bad entry among good ones is enough; the last one lets the case go on.
        let list = vec![entry(31, scheme, id), everybody(31)];
        let path = format!("{node}/{number}");
        for request in [create_with(&path, list.clone()), set_acl_to(&node, list.clone())] {
            assert_eq!(code(&mut raw, &request).await, expected, "{scheme}:{id}");
        }
        if valid {
            let mut stored = list;
            stored.dedup();
            assert_eq!(acl_of(&mut raw, &path).await, stored);
        }
    }
}

async fn who_has_shown_nothing_cannot_be_named_by_auth(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&create(&path)).await;
    for list in [vec![entry(31, "auth", "")], vec![everybody(31), entry(1, "auth", "bob")]] {
        for request in [create_with(&format!("{path}/b"), list.clone()), set_acl_to(&path, list)] {
            assert_eq!(code(&mut raw, &request).await, ErrorCode::InvalidAcl);
        }
    }
    let Request::Create(request) = create_with(&path, Acl::creator_all()) else { unreachable!() };
    let reply = raw.succeed(&multi(vec![MultiOp::Create(request)])).await;
    let results = reply.decode::<MultiResponse>().results;
    assert!(
        matches!(&results[0], MultiResult::Error(error) if error.err == ErrorCode::InvalidAcl),
        "{results:?}"
    );
}

async fn auth_stands_for_every_identity_that_was_shown(server: &TestServer) {
    let mut raw = known_as(server, &["bob:secret", "ann:secret"]).await;
    for (name, id) in [("empty", ""), ("other", "digest:somebody else")] {
        let path = server.path(&format!("/{name}"));
        raw.succeed(&create_with(&path, vec![everybody(1), entry(30, "auth", id)])).await;
        let mut list = acl_of(&mut raw, &path).await;
        // The identities come in no order; of who asks an address is no part.
        assert_eq!(list.remove(0), everybody(1));
        list.sort_by_key(|entry| entry.id.id.clone());
        assert_eq!(list, [knows(30, "ann:secret"), knows(30, "bob:secret")]);
        raw.succeed(&set_acl_to(&path, Acl::creator_all())).await;
        assert_eq!(acl_of(&mut raw, &path).await.len(), 2);
    }
}

async fn duplicates_go_before_auth_is_replaced_and_not_after(server: &TestServer) {
    let mut raw = known_as(server, &["bob:secret"]).await;
    let path = server.path("/a");
    let (auth, bob) = (entry(31, "auth", ""), knows(31, "bob:secret"));
    let list = vec![
        everybody(1),
        auth.clone(),
        entry(31, "ip", "9.9.9.9"),
        everybody(1),
        auth,
        entry(31, "auth", "other"),
        everybody(2),
        bob.clone(),
    ];
    raw.succeed(&create_with(&path, list)).await;
    let expected =
        [everybody(1), bob.clone(), entry(31, "ip", "9.9.9.9"), bob.clone(), everybody(2), bob];
    assert_eq!(acl_of(&mut raw, &path).await, expected);
}

async fn permissions_are_kept_as_they_were_sent(server: &TestServer) {
    let mut raw = known_as(server, &["bob:secret"]).await;
    let path = server.path("/a");
    raw.succeed(&create_with(&path, Acl::creator_all())).await;
    for bits in [0, 32, 255, -1, i32::MIN] {
        let list = vec![everybody(bits), entry(31, "auth", ""), entry(bits, "auth", "")];
        raw.succeed(&set_acl_to(&path, list)).await;
        let expected = [everybody(bits), knows(31, "bob:secret"), knows(bits, "bob:secret")];
        assert_eq!(acl_of(&mut raw, &path).await, expected, "{bits}");
    }
}

async fn a_null_that_has_to_be_compared_with_an_entry_before_it_is_unreadable(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    let null_scheme = |perms| {
        let mut entry = everybody(perms);
        entry.id.scheme = None;
        entry
    };
    let mut null_id = entry(31, "digest", "");
    null_id.id.id = None;
    for (list, expected) in [
        (vec![everybody(31), null_scheme(31)], ErrorCode::MarshallingError),
        (vec![everybody(31), null_scheme(1)], ErrorCode::InvalidAcl),
        (vec![null_scheme(31), entry(31, "nobody", "x")], ErrorCode::InvalidAcl),
        (vec![entry(31, "digest", "a:b:c"), null_id.clone()], ErrorCode::MarshallingError),
        (vec![entry(31, "ip", "nowhere"), null_id], ErrorCode::InvalidAcl),
    ] {
        let request = create_with(&path, list.clone());
        assert_eq!(code(&mut raw, &request).await, expected, "{list:?}");
    }
}

async fn a_null_scheme_is_invalid_and_a_null_id_unreadable(server: &TestServer) {
    let mut raw = known_as(server, &["bob:secret"]).await;
    let path = server.path("/a");
    let null_id = |scheme: &str| {
        let mut entry = entry(31, scheme, "");
        entry.id.id = None;
        entry
    };
    let mut null_scheme = everybody(31);
    null_scheme.id.scheme = None;
    for (bad, expected) in [
        (null_scheme, ErrorCode::InvalidAcl),
        (null_id("nobody"), ErrorCode::InvalidAcl),
        (null_id("world"), ErrorCode::MarshallingError),
        (null_id("digest"), ErrorCode::MarshallingError),
        (null_id("ip"), ErrorCode::MarshallingError),
        (null_id("auth"), ErrorCode::Ok),
    ] {
        let request = create_with(&path, vec![bad.clone()]);
        assert_eq!(request.op_code(), OpCode::Create);
        assert_eq!(code(&mut raw, &request).await, expected, "{bad:?}");
    }
    assert_eq!(acl_of(&mut raw, &path).await, [knows(31, "bob:secret")]);
}

async fn a_new_list_changes_its_own_version_only(server: &TestServer) {
    let client = server.client().await;
    client.create("/a", "data").await.unwrap();
    let before = client.get("/a").await.unwrap().1;
    let mut raw = server.raw_session().await;
    raw.succeed(&set_acl_to(&server.path("/a"), vec![everybody(31)])).await;
    let after = client.get("/a").await.unwrap().1;
    assert_eq!(after.aversion.0, before.aversion.0 + 1);
    assert_eq!(after.mzxid, before.mzxid);
    assert_eq!((after.mtime, after.version), (before.mtime, before.version));
}
