//! Who a client is to a server: credentials, what they open, and what a refusal means.

use zk_client::{
    Acl, AuthFailure, Client, ClientInfo, Error, ErrorCode, Id, Permissions, SessionState,
};
use zk_test_kit::TestServer;

zk_test_kit::cases![
    what_belongs_to_somebody_is_closed_to_others_until_they_say_who_they_are,
    credentials_of_the_builder_are_told_again_after_a_reconnect,
    a_scheme_that_the_server_does_not_know_ends_the_client,
    the_server_tells_who_we_are,
];

async fn what_belongs_to_somebody_is_closed_to_others_until_they_say_who_they_are(
    server: &TestServer,
) {
    let bob = server.builder(&server.network()).auth_digest("bob", "pw").connect().await.unwrap();
    bob.create("/bobs", "x").acl(Acl::creator_all()).await.unwrap();
    let (acl, _) = bob.get_acl("/bobs").await.unwrap();
    assert_eq!(acl, [Acl::new(Permissions::ALL, Id::digest("bob", "pw"))]);

    let other = server.client().await;
    assert_refused(other.get("/bobs").await.unwrap_err(), ErrorCode::NoAuth);
    assert_refused(other.get_acl("/bobs").await.unwrap_err(), ErrorCode::NoAuth);
    other.add_auth("digest", "bob:wrong").await.unwrap();
    assert_refused(other.get("/bobs").await.unwrap_err(), ErrorCode::NoAuth);
    // Not awaited: a request is asked by whom the connection knows when it arrives.
    let added = other.add_auth("digest", "bob:pw").send();
    assert_eq!(other.get("/bobs").await.unwrap().0, "x");
    added.await.unwrap();
    let nobody = server.client().await;
    let create = nobody.create("/mine", "").acl(Acl::creator_all()).await.unwrap_err();
    assert_refused(create, ErrorCode::InvalidAcl);
}

async fn credentials_of_the_builder_are_told_again_after_a_reconnect(server: &TestServer) {
    let network = server.network();
    let builder = server.builder(&network).auth_digest("bob", "pw");
    let bob = builder.connect().await.unwrap();
    bob.add_auth("digest", "eve:pw").await.unwrap();
    bob.create("/bobs", "").acl(Acl::creator_all()).await.unwrap();
    for _ in 0..3 {
        network.cut();
        bob.get("/bobs").await.unwrap();
        let mut known = digests(&bob).await;
        known.sort();
        assert_eq!(known, ["bob", "eve"]);
    }
}

async fn a_scheme_that_the_server_does_not_know_ends_the_client(server: &TestServer) {
    let refused = server.builder(&server.network()).auth("nobody", "knows").connect().await;
    assert_eq!(refused.unwrap_err(), REFUSED);
    let client = server.client().await;
    let mut state = client.state();
    assert_eq!(client.add_auth("nobody", "knows").await.unwrap_err(), REFUSED);
    state.wait_for(|state| matches!(state, SessionState::AuthFailed { .. })).await.unwrap();
    assert_eq!(client.get("/").await.unwrap_err(), REFUSED);
}

async fn the_server_tells_who_we_are(server: &TestServer) {
    let client = server.client().await;
    assert_eq!(digests(&client).await, Vec::<String>::new());
    client.add_auth("digest", "bob:pw").await.unwrap();
    client.add_auth("digest", "bob:pw").await.unwrap();
    assert_eq!(digests(&client).await, ["bob"]);
}

/// The users of scheme `digest` that the server knows a client as.
async fn digests(client: &Client) -> Vec<String> {
    let known = client.who_am_i().await.unwrap();
    let digests = known.into_iter().filter(|known| known.auth_scheme == "digest");
    digests.map(|ClientInfo { user, .. }| user.to_string()).collect()
}

fn assert_refused(error: Error, code: ErrorCode) {
    assert_eq!(error.code(), Some(code), "{error}");
}

const REFUSED: Error = Error::AuthFailed { reason: AuthFailure::CredentialRefused };
