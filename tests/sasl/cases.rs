//! What is to be seen.

use zk_client::{
    Acl, AuthFailure, Client, CreateMode, DigestMd5, Error, ErrorCode, Id, Permissions,
    SessionState,
};

use crate::site::{Site, ZOE, ZOE_S_PASSWORD};
use crate::{Case, Demand};

macro_rules! cases {
    ($($demand:ident: $name:ident),* $(,)?) => {
        pub(crate) const CASES: &[Case] = &[$( Case {
            name: stringify!($name),
            demand: Demand::$demand,
            run: |site| Box::pin($name(site)),
        } ),*];
    };
}

cases![
    Nothing: who_has_proven_a_password_is_that_user_in_access_lists,
    Nothing: a_client_can_be_a_user_of_sasl_and_of_digest_at_once,
    Nothing: a_user_is_proven_again_on_every_connection,
    Nothing: names_and_passwords_may_have_quotes_and_umlauts,
    Nothing: a_wrong_password_and_an_unknown_user_end_the_client,
    Nothing: a_realm_that_the_server_does_not_have_ends_the_client,
    Nothing: who_is_nobody_is_served_where_nobody_has_to_be_anybody,
    Nothing: the_super_user_may_do_everything,
    NoUsers: a_server_without_users_ends_a_client_that_wants_to_be_one,
    Sasl: who_has_to_be_somebody_and_is_nobody_is_told_so,
    Sasl: who_has_to_be_somebody_and_is_can_do_as_ever,
    Sasl: a_wrong_password_is_told_from_a_missing_one,
];

async fn who_has_proven_a_password_is_that_user_in_access_lists(site: Site) {
    let bob = site.client("bob", "secret").await;
    bob.create("/bobs", "x").acl(Acl::creator_all()).await.unwrap();
    let (acl, _) = bob.get_acl("/bobs").await.unwrap();
    assert_eq!(acl, [Acl::new(Permissions::ALL, sasl("bob"))]);
    assert_eq!(bob.get("/bobs").await.unwrap().0, "x");

    let nobody = site.builder().connect().await.unwrap();
    assert_refused(nobody.get("/bobs").await.unwrap_err(), ErrorCode::NoAuth);
    let zoe = site.client(ZOE, ZOE_S_PASSWORD).await;
    assert_refused(zoe.get("/bobs").await.unwrap_err(), ErrorCode::NoAuth);

    let for_zoe = vec![Acl::new(Permissions::READ, sasl(ZOE))];
    nobody.create("/for-zoe", "y").acl(for_zoe).await.unwrap();
    assert_eq!(zoe.get("/for-zoe").await.unwrap().0, "y");
    assert_refused(bob.get("/for-zoe").await.unwrap_err(), ErrorCode::NoAuth);
    let invalid = vec![Acl::new(Permissions::ALL, sasl("a@b@c"))];
    let refused = bob.create("/invalid", "").acl(invalid).await.unwrap_err();
    assert_refused(refused, ErrorCode::InvalidAcl);
}

async fn a_client_can_be_a_user_of_sasl_and_of_digest_at_once(site: Site) {
    let builder = site.builder().sasl_digest_md5("bob", "secret").auth_digest("eve", "pw");
    let both = builder.connect().await.unwrap();
    assert_eq!(users(&both).await, ["digest eve", "sasl bob"]);
    for (path, owner) in [("/sasl-s", sasl("bob")), ("/digest-s", Id::digest("eve", "pw"))] {
        both.create(path, "").acl(vec![Acl::new(Permissions::ALL, owner)]).await.unwrap();
        both.get(path).await.unwrap();
    }
}

async fn a_user_is_proven_again_on_every_connection(site: Site) {
    let builder = site.builder().sasl_digest_md5("bob", "secret").auth_digest("eve", "pw");
    let bob = builder.connect().await.unwrap();
    bob.create("/again", "").acl(vec![Acl::new(Permissions::ALL, sasl("bob"))]).await.unwrap();
    let (_, changed) = bob.get("/again").watch().await.unwrap();
    let session = bob.session_id();
    for _ in 0..3 {
        site.network.cut();
        bob.get("/again").await.unwrap();
        assert_eq!(users(&bob).await, ["digest eve", "sasl bob"]);
    }
    assert_eq!(bob.session_id(), session);
    bob.set("/again", "changed").await.unwrap();
    changed.await.unwrap();
}

