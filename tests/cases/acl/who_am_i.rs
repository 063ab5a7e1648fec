//! What whoAmI tells.

use zk_test_kit::TestServer;

use super::{auth, known_as, who_am_i};

zk_test_kit::cases![
    at_first_a_client_is_its_address,
    an_identity_is_told_once_and_without_what_proves_it,
    the_super_user_is_told_without_a_name,
];

async fn at_first_a_client_is_its_address(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let infos = who_am_i(&mut raw).await;
    assert_eq!(infos.len(), 1);
    assert_eq!(infos[0].0, "ip");
    assert!(infos[0].1.parse::<std::net::IpAddr>().is_ok(), "{infos:?}");
}

async fn an_identity_is_told_once_and_without_what_proves_it(server: &TestServer) {
    let mut raw = known_as(server, &["bob:secret", "ann:a:b", "bob:secret", "zoe"]).await;
    let infos = who_am_i(&mut raw).await;
    let expected = ["ann", "bob", "zoe"].map(|user| ("digest".to_owned(), user.to_owned()));
    assert_eq!(infos[..3], expected);
    assert_eq!((infos.len(), &*infos[3].0), (4, "ip"));
    // Another password is another identity, which looks the same.
    raw.succeed(&auth("digest", "bob:other")).await;
    assert_eq!(who_am_i(&mut raw).await.len(), 5);
}

async fn the_super_user_is_told_without_a_name(server: &TestServer) {
    let mut raw = known_as(server, &["super:admin"]).await;
    let infos = who_am_i(&mut raw).await;
    let has = |scheme: &str, user: &str| infos.contains(&(scheme.to_owned(), user.to_owned()));
    assert!(has("super", "") && has("digest", "super"), "{infos:?}");
    assert_eq!(infos.len(), 3);
}