async fn names_and_passwords_may_have_quotes_and_umlauts(site: Site) {
    let zoe = site.client(ZOE, ZOE_S_PASSWORD).await;
    assert_eq!(users(&zoe).await, [format!("sasl {ZOE}")]);
}

async fn a_wrong_password_and_an_unknown_user_end_the_client(site: Site) {
    // Nobody's password: for an unknown user 3.8 compares with that of whoever came before
    // (ZOOKEEPER-4839).
    for (user, password) in [("bob", "wrong"), ("nobody", "nothing"), ("bob", "")] {
        let refused = site.builder().sasl_digest_md5(user, password).connect().await;
        assert_eq!(refused.unwrap_err(), failed(AuthFailure::SaslRefused), "{user}");
    }
}

async fn a_realm_that_the_server_does_not_have_ends_the_client(site: Site) {
    let bob = DigestMd5::new("bob", "secret");
    let refused = site.builder().sasl(bob.clone().realm("example.com")).connect().await;
    assert_eq!(refused.unwrap_err(), failed(AuthFailure::SaslChallenge));
    let refused = site.builder().sasl(bob.clone().service("imap")).connect().await;
    assert_eq!(refused.unwrap_err(), failed(AuthFailure::SaslRefused));
    site.builder().sasl(bob.realm("zk-sasl-md5")).connect().await.unwrap();
}

async fn who_is_nobody_is_served_where_nobody_has_to_be_anybody(site: Site) {
    let nobody = site.builder().connect().await.unwrap();
    nobody.create("/anybody-s", "").await.unwrap();
    assert_eq!(users(&nobody).await, [] as [&str; 0]);
    let packet = nobody.add_auth("sasl", "bob:secret").await.unwrap_err();
    assert_eq!(packet, failed(AuthFailure::CredentialRefused), "it takes an exchange");
}

async fn the_super_user_may_do_everything(site: Site) {
    let bob = site.client("bob", "secret").await;
    let nothing = vec![Acl::new(Permissions::READ, sasl("bob"))];
    bob.create("/closed", "x").acl(nothing).await.unwrap();
    let root = site.client("root", "secret").await;
    root.set("/closed", "y").await.unwrap();
    root.delete("/closed").await.unwrap();
}

async fn a_server_without_users_ends_a_client_that_wants_to_be_one(site: Site) {
    let refused = site.builder().sasl_digest_md5("bob", "secret").connect().await;
    assert_eq!(refused.unwrap_err(), failed(AuthFailure::SaslNotConfigured));
}

async fn who_has_to_be_somebody_and_is_nobody_is_told_so(site: Site) {
    for digest in [false, true] {
        let builder = site.builder();
        let builder = if digest { builder.auth_digest("eve", "pw") } else { builder };
        let nobody = builder.connect().await.unwrap();
        let refused = nobody.get("/").await.unwrap_err();
        assert_eq!(refused, failed(AuthFailure::Required));
        let mut state = nobody.state();
        let state = *state.wait_for(SessionState::is_over).await.unwrap();
        assert_eq!(state, SessionState::AuthFailed { reason: AuthFailure::Required });
    }
}

async fn who_has_to_be_somebody_and_is_can_do_as_ever(site: Site) {
    let bob = site.client("bob", "secret").await;
    bob.create("/mine", "").mode(CreateMode::Ephemeral).await.unwrap();
    site.network.cut();
    assert!(bob.exists("/mine").await.unwrap().is_some());
    bob.close().await.unwrap();
    let zoe = site.client(ZOE, ZOE_S_PASSWORD).await;
    assert!(zoe.exists("/mine").await.unwrap().is_none());
}

async fn a_wrong_password_is_told_from_a_missing_one(site: Site) {
    let refused = site.builder().sasl_digest_md5("bob", "wrong").connect().await;
    assert_eq!(refused.unwrap_err(), failed(AuthFailure::SaslRefused));
}

fn sasl(user: &str) -> Id {
    Id { scheme: Some("sasl".into()), id: Some(user.into()) }
}

/// Who the server knows a client as, beside its address.
async fn users(client: &Client) -> Vec<String> {
    let known = client.who_am_i().await.unwrap().into_iter();
    let known = known.filter(|known| known.auth_scheme != "ip");
    let mut users: Vec<_> =
        known.map(|known| format!("{} {}", known.auth_scheme, known.user)).collect();
    users.sort();
    users
}

const fn failed(reason: AuthFailure) -> Error {
    Error::AuthFailed { reason }
}

fn assert_refused(error: Error, code: ErrorCode) {
    assert_eq!(error.code(), Some(code), "{error}");
}
